import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from slim_weights import ESTIMATED, noise, weights
from torch.nn.functional import conv2d
from torch.testing import assert_close

from atelier.networks import slim
from atelier.networks.slim import LEVELS, SlimDecoder, SlimEncoder
from atelier.networks.vgg_estimated import VggEstimated, decoder, widths

each_level = pytest.mark.parametrize("level", LEVELS)


@each_level
def test_a_stages_first_tap_is_what_its_layer_says_and_others_are_the_slim_ones(path, level):
    state, images = load_file(path), noise(2, 3, 35, 32)
    encoder, before = VggEstimated.pretrained(path, level), SlimEncoder.pretrained(path, level)
    assert encoder.widths == widths(level)
    expected = before.taps(images, slim.widths(level))
    for number in range(1, level + 1):
        weight, bias = (state[f"{level}SE.conv{number}1_aux.{part}"] for part in ("weight", "bias"))
        expected[f"relu{number}_1"] = conv2d(expected[f"relu{number}_1"], weight, bias).clamp(min=0)
    seen = encoder.taps(images, widths(level))
    assert list(seen) == list(expected)
    assert {name: activation.shape[1] for name, activation in seen.items()} == widths(level)
    for name, activation in seen.items():
        assert_close(activation, expected[name], rtol=1e-4, atol=1e-5)


def test_its_widths_are_vgg_19s_where_it_estimates():
    found = {name: width for name, width in widths(5).items() if width != slim.widths(5)[name]}
    assert found == {f"relu{name[0]}_1": width for name, width in ESTIMATED.items()}


@each_level
def test_gradients_reach_the_pictures_and_not_the_weights(path, level):
    encoder, images = VggEstimated.pretrained(path, level), noise(1, 3, 32, 32).requires_grad_()
    encoder.taps(images, [f"relu{level}_1"])[f"relu{level}_1"].square().sum().backward()
    assert (images.grad != 0).float().mean() > 0.9
    assert not any(weight.requires_grad for weight in encoder.parameters())


@pytest.mark.parametrize("level", [4, 5])
def test_most_published_channels_average_about_one_as_those_of_the_normalised_vgg_19(shared_data, level):
    file = shared_data / "weights" / "wct16x_all.safetensors"
    encoder, seen = VggEstimated.pretrained(file, level), {}
    for path in sorted((shared_data / "kodak24").glob("*.png"))[:6]:
        pixels = np.array(Image.open(path).crop((128, 128, 384, 384)))
        images = torch.from_numpy(pixels).permute(2, 0, 1)[None] / 127.5 - 1
        for name, activation in encoder.taps(images, [f"relu{number}_1" for number in range(1, level + 1)]).items():
            seen.setdefault(name, []).append(activation.mean((0, 2, 3)))
    for name, means in seen.items():
        lower, median, upper = torch.stack(means).mean(0).quantile(torch.tensor([0.25, 0.5, 0.75])).tolist()
        assert 0.4 < lower < median < upper < 1.8, name
        assert 0.7 < median < 1.3, name


def test_a_file_without_the_layers_is_refused(tmp_path):
    path = tmp_path / "bare.safetensors"
    save_file({name: tensor for name, tensor in weights().items() if "_aux" not in name}, path)
    with pytest.raises(ValueError, match=r"bare\.safetensors holds the weights of another network: .*3SE\.conv11_aux"):
        VggEstimated.pretrained(path, 3)


def test_loading_draws_no_random_numbers(path):
    before = torch.random.get_rng_state()
    VggEstimated.pretrained(path, 2)
    decoder(path, 2)
    assert_close(torch.random.get_rng_state(), before)


@each_level
@pytest.mark.parametrize("upsampling", ["nearest", "bilinear"])
def test_the_decoder_draws_what_was_estimated_as_the_distilled_one_draws_what_it_was_estimated_of(
    path, level, upsampling
):
    state, features = load_file(path), noise(2, slim.widths(level)[f"relu{level}_1"], 3, 4)
    weight, bias = (state[f"{level}SE.conv{level}1_aux.{part}"] for part in ("weight", "bias"))
    drawn = decoder(path, level, upsampling)(conv2d(features, weight, bias))
    assert_close(drawn, SlimDecoder.pretrained(path, level, upsampling)(features), rtol=1e-3, atol=1e-4)


def test_the_published_decoder_brings_a_photograph_back(shared_data):
    """Of relu4_1: to 22 dB in place of 25.6, for what the ReLU took is missing."""
    file = shared_data / "weights" / "wct16x_all.safetensors"
    pixels = np.array(Image.open(shared_data / "kodak24" / "kodim03.png").crop((128, 128, 384, 384)))
    images = torch.from_numpy(pixels).permute(2, 0, 1)[None] / 127.5 - 1
    again = decoder(file, 4)(VggEstimated.pretrained(file, 4).taps(images, ["relu4_1"])["relu4_1"])
    assert 10 * torch.log10(4 / (again - images).square().mean()) > 20
