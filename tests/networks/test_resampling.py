import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d, interpolate, pad

from atelier.networks.modulation import Convolution
from atelier.networks.padding import make_seamless
from atelier.networks.resampling import Blur, Downsample, DownsampledConv2d, Upsample, UpsampledConvolution, binomial

SIDE = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8


class Given(nn.Module):
    """A convolution with the weights that it is called with, as a layer."""

    def __init__(self, convolution):
        super().__init__()
        self.convolution, self.weight = convolution, nn.Parameter(torch.randn(4, 3, 3, 3))

    def forward(self, images):
        return self.convolution(images, self.weight)


LAYERS = {  # how many pixels a pixel becomes
    "Upsample": (Upsample, 2),
    "Downsample": (Downsample, 0.5),
    "DownsampledConv2d": (lambda: DownsampledConv2d(3, 4), 0.5),
    "UpsampledConvolution": (lambda: Given(UpsampledConvolution()), 2),
    "Convolution": (lambda: Given(Convolution()), 1),
}


def filtered(images):
    """[1, 3, 3, 1] along rows and columns, by hand: sides shrink by 3."""
    for dim in (2, 3):
        windows = images.unfold(dim, 4, 1)
        images = (windows * SIDE).sum(-1)
    return images


def spread(images):
    """Zeros between the pixels, and one after the last."""
    spaced = torch.zeros(*images.shape[:2], 2 * images.shape[2], 2 * images.shape[3])
    spaced[:, :, ::2, ::2] = images
    return spaced


def test_the_filter_has_sum_one_and_is_three_boxes():
    box = torch.ones(2) / 2
    thrice = torch.tensor([sum(box[i] * box[j] * box[k - i - j] for i in (0, 1) for j in (0, 1) if k - i - j in (0, 1))
                           for k in range(4)])  # fmt: skip
    torch.testing.assert_close(binomial()[0, 0], torch.outer(thrice, thrice))


def test_blur():
    images = torch.randn(2, 3, 9, 8)
    torch.testing.assert_close(Blur()(images), filtered(images))
    torch.testing.assert_close(Blur(stride=2)(images), filtered(images)[:, :, ::2, ::2])
    torch.testing.assert_close(Blur(gain=4)(images, 2), 4 * filtered(pad(images, [2] * 4)))


def test_upsampling_is_bilinear():
    images = torch.randn(2, 3, 6, 5)
    bilinear = interpolate(pad(images, [1] * 4), scale_factor=2, mode="bilinear", align_corners=False)
    torch.testing.assert_close(Upsample()(images), bilinear[:, :, 2:-2, 2:-2])


def test_downsampling():
    images = torch.randn(2, 3, 6, 8)
    torch.testing.assert_close(Downsample()(images), filtered(pad(images, [1] * 4))[:, :, ::2, ::2])


def test_downsampled_convolution_is_that_of_the_blurred_image():
    layer, images = DownsampledConv2d(3, 4), torch.randn(2, 3, 8, 8)
    every = conv2d(filtered(pad(images, [2] * 4)), layer.weight * layer.gain, layer.bias)
    torch.testing.assert_close(layer(images), every[:, :, ::2, ::2])


def test_upsampled_convolution_is_that_of_the_spread_image_blurred():
    weight, images = torch.randn(4, 3, 3, 3), torch.randn(2, 3, 5, 6)
    # a transposed convolution is one with the filter turned round
    convolved = conv2d(pad(spread(images), [2, 1, 2, 1]), weight.flip(2, 3))
    expected = 4 * filtered(pad(convolved, [1] * 4))
    torch.testing.assert_close(UpsampledConvolution()(images, weight), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", LAYERS)
def test_seamless_layers_roll_with_their_input(name):
    make, scale = LAYERS[name]
    layer, images = make(), torch.randn(2, 3, 8, 8)
    step = (2, -4) if scale < 1 else (1, -3)
    rolled = images.roll(step, (2, 3))

    def back(outputs):
        return outputs.roll([int(-scale * shift) for shift in step], (2, 3))

    assert not torch.allclose(back(layer(rolled)), layer(images), atol=1e-3)
    inside = layer(images)[:, :, 2:-2, 2:-2]
    make_seamless(layer)
    torch.testing.assert_close(back(layer(rolled)), layer(images))
    torch.testing.assert_close(layer(images)[:, :, 2:-2, 2:-2], inside)  # only the margin has changed


@pytest.mark.parametrize("circular", [False, True])
@pytest.mark.parametrize("name", LAYERS)
def test_layers_can_be_differentiated_twice(name, circular):
    layer = LAYERS[name][0]().double()
    if circular:
        make_seamless(layer)
    images = torch.randn(1, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, images)
    assert torch.autograd.gradgradcheck(lambda images: layer(images).square(), images)


@pytest.mark.parametrize("name", LAYERS)
def test_memory_format_makes_no_difference(name):
    layer, images = LAYERS[name][0](), torch.randn(2, 3, 8, 8)
    expected = layer(images)
    layer.to(memory_format=torch.channels_last)
    torch.testing.assert_close(layer(images.to(memory_format=torch.channels_last)), expected)
