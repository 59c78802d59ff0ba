"""`atelier translate` from files to files, with networks that have not learned anything yet.

One file, as its tests share three such runs, which take longer to make than the tests do.
"""

import errno
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms
from stylising import made, paint, read, refusal
from torch.nn.functional import interpolate
from typer.testing import CliRunner

from atelier import run as runs
from atelier.cli.main import app
from atelier.cli.pictures.contact_sheet import SIDE
from atelier.cli.pictures.contents import identity
from atelier.failures import describe
from atelier.networks.translator import Translator
from atelier.stylize.provenance import read_note

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SMALL = ["model.generator.width=4", "model.generator.blocks=1", "model.discriminator.width=4"]


@pytest.fixture(scope="session")
def cyclegan(make_style_run):
    return make_style_run("cyclegan", "data=unpaired", "model=cyclegan", *SMALL)


@pytest.fixture(scope="session")
def cut(make_style_run):
    return make_style_run("cut", "data=unpaired", "model=cut", "model.taps=[pixels,block1]", *SMALL)


@pytest.fixture(scope="session")
def enlarger(make_style_run):
    chain = ["data=degraded", "degradation=super_resolution_x2", "model=restorer", "model.generator.width=4"]
    return make_style_run("enlarger", *chain, "model.discriminator.width=4")


@pytest.fixture
def translate(tmp_path):
    def run(*words):
        return CliRunner().invoke(app, ["translate", *map(str, words), "--out", str(tmp_path / "out")])

    return run


@pytest.mark.parametrize("words", [["--out", "album"], []])
def test_made_again_it_takes_nothing_of_its_own_for_inputs(words, cut, photo, tmp_path, monkeypatch):
    monkeypatch.chdir(photo.parent)
    for _ in range(2):
        result = CliRunner().invoke(app, ["translate", str(cut), ".", *words])
        assert result.exit_code == 0, result.output
        assert result.stdout.startswith("1 picture in ")
    root = "album" if words else "translated"
    assert result.stderr == f"INPUT: left out what was made before, in {root} or beside it: 2 pictures\n"


def drawn(run, direction, path):
    """What the run's network makes of the whole picture at once."""
    task, _, _ = runs.load(run)
    with torch.no_grad():
        image = task.translators[direction](torch.tensor(read(path)).permute(2, 0, 1)[None] / 127.5 - 1)
    return ((image[0].permute(1, 2, 0) + 1) * 127.5).round().clamp(0, 255).byte().numpy()


def assert_near(found, expected, levels=1):
    assert found.shape == expected.shape
    assert np.abs(found.astype(int) - expected).max() <= levels


def test_a_picture_comes_out_in_its_own_size_with_a_note_of_how(cyclegan, photo, translate, out, tmp_path):
    result = translate(cyclegan, photo)
    assert result.exit_code == 0, result.output
    assert result.output.strip() == f"1 picture in {out}"
    assert made(out) == ["photo_to_style.png"]
    path = out / "photo_to_style.png"
    assert_near(read(path), drawn(cyclegan, "to_style", photo))
    assert np.abs(read(path).astype(int) - read(photo)).max() > 1
    note = read_note(path)
    expected = {"step": 40, "direction": "to_style", "content": identity(photo), "tile": 512, "overlap": 64}
    assert {key: note[key] for key in expected} == expected
    assert note["run"].endswith("/cyclegan")
    assert {"atelier", "torch"} <= {*note}
    assert not {"mask", "size"} & {*note}
    assert read(tmp_path / "out.png").shape[:2] == (SIDE + 4, 2 * (SIDE + 2) + 2)  # the picture, and what became of it


def test_a_direction_can_be_named_and_the_first_is_usual(cyclegan, cut, photo, translate, out):
    assert translate(cyclegan, photo, "--direction", "to_content").exit_code == 0
    assert_near(read(out / "photo_to_content.png"), drawn(cyclegan, "to_content", photo))
    assert (drawn(cyclegan, "to_content", photo) != drawn(cyclegan, "to_style", photo)).any()
    assert translate(cut, photo).exit_code == 0
    assert_near(read(out / "photo_to_style.png"), drawn(cut, "to_style", photo))


