"""`atelier stylize` from files to files, with networks that have not learned anything yet."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms
from profiled import DISPLAY_P3
from stylising import made, paint, read, refusal
from typer.testing import CliRunner

from atelier.cli.main import app
from atelier.cli.pictures.contact_sheet import LONGEST, NAME, SIDE
from atelier.cli.pictures.contents import identity
from atelier.stylize import artwork, masks
from atelier.stylize.provenance import read_note

TINY = "too small: 8 x 8, at least 16 pixels a side are needed"
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def test_a_picture_comes_out_in_its_own_size_with_a_note_of_how(adain, photo, painting, stylize, out, tmp_path):
    result = stylize(adain, "--content", photo, "--style", painting, "--strength", 0.5)
    assert result.exit_code == 0, result.output
    assert result.output.strip() == f"1 picture in {out}"
    assert made(out) == ["photo_stylized_painting.png"]
    path = out / "photo_stylized_painting.png"
    assert read(path).shape == (32, 48, 3)
    note = read_note(path)
    assert note["styles"] == [{**identity(painting), "weight": 1.0}]
    expected = {"method": "adain", "step": 40, "content": identity(photo), "strength": 0.5, "style_size": 32}
    assert {key: note[key] for key in expected} == expected
    assert not {"preserve_color", "seed"} & note.keys()
    sheet = read(tmp_path / "out.png")
    assert sheet.shape[0] == sheet.shape[1]


def test_a_run_that_one_is_below_is_called_as_from_elsewhere(adain, photo, painting, stylize, out, monkeypatch):
    monkeypatch.chdir(adain / "checkpoints")
    stylize("..", "--content", photo, "--style", painting)
    note = read_note(out / "photo_stylized_painting.png")
    assert (note["method"], note["run"]) == ("adain", f"{adain.parent.name}/adain")


@pytest.mark.parametrize("words", [["--out", "album"], []])
def test_made_again_it_takes_nothing_of_its_own_for_contents(words, adain, photo, painting, tmp_path, monkeypatch):
    monkeypatch.chdir(photo.parent)
    told = {0: "", 1: f"left out what was made before, in {'album' if words else 'stylised'} or beside it: 3 pictures"}
    for again in (0, 1):
        result = CliRunner().invoke(app, ["stylize", str(adain), "--content", ".", "--style", str(painting), *words])
        assert result.exit_code == 0, result.output
        assert result.stdout.startswith("2 pictures in ")
        assert told[again] in result.stderr


def test_strength_and_styles_count(adain, photo, painting, stylize, out, tmp_path):
    other = paint(tmp_path / "other.png", seed=2)
    found = {}
    for name, words in {
        "full": ["--style", painting],
        "half": ["--style", painting, "--strength", 0.5],
        "mixed": ["--style", f"{painting}:1", "--style", f"{other}:3"],
        "shares": ["--style", f"{painting}:2", "--style", f"{other}:6"],
    }.items():
        assert stylize(adain, "--content", photo, *words).exit_code == 0
        style = {"half": "painting-1", "mixed": "painting+other=3", "shares": "painting=2+other=6"}.get(
            name, "painting"
        )
        found[name] = read(out / f"photo_stylized_{style}.png").astype(int)
    assert np.abs(found["mixed"] - found["shares"]).max() <= 1
    for name in ("half", "mixed"):
        assert np.abs(found["full"] - found[name]).max() > 1


def test_folders_give_each_in_each_and_what_is_broken_is_left_out(adain, stylize, out, tmp_path):
    contents, styles = tmp_path / "in", tmp_path / "styles"
    for number, name in enumerate(("a.jpg", "deep/b.png")):
        paint(contents / name, seed=number)
    paint(contents / "tiny.png", 8, 8)
    (contents / "zebra.jpg").write_bytes(b"no picture")
    for number in range(3):
        paint(styles / f"s{number}.png", seed=5 + number)
    result = stylize(adain, "--content", contents, "--style", styles)
    assert result.exit_code == 6
    assert result.stdout.strip() == f"6 pictures in {out}, 6 failed"
    assert result.stderr.splitlines() == [
        f"{contents / name} in s{number}: {reason}"
        for number in range(3)
        for name, reason in (("tiny.png", TINY), ("zebra.jpg", "not an image"))
    ]
    assert made(out) == sorted(
        f"{name}_stylized_s{number}.{suffix}"
        for name, suffix in (("a", "jpg"), ("deep-b", "png"))
        for number in range(3)
    )
    sheet = read(tmp_path / "out.png")  # three styles down, two contents across, and heads
    assert sheet.shape[:2] == (4 * (SIDE + 2) + 2, 3 * (SIDE + 2) + 2)


def cell(sheet, row, column):
    """The picture in a sheet's place, without its name."""
    top, left = (2 + place * (SIDE + 2) for place in (row, column))
    return sheet[top : top + LONGEST, left + NAME // 2 : left + NAME // 2 + LONGEST]


def test_a_mixture_has_all_its_styles_at_its_head(adain, photo, stylize, tmp_path):
    """Of one height, side by side."""
    for name, size, colour in (("red", (40, 40), "red"), ("blue", (30, 60), "blue")):
        Image.new("RGB", size, colour).save(tmp_path / f"{name}.png")
    styles = ["--style", tmp_path / "red.png", "--style", tmp_path / "blue.png"]
    assert stylize(adain, "--content", photo, *styles).exit_code == 0
    head = cell(read(tmp_path / "out.png"), 0, 1)[LONGEST // 2]
    third = LONGEST // 3
    assert (head[: 2 * third - 4] == [255, 0, 0]).all()
    assert (head[2 * third + 6 :] == [0, 0, 255]).all()


def test_the_sheet_shows_cut_outs_as_they_are_on_paper(learned, stylize, out, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 4), np.uint8)
    pixels[..., 3], pixels[16:48, 16:48, 3] = 0, 255
    Image.fromarray(pixels).save(tmp_path / "cut.png")
    assert stylize(learned, "--content", tmp_path / "cut.png", "--style", "dawn").exit_code == 0
    with Image.open(out / "cut_stylized_dawn.png") as picture:
        painted = np.asarray(picture)
    assert (painted[painted[..., 3] == 0][:, :3] < 250).any()  # of which nothing is seen
    shown = cell(read(tmp_path / "out.png"), 0, 1)
    assert (shown[: LONGEST // 5] == 255).all()
    assert (shown[LONGEST // 3 : 2 * LONGEST // 3, LONGEST // 3 : 2 * LONGEST // 3] < 250).any(-1).mean() > 0.9


@pytest.mark.parametrize("policy", ["luminance", "coral", "histogram"])
def test_colours_are_kept_when_asked_for(policy, adain, photo, painting, stylize, out):
    assert stylize(adain, "--content", photo, "--style", painting).exit_code == 0
    plain = read(out / "photo_stylized_painting.png")
    assert stylize(adain, "--content", photo, "--style", painting, "--preserve-color", policy).exit_code == 0
    path = out / "photo_stylized_painting-1.png"
    assert read_note(path)["preserve_color"] == policy
    assert (read(path) != plain).any()
    if policy == "luminance":  # hues of the content: the order of a pixel's channels, where they differ enough
        content, got = read(photo).astype(int), read(path).astype(int)
        above = (content[..., 0] - content[..., 2] > 30) & (got[..., 0] + got[..., 2] > 0)
        assert (got[above][:, 0] >= got[above][:, 2]).mean() > 0.99


def test_a_mask_gives_each_region_its_style(learned, photo, stylize, out, tmp_path):
    """Of a network that blends pixels by regions, each half is as it is alone."""
    mask = np.zeros((32, 48, 3), np.uint8)
    mask[:, 24:] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    for words in (["dawn"], ["noon"], ["dawn", "noon"]):
        styles = [part for word in words for part in ("--style", word)]
        masked = ["--mask", tmp_path / "mask.png"] if len(words) > 1 else []
        assert stylize(learned, "--content", photo, *styles, *masked).exit_code == 0
    dawn, noon, both = (read(out / f"photo_stylized_{name}.png") for name in ("dawn", "noon", "dawn+noon"))
    np.testing.assert_array_equal(both[:, :24], dawn[:, :24])
    np.testing.assert_array_equal(both[:, 24:], noon[:, 24:])
    assert read_note(out / "photo_stylized_dawn+noon.png")["mask"] == identity(tmp_path / "mask.png")


def test_a_mask_is_read_once_for_all_pictures_that_it_fits(learned, stylize, tmp_path, monkeypatch):
    mask, read_mask, reads = paint(tmp_path / "mask.png"), masks.read, []
    pixels = np.zeros((32, 48, 3), np.uint8)
    pixels[:, 24:] = 255
    Image.fromarray(pixels).save(mask)
    monkeypatch.setattr(masks, "read", lambda *words: reads.append(words) or read_mask(*words))
    for number in range(3):
        paint(tmp_path / "in" / f"{number}.png", seed=number)
    words = ["--content", tmp_path / "in", "--style", "dawn", "--style", "noon", "--mask", mask]
    result = stylize(learned, *words)
    assert result.exit_code == 0, result.output
    assert reads == [(mask, 2, (32, 48))]


def test_learned_styles_are_all_made_unless_one_is_named(learned, photo, stylize, out, tmp_path):
    assert stylize(learned, "--content", photo).exit_code == 0
    assert made(out) == ["photo_stylized_dawn.png", "photo_stylized_noon.png"]
    assert read_note(out / "photo_stylized_noon.png")["styles"] == [{"learned": "noon", "weight": 1.0}]
    assert "--style: this network has learned dawn, noon" in refusal(
        stylize(learned, "--content", photo, "--style", "x")
    )
    told = refusal(stylize(learned, "--content", photo, "--preserve-color", "coral"))
    assert told == "--preserve-color: coral changes the style, which this network has learned: try luminance"


def test_styles_that_were_learned_as_files_are_called_by_their_names_alone(make_style_run, photo, stylize, out):
    small = ["model.network.width=4", "model.network.blocks=1", "model.network.styles=2"]
    run = make_style_run("files", "model=johnson", *small, classes=["candy.jpg", "sub/udnie.jpg"])
    assert stylize(run, "--content", photo).exit_code == 0
    assert made(out) == ["photo_stylized_candy.png", "photo_stylized_sub-udnie.png"]
    file = paint(out.parent / "candy.jpg")
    result = stylize(run, "--content", photo, "--style", file)
    assert result.stderr == f"--style: {file} stands for the learned style candy, and is not looked at\n"
    assert made(out) == ["photo_stylized_candy.png", "photo_stylized_sub-udnie.png"]
    result = stylize(run, "--content", photo, "--style", "sub-udnie", "--format", "webp")
    assert result.exit_code == 0, result.output
    assert read_note(out / "photo_stylized_sub-udnie.webp")["styles"] == [{"learned": "sub-udnie", "weight": 1.0}]


@pytest.mark.parametrize("cut_out", [False, True])
@pytest.mark.parametrize("method", ["adain", "learned"])
def test_without_strength_the_picture_is_left_to_the_bit(
    method, cut_out, photo, painting, stylize, out, tmp_path, request
):
    if cut_out:
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 48, 4), np.uint8)).save(photo)
    run, style = request.getfixturevalue(method), painting if method == "adain" else "dawn"
    assert stylize(run, "--content", photo, "--style", style, "--strength", 0).exit_code == 0
    (name,) = made(out)
    np.testing.assert_array_equal(np.asarray(Image.open(out / name)), np.asarray(Image.open(photo)))


def test_the_sheet_of_the_folder_one_is_in_lies_beside_it(learned, photo, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    result = CliRunner().invoke(app, ["stylize", str(learned), "--content", str(photo), "--out", "."])
    assert result.exit_code == 0, result.output
    assert made(tmp_path / "here") == ["photo_stylized_dawn.png", "photo_stylized_noon.png"]
    assert (tmp_path / "here.png").is_file()


@pytest.mark.parametrize(("suffix", "kind"), [("png", "PNG"), ("JPG", "JPEG"), (".webp", "WEBP"), ("tiff", "TIFF")])
def test_formats(suffix, kind, learned, photo, stylize, out):
    assert stylize(learned, "--content", photo, "--style", "dawn", "--format", suffix).exit_code == 0
    (name,) = made(out)
    with Image.open(out / name) as picture:
        assert (picture.format, picture.size) == (kind, (48, 32))
    assert read_note(out / name)["method"] == "learned"


def test_sizes_profiles_and_turned_pictures(learned, stylize, out, tmp_path):
    """A profile is kept; what a camera held sideways comes out upright."""
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = paint(tmp_path / "turned.jpg", 30, 60, exif=exif, icc_profile=PROFILE)
    assert stylize(learned, "--content", photo, "--style", "dawn", "--size", 40).exit_code == 0
    with Image.open(out / "turned_stylized_dawn.jpg") as picture:
        assert picture.size == (20, 40)
        assert picture.info["icc_profile"] == PROFILE
        assert picture.getexif().get(0x0112, 1) == 1


def test_styles_and_contents_are_seen_in_srgb_and_come_out_in_the_contents_profile(adain, stylize, out, tmp_path):
    """Pictures of the same look give the same, whatever numbers their files have for it."""
    looks = {name: artwork.read(paint(tmp_path / f"{name}.png", seed=seed)).pixels for seed, name in enumerate("cs")}
    wide = artwork.Artwork(torch.zeros(3, 16, 16, dtype=torch.uint8), DISPLAY_P3, None, torch.zeros(1))
    for name, pixels in looks.items():
        artwork.write(tmp_path / f"{name}3.png", pixels, wide, {})
    words = [adain, "--content", tmp_path / "c.png", "--content", tmp_path / "c3.png"]
    for style in ("s", "s3"):
        assert stylize(*words, "--style", tmp_path / f"{style}.png").exit_code == 0
    plain, styled, content, both = (
        artwork.read(out / f"{content}_stylized_{style}.png").pixels.int()
        for style, content in (("s", "c"), ("s3", "c"), ("s", "c3"), ("s3", "c3"))
    )
    with Image.open(out / "c3_stylized_s.png") as picture:
        assert picture.info["icc_profile"] == DISPLAY_P3
        assert np.abs(np.asarray(picture).astype(int) - read(out / "c_stylized_s.png")).max() > 4
    for found in (styled, content, both):
        assert (found - plain).abs().float().mean() < 1


@pytest.mark.slow
def test_help_is_quick():
    """It does not import torch: a process of its own can tell."""
    script = (
        "import sys; from atelier.cli.main import app\n"
        "try: app(['stylize', '--help'])\n"
        "except SystemExit: pass\n"
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "--preserve-color" in done.stdout
