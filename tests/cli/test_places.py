"""Nothing that a command made before is lost to what it makes next."""

import errno
import re
from contextlib import nullcontext
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from stylising import made, paint, refusal
from typer.testing import CliRunner

from atelier.cli import writable as output
from atelier.cli.digests import digest
from atelier.cli.main import app
from atelier.cli.pictures.contact_sheet import place_beside
from atelier.cli.pictures.places import place_of
from atelier.cli.writable import refuse_unwritable
from atelier.errors import UserError
from atelier.stylize import artwork
from atelier.stylize.levels import Levels

NOTE = {"method": "adain", "styles": [{"file": "candy.png", "weight": 1.0}], "seed": 3}


def put(path, note):
    path.parent.mkdir(exist_ok=True)
    pixels = torch.zeros(3, 16, 16, dtype=torch.uint8)
    artwork.write(path, pixels, artwork.Artwork(pixels), note)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tiff"])
def test_a_picture_has_the_place_of_its_own_note_or_the_first_that_is_free(suffix, tmp_path):
    path = tmp_path / f"a.b.{suffix}"
    assert place_of(path, NOTE) == path
    put(path, NOTE)
    assert place_of(path, NOTE) == path
    other = {**NOTE, "seed": 4}
    assert place_of(path, other) == tmp_path / f"a.b-1.{suffix}"
    put(tmp_path / f"a.b-1.{suffix}", other)
    assert place_of(path, other) == tmp_path / f"a.b-1.{suffix}"
    assert place_of(path, {**NOTE, "seed": 5}) == tmp_path / f"a.b-2.{suffix}"


def test_what_is_no_picture_of_ours_is_left_where_it_is(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"a diary")
    assert place_of(path, NOTE) == tmp_path / "a-1.png"
    Image.new("RGB", (16, 16)).save(tmp_path / "a-1.png")
    assert place_of(path, NOTE) == tmp_path / "a-2.png"
    (tmp_path / "a-2.png").mkdir()
    assert place_of(path, NOTE) == tmp_path / "a-3.png"


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov"])
def test_clips_have_notes_too(suffix, tmp_path):
    pytest.importorskip("av")
    from atelier.stylize.clips import write_clip

    path = tmp_path / f"film.{suffix}"
    write_clip(path, [torch.zeros(3, 16, 16, dtype=torch.uint8)], Fraction(24), NOTE)
    assert place_of(path, NOTE) == path
    assert place_of(path, {**NOTE, "seed": 4}) == tmp_path / f"film-1.{suffix}"
    (tmp_path / f"film-1.{suffix}").write_bytes(b"no film")
    assert place_of(path, {**NOTE, "seed": 4}) == tmp_path / f"film-2.{suffix}"


def test_a_folder_is_tried_and_left_as_it_was(tmp_path):
    (tmp_path / "there").mkdir()
    for folder in (tmp_path / "there", tmp_path / "yet" / "to" / "come"):
        refuse_unwritable(folder)
    assert made(tmp_path) == ["there"]
    assert made(tmp_path / "there") == []
    with pytest.raises(UserError, match="--out: nothing can be written to .*(Not a directory)"):
        refuse_unwritable(paint(tmp_path / "a.png") / "below")


def test_a_folder_that_cannot_be_looked_at_is_told_as_any_other(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="^--out: nothing can be written to .*(File name too long)"):
        refuse_unwritable(tmp_path / ("x" * 300) / "below")
    exists = Path.exists

    def closed(path, **options):
        if path.name == "below":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return exists(path, **options)

    monkeypatch.setattr(Path, "exists", closed)
    with pytest.raises(UserError, match="^--out: nothing can be written to .*below.*(Permission denied)"):
        refuse_unwritable(tmp_path / "closed" / "below")


def test_that_the_sheet_has_no_place_beside_the_folder_is_told(tmp_path, monkeypatch):
    def temporary(dir):
        if dir == tmp_path:
            raise PermissionError(errno.EACCES, "Permission denied", str(dir))
        return nullcontext()

    monkeypatch.setattr(output, "TemporaryFile", temporary)
    told = f"--out: a sheet of all pictures goes beside the folder, and nothing can be written to '{tmp_path}' (Perm"
    with pytest.raises(UserError, match=f"^{re.escape(told)}"):
        place_beside(tmp_path / "album", "sample")


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="Linux's")
def test_nothing_is_painted_for_a_folder_that_cannot_be(adain, photo, painting, tmp_path, monkeypatch):
    monkeypatch.setattr(Levels, "stylize", lambda *_: pytest.fail("too early"))
    places = {
        "/proc/x": "--out: nothing can be written to '/proc/x' (no folder can be made there)",
        str(photo): "--out: must be a folder, and",
    }
    for place, expected in places.items():
        words = ["stylize", adain, "--content", photo, "--style", painting, "--out", place]
        assert refusal(CliRunner().invoke(app, [*map(str, words)])).startswith(expected)


