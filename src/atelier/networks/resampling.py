"""Images twice and half as large, low-passed by the binomial filter [1, 3, 3, 1].

(Zhang 2019, "Making convolutional networks shift-invariant again"; as in StyleGAN2, Karras et al. 2020.)
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d

from atelier.networks import equalized
from atelier.networks.grouped import Geometry, grouped
from atelier.networks.padding import circular


class Blur(nn.Module):
    """Every channel filtered: sides grow by `padding` zeros at either end, and shrink by 3."""

    kernel: Tensor

    def __init__(self, stride: int = 1, gain: float = 1.0) -> None:
        super().__init__()
        self.stride = stride
        self.register_buffer("kernel", binomial() * gain, persistent=False)

    def forward(self, images: Tensor, padding: int = 0) -> Tensor:
        channels = images.shape[1]
        kernel = self.kernel.to(images.dtype).expand(channels, 1, 4, 4)
        stride = self.stride, self.stride
        return grouped(images, kernel, None, Geometry(stride, (padding, padding), (1, 1), channels))


class Upsample(nn.Module):
    """(B, C, H, W) to (B, C, 2 H, 2 W): bilinear."""

    kernel: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.padding_mode = "zeros"
        self.register_buffer("kernel", 4 * binomial(), persistent=False)  # of four pixels three are new

    def forward(self, images: Tensor) -> Tensor:
        channels = images.shape[1]
        images, zeros = surround(images, 1, self.padding_mode)
        kernel = self.kernel.to(images.dtype).expand(channels, 1, 4, 4)
        # what is around the image makes 2 pixels each side that are cut off again
        return conv_transpose2d(images, kernel, stride=2, padding=1 if zeros else 3, groups=channels)


class Downsample(nn.Module):
    """(B, C, 2 H, 2 W) to (B, C, H, W)."""

    def __init__(self) -> None:
        super().__init__()
        self.padding_mode = "zeros"
        self.blur = Blur(stride=2)

    def forward(self, images: Tensor) -> Tensor:
        return self.blur(*surround(images, 1, self.padding_mode))


class DownsampledConv2d(equalized.Conv2d):
    """Low-passed, then convolved to half the size by 3 x 3 filters."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 3, stride=2)
        self.blur = Blur()

    def forward(self, input: Tensor) -> Tensor:
        blurred = self.blur(*surround(input, 2, self.padding_mode))
        return conv2d(blurred, self.weight * self.gain, self.bias, stride=2)


class UpsampledConvolution(nn.Module):
    """Convolved by given weights (O, C, 3, 3) to twice the size, then low-passed."""

    def __init__(self) -> None:
        super().__init__()
        self.padding_mode = "zeros"
        self.blur = Blur(gain=4)

    def forward(self, images: Tensor, weight: Tensor) -> Tensor:
        images, zeros = surround(images, 1, self.padding_mode)
        # of the pixels that a surrounding of the image makes, the blur needs one each side
        doubled = conv_transpose2d(images, weight.transpose(0, 1), stride=2, padding=0 if zeros else 1)
        return self.blur(doubled, zeros)


def surround(images: Tensor, width: int, padding_mode: str) -> tuple[Tensor, int]:
    """Images with their opposite sides around them, or the zeros that a convolution is to pad them with."""
    return (circular(images, width), 0) if padding_mode == "circular" else (images, width)


def binomial() -> Tensor:
    """The filter in two dimensions, (1, 1, 4, 4), of sum 1."""
    side = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    return (side[:, None] * side)[None, None]
