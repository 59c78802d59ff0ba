from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from slim_weights import layers, noise, weights
from torch import nn
from torch.testing import assert_close

from atelier.networks.slim import LEVELS, SlimDecoder, SlimEncoder, widths

each_level = pytest.mark.parametrize("level", LEVELS)


def convolution(state, name):
    weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
    layer = nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2])
    layer.load_state_dict({"weight": weight, "bias": bias})
    return layer.requires_grad_(False)


def plain_encoder(path, level):
    state = load_file(path)
    found = [convolution(state, f"{level}SE.conv0")]
    for name, _, _ in layers(level):
        found += [nn.MaxPool2d(2)] if name in ("21", "31", "41", "51") else []
        found += [nn.ReflectionPad2d(1), convolution(state, f"{level}SE.conv{name}"), nn.ReLU()]
    return nn.Sequential(*found)


def plain_decoder(path, level):
    state = load_file(path)
    found = []
    for name, _, _ in reversed(layers(level)):
        found += [nn.ReflectionPad2d(1), convolution(state, f"{level}SD.conv{name}"), nn.ReLU()]
        found += [nn.Upsample(scale_factor=2)] if name in ("21", "31", "41", "51") else []
    return nn.Sequential(*found[:-1])


@each_level
def test_every_tap_is_the_plain_networks_activation(path, level):
    encoder, images = SlimEncoder.pretrained(path, level), noise(2, 3, 39, 36)
    assert encoder.widths == widths(level)
    taps = encoder.taps(images, list(encoder.widths))

    activation, expected = (images + 1) / 2, []
    for layer in plain_encoder(path, level):
        activation = layer(activation)
        expected += [activation] if isinstance(layer, nn.ReLU) else []

    assert list(taps)[-1] == f"relu{level}_1"
    for (name, tap), other in zip(taps.items(), expected, strict=True):
        assert tap.shape[1] == encoder.widths[name]
        assert_close(tap, other, rtol=1e-4, atol=1e-5)


@each_level
def test_pictures_are_the_plain_networks_in_another_range(path, level):
    features = noise(2, widths(level)[f"relu{level}_1"], 3, 2)
    expected = plain_decoder(path, level)(features) * 2 - 1
    assert_close(SlimDecoder.pretrained(path, level)(features), expected, rtol=1e-4, atol=1e-5)


@each_level
def test_gradients_reach_what_is_given_and_not_the_weights(path, level):
    encoder, decoder = SlimEncoder.pretrained(path, level), SlimDecoder.pretrained(path, level)
    images = noise(1, 3, 32, 32).requires_grad_()
    decoder(encoder.taps(images, [f"relu{level}_1"])[f"relu{level}_1"]).square().sum().backward()
    assert (images.grad != 0).float().mean() > 0.9
    assert not any(weight.requires_grad for network in (encoder, decoder) for weight in network.parameters())


LIKENESS = {1: 40, 2: 30, 3: 25, 4: 21, 5: 18}
"""Decibels of a picture's peak signal-to-noise ratio, 3 to 6 below those seen."""


@each_level
def test_the_published_weights_bring_a_photograph_back(shared_data, level):
    file: Path = shared_data / "weights" / "wct16x_all.safetensors"
    pixels = np.array(Image.open(shared_data / "kodak24" / "kodim03.png").crop((256, 128, 512, 384)))
    images = torch.from_numpy(pixels).permute(2, 0, 1)[None] / 127.5 - 1
    features = SlimEncoder.pretrained(file, level).taps(images, [f"relu{level}_1"])[f"relu{level}_1"]
    again = SlimDecoder.pretrained(file, level)(features)
    assert 10 * torch.log10(4 / (again - images).square().mean()) > LIKENESS[level]


@pytest.mark.parametrize("network", [SlimEncoder, SlimDecoder])
def test_unknown_levels_are_refused(path, network):
    for level in (0, 6):
        with pytest.raises(ValueError, match=rf"level must be in \(1, 2, 3, 4, 5\), got {level}"):
            network.pretrained(path, level)


@pytest.mark.parametrize("network", [SlimEncoder, SlimDecoder])
def test_weights_of_another_network_are_refused(tmp_path, network):
    path = tmp_path / "other.safetensors"
    for state in (
        {"0.weight": torch.zeros(3, 3)},
        weights() | {f"3{kind}.conv21.bias": torch.ones(5) for kind in ("SE", "SD")},
    ):
        save_file(state, path)
        with pytest.raises(ValueError, match=r"other\.safetensors holds the weights of another network: 3S"):
            network.pretrained(path, 3)


@pytest.mark.parametrize("network", [SlimEncoder, SlimDecoder])
def test_loading_draws_no_random_numbers(path, network):
    before = torch.random.get_rng_state()
    network.pretrained(path, 2)
    assert_close(torch.random.get_rng_state(), before)


def test_only_the_named_taps_are_known(path):
    with pytest.raises(ValueError, match=r"taps must be among \['relu1_1', .*'relu3_1'\], got \['relu4_1'\]"):
        SlimEncoder.pretrained(path, 3).taps(noise(1, 3, 32, 32), ["relu4_1"])