def test_in_one_folder_a_picture_is_written_over_itself_alone(adain, photo, painting, stylize, out, tmp_path):
    """Not over one of another content, style or request, whatever they are called."""
    styled = stylize(adain, "--content", photo, "--style", painting)
    assert styled.output.strip() == f"1 picture in {out}"
    first = (out / "photo_stylized_painting.png").read_bytes()

    other_photo, other_painting = (
        paint(tmp_path / "b" / photo.name, seed=7),
        paint(tmp_path / "b" / painting.name, seed=8),
    )
    others = {
        "another content": (other_photo, painting),
        "another style": (photo, other_painting),
        "another request": (photo, painting, "--strength", 0.5),
    }
    for number, (content, style, *words) in enumerate(others.values(), 1):
        found = stylize(adain, "--content", content, "--style", style, *words)
        assert found.output.strip() == f"1 picture in {out}, 1 numbered, for there were others of the name"
        assert made(out)[-1] == "photo_stylized_painting.png"
        assert f"photo_stylized_painting-{number}.png" in made(out)
    assert (out / "photo_stylized_painting.png").read_bytes() == first

    before = made(out)
    again = stylize(adain, "--content", photo, "--style", painting)
    assert again.output.strip() == f"1 picture in {out}"
    assert stylize(adain, "--content", photo, "--style", painting, "--strength", 0.5).exit_code == 0
    assert made(out) == before


@pytest.mark.parametrize("words", [["wct"], ["gatys", "--encoder", "vgg19_slim", "--steps", 1]])
def test_other_weights_make_another_picture(words, photo, painting, stylize, out, shared_data, tmp_path):
    """Though their files are of one name."""
    weights = shared_data / "weights" / "wct16x_all.safetensors"
    other = tmp_path / weights.name
    save_file({name: part * 1.01 for name, part in load_file(weights).items()}, other)
    asked = [*words, "--content", photo, "--style", painting, "--size", 48]
    for file in (weights, other, weights):
        assert stylize(*asked, "--weights", file).exit_code == 0
    assert made(out) == ["photo_stylized_painting-1.png", "photo_stylized_painting.png"]


def test_other_weights_of_a_generator_make_another_style(adain, make_run, photo, stylize, out, tmp_path):
    """Though its run is of one name and step."""
    for place, size in (("a", 0.2), ("b", 0.3), ("a", 0.2)):
        run = tmp_path / place / "runs" / "gan"
        if not run.is_dir():
            run.mkdir(parents=True)
            make_run(run, size=size)
        assert stylize(adain, "--content", photo, "--style", f"gan:{run}?seed=7").exit_code == 0
    name = "photo_stylized_runs_gan-step-40-seed-7-index-0"
    assert made(out) == [f"{name}-1.png", f"{name}.png"]


@pytest.mark.parametrize("command", ["translate", "restore"])
def test_other_weights_of_a_translator_make_another_picture(command, make_style_run, photo, out):
    """Though their runs are of one name and step."""
    small = ["data=degraded", "model=restorer", "model.generator.width=4", "model.discriminator.width=4"]
    run = make_style_run(f"weights_{command}", *small)
    path = run / "checkpoints" / "last.ckpt"
    content = torch.load(path)
    others = {name: part * 1.01 if part.is_floating_point() else part for name, part in content["state_dict"].items()}
    for state in (content["state_dict"], others, content["state_dict"]):
        torch.save({**content, "state_dict": state}, path)
        result = CliRunner().invoke(app, [command, str(run), str(photo), "--out", str(out)])
        assert result.exit_code == 0, result.output
    assert len(made(out)) == 2


def test_what_has_no_weights_has_no_digest():
    with pytest.raises(ValueError, match="no weights to tell pictures apart by"):
        digest([torch.nn.ReLU()])


def test_without_a_folder_pictures_that_differ_go_to_their_own(adain, photo, painting, tmp_path, monkeypatch):
    """Each time another picture of the same content in the same style: none may be lost."""
    monkeypatch.chdir(tmp_path)
    run = f"{adain.parent.name}_adain"
    few = ["gatys", "--encoder", "embedded", "--size", "32", "--steps"]
    expected = {
        f"{run}-step-40": [adain],
        f"{run}-step-20": [adain, "--checkpoint", adain / "checkpoints" / "early.ckpt"],
        f"{run}-step-40-strength-0.5": [adain, "--strength", 0.5],
        f"{run}-step-40-preserve_color-coral": [adain, "--preserve-color", "coral"],
        f"{run}-step-40-size-24-style_size-32": [adain, "--size", 24, "--style-size", 32],
        "gatys-encoder-embedded-steps-2-distance-sliced-size-32-seed-3": [*few, 2, "--distance", "sliced", "--seed", 3],
        "gatys-encoder-embedded-steps-2-size-32": [*few, 2],
        "gatys-encoder-embedded-steps-3-size-32": [*few, 3],
    }
    for folder, words in expected.items():
        words = ["stylize", *words, "--content", photo, "--style", painting]
        result = CliRunner().invoke(app, [*map(str, words)])
        assert result.stdout.strip() == f"1 picture in stylised/{folder}"
        assert made(tmp_path / "stylised" / folder) == ["photo_stylized_painting.png"]
    assert made(tmp_path / "stylised") == sorted([*expected, *(f"{folder}.png" for folder in expected)])
