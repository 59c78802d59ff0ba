"""What `atelier stylize` paints with: runs, generators as styles, gatys, wct, and where their weights are."""

import numpy as np
import pytest
import torch
from stylising import made, read, refusal

from atelier import encoders
from atelier.cli.styling import encoder_choice
from atelier.cli.styling.method_run import may_draw
from atelier.networks.feed_forward import FeedForward
from atelier.stylize.levels import Levels
from atelier.stylize.provenance import read_note


def test_another_checkpoint_can_be_named(learned, photo, stylize, out):
    words = ["--content", photo, "--style", "dawn", "--checkpoint", learned / "checkpoints" / "early.ckpt"]
    assert stylize(learned, *words).exit_code == 0
    assert read_note(out / "photo_stylized_dawn.png")["step"] == 20


def test_a_generators_image_as_a_style(adain, plain, photo, stylize, out):
    assert stylize(adain, "--content", photo, "--style", f"gan:{plain}?seed=7").exit_code == 0
    (name,) = made(out)
    assert name == f"photo_stylized_{plain.parent.name}_{plain.name}-step-40-seed-7-index-0.png"
    (origin,) = read_note(out / name)["styles"]
    assert (origin["seed"], origin["generator"]["step"]) == (7, 40)
    told = refusal(stylize(adain, "--content", photo, "--style", f"gan:{adain}"))
    assert told.endswith("is a run of ArbitraryStyle, which makes no images out of latents")


def test_the_fault_of_a_generators_config_is_one_line(adain, make_run, photo, stylize, tmp_path):
    run = make_run(tmp_path)
    config = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(config.replace("latent_dim: 12", "latent_dim: 12\n    surprise: 1"))
    told = refusal(stylize(adain, "--content", photo, "--style", f"gan:{run}"))
    assert told.startswith(f"--style: gan:{run}: model.generator.surprise: ")


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


def test_what_is_drawn_by_chance_has_a_seed_that_is_noted(photo, painting, stylize, out):
    words = ["gatys", "--encoder", "embedded", "--distance", "sliced", "--steps", 3, "--size", 32]
    for seed in ([], ["--seed", 0], ["--seed", 3]):
        assert stylize(*words, *seed, "--content", photo, "--style", painting).exit_code == 0
    assert made(out) == ["photo_stylized_painting-1.png", "photo_stylized_painting.png"]
    first, other = out / "photo_stylized_painting.png", out / "photo_stylized_painting-1.png"
    assert (read_note(first)["seed"], read_note(other)["seed"]) == (0, 3)
    assert (read(first) != read(other)).any()


def test_of_a_network_of_ones_own_nobody_knows_whether_it_draws():
    class Noisy(torch.nn.Module): ...

    levels = [torch.nn.Sequential(torch.nn.Dropout(), FeedForward(4, 1))]
    assert not may_draw(Levels("shipped", levels, 1))
    assert may_draw(Levels("own", [*levels, torch.nn.Sequential(Noisy())], 1))


def test_learned_styles_have_no_size_and_no_seed_in_the_note(learned, photo, stylize, out):
    assert stylize(learned, "--content", photo, "--style", "dawn").exit_code == 0
    assert not {"style_size", "seed"} & read_note(out / "photo_stylized_dawn.png").keys()


def test_wct_needs_its_weights_and_no_run(photo, painting, stylize, out, shared_data):
    weights = shared_data / "weights" / "wct16x_all.safetensors"
    assert stylize("wct", "--weights", weights, "--content", photo, "--style", painting).exit_code == 0
    assert read_note(out / "photo_stylized_painting.png")["encoder"] == "vgg19_slim"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("adain", ["model=adain", "encoder=vgg19_slim"]),
        ("wct", ["model=wct", "encoder=vgg19_slim"]),
        (
            "its_decoder",
            ["experiment=adain_128", "encoder=vgg19_estimated", "data.batch_size=2"],
        ),  # which comes from the same file
    ],
)
def test_a_run_whose_encoders_file_has_moved(
    name, words, make_style_run, photo, painting, stylize, out, shared_data, tmp_path
):
    weights, gone = shared_data / "weights" / "wct16x_all.safetensors", tmp_path / "gone.safetensors"
    gone.symlink_to(weights)
    run = make_style_run(f"moved_{name}", *words, f"encoder.weights={gone}")
    gone.unlink()
    words = [run, "--content", photo, "--style", painting]
    told = refusal(stylize(*words))
    assert told == f"--weights: must say where the encoder's file is now; the run had it at '{gone}': no such file"
    result = stylize(*words, "--weights", weights)
    assert result.exit_code == 0, result.output
    assert made(out) == ["photo_stylized_painting.png"]


def test_an_encoder_is_tried_where_the_commands_compute(monkeypatch):
    """On another device than it was made on, for which torch's device without memory stands."""
    monkeypatch.setattr(encoder_choice, "device", lambda: torch.device("meta"))
    assert encoder_choice.ready(encoders.embedded())._place.device.type == "meta"
