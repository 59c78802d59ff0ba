"""What `atelier stylize` is told that it cannot do, and what it does all the same."""

import re
from fractions import Fraction

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from stylising import made, paint, refusal

from atelier.stylize.clips import write_clip
from atelier.stylize.levels import Levels

TINY = "too small: 8 x 8, at least 16 pixels a side are needed"


def test_a_broken_style_spoils_only_its_own_pictures(adain, photo, stylize, out, tmp_path):
    paint(tmp_path / "styles" / "good.png")
    (tmp_path / "styles" / "bad.png").write_bytes(b"")
    result = stylize(adain, "--content", photo, "--style", tmp_path / "styles")
    assert result.exit_code == 1
    assert f"{photo} in bad: the style cannot be used (empty file)" in result.output
    assert made(out) == ["photo_stylized_good.png"]


def test_a_mask_of_another_size_or_for_one_style_is_refused(learned, photo, stylize, tmp_path):
    mask = paint(tmp_path / "mask.png", 20, 20)
    result = stylize(learned, "--content", photo, "--style", "dawn", "--style", "noon", "--mask", mask)
    assert result.exit_code == 1
    assert "a mask of 20 x 20 does not fit a picture of 48 x 32" in result.output
    told = refusal(stylize(learned, "--content", photo, "--style", "dawn", "--mask", mask))
    assert told == "--mask: divides a picture among several styles; name two or more by --style"
    told = refusal(stylize(learned, "--content", photo, "--style", "dawn", "--style", "noon", "--mask", "no.png"))
    assert told == "--mask: no such file: 'no.png'"
    told = refusal(stylize(learned, "--content", photo, "--style", "dawn", "--style", "noon", "--mask", tmp_path))
    assert told == f"--mask: must be a picture, and '{tmp_path}' is a folder"


def test_options_of_styles_that_are_looked_at_are_refused_for_those_that_were_learned(learned, photo, stylize, out):
    told = refusal(stylize(learned, "--content", photo, "--style-size", 64))
    assert told == "--style-size: learned does not take it: it has learned its styles"
    told = refusal(stylize(learned, "--content", photo, "--seed", 3))
    assert told == "--seed: learned does not take it: it draws nothing by chance"
    assert not out.exists()


@pytest.mark.parametrize("name", ["film.webm", "film.AVI"])
def test_a_clip_that_is_not_read_is_told_with_those_that_are(name, learned, photo, stylize, tmp_path):
    (tmp_path / name).write_bytes(b"RIFF")
    result = stylize(learned, "--content", tmp_path / name, "--content", photo, "--style", "dawn")
    assert result.exit_code == 1
    told = "no clip that can be read, which must be one of m4v, mkv, mov, mp4"
    assert result.stderr.splitlines() == [f"{tmp_path / name} in dawn: {told}"]


def test_a_clip_that_cannot_even_begin_leaves_no_folder(adain, stylize, out, tmp_path):
    pytest.importorskip("av")
    film = tmp_path / "film.mp4"
    write_clip(film, [torch.zeros(3, 32, 48, dtype=torch.uint8)], Fraction(24), {})
    (tmp_path / "bad.png").write_bytes(b"")
    result = stylize(adain, "--content", film, "--style", tmp_path / "bad.png")
    assert result.stderr.strip() == f"{film} in bad: the style cannot be used (empty file)"
    assert not out.exists()


def test_weights_beside_a_mask_are_refused(adain, photo, painting, stylize, out, tmp_path):
    mask = paint(tmp_path / "mask.png", 32, 48)
    told = refusal(stylize(adain, "--content", photo, "--style", f"{painting}:2", "--style", painting, "--mask", mask))
    assert told == "--mask: gives each style a region of its own; only where they are mixed have they weights"
    assert not out.exists()


@pytest.mark.parametrize("model", ["adain", "wct", "learned"])
def test_a_result_that_is_not_finite_is_a_failure_and_no_picture(model, make_style_run, photo, painting, stylize, out):
    options = {
        "adain": ["model=adain"],
        "wct": ["model=wct", "model.taps=[relu2_1,relu1_1]"],
        "learned": ["model=johnson", "model.network.width=4", "model.network.blocks=1"],
    }
    run = make_style_run(f"broken_{model}", *options[model], **({"classes": ["dawn"]} if model == "learned" else {}))
    path = run / "checkpoints" / "last.ckpt"
    content = torch.load(path)
    content["state_dict"] = {name: weights * torch.nan for name, weights in content["state_dict"].items()}
    torch.save(content, path)
    result = stylize(run, "--content", photo, *(["--style", painting] if model != "learned" else []))
    assert result.exit_code == 1
    assert f"{photo} in {'dawn' if model == 'learned' else 'painting'}: the result is not finite" in result.stderr
    assert not out.exists()


