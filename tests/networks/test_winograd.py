"""Held against torch's own convolution."""

import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d, pad
from torch.testing import assert_close

from atelier.networks import winograd
from atelier.networks.reflection import ReflectedConv2d
from atelier.networks.winograd import FrozenConv2d, pays, pays_for_once, reflected

LAYOUTS = [torch.contiguous_format, torch.channels_last]
each_layout = pytest.mark.parametrize("layout", LAYOUTS, ids=["NCHW", "NHWC"])
each_size = pytest.mark.parametrize("size", [(8, 8), (9, 10), (2, 3)], ids=str)


@pytest.fixture
def always(monkeypatch):
    """However few the channels."""
    monkeypatch.setattr(winograd, "LEAST", 0)
    monkeypatch.setattr(winograd, "FEWEST", 0)


def frozen(before=5, after=7):
    torch.manual_seed(0)
    return FrozenConv2d(before, after).requires_grad_(False)


def learning(before=5, after=7):
    torch.manual_seed(0)
    return ReflectedConv2d(before, after)


def noise(*shape, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1), dtype=dtype)


def plain(images, weight, bias=None):
    return conv2d(pad(images, [1] * 4, "reflect"), weight, bias)


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
@pytest.mark.parametrize(
    "case", ["weights that learn", "a bias that learns", "no batch", "float64", "autocast", "circular"]
)
def test_otherwise_it_is_torchs_own(case):
    layer, images = frozen(), noise(1, 5, 8, 8)
    if case == "weights that learn":
        layer.requires_grad_()
    if case == "a bias that learns":
        layer.bias.requires_grad_()
    if case == "no batch":
        images = images[0]
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


# Layers that learn.


@each_layout
@each_size
@pytest.mark.parametrize("biased", [False, True])
def test_values_and_all_gradients(size, layout, biased):
    """In float64; with no look at how much it pays."""
    images, weight, bias = (noise(*shape, dtype=torch.float64) for shape in ((3, 5, *size), (7, 5, 3, 3), (7,)))
    sources = [one.requires_grad_() for one in (images, weight, *([bias] if biased else []))]
    theirs = plain(*sources)
    ours = reflected(images.contiguous(memory_format=layout), *sources[1:])
    assert_close(ours, theirs)
    assert ours.is_contiguous(memory_format=layout)
    slope = noise(3, 7, *size, dtype=torch.float64)
    expected = torch.autograd.grad(theirs, sources, slope)
    assert_close(torch.autograd.grad(ours, sources, slope, retain_graph=True), expected)
    for source, gradient in zip(sources, expected, strict=True):  # each for itself
        assert_close(torch.autograd.grad(ours, source, slope, retain_graph=True)[0], gradient)


@pytest.mark.usefixtures("always")
@each_layout
def test_a_layer_that_learns(layout):
    layer, images = learning().to(memory_format=layout), noise(2, 5, 9, 10).contiguous(memory_format=layout)
    sources = [images.requires_grad_(), *layer.parameters()]
    ours, theirs = layer(images), plain(images, layer.weight, layer.bias)
    assert not torch.equal(ours, theirs)  # or else it was torch's own
    assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    found, expected = (torch.autograd.grad(one.relu_().square().sum(), sources) for one in (ours, theirs))
    assert_close(found, expected, rtol=1e-4, atol=1e-4)
    with torch.no_grad():
        assert_close(layer(images).relu_(), ours, rtol=0, atol=0)


@pytest.mark.usefixtures("always")
def test_frozen_weights_let_gradients_through():
    layer, images = learning().requires_grad_(False), noise(2, 5, 9, 10).requires_grad_()
    ours, theirs = (torch.autograd.grad(one.square().sum(), images)[0] for one in (
        layer(images), plain(images, layer.weight, layer.bias)
    ))  # fmt: skip
    assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
    assert not torch.equal(ours, theirs)


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("options", [{"foreach": True}, {"fused": True}, {"foreach": False}], ids=str)
def test_after_an_optimisers_step_it_draws_by_the_new_weights(options):
    layer, images = learning(), noise(2, 5, 8, 8)
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.1, **options)
    for _ in range(3):
        before = layer(images)
        before.square().sum().backward()
        optimizer.step()
        assert (layer(images) - before).abs().max() > 0.1
        assert_close(layer(images), plain(images, layer.weight, layer.bias), rtol=1e-4, atol=1e-4)
    layer.requires_grad_(False)  # as those of an averaged generator are
    assert_close(layer(images), plain(images, layer.weight, layer.bias), rtol=1e-4, atol=1e-4)


