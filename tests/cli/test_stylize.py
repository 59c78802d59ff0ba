"""`atelier stylize` from files to files, with networks that have not learned anything yet."""

import json
import re
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from PIL import Image, ImageCms
from safetensors.torch import save_file
from typer.testing import CliRunner

from atelier import encoders
from atelier.cli import methods
from atelier.cli.contact import SIDE, Sheet
from atelier.cli.contents import joined_names
from atelier.cli.main import app
from atelier.errors import UserError
from atelier.failures import exit_code
from atelier.stylize.levels import Levels
from atelier.stylize.provenance import read_note

SMALL = ["data=content_style", "data.image_size=32", "encoder=embedded", "metrics=none", "trainer.accelerator=cpu"]
TINY = "too small: 8 x 8, at least 16 pixels a side are needed"
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.fixture(scope="module")
def make_style_run(request, tmp_path_factory):
    """Makes a run folder as if it had been trained: with weights by chance."""
    from hydra import compose, initialize_config_dir

    from atelier.config import build

    def make(name, *overrides, **facts):
        folder = tmp_path_factory.mktemp("runs") / name
        (folder / "checkpoints").mkdir(parents=True)
        with initialize_config_dir(str(request.config.rootpath / "conf"), version_base="1.3"):
            cfg = compose("train", ["run_dir=unused", *SMALL, *overrides])
        (folder / "config.yaml").write_text(OmegaConf.to_yaml(cfg, resolve=True))
        (folder / "run.json").write_text(json.dumps(facts))
        torch.manual_seed(0)
        task = build(cfg.model, "model")
        for weights in task.parameters():
            if weights.dim() > 1:  # or all that it draws would be grey
                weights.data.normal_(0, (2 / weights[0].numel()) ** 0.5)
        state = task.state_dict()
        for step, checkpoint in ((40, "last"), (20, "early")):
            torch.save({"state_dict": state, "global_step": step}, folder / "checkpoints" / f"{checkpoint}.ckpt")
        return folder

    return make


@pytest.fixture(scope="module")
def adain(make_style_run):
    return make_style_run("adain", "model=adain")


@pytest.fixture(scope="module")
def learned(make_style_run):
    small = ["model.network.width=4", "model.network.blocks=1", "model.network.styles=2"]
    return make_style_run("learned", "model=johnson", *small, classes=["dawn", "noon"])


