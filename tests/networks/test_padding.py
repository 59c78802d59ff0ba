import pytest
import torch
from torch import nn
from torch.nn.functional import pad
from torch.testing import assert_close
from torch.utils._python_dispatch import TorchDispatchMode

from atelier.networks.feed_forward import FeedForward
from atelier.networks.padding import Conv2d, ConvTranspose2d, circular, make_seamless, padded, roll_each
from atelier.networks.reflection import ReflectedConv2d
from atelier.networks.resnet_translator import ResNetTranslator

# kernel, stride, padding, output padding: those that make sides exactly `stride` times as long
DOUBLING = [
    (4, 2, 1, 0),
    (5, 2, 2, 1),
    (3, 2, 1, 1),
    (2, 2, 0, 0),
    (6, 2, 2, 0),
    (3, 1, 1, 0),
    (7, 3, 2, 0),
    (9, 4, 3, 1),
]
each_kind = pytest.mark.parametrize(("kernel", "stride", "padding", "extra"), DOUBLING)


def transposed(kernel, stride, padding, extra, kind=ConvTranspose2d):
    torch.manual_seed(0)
    return kind(2, 3, kernel, stride, padding, output_padding=extra)


def seamless(layer):
    make_seamless(layer)
    return layer


@each_kind
def test_with_zeros_it_is_the_layer_of_torch(kernel, stride, padding, extra):
    shape, images = (kernel, stride, padding, extra), torch.randn(2, 2, 6, 5)
    assert_close(transposed(*shape)(images), transposed(*shape, kind=nn.ConvTranspose2d)(images), rtol=0, atol=0)


@each_kind
@pytest.mark.parametrize("offset", [(1, 0), (0, 2), (3, 5)])
def test_circular_transposed_convolution_commutes_with_rolling(kernel, stride, padding, extra, offset):
    layer, images = seamless(transposed(kernel, stride, padding, extra)), torch.randn(2, 2, 6, 8)
    expected = layer(images).roll([stride * step for step in offset], (2, 3))
    assert_close(layer(images.roll(offset, (2, 3))), expected)


@each_kind
def test_circular_transposed_convolution_is_the_middle_of_a_tiling(kernel, stride, padding, extra):
    """Far from the borders of a plane tiled with the image, zeros and wrapping are the same."""
    shape, images = (kernel, stride, padding, extra), torch.randn(2, 2, 6, 8)
    plane = transposed(*shape)(images.repeat(1, 1, 3, 3))
    made = seamless(transposed(*shape))(images)
    assert made.shape == (2, 3, 6 * stride, 8 * stride)
    assert_close(made, plane[:, :, 6 * stride : 12 * stride, 8 * stride : 16 * stride])


def test_the_first_layer_of_a_generator_is_no_different():
    """From 1 x 1, without padding: there is nothing to wrap."""
    latents, layer = torch.randn(2, 2, 1, 1), transposed(4, 1, 0, 0)
    before = layer(latents)
    assert_close(seamless(layer)(latents), before, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("height", "breadth", "width"), [(4, 5, 0), (4, 5, 1), (4, 5, 4), (4, 4, 7), (4, 4, 11), (1, 1, 3)]
)
def test_circular_is_indexing_modulo_the_side(height, breadth, width):
    images = torch.randn(2, 3, height, breadth)
    rows, columns = torch.arange(-width, height + width) % height, torch.arange(-width, breadth + width) % breadth
    assert_close(circular(images, width), images[:, :, rows][:, :, :, columns], rtol=0, atol=0)


def test_every_padding_layer_of_a_network_becomes_circular():
    network = nn.Sequential(nn.Conv2d(3, 2, 3, padding=1), nn.ReLU(), nn.Sequential(ConvTranspose2d(2, 3, 4, 2, 1)))
    make_seamless(network)
    images = torch.randn(2, 3, 6, 6)
    assert_close(network(images.roll((1, 2), (2, 3))), network(images).roll((2, 4), (2, 3)))


def test_rolling_keeps_each_image_on_its_torus():
    """Each is one of its own height x width shifts, and of no other image."""
    images = torch.randn(8, 3, 4, 5)
    for image, rolled in zip(images, roll_each(images), strict=True):
        shifts = [image.roll((row, column), (1, 2)) for row in range(4) for column in range(5)]
        assert sum(torch.equal(rolled, shift) for shift in shifts) == 1


def test_rolling_is_uniform_and_of_its_own_for_each_image():
    """A marked corner lands on every pixel: 20 of them, 6000 images, so 300 ± 17 each; six deviations are allowed."""
    torch.manual_seed(0)
    images = torch.zeros(6000, 1, 4, 5)
    images[:, :, 0, 0] = 1
    counts = roll_each(images).sum((0, 1))
    assert counts.sum() == 6000
    assert (counts - 300).abs().max() < 6 * 17


def test_rolling_follows_the_seed():
    images = torch.randn(6, 3, 8, 8)
    torch.manual_seed(3)
    first = roll_each(images)
    torch.manual_seed(3)
    assert_close(roll_each(images), first, rtol=0, atol=0)


def test_rolling_passes_gradients_twice():
    images = torch.randn(2, 3, 4, 4, dtype=torch.float64, requires_grad=True)

    def rolled(given):
        torch.manual_seed(0)
        return roll_each(given) ** 3

    assert torch.autograd.gradgradcheck(rolled, images)


class Performed(TorchDispatchMode):
    """The names of all operations."""

    def __init__(self):
        super().__init__()
        self.names = set()

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        self.names.add(function.overloadpacket.__name__)
        return function(*arguments, **(options or {}))


@pytest.fixture
def deterministic():
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


def drawn(network, images):
    """What it draws, its slopes, and what torch did for them."""
    with Performed() as performed:
        pictures = network(images)
        slopes = torch.autograd.grad(pictures.square().sum(), [*network.parameters()])
    return [pictures.detach(), *slopes], performed.names


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Sequential(nn.Conv2d(3, 3, 1), Conv2d(3, 2, 5, 2, padding=2, padding_mode="reflect")),
        lambda: nn.Sequential(nn.Conv2d(3, 3, 1), ReflectedConv2d(3, 2)),
        lambda: FeedForward(width=4, blocks=1),
        lambda: ResNetTranslator(width=4, blocks=1),
    ],
    ids=["layer", "layer of style transfer", "johnson", "cyclegan"],
)
def test_reflections_gradient_is_deterministic_where_that_is_asked_for(make, deterministic):
    network, images = make().double(), torch.rand(2, 3, 16, 24, dtype=torch.float64)
    found, performed = drawn(network, images)
    torch.use_deterministic_algorithms(False)
    expected, usual = drawn(network, images)
    assert_close(found, expected)
    assert "reflection_pad2d_backward" in usual
    assert "reflection_pad2d_backward" not in performed


@pytest.mark.parametrize("width", [1, 3])
def test_deterministic_padding_is_torchs(width, deterministic):
    maps = torch.rand(2, 3, 4, 7).contiguous(memory_format=torch.channels_last)
    around = padded(maps, width, "reflect")
    assert_close(around, pad(maps, [width] * 4, "reflect"), rtol=0, atol=0)
    assert around.is_contiguous(memory_format=torch.channels_last)