@pytest.mark.usefixtures("always")
def test_a_step_does_not_depend_on_those_before_it():
    """Else a run that is resumed would not be the run that was not interrupted."""

    def gradients(layer):
        layer.zero_grad()
        layer(noise(2, 5, 9, 10)).square().sum().backward()
        return [parameter.grad for parameter in layer.parameters()]

    used, fresh = learning(), learning()
    used(noise(2, 5, 16, 16)).sum().backward()
    with torch.no_grad():
        used(noise(1, 5, 4, 4))
    assert_close(gradients(used), gradients(fresh), rtol=0, atol=0)
    assert [*used.state_dict()] == ["weight", "bias"]


@pytest.mark.usefixtures("always")
def test_it_cannot_be_differentiated_twice():
    layer, images = learning(), noise(1, 5, 8, 8).requires_grad_()
    (gradient,) = torch.autograd.grad(layer(images).square().sum(), images, create_graph=True)
    with pytest.raises(RuntimeError, match="no autograd formula was registered"):
        gradient.square().sum().backward()


@pytest.mark.usefixtures("always")
def test_weights_changed_before_the_way_back_are_noticed():
    layer = learning()
    drawn = layer(noise(1, 5, 8, 8)).sum()
    with torch.no_grad():
        layer.weight.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        drawn.backward()


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("case", ["float64", "autocast", "circular"])
def test_otherwise_a_layer_that_learns_is_torchs_own(case):
    layer, images = learning(), noise(1, 5, 8, 8)
    if case == "float64":
        layer, images = layer.double(), images.double()
    if case == "circular":
        layer.padding_mode = "circular"
    theirs = nn.Conv2d(5, 7, 3, padding=1, padding_mode=layer.padding_mode).to(images.dtype)
    theirs.load_state_dict(layer.state_dict())
    with torch.autocast("cpu", torch.bfloat16, enabled=case == "autocast"):
        assert_close(layer(images), theirs(images), rtol=0, atol=0)


@pytest.mark.parametrize(("channels", "size"), [(5, 64), (128, 8)])
def test_few_channels_or_pixels_learn_as_torchs_own(channels, size):
    layer, images = learning(channels, channels), noise(1, channels, size, size)
    found, expected = layer(images), plain(images, layer.weight, layer.bias)
    assert_close(found, expected, rtol=0, atol=0)
    parameters = list(layer.parameters())
    ours, theirs = (torch.autograd.grad(one.square().sum(), parameters) for one in (found, expected))
    assert_close(ours, theirs, rtol=0, atol=0)


def test_what_pays():
    wide, narrow = noise(128, 128, 3, 3), noise(128, 127, 3, 3)
    assert pays(noise(1, 128, 2, 2), wide)
    assert not pays(noise(1, 127, 2, 2), narrow)
    assert pays_for_once(noise(1, 128, 32, 32), wide)
    assert pays_for_once(noise(4, 128, 16, 16), wide)
    assert not pays_for_once(noise(1, 128, 31, 32), wide)
    assert not pays_for_once(noise(1, 128, 32, 32).double(), wide.double())


@pytest.mark.usefixtures("always")
@each_layout
@pytest.mark.parametrize("size", [(8, 8), (9, 10)], ids=str)
def test_the_compiler_sees_one_node(size, layout):
    """Whose shapes and strides are as foretold."""
    layer = learning().to(memory_format=layout).train()
    images = noise(2, 5, *size).contiguous(memory_format=layout).requires_grad_()
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)
    sources = [images, *layer.parameters()]
    found, expected = (torch.autograd.grad(one(images).square().sum(), sources) for one in (compiled, layer))
    assert_close(found, expected)
    operator = torch.ops.atelier.convolve_reflected.default
    torch.library.opcheck(operator, (images, layer.weight), test_utils=("test_schema", "test_faketensor"))
