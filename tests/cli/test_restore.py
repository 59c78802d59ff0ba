"""`atelier restore` from files to files: what is known stays, to the bit."""

import re

import numpy as np
import pytest
import torch
from PIL import Image
from profiled import DISPLAY_P3
from stylising import made, paint, read, refusal
from typer.testing import CliRunner

from atelier import run as runs
from atelier.cli.main import app
from atelier.cli.pictures.contact_sheet import SIDE
from atelier.cli.pictures.contents import identity
from atelier.cli.translation import translating
from atelier.networks.translator import complete
from atelier.stylize.provenance import read_note

SMALL = ["model=restorer", "model.generator.width=4", "model.discriminator.width=4"]


@pytest.fixture(scope="session")
def make_restorer(make_style_run):
    def make(degradation):
        return make_style_run(degradation, "data=degraded", f"degradation={degradation}", *SMALL)

    return make


@pytest.fixture(scope="session")
def inpainter(make_restorer):
    """Its network sees what is lost."""
    return make_restorer("inpainting")


@pytest.fixture(scope="session")
def blind(make_restorer):
    return make_restorer("old_painting")


@pytest.fixture(scope="session")
def enlarger(make_restorer):
    return make_restorer("super_resolution_x4")


@pytest.fixture(scope="session")
def cut(make_style_run):
    small = ["model.generator.width=4", "model.generator.blocks=1", "model.discriminator.width=4"]
    return make_style_run("unpaired", "data=unpaired", "model=cut", "model.taps=[pixels,block1]", *small)


@pytest.fixture
def restore(tmp_path):
    def run(*words):
        return CliRunner().invoke(app, ["restore", *map(str, words), "--out", str(tmp_path / "out")])

    return run


def lost(path, height=32, width=48, box=(slice(8, 20), slice(10, 33))):
    """A mask's file, and what is lost by it, (height, width)."""
    found = np.zeros((height, width), bool)
    found[box] = True
    path.parent.mkdir(exist_ok=True)
    Image.fromarray((found * 255).astype(np.uint8)).save(path)
    return path, found


@pytest.mark.parametrize("run", ["inpainter", "blind"])
@pytest.mark.parametrize("tiles", [[], ["--tile", 16, "--overlap", 8]])
def test_known_pixels_stay_exactly_and_the_others_are_drawn(run, tiles, photo, restore, out, tmp_path, request):
    mask, missing = lost(tmp_path / "mask.png")
    run = request.getfixturevalue(run)
    result = restore(run, photo, "--mask", mask, *tiles)
    assert result.exit_code == 0, result.output
    assert made(out) == ["photo_restored.png"]
    found, before = read(out / "photo_restored.png"), read(photo)
    np.testing.assert_array_equal(found[~missing], before[~missing])
    assert (found[missing] != before[missing]).any(1).mean() > 0.9
    note = read_note(out / "photo_restored.png")
    assert (note["mask"], note["direction"], note["step"]) == (identity(mask), "to_target", 40)
    assert read(tmp_path / "out.png").shape[:2] == (SIDE + 4, 2 * (SIDE + 2) + 2)
    if not tiles:
        task, _, _ = runs.load(run)
        image = torch.tensor(before).permute(2, 0, 1)[None] / 127.5 - 1
        with torch.no_grad():
            drawn = complete(task.translators["to_target"], image, torch.tensor(~missing).float()[None, None])
        expected = ((drawn[0].permute(1, 2, 0) + 1) * 127.5).round().clamp(0, 255).numpy()
        assert np.abs(found - expected).max() <= 1


def test_known_pixels_of_a_wide_gamut_keep_their_numbers_and_its_profile(blind, restore, out, tmp_path):
    photo = paint(tmp_path / "photo.png", icc_profile=DISPLAY_P3)
    mask, missing = lost(tmp_path / "mask.png")
    assert restore(blind, photo, "--mask", mask).exit_code == 0
    np.testing.assert_array_equal(read(out / "photo_restored.png")[~missing], read(photo)[~missing])
    with Image.open(out / "photo_restored.png") as picture:
        assert picture.info["icc_profile"] == DISPLAY_P3


def test_known_pixels_keep_their_colours_below_their_transparency(blind, restore, out, tmp_path):
    before = np.dstack([read(paint(tmp_path / "photo.png")), np.arange(32 * 48, dtype=np.uint16).reshape(32, 48) % 256])
    Image.fromarray(before.astype(np.uint8)).save(tmp_path / "photo.png")
    mask, missing = lost(tmp_path / "mask.png")
    assert restore(blind, tmp_path / "photo.png", "--mask", mask).exit_code == 0
    found = np.asarray(Image.open(out / "photo_restored.png"))
    np.testing.assert_array_equal(found[~missing], before[~missing])
    np.testing.assert_array_equal(found[..., 3], before[..., 3])
    assert (found[missing] != before[missing]).any(1).mean() > 0.8


