"""Held against torch's own convolution."""

import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d
from torch.testing import assert_close

from atelier.networks import winograd
from atelier.networks.winograd import FrozenConv2d, convolved, transformed


@pytest.fixture
def always(monkeypatch):
    """However few the channels."""
    monkeypatch.setattr(winograd, "LEAST", 0)


def frozen(before=5, after=7):
    torch.manual_seed(0)
    return FrozenConv2d(before, after).requires_grad_(False)


def noise(*shape, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1), dtype=dtype)


@pytest.mark.parametrize("size", [(8, 12), (9, 6), (1, 1), (3, 23)])
@pytest.mark.parametrize("at_once", [1, 256])
def test_the_sums_are_those_of_a_convolution(size, at_once, monkeypatch):
    """In float64, where rounding hides nothing; sides need not be whole tiles, nor a picture one strip."""
    monkeypatch.setattr(winograd, "AT_ONCE", at_once)
    images, weight, bias = (noise(*shape, dtype=torch.float64) for shape in ((2, 5, *size), (7, 5, 3, 3), (7,)))
    assert_close(convolved(images, transformed(weight), bias), conv2d(images, weight, bias, padding=1))
    assert_close(convolved(images, transformed(weight)), conv2d(images, weight, padding=1))


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_rounding_stays_small(memory_format):
    weight, images = noise(256, 256, 3, 3), noise(1, 256, 16, 16).to(memory_format=memory_format)
    expected = conv2d(images.double(), weight.double(), padding=1)
    found = convolved(images, transformed(weight))
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert float((found - expected).norm() / expected.norm()) < 1e-5


@pytest.mark.usefixtures("always")
def test_value_and_gradient_of_the_layer():
    layer, images = frozen(), noise(2, 5, 9, 10).requires_grad_()
    found, expected = layer(images), conv2d(images, layer.weight, layer.bias, padding=1)
    assert_close(found, expected, rtol=1e-5, atol=1e-5)
    slope = noise(2, 7, 9, 10)
    gradients = [torch.autograd.grad(one, images, slope)[0] for one in (found, expected)]
    assert_close(*gradients, rtol=1e-5, atol=1e-5)
    assert not torch.equal(found, expected)  # or else it was torch's own


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("size", [(8, 8), (9, 10)])
def test_what_follows_may_work_in_place(size):
    layer, images = frozen(), noise(2, 5, *size).requires_grad_()
    plain = conv2d(images, layer.weight, layer.bias, padding=1).relu()
    gradients = [torch.autograd.grad(one.square().sum(), images)[0] for one in (layer(images).relu_(), plain)]
    assert_close(*gradients, rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("always")
def test_other_weights_are_noticed():
    layer, images = frozen(), noise(1, 5, 8, 8)
    before = layer(images)
    layer.weight.mul_(2)
    assert_close(layer(images) - layer.bias[:, None, None], 2 * (before - layer.bias[:, None, None]))
    layer.load_state_dict({"weight": torch.zeros(7, 5, 3, 3), "bias": torch.zeros(7)}, assign=True)
    assert_close(layer(images), torch.zeros(1, 7, 8, 8))


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("case", ["weights that learn", "float64", "autocast", "circular"])
def test_otherwise_it_is_torchs_own(case):
    layer, images = frozen(), noise(1, 5, 8, 8)
    if case == "weights that learn":
        layer.requires_grad_()
    if case == "float64":
        layer, images = layer.double(), images.double()
    if case == "circular":
        layer.padding_mode = "circular"
    plain = nn.Conv2d(5, 7, 3, padding=1, padding_mode=layer.padding_mode).to(images.dtype)
    plain.load_state_dict(layer.state_dict())
    with torch.autocast("cpu", torch.bfloat16, enabled=case == "autocast"):
        assert_close(layer(images), plain(images), rtol=0, atol=0)


def test_few_channels_are_torchs_own():
    layer, images = frozen(), noise(1, 5, 8, 8)
    assert_close(layer(images), conv2d(images, layer.weight, layer.bias, padding=1), rtol=0, atol=0)