def test_too_little_memory_for_one_picture_leaves_the_others(adain, painting, stylize, out, tmp_path, monkeypatch):
    paint(tmp_path / "in" / "a.png", 32, 64)
    paint(tmp_path / "in" / "b.png", 32, 48)
    whole = Levels.stylize

    def within(self, content, mixture):
        if content.shape[3] > 48:
            raise torch.OutOfMemoryError("CUDA out of memory.\nSee the documentation.")
        return whole(self, content, mixture)

    monkeypatch.setattr(Levels, "stylize", within)
    result = stylize(adain, "--content", tmp_path / "in", "--style", painting)
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [f"{tmp_path / 'in' / 'a.png'} in painting: CUDA out of memory."]
    assert made(out) == ["b_stylized_painting.png"]


def test_absent_contents_are_told_and_leave_the_others(adain, photo, painting, stylize, out, tmp_path):
    (tmp_path / "empty").mkdir()
    absent = ["--content", "nowhere.jpg", "--content", tmp_path / "empty"]
    result = stylize(adain, *absent, "--content", photo, "--style", painting)
    assert result.exit_code == 2
    first, second = result.stderr.splitlines()
    assert first == "--content: no such file or folder: 'nowhere.jpg'"
    assert second.startswith(f"--content: no pictures in '{tmp_path / 'empty'}'")
    assert made(out) == ["photo_stylized_painting.png"]
    told = refusal(stylize(adain, "--content", "nowhere.jpg", "--style", painting))
    assert told == "--content: no such file or folder: 'nowhere.jpg'"