def test_without_a_folder_pictures_that_differ_go_to_their_own(blind, photo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mask, _ = lost(tmp_path / "mask.png")
    run = f"{blind.parent.name}_{blind.name}-step-40"
    for folder, words in {run: [], f"{run}-mask-mask.png": ["--mask", mask]}.items():
        result = CliRunner().invoke(app, [*map(str, ["restore", blind, photo, *words])])
        assert result.stdout.strip() == f"1 picture in restored/{folder}"
        assert made(tmp_path / "restored" / folder) == ["photo_restored.png"]


@pytest.mark.parametrize("masked", [True, False])
def test_what_is_lost_counts_only_for_a_network_that_does_not_know(
    masked, inpainter, blind, photo, restore, out, tmp_path
):
    mask, missing = lost(tmp_path / "mask.png")
    run = inpainter if masked else blind
    for seed in (3, 4):
        Image.fromarray(np.where(missing[..., None], read(paint(tmp_path / "x.png", seed=seed)), read(photo))).save(
            photo
        )
        assert restore(run, photo, "--mask", mask).exit_code == 0
    found = [read(out / f"{name}.png") for name in ("photo_restored", "photo_restored-1")]
    assert np.array_equal(*found) == masked


def test_without_a_mask_the_whole_picture_is_drawn(blind, photo, restore, out):
    assert restore(blind, photo).exit_code == 0
    found = read(out / "photo_restored.png")
    assert (found != read(photo)).any(2).mean() > 0.9
    assert "mask" not in read_note(out / "photo_restored.png")


def test_a_forgotten_mask_is_told(inpainter, blind, photo, restore):
    result = restore(inpainter, photo)
    assert result.exit_code == 0
    assert result.stderr.startswith("without --mask nothing of a picture counts as lost")
    assert restore(blind, photo).stderr == ""


def test_a_jpeg_comes_out_as_its_pixels_are_kept(inpainter, restore, out, tmp_path):
    mask, missing = lost(tmp_path / "mask.png")
    photos = [paint(tmp_path / name, seed=1) for name in ("a.jpg", "b.tif", "c.webp")]
    assert restore(inpainter, *photos, "--mask", mask).exit_code == 0
    assert made(out) == ["a_restored.png", "b_restored.tif", "c_restored.png"]
    for path, name in zip(photos, made(out), strict=True):
        np.testing.assert_array_equal(read(out / name)[~missing], read(path)[~missing])
    told = refusal(restore(inpainter, *photos, "--mask", mask, "--format", "jpg"))
    assert told == "--format: with --mask what is known stays as it was, which only png, tif, tiff can promise"
    assert restore(inpainter, photos[1], "--format", "jpg").exit_code == 0


def test_a_folder_of_masks_has_one_for_each_picture(blind, restore, out, tmp_path):
    boxes = {"a": (slice(0, 9), slice(0, 9)), "deep/b": (slice(20, 32), slice(30, 48))}
    missing = {}
    for seed, (name, box) in enumerate(boxes.items()):
        paint(tmp_path / "in" / f"{name}.jpg", seed=seed)
        (tmp_path / "masks" / name).parent.mkdir(parents=True, exist_ok=True)
        _, missing[name] = lost(tmp_path / "masks" / f"{name}.png", box=box)
    paint(tmp_path / "in" / "aa.jpg")
    result = restore(blind, tmp_path / "in", "--mask", tmp_path / "masks")
    assert result.exit_code == 1
    assert result.stdout.strip() == f"2 pictures in {out}, 1 failed"
    told = f"no mask of this name in {tmp_path}/masks; did you mean 'a'?"
    assert result.stderr.strip() == f"{tmp_path}/in/aa.jpg: {told}"
    for name, area in missing.items():
        found, before = read(out / f"{name.replace('/', '-')}_restored.png"), read(tmp_path / "in" / f"{name}.jpg")
        np.testing.assert_array_equal(found[~area], before[~area])
        assert (found[area] != before[area]).any(1).mean() > 0.9


def test_pictures_of_one_name_have_the_mask_of_that_name(inpainter, restore, out, tmp_path):
    _, missing = lost(tmp_path / "masks" / "a.png")
    lost(tmp_path / "masks" / "a-1.png", box=(slice(0, 2), slice(0, 2)))
    pictures = [paint(tmp_path / folder / "a.png", seed=seed) for seed, folder in enumerate(("x", "y"))]
    result = restore(inpainter, *pictures, "--mask", tmp_path / "masks")
    assert result.exit_code == 0, result.output
    for picture, name in zip(pictures, ("a", "a-1"), strict=True):
        found, before = read(out / f"{name}_restored.png"), read(picture)
        np.testing.assert_array_equal((found != before).any(2) | missing, missing)
        assert (found[missing] != before[missing]).any(1).mean() > 0.9
    paint(tmp_path / "masks" / "a.jpg")
    told = refusal(restore(inpainter, *pictures, "--mask", tmp_path / "masks"))
    assert told.endswith("a.png are of one name, and of which picture is not told")


def test_masks_that_cannot_be_spoil_only_their_own_pictures(inpainter, restore, out, tmp_path):
    pictures = {name: paint(tmp_path / "in" / f"{name}.png") for name in ("all", "good", "none", "other", "torn")}
    masks = tmp_path / "masks"
    lost(masks / "all.png", box=(slice(None), slice(None)))
    lost(masks / "good.png")
    lost(masks / "none.png", box=(slice(0), slice(0)))
    lost(masks / "other.png", 20, 30)
    (masks / "torn.png").write_bytes(b"no picture")
    result = restore(inpainter, tmp_path / "in", "--mask", masks)
    assert result.exit_code == 4
    assert made(out) == ["good_restored.png"]
    expected = {
        "all": "the mask covers everything; what is left must be black in it (less than 128), not transparent",
        "none": "the mask marks nothing; what is lost must be white in it (128 or more)",
        "other": "a mask of 30 x 20 does not fit a picture of 48 x 32",
        "torn": "not an image",
    }
    assert result.stderr.splitlines() == [
        f"{pictures[name]}: {masks}/{name}.png: {text}" for name, text in expected.items()
    ]


def test_runs_that_enlarge_make_larger_pictures_and_know_no_masks(enlarger, photo, restore, out, tmp_path):
    large = paint(tmp_path / "large.png", 45, 71)
    result = restore(enlarger, photo, large, "--tile", 32, "--overlap", 8)
    assert result.exit_code == 0, result.output
    assert read(out / "photo_restored.png").shape == (128, 192, 3)
    assert read(out / "large_restored.png").shape == (180, 284, 3)
    mask, _ = lost(tmp_path / "mask.png")
    told = refusal(restore(enlarger, photo, "--mask", mask))
    assert told == "--mask: this run enlarges pictures x4, and no pixel stays as it was"


def test_a_run_without_pairs_is_sent_to_the_other_command(cut, photo, restore, out):
    told = refusal(restore(cut, photo))
    assert re.fullmatch("RUN: .*unpaired has seen no pairs .*; it translates to_style: atelier translate .*", told), (
        told
    )
    assert not out.exists()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["{plain}", "{photo}"], "RUN: .* is a run of Gan, which makes no picture of another"),
        (["{blind}", "{photo}", "--mask", "nowhere.png"], "--mask: no such file or folder: 'nowhere.png'"),
        (["{blind}", "{photo}", "--mask", "{folder}"], "--mask: no pictures in"),
        (["{blind}", "nowhere.jpg"], "INPUT: no such file or folder: 'nowhere.jpg'"),
        (["{blind}", "{photo}", "--overlap", "300"], "--overlap: must be at most half of --tile, 256, got 300"),
        (["{blind}", "{photo}", "--format", "gif"], "--format: must be one of .*got 'gif'"),
    ],
)
def test_mistakes_are_one_line_that_names_the_option(words, text, blind, plain, photo, restore, out, tmp_path):
    (tmp_path / "folder").mkdir()
    places = {"blind": blind, "plain": plain, "photo": photo, "folder": tmp_path / "folder"}
    told = refusal(restore(*(word.format_map(places) for word in words)))
    assert re.search(text, told), told
    assert not out.exists()


def test_what_would_come_out_too_large_is_refused_before_it_is_drawn(enlarger, restore, tmp_path, monkeypatch):
    photo, small = paint(tmp_path / "photo.png", 32, 48), paint(tmp_path / "small.png", 16, 16)
    monkeypatch.setattr(translating, "PIXEL_LIMIT", 16 * 32 * 48 - 1)
    result = restore(enlarger, photo, small)
    assert result.exit_code == 1
    assert "photo.png: 24,576 pixels would come out, more than 24,575" in result.stderr
    assert (tmp_path / "out" / "small_restored.png").exists()
