import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d, interpolate, pad
from torch.testing import assert_close

from atelier.networks.padding import make_seamless
from atelier.networks.reflection import ReflectedConv2d, SmoothUpsampleConv2d, UpsampleConv2d, folded
from atelier.networks.winograd import pays

SIZES = [(2, 2), (2, 5), (3, 2), (7, 4), (8, 9)]
FORMATS = [torch.contiguous_format, torch.channels_last]


def made(kind, given=5, wanted=4):
    torch.manual_seed(0)
    return kind(given, wanted)


def padded(layer, maps, mode="reflect"):
    return conv2d(pad(maps, [1] * 4, mode), layer.weight, layer.bias)


def enlarged(layer, maps, mode="reflect"):
    return padded(layer, interpolate(maps, scale_factor=2, mode="nearest"), mode)


def smoothly_enlarged(layer, maps, mode="reflect"):
    """By the definition: each pixel is three quarters of its own and a quarter of the next on its side."""
    for dim in (2, 3):
        last = maps.shape[dim] - 1
        ends = maps.narrow(dim, 0, 1), maps.narrow(dim, last, 1)
        first_end, last_end = ends if mode == "reflect" else ends[::-1]
        before = torch.cat([first_end, maps.narrow(dim, 0, last)], dim)
        after = torch.cat([maps.narrow(dim, 1, last), last_end], dim)
        halves = torch.stack([(3 * maps + before) / 4, (3 * maps + after) / 4], dim + 1)
        maps = halves.flatten(dim, dim + 1)
    return padded(layer, maps, mode)


PLAIN = {ReflectedConv2d: padded, UpsampleConv2d: enlarged, SmoothUpsampleConv2d: smoothly_enlarged}
each_kind = pytest.mark.parametrize("kind", PLAIN)


@pytest.mark.parametrize("layout", FORMATS, ids=str)
@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("size", SIZES, ids=str)
@each_kind
def test_layers_are_their_plain_forms(kind, size, frozen, layout):
    layer = made(kind).requires_grad_(not frozen).to(memory_format=layout)
    maps = torch.randn(3, 5, *size).to(memory_format=layout)
    given = maps.clone()
    assert_close(layer(maps), PLAIN[kind](layer, maps), rtol=1e-5, atol=1e-5)
    assert_close(maps, given, rtol=0, atol=0)


@pytest.mark.parametrize("size", [(1, 1), (1, 4), (3, 1)], ids=str)
def test_a_single_pixel_can_be_enlarged(size):
    layer, maps = made(UpsampleConv2d), torch.randn(2, 5, *size)
    assert_close(layer(maps), enlarged(layer, maps), rtol=1e-5, atol=1e-5)


def test_a_frozen_layer_pads_no_whole_map(monkeypatch):
    """Else it would be no cheaper."""

    def refuse(*_):
        pytest.fail("the map is padded")

    layer = made(ReflectedConv2d).requires_grad_(False)
    monkeypatch.setattr("atelier.networks.padding.padded", refuse)
    layer(torch.randn(1, 5, 4, 4))
    with pytest.raises(pytest.fail.Exception, match="padded"):
        layer(torch.randn(1, 5, 4, 4, requires_grad=True))


@pytest.mark.parametrize("size", [(2, 2), (5, 9), (16, 24)], ids=str)
def test_a_wide_frozen_layer_is_its_plain_form(size):
    """Of so many channels that it takes the shorter way."""
    torch.manual_seed(0)
    layer = ReflectedConv2d(256, 128).requires_grad_(False)
    maps = torch.randn(2, 256, *size)
    assert pays(maps, layer.weight)
    assert_close(layer(maps), conv2d(pad(maps, [1] * 4, "reflect"), layer.weight, layer.bias), rtol=1e-4, atol=1e-4)
    with torch.no_grad():
        layer.weight.mul_(2)  # it does not draw by weights that it had before
        assert_close(layer(maps), conv2d(pad(maps, [1] * 4, "reflect"), layer.weight, layer.bias), rtol=1e-4, atol=1e-4)


@each_kind
def test_gradients_are_the_plain_forms(kind):
    layer, maps = made(kind).double(), torch.randn(2, 5, 3, 4, dtype=torch.float64, requires_grad=True)
    sources = [maps, *layer.parameters()]
    ours, plain = (
        torch.autograd.grad(made.square().sum(), sources) for made in (layer(maps), PLAIN[kind](layer, maps))
    )
    for one, other in zip(ours, plain, strict=True):
        assert_close(one, other)
    assert torch.autograd.gradgradcheck(lambda maps: layer(maps) ** 2, maps)


@each_kind
def test_a_frozen_layer_passes_gradients_to_its_input(kind):
    layer, maps = made(kind).requires_grad_(False), torch.randn(2, 5, 3, 4, requires_grad=True)
    expected = torch.autograd.grad(PLAIN[kind](layer, maps).square().sum(), maps)[0]
    assert_close(torch.autograd.grad(layer(maps).square().sum(), maps)[0], expected, rtol=1e-4, atol=1e-5)


@each_kind
def test_seamless_layers_wrap_around(kind):
    layer, maps = made(kind).requires_grad_(False), torch.randn(2, 5, 4, 6)
    make_seamless(layer)
    assert_close(layer(maps), PLAIN[kind](layer, maps, "circular"), rtol=1e-5, atol=1e-5)


def test_the_folded_filter_has_four_times_the_sum():
    """Each weight serves the four pixels that one becomes."""
    weight = made(UpsampleConv2d).weight
    assert folded(weight).shape == (5, 4, 4, 4)
    assert_close(folded(weight).sum((2, 3)).T, 4 * weight.sum((2, 3)))


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (1, 4), (4, 1)], ids=str)
def test_a_side_of_one_pixel_is_its_own_reflection(size, frozen):
    """As of a map that is that pixel all over, along that side."""
    layer, maps = made(ReflectedConv2d).requires_grad_(not frozen), torch.randn(2, 5, *size)
    height, width = size
    repeated = maps.expand(2, 5, 3 if height == 1 else height, 3 if width == 1 else width)
    drawn = padded(layer, repeated)[:, :, : height if height > 1 else 1, : width if width > 1 else 1]
    assert_close(layer(maps), drawn, rtol=1e-5, atol=1e-5)


def test_layers_can_stand_in_a_sequential():
    layers = nn.Sequential(made(ReflectedConv2d, 4, 4), made(UpsampleConv2d, 4, 2))
    assert layers(torch.randn(2, 4, 3, 5)).shape == (2, 2, 6, 10)