def test_without_a_folder_pictures_that_differ_go_to_their_own(cyclegan, cut, photo, tmp_path, monkeypatch):
    """Both directions of a run that has two, which one alone has no need to tell."""
    monkeypatch.chdir(tmp_path)
    run = f"{cyclegan.parent.name}_cyclegan"
    expected = {
        f"{run}-step-40-direction-to_style": [cyclegan],
        f"{run}-step-40-direction-to_content": [cyclegan, "--direction", "to_content"],
        f"{run}-step-20-direction-to_style": [cyclegan, "--checkpoint", cyclegan / "checkpoints" / "early.ckpt"],
        f"{run}-step-40-direction-to_style-tile-32-overlap-8-size-24": [
            *(cyclegan, "--size", 24, "--tile", 32, "--overlap", 8)
        ],
        f"{cut.parent.name}_cut-step-40": [cut],
    }
    for folder, (network, *words) in expected.items():
        result = CliRunner().invoke(app, [*map(str, ["translate", network, photo, *words])])
        assert result.output.strip() == f"1 picture in translated/{folder}"
    assert made(tmp_path / "translated") == sorted([*expected, *(f"{folder}.png" for folder in expected)])


def test_wrong_directions_are_one_line(cyclegan, cut, photo, translate, out):
    told = refusal(translate(cyclegan, photo, "--direction", "to_stile"))
    assert told == "--direction: must be one of to_content, to_style, got 'to_stile'; did you mean 'to_style'?"
    told = refusal(translate(cut, photo, "--direction", "backwards"))
    assert told == "--direction: must be one of to_style, got 'backwards'"
    assert not out.exists()


def test_folders_and_files_whatever_is_broken_among_them(cyclegan, photo, translate, out, tmp_path):
    for number, name in enumerate(("a.jpg", "deep/b.png")):
        paint(tmp_path / "in" / name, seed=number)
    paint(tmp_path / "in" / "tiny.png", 8, 8)
    (tmp_path / "in" / "zebra.jpg").write_bytes(b"no picture")
    result = translate(cyclegan, tmp_path / "in", photo)
    assert result.exit_code == 2
    assert result.stdout.strip() == f"3 pictures in {out}, 2 failed"
    assert result.stderr.splitlines() == [
        f"{tmp_path}/in/tiny.png: too small: 8 x 8, at least 16 pixels a side are needed",
        f"{tmp_path}/in/zebra.jpg: not an image",
    ]
    assert made(out) == ["a_to_style.jpg", "deep-b_to_style.png", "photo_to_style.png"]
    assert read(tmp_path / "out.png").shape[:2] == (3 * (SIDE + 2) + 2, 2 * (SIDE + 2) + 2)


def test_names_that_are_too_long_or_no_text(cyclegan, translate, out, tmp_path):
    long, odd = "ü" * 115, os.fsdecode(b"caf\xe9")
    for name in (long, odd):
        paint(tmp_path / "in" / f"{name}.png")
    result = translate(cyclegan, tmp_path / "in")
    assert result.exit_code == 1
    assert result.stderr.strip() == f"{tmp_path}/in/{long}.png: its name is too long for what would be made of it"
    assert made(out) == [f"{odd}_to_style.png"]
    assert read_note(out / f"{odd}_to_style.png")["content"]["file"] == f"{odd}.png"


class Doubling(Translator):
    """Looks at a pixel's neighbours, with 0 beyond the picture, and enlarges."""

    def __init__(self):
        super().__init__(scale=2)
        self.blur = torch.nn.Conv2d(3, 3, 5, padding=2)
        self.seen = []

    def forward(self, pictures):
        self.seen.append(tuple(pictures.shape))
        return interpolate(self.blur(pictures), scale_factor=2)