def test_narrow_pictures_are_told_and_leave_the_others(adain, painting, stylize, out, tmp_path):
    paint(tmp_path / "in" / "narrow.png", 32, 256)
    paint(tmp_path / "in" / "wide.png", 32, 48)
    reason = "a longer side of 32 leaves 32 x 4, at least 16 pixels a side are needed"
    result = stylize(adain, "--content", tmp_path / "in", "--style", painting, "--size", 32)
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [f"{tmp_path / 'in' / 'narrow.png'} in painting: {reason}"]
    assert made(out) == ["wide_stylized_painting.png"]
    paint(tmp_path / "styles" / "narrow.png", 32, 256)
    paint(tmp_path / "styles" / "other.png")
    wide = tmp_path / "in" / "wide.png"
    result = stylize(adain, "--content", wide, "--style", tmp_path / "styles")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [f"{wide} in narrow: the style cannot be used ({reason})"]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["nothing"], "METHOD: must be one of gatys, wct or a run folder, got 'nothing'"),
        (["gatis"], "METHOD: must be .*did you mean 'gatys'"),
        (["{folder}"], "METHOD: must be .*, a folder without config.yaml"),
        (["{plain}"], "METHOD: .* is a run of Gan, which gives no picture the style of another"),
        (["gatys", "--encoder", "vgg91"], "--encoder: must be one of embedded, .*got 'vgg91'; did you mean 'vgg19"),
        (["gatys", "--encoder", "vgg19_normalised"], "--weights: must be the path of vgg_normalised.pth"),
        (["gatys", "--encoder", "embedded", "--weights", "{photo}"], "--weights: the embedded encoder has its own"),
        (["gatys", "--weights", "nowhere.pth"], "--weights: no such file: 'nowhere.pth'"),
        (["gatys", "--encoder", "vgg19", "--weights", "{photo}"], "--weights: '{photo}' is no file of weights, or a"),
        (["gatys", "--encoder", "vgg19_slim"], "--weights: must be the path of wct.*; --encoder embedded needs none$"),
        (["gatys", "--encoder", "vgg19_estimated"], "--weights: must be the path of wct.*; --encoder embedded needs"),
        (["gatys", "--weights", "{photo}"], "--weights: .* or a damaged one; --encoder says whose weights they are$"),
        (["gatys", "--weights", "{other}"], "--weights: {other} .* another network.*; --encoder says whose"),
        (["wct"], "--weights: must be the path of wct16x_all.safetensors, or that file must be in (?!.*needs none)"),
        (["wct", "--weights", "nowhere.pth"], "--weights: no such file"),
        (["wct", "--weights", "{photo}"], "--weights: '{photo}' is no file of weights, or a damaged one$"),
        (["{adain}", "--weights", "nope"], "--weights: no such file: 'nope'$"),
        (["{adain}", "--weights", "{other}"], "--weights: {adain} looks through no encoder that is read from a file$"),
        (["{adain}", "--checkpoint", "{photo}"], "--checkpoint: the checkpoint {photo} cannot be read: it is damaged"),
        (["{adain}", "--checkpoint", "nope.ckpt"], "--checkpoint: no checkpoint nope.ckpt$"),
        (["{plain}", "--weights", "{other}"], "--weights: {plain} looks through no encoder"),
        (["wct", "--encoder", "embedded"], "--encoder: wct has trained decoders for vgg19_slim alone"),
        (["wct", "--steps", "3"], "--steps: wct does not take it"),
        (["wct", "--style-weight", "3"], "--style-weight: wct does not take it"),
        (["gatys", "--distance", "grams"], "--distance: must be one of gram, moments, .*, got 'grams'"),
        (["gatys", "--style-weight", "inf"], "--style-weight: must be a finite number, at least 0, got inf$"),
        (["gatys", "--variation-weight", "inf"], "--variation-weight: must be a finite number, at least 0, got inf$"),
        (["gatys", "--encoder", "embedded", "--seed", "3"], "--seed: gatys does not take it"),
        (["{adain}", "--seed", "0"], "--seed: adain does not take it: it draws nothing by chance$"),
        (["{adain}", "--max-memory", "2"], "--max-memory: even a picture of 16 x 16 takes .* KiB, got 2 B$"),
        (["gatys", "--checkpoint", "{photo}"], "--checkpoint: gatys does not take it"),
        (["{adain}", "--encoder", "embedded"], "--encoder: .*adain does not take it"),
        (["{adain}", "--preserve-color", "colar"], "--preserve-color: must be one of coral, .*did you mean 'coral'"),
        (["{adain}", "--format", "gif"], "--format: must be one of jpeg, jpg, png, tif, tiff, webp, got 'gif'"),
        (["{adain}", "--max-memory", "lots"], "--max-memory: must be like 4GiB or 500MB"),
        (["{adain}", "--style", "nowhere.jpg"], "--style: no such file: 'nowhere.jpg'"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line_that_names_the_option(
    words, text, adain, plain, photo, painting, stylize, out, tmp_path
):
    folder = tmp_path / "folder"
    folder.mkdir()
    save_file({"features.0.weight": torch.zeros(2)}, tmp_path / "other.safetensors")
    places = {
        "adain": adain, "plain": plain, "photo": photo, "folder": folder, "other": tmp_path / "other.safetensors",
    }  # fmt: skip
    told = refusal(stylize("--content", photo, "--style", painting, *(word.format_map(places) for word in words)))
    for name, place in places.items():
        text = text.replace(f"{{{name}}}", re.escape(str(place)))
    assert re.match(text, told), told
    assert not out.exists()


@pytest.mark.parametrize(("more", "told"), [(1, "'b1.png' belongs"), (3, "'b1.png' and 2 more belong")])
def test_pictures_that_a_shell_named_are_refused_with_the_way(more, told, adain, photo, painting, stylize, out):
    result = stylize(adain, "--content", photo, *(f"b{n + 1}.png" for n in range(more)), "--style", painting)
    assert refusal(result) == (
        f"{told} to no option: --content and --style take one path each; repeat the option, or name a folder"
    )
    assert not out.exists()


@pytest.mark.parametrize("strength", ["1.5", "-0.1", "nan"])
def test_strength_is_from_0_to_1(strength, adain, photo, painting, stylize, out):
    result = stylize(adain, "--content", photo, "--style", painting, "--strength", strength)
    assert result.exit_code == 2
    assert "Invalid value for '--strength'" in result.stderr
    assert not out.exists()


def test_of_mixed_styles_the_broken_one_is_named(adain, photo, painting, stylize, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"")
    result = stylize(adain, "--content", photo, "--style", painting, "--style", tmp_path / "bad.png")
    assert result.stderr.strip() == f"{photo} in painting+bad: the style bad cannot be used (empty file)"


def test_another_format_is_no_matter_of_clips(learned, photo, stylize, out, tmp_path):
    pytest.importorskip("av")
    film, fault = tmp_path / "film.mkv", "--format: is of pictures; clips stay mp4, mov or mkv as they are"
    write_clip(film, [torch.zeros(3, 32, 48, dtype=torch.uint8)], Fraction(24), {})
    words = ["--content", film, "--style", "dawn", "--format", "webp"]
    assert refusal(stylize(learned, *words)) == fault
    assert not out.exists()
    result = stylize(learned, *words, "--content", photo)
    assert (result.exit_code, result.stderr.strip()) == (0, fault)
    assert result.stdout.strip() == f"1 clip and 1 picture in {out}"
    assert made(out) == ["film_stylized_dawn.mkv", "photo_stylized_dawn.webp"]


@pytest.mark.parametrize("suffix", ["gif", "webp", "tiff", "png"])
def test_what_is_left_of_an_animation_is_told_once(suffix, learned, stylize, out, tmp_path):
    path = tmp_path / f"dance.{suffix}"
    frames = [Image.new("RGB", (48, 32), shade) for shade in ("red", "white", "blue")]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    result = stylize(learned, "--content", path)
    assert result.exit_code == 0
    assert result.stderr.splitlines() == [f"{path}: has several frames or pages, of which the first is taken"]
    assert len(made(out)) == 2


@pytest.mark.parametrize("mixed", [True, False])
def test_what_is_left_of_an_animation_as_a_style_is_told_once(mixed, adain, photo, painting, stylize, tmp_path):
    path = tmp_path / "styles" / "dance.gif"
    path.parent.mkdir()
    frames = [Image.new("RGB", (48, 32), shade) for shade in ("red", "white")]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    styles = ["--style", path, "--style", painting, "--style", path] if mixed else ["--style", path.parent]
    result = stylize(adain, "--content", photo, *styles)
    assert result.exit_code == 0, result.output
    assert result.stderr.splitlines() == [f"{path}: has several frames or pages, of which the first is taken"]