def paint(path, height=32, width=48, seed=0, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = Image.fromarray(np.random.default_rng(seed).integers(0, 256, (5, 6, 3), np.uint8))
    coarse.resize((width, height), Image.Resampling.BICUBIC).save(path, **options)
    return path


@pytest.fixture
def photo(tmp_path):
    return paint(tmp_path / "photo.png")


@pytest.fixture
def painting(tmp_path):
    return paint(tmp_path / "painting.png", 40, 40, seed=1)


@pytest.fixture
def stylize(tmp_path):
    def run(*words):
        words = ["stylize", *map(str, words), "--out", str(tmp_path / "out"), "--style-size", "32"]
        return CliRunner().invoke(app, words)

    return run


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def read(path):
    return np.asarray(Image.open(path).convert("RGB"))


def made(folder):
    return sorted(path.name for path in folder.iterdir())


def refusal(result):
    """What the user is told, in one line, with exit code 2."""
    assert isinstance(result.exception, UserError), result.exception
    assert exit_code(result.exception) == 2
    assert "\n" not in str(result.exception)
    return str(result.exception)


def test_a_picture_comes_out_in_its_own_size_with_a_note_of_how(adain, photo, painting, stylize, out, tmp_path):
    result = stylize(adain, "--content", photo, "--style", painting, "--strength", 0.5, "--seed", 3)
    assert result.exit_code == 0, result.output
    assert result.output.strip() == f"1 picture in {out}"
    assert made(out) == ["photo_stylized_painting.png"]
    path = out / "photo_stylized_painting.png"
    assert read(path).shape == (32, 48, 3)
    note = read_note(path)
    assert note["styles"] == [{"file": "painting.png", "weight": 1.0}]
    expected = {"method": "adain", "step": 40, "content": "photo.png", "strength": 0.5, "seed": 3, "style_size": 32}
    assert {key: note[key] for key in expected} == expected
    assert "preserve_color" not in note
    sheet = read(tmp_path / "out.png")
    assert sheet.shape[0] == sheet.shape[1]


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
        name_made = (
            "photo_stylized_painting+other.png" if name in ("mixed", "shares") else "photo_stylized_painting.png"
        )
        found[name] = read(out / name_made).astype(int)
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


def test_a_broken_style_spoils_only_its_own_pictures(adain, photo, stylize, out, tmp_path):
    paint(tmp_path / "styles" / "good.png")
    (tmp_path / "styles" / "bad.png").write_bytes(b"")
    result = stylize(adain, "--content", photo, "--style", tmp_path / "styles")
    assert result.exit_code == 1
    assert f"{photo} in bad: the style bad: empty file" in result.output
    assert made(out) == ["photo_stylized_good.png"]


@pytest.mark.parametrize("policy", ["luminance", "coral", "histogram"])
def test_colours_are_kept_when_asked_for(policy, adain, photo, painting, stylize, out):
    assert stylize(adain, "--content", photo, "--style", painting).exit_code == 0
    plain = read(out / "photo_stylized_painting.png")
    assert stylize(adain, "--content", photo, "--style", painting, "--preserve-color", policy).exit_code == 0
    path = out / "photo_stylized_painting.png"
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
    assert read_note(out / "photo_stylized_dawn+noon.png")["mask"] == "mask.png"


def test_a_mask_of_another_size_or_for_one_style_is_refused(learned, photo, stylize, tmp_path):
    mask = paint(tmp_path / "mask.png", 20, 20)
    result = stylize(learned, "--content", photo, "--style", "dawn", "--style", "noon", "--mask", mask)
    assert result.exit_code == 1
    assert "a mask of 20 x 20 does not fit a picture of 48 x 32" in result.output
    told = refusal(stylize(learned, "--content", photo, "--style", "dawn", "--mask", mask))
    assert told == "--mask: divides a picture among several styles; name two or more by --style"


def test_weights_beside_a_mask_are_refused(adain, photo, painting, stylize, out, tmp_path):
    mask = paint(tmp_path / "mask.png", 32, 48)
    told = refusal(stylize(adain, "--content", photo, "--style", f"{painting}:2", "--style", painting, "--mask", mask))
    assert told == "--mask: gives each style a region of its own; only where they are mixed have they weights"
    assert not out.exists()


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
    result = stylize(run, "--content", photo, "--style", "sub-udnie", "--format", "webp")
    assert result.exit_code == 0, result.output
    assert read_note(out / "photo_stylized_sub-udnie.webp")["styles"] == [{"learned": "sub-udnie", "weight": 1.0}]


def test_names_of_files_stay_different_and_dots_of_others_stay():
    assert joined_names(["a/b.jpg", "a-b.png", "St. Ives", "b.JPEG"]) == ["a-b", "a-b-1", "St. Ives", "b"]


@pytest.mark.parametrize("method", ["adain", "learned"])
def test_without_strength_the_picture_is_left_to_the_bit(method, photo, painting, stylize, out, request):
    run, style = request.getfixturevalue(method), painting if method == "adain" else "dawn"
    assert stylize(run, "--content", photo, "--style", style, "--strength", 0).exit_code == 0
    (name,) = made(out)
    np.testing.assert_array_equal(read(out / name), read(photo))


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
    assert result.stderr.splitlines() == [f"{wide} in narrow: the style narrow: {reason}"]


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


def test_another_checkpoint_can_be_named(learned, photo, stylize, out):
    words = ["--content", photo, "--style", "dawn", "--checkpoint", learned / "checkpoints" / "early.ckpt"]
    assert stylize(learned, *words).exit_code == 0
    assert read_note(out / "photo_stylized_dawn.png")["step"] == 20


def test_a_generators_image_as_a_style(adain, plain, photo, stylize, out):
    assert stylize(adain, "--content", photo, "--style", f"gan:{plain}?seed=7").exit_code == 0
    (origin,) = read_note(out / f"photo_stylized_{plain.name}-seed-7-0.png")["styles"]
    assert (origin["seed"], origin["generator"]["step"]) == (7, 40)
    assert "makes no images out of latents" in refusal(stylize(adain, "--content", photo, "--style", f"gan:{adain}"))


def test_gatys_paints_without_a_run(photo, painting, stylize, out):
    words = ["gatys", "--encoder", "embedded", "--content", photo, "--style", painting, "--steps", 3, "--size", 32]
    result = stylize(*words)
    assert result.exit_code == 0, result.output
    path = out / "photo_stylized_painting.png"
    note = read_note(path)
    assert (note["method"], note["encoder"], note["steps"]) == ("gatys", "embedded", 3)
    assert read(path).shape == (21, 32, 3)
    first = read(path)
    assert stylize(*words).exit_code == 0
    np.testing.assert_array_equal(read(path), first)


def test_wct_needs_its_weights_and_no_run(photo, painting, stylize, out, shared_data):
    weights = shared_data / "weights" / "wct16x_all.safetensors"
    assert stylize("wct", "--weights", weights, "--content", photo, "--style", painting).exit_code == 0
    assert read_note(out / "photo_stylized_painting.png")["encoder"] == "vgg19_slim"


@pytest.mark.parametrize("model", ["adain", "wct"])
def test_a_run_whose_encoders_file_has_moved(
    model, make_style_run, photo, painting, stylize, out, shared_data, tmp_path
):
    weights, gone = shared_data / "weights" / "wct16x_all.safetensors", tmp_path / "gone.safetensors"
    gone.symlink_to(weights)
    run = make_style_run(f"moved_{model}", f"model={model}", "encoder=vgg19_slim", f"encoder.weights={gone}")
    gone.unlink()
    words = [run, "--content", photo, "--style", painting]
    assert "no such file" in str(stylize(*words).exception)
    result = stylize(*words, "--weights", weights)
    assert result.exit_code == 0, result.output
    assert made(out) == ["photo_stylized_painting.png"]


def test_an_encoder_is_tried_where_the_commands_compute(monkeypatch):
    """On another device than it was made on, for which torch's device without memory stands."""
    monkeypatch.setattr(methods, "device", lambda: torch.device("meta"))
    assert methods._ready(encoders.embedded())._place.device.type == "meta"


def test_tiles_are_told_of_before_they_are_made(adain, learned, painting, stylize, out, tmp_path):
    large = paint(tmp_path / "large.png", 300, 400)
    whole = stylize(adain, "--content", large, "--style", painting)
    assert whole.output.strip() == f"1 picture in {out}"
    expected = read(out / "large_stylized_painting.png").astype(int)
    result = stylize(adain, "--content", large, "--style", painting, "--max-memory", "18MiB")
    assert result.exit_code == 0, result.output
    assert result.stderr.strip() == "400 x 300 takes about 0.024 GiB: in tiles within 0.018 GiB"
    assert np.abs(read(out / "large_stylized_painting.png") - expected).max() <= 1
    result = stylize(adain, "--content", large, "--style", painting, "--max-memory", "5MiB")
    assert result.exit_code == 1
    assert "--max-memory: 400 x 304 pixels need" in result.output


def test_clips_are_stylised_frame_by_frame(learned, stylize, out, tmp_path):
    pytest.importorskip("av")
    from atelier.stylize.clips import clip_of, write_clip

    frames = [torch.tensor(read(paint(tmp_path / "f.png", seed=seed))).permute(2, 0, 1) for seed in (0, 0, 1)]
    write_clip(tmp_path / "film.mp4", frames, Fraction(24), {})
    result = stylize(learned, "--content", tmp_path / "film.mp4", "--style", "dawn")
    assert result.exit_code == 0, result.output
    clip = clip_of(out / "film_stylized_dawn.mp4")
    assert (clip.count, clip.rate, clip.height, clip.width) == (3, 24, 32, 48)
    (tmp_path / "broken.mp4").write_bytes(b"no film")
    result = stylize(learned, "--content", tmp_path / "broken.mp4", "--style", "dawn")
    assert result.exit_code == 1
    assert "no video that can be used" in result.output


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["nothing"], "METHOD: must be one of gatys, wct or a run folder, got 'nothing'"),
        (["gatis"], "did you mean 'gatys'"),
        (["{folder}"], "a folder without config.yaml"),
        (["{plain}"], "METHOD: .* is the run of a Gan, which gives no picture the style of another"),
        (["gatys", "--encoder", "vgg91"], "--encoder: must be one of embedded, .*got 'vgg91'; did you mean 'vgg19"),
        (["gatys", "--encoder", "vgg19_normalised"], "--weights: must be the path of vgg_normalised.pth"),
        (["gatys", "--encoder", "embedded", "--weights", "{photo}"], "--weights: the embedded encoder has its own"),
        (["gatys", "--weights", "nowhere.pth"], "--weights: no such file: 'nowhere.pth'"),
        (["gatys", "--encoder", "vgg19", "--weights", "{photo}"], "cannot be read as weights"),
        (["gatys", "--encoder", "vgg19_slim"], "vgg19_slim: no weights at .*encoder=embedded needs none"),
        (["wct"], "vgg19_slim: no weights at"),
        (["wct", "--weights", "nowhere.pth"], "--weights: no such file"),
        (["wct", "--weights", "{photo}"], "cannot be read as weights"),
        (["wct", "--encoder", "embedded"], "--encoder: wct has trained decoders for vgg19_slim alone"),
        (["wct", "--steps", "3"], "--steps: is nothing that wct could heed"),
        (["gatys", "--checkpoint", "{photo}"], "--checkpoint: is nothing that gatys could heed"),
        (["{adain}", "--encoder", "embedded"], "--encoder: is nothing that .*adain could heed"),
        (["{adain}", "--strength", "1.5"], "--strength: must be from 0 to 1, got 1.5"),
        (["{adain}", "--strength", "nan"], "--strength: must be from 0 to 1, got nan"),
        (["{adain}", "--preserve-color", "colar"], "--preserve-color: must be one of coral, .*did you mean 'coral'"),
        (["{adain}", "--format", "gif"], "--format: must be one of .*got 'gif'"),
        (["{adain}", "--max-memory", "lots"], "--max-memory: must be like 4GiB or 500MB"),
        (["{adain}", "--content", "nowhere.jpg"], "--content: no such file or folder: 'nowhere.jpg'"),
        (["{adain}", "--style", "nowhere.jpg"], "--style: no such file: 'nowhere.jpg'"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line_that_names_the_option(
    words, text, adain, plain, photo, painting, stylize, out, tmp_path
):
    folder = tmp_path / "folder"
    folder.mkdir()
    places = {"adain": adain, "plain": plain, "photo": photo, "folder": folder}
    told = refusal(stylize("--content", photo, "--style", painting, *(word.format_map(places) for word in words)))
    assert re.search(text, told), told
    assert not out.exists()


def test_a_run_of_gatys_is_one_picture_and_no_method(make_style_run, photo, painting, stylize):
    pair = [f"data.content={photo}", f"data.style={painting}"]
    run = make_style_run("once", "model=gatys", "data=image_pair", *pair)
    told = refusal(stylize(run, "--content", photo, "--style", painting))
    assert "is the run of a Gatys, which gives no picture the style of another" in told


def test_weights_of_another_network_are_told_before_any_picture(photo, painting, stylize, tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"features.0.weight": torch.zeros(2)}, path)
    for encoder in ("vgg19", "vgg19_slim", "vgg19_normalised"):
        told = refusal(
            stylize("gatys", "--encoder", encoder, "--weights", path, "--content", photo, "--style", painting)
        )
        assert "holds the weights of another network" in told


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


@pytest.mark.parametrize(("contents", "styles"), [(1, 1), (2, 3), (3, 2)])
def test_the_longer_side_of_a_sheet_runs_down(contents, styles, tmp_path):
    sheet = Sheet()
    for content in range(contents):
        for style in range(styles):
            shades = (
                torch.full((3, 16, 16), shade, dtype=torch.uint8)
                for shade in (content, 100 + style, 200 + 10 * content + style)
            )
            sheet.note(f"c{content}", f"s{style}", *shades)
    sheet.save(tmp_path / "sheet.png", {"method": "none"})
    middles = read(tmp_path / "sheet.png")[SIDE // 2 :: SIDE + 2, SIDE // 2 :: SIDE + 2, 0]
    expected = np.full((contents + 1, styles + 1), 255)
    expected[1:, 0], expected[0, 1:] = range(contents), range(100, 100 + styles)
    expected[1:, 1:] = [[200 + 10 * content + style for style in range(styles)] for content in range(contents)]
    np.testing.assert_array_equal(middles, expected if contents >= styles else expected.T)