def test_large_pictures_are_drawn_in_tiles(enlarger, translate, out, tmp_path, monkeypatch):
    task, _, _ = runs.load(enlarger)
    task.generator = Doubling()
    monkeypatch.setattr(runs, "load", lambda *_: (task, None, {"global_step": 7}))
    large = paint(tmp_path / "large.png", 75, 100)
    found = []
    for name, (tile, overlap) in zip(("", "-1", "-2"), ((512, 64), (40, 16), (25, 0)), strict=True):
        result = translate(enlarger, large, "--tile", tile, "--overlap", overlap)
        assert result.exit_code == 0, result.output
        found.append(read(out / f"large_to_target{name}.png"))
        note = read_note(out / f"large_to_target{name}.png")
        assert (note["tile"], note["overlap"], note["step"]) == (tile, overlap, 7)
    assert task.generator.seen == [(1, 3, 75, 100), *[(1, 3, 40, 40)] * 12, *[(1, 3, 25, 25)] * 12]
    assert found[0].shape == (150, 200, 3)
    assert_near(found[1], found[0])
    assert np.abs(found[2].astype(int) - found[0]).max() > 1  # seams


def test_pictures_of_any_size_fit_a_network_of_large_strides(make_style_run, translate, out, tmp_path):
    small = ["model.generator.width=4", "model.discriminator.width=4"]
    run = make_style_run("pix2pix", "data=degraded", "degradation=sketch", "model=pix2pix", *small)
    sizes = {"small": (17, 20), "odd": (33, 61), "large": (70, 131)}
    for name, (height, width) in sizes.items():
        paint(tmp_path / "in" / f"{name}.png", height, width)
    result = translate(run, tmp_path / "in", "--tile", 64, "--overlap", 16)
    assert result.exit_code == 0, result.output
    assert {name: read(out / f"{name}_to_target.png").shape[:2] for name in sizes} == sizes
    padded = np.pad(read(tmp_path / "in" / "odd.png"), ((0, 31), (0, 3), (0, 0)), mode="reflect")  # multiples of 32
    Image.fromarray(padded).save(tmp_path / "padded.png")
    assert_near(read(out / "odd_to_target.png"), drawn(run, "to_target", tmp_path / "padded.png")[:33, :61])


def test_sizes_profiles_and_turned_pictures(cyclegan, translate, out, tmp_path):
    """A profile is kept; what a camera held sideways comes out upright."""
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = paint(tmp_path / "turned.jpg", 30, 60, exif=exif, icc_profile=PROFILE)
    assert translate(cyclegan, photo, "--size", 45).exit_code == 0
    with Image.open(out / "turned_to_style.jpg") as picture:
        assert picture.size == (22, 45)
        assert picture.info["icc_profile"] == PROFILE
        assert picture.getexif().get(0x0112, 1) == 1
    assert read_note(out / "turned_to_style.jpg")["size"] == 45


def test_a_size_that_nobody_could_read_again(cyclegan, photo, translate, out):
    result = translate(cyclegan, photo, "--size", 5_000_000)
    assert result.exit_code == 1
    assert result.stderr.strip() == f"{photo}: a longer side of 5000000 makes more than 178,956,970 pixels"
    assert not out.exists()


def test_a_folder_that_cannot_be_written_ends_it_all(cyclegan, photo, translate, out):
    out.write_text("a file")
    assert refusal(translate(cyclegan, photo)) == f"--out: must be a folder, and '{out}' is none"


def test_a_full_disk_is_no_fault_of_a_picture(cyclegan, photo, translate, out, monkeypatch):
    def save(picture, *_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Image.Image, "save", save)
    result = translate(cyclegan, photo)
    assert describe(result.exception) == "cannot use the disk: No space left on device"
    assert made(out) == []


def test_the_picture_itself_is_not_written_over(cyclegan, photo, tmp_path):
    """The sheet of the folder `photo` would be photo.png."""
    before = photo.read_bytes()
    result = CliRunner().invoke(app, ["translate", str(cyclegan), str(photo), "--out", str(tmp_path / "photo")])
    assert refusal(result) == f"--out: a sheet of all pictures goes beside the folder, but {photo} is another file"
    assert photo.read_bytes() == before
    assert not (tmp_path / "photo").exists()


