"""What `atelier stylize` says of the files of weights that it looks through, and of runs that have none to offer."""

import re

import pytest
import torch
from safetensors.torch import load_file, save_file
from stylising import refusal

from atelier import weights
from atelier.cli.styling import encoder_choice
from atelier.errors import UserError
from atelier.stylize.provenance import read_note


@pytest.mark.parametrize(
    "words",
    [["model=adain", "encoder=vgg19_slim"], ["experiment=adain_128", "encoder=vgg19_estimated", "data.batch_size=2"]],
)
def test_what_is_no_file_of_weights_for_a_runs_encoder(
    words, make_style_run, photo, painting, stylize, shared_data, tmp_path
):
    weights = shared_data / "weights" / "wct16x_all.safetensors"
    run = make_style_run(f"slim_{len(words)}", *words, f"encoder.weights={weights}")
    told = refusal(stylize(run, "--weights", photo, "--content", photo, "--style", painting))
    assert told == f"--weights: '{photo}' is no file of weights, or a damaged one"
    save_file({"features.0.weight": torch.zeros(2)}, tmp_path / "other.safetensors")
    told = refusal(stylize(run, "--weights", tmp_path / "other.safetensors", "--content", photo, "--style", painting))
    assert re.match(rf"--weights: (model: )?{tmp_path}/other.safetensors holds the weights of another network", told)


@pytest.mark.parametrize("method", ["wct", "gatys"])
def test_what_is_wrong_with_a_file_that_was_found_is_told_too(
    method, photo, painting, stylize, shared_data, tmp_path, monkeypatch
):
    """In the weights' folder, of the option that could name another."""
    monkeypatch.setenv("ATELIER_WEIGHTS", str(tmp_path / "weights"))
    file = tmp_path / "weights" / "wct16x_all.safetensors"
    file.parent.mkdir()
    words = [method, *(["--encoder", "vgg19_slim"] if method == "gatys" else []), "--content", photo]
    instead = "; --encoder embedded needs none" if method == "gatys" else ""
    whole = load_file(shared_data / "weights" / file.name)
    lost = "SD" if method == "wct" else "SE"
    save_file({name: part for name, part in whole.items() if lost not in name}, file)
    told = refusal(stylize(*words, "--style", painting))
    assert re.fullmatch(f"--weights: {file} holds the weights of another network: .* do not fit{instead}", told), told
    file.write_bytes(b"no weights")
    told = refusal(stylize(*words, "--style", painting))
    assert told == f"--weights: '{file}' is no file of weights, or a damaged one{instead}"


def test_without_a_download_what_needs_none_is_named(photo, painting, stylize, monkeypatch):
    def fetch(name):
        raise UserError(f"{name}: cannot be downloaded (no network)")

    monkeypatch.setattr(weights, "fetch", fetch)
    told = refusal(stylize("gatys", "--encoder", "vgg19", "--content", photo, "--style", painting))
    assert told == "--encoder: vgg19: cannot be downloaded (no network); --encoder embedded needs none"


@pytest.mark.parametrize("words", [[], ["--encoder", "embedded"]])
def test_that_the_coarsest_eye_looks_is_told_unless_it_is_asked_for(words, photo, painting, stylize):
    small = ["--size", 32, "--steps", 1]
    result = stylize("gatys", *words, *small, "--content", photo, "--style", painting)
    assert result.exit_code == 0, result.output
    told = "--encoder: none is named and no weights are at hand, so the package's own looks, the coarsest; "
    assert result.stderr == ("" if words else f"{told}`atelier weights fetch vgg19` brings a better one\n")


@pytest.mark.parametrize("file", ["wct16x_all.safetensors", None])
def test_the_best_encoder_at_hand_looks(file, photo, painting, stylize, out, shared_data, tmp_path, monkeypatch):
    monkeypatch.setenv("ATELIER_WEIGHTS", str(tmp_path / "weights"))
    if file:
        (tmp_path / "weights").mkdir()
        (tmp_path / "weights" / file).symlink_to(shared_data / "weights" / file)
    assert stylize("gatys", "--size", 32, "--steps", 1, "--content", photo, "--style", painting).exit_code == 0
    note = read_note(out / "photo_stylized_painting.png")
    assert note["encoder"] == ("vgg19_estimated" if file else "embedded")


def test_vgg_19_itself_goes_before_its_estimates(tmp_path, monkeypatch):
    monkeypatch.setenv("ATELIER_WEIGHTS", str(tmp_path))
    found = [encoder_choice._at_hand(None)]
    for name in ("vgg19_slim", "vgg19"):
        weights.path_of(name).touch()
        found.append(encoder_choice._at_hand(None))
    assert found == ["embedded", "vgg19_estimated", "vgg19"]


def test_a_run_of_gatys_is_one_picture_and_no_method(make_style_run, photo, painting, stylize):
    pair = [f"data.content={photo}", f"data.style={painting}"]
    run = make_style_run("once", "model=gatys", "data=image_pair", *pair)
    told = refusal(stylize(run, "--content", photo, "--style", painting))
    assert "is a run of Gatys, which gives no picture the style of another" in told


def test_weights_of_another_network_are_told_before_any_picture(photo, painting, stylize, tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"features.0.weight": torch.zeros(2)}, path)
    for encoder in ("vgg19", "vgg19_estimated", "vgg19_slim", "vgg19_normalised"):
        told = refusal(
            stylize("gatys", "--encoder", encoder, "--weights", path, "--content", photo, "--style", painting)
        )
        assert "holds the weights of another network" in told