def test_a_run_that_fills_in_is_for_the_other_command(make_style_run, photo, translate):
    small = ["model=restorer", "model.generator.width=4", "model.discriminator.width=4"]
    run = make_style_run("inpainting", "data=degraded", "degradation=inpainting", *small)
    result = translate(run, photo)
    assert result.exit_code == 0
    assert result.stderr.startswith("without atelier restore --mask nothing of a picture counts as lost")


def test_a_cut_out_is_kept_and_enlarged(enlarger, translate, out, tmp_path):
    picture = np.dstack([read(paint(tmp_path / "opaque.png")), np.full((32, 48), 255, np.uint8)])
    picture[:, :24, 3] = 0
    Image.fromarray(picture).save(tmp_path / "cut.png")
    assert translate(enlarger, tmp_path / "cut.png").exit_code == 0
    with Image.open(out / "cut_to_target.png") as found:
        alpha = np.asarray(found.getchannel("A"))
    assert alpha.shape == (64, 96)
    assert alpha[:, :40].max() == 0
    assert alpha[:, 56:].min() == 255


@pytest.mark.parametrize(("suffix", "kind"), [("png", "PNG"), ("JPG", "JPEG"), (".webp", "WEBP"), ("tiff", "TIFF")])
def test_formats(suffix, kind, cut, photo, translate, out):
    assert translate(cut, photo, "--format", suffix).exit_code == 0
    (name,) = made(out)
    with Image.open(out / name) as picture:
        assert (picture.format, picture.size) == (kind, (48, 32))
    assert read_note(out / name)["direction"] == "to_style"


def test_another_checkpoint_can_be_named(cut, photo, translate, out):
    assert translate(cut, photo, "--checkpoint", cut / "checkpoints" / "early.ckpt").exit_code == 0
    assert read_note(out / "photo_to_style.png")["step"] == 20


def test_a_result_that_is_not_finite_is_a_failure_and_no_picture(cut, photo, translate, out, monkeypatch):
    task, cfg, content = runs.load(cut)
    for weights in task.parameters():
        weights.data.mul_(torch.nan)
    monkeypatch.setattr(runs, "load", lambda *_: (task, cfg, content))
    result = translate(cut, photo)
    assert result.exit_code == 1
    assert result.stderr.strip() == f"{photo}: the result is not finite: the weights are not fit for it"
    assert not out.exists()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["{plain}", "{photo}"], "RUN: .* is a run of Gan, which makes no picture of another"),
        (["{folder}", "{photo}"], "folder is no run folder: it has no config.yaml"),
        (["{cut}", "nowhere.jpg"], "INPUT: no such file or folder: 'nowhere.jpg'"),
        (["{cut}", "{folder}"], "INPUT: no pictures in"),
        (["{cut}", "{photo}", "--overlap", "300"], "--overlap: must be at most half of --tile, 256, got 300"),
        (["{cut}", "{photo}", "--tile", "64", "--overlap", "33"], "--overlap: must be at most half of --tile, 32"),
        (["{cut}", "{photo}", "--format", "gif"], "--format: must be one of .*got 'gif'"),
    ],
)
def test_mistakes_are_one_line_that_names_the_option(words, text, cut, plain, photo, translate, out, tmp_path):
    (tmp_path / "folder").mkdir()
    places = {"cut": cut, "plain": plain, "photo": photo, "folder": tmp_path / "folder"}
    told = refusal(translate(*(word.format_map(places) for word in words)))
    assert re.search(text, told), told
    assert not out.exists()


@pytest.mark.slow
@pytest.mark.parametrize(("command", "option"), [("translate", "--direction"), ("restore", "--mask")])
def test_help_is_quick(command, option):
    """It does not import torch: a process of its own can tell."""
    script = (
        "import sys; from atelier.cli.main import app\n"
        f"try: app(['{command}', '--help'])\n"
        "except SystemExit: pass\n"
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert option in done.stdout
