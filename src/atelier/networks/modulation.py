"""Convolutions whose input channels are scaled by a style (Karras et al. 2020, section 2.2)."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, linear

from atelier.networks import equalized
from atelier.networks.padding import circular
from atelier.networks.resampling import UpsampledConvolution


class Convolution(nn.Module):
    """Convolved by given weights (O, C, 3, 3), the size kept."""

    def __init__(self) -> None:
        super().__init__()
        self.padding_mode = "zeros"

    def forward(self, images: Tensor, weight: Tensor) -> Tensor:
        if self.padding_mode == "circular":
            return conv2d(circular(images, 1), weight)
        return conv2d(images, weight, padding=1)


class ModulatedConv2d(equalized.Equalized):
    """Features (B, C, H, W) and styles (B, style_dim) to features (B, O, H, W), or (B, O, 2 H, 2 W) with `upsample`.

    The paper scales each image's weights, eq. 1, and then its filters to unit norm, eq. 3. To scale the features before
    and after one convolution for all images comes to the same and is faster than a convolution for each.
    """

    def __init__(self, in_channels: int, out_channels: int, style_dim: int, upsample: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 3, 3))
        self.gain = 1 / math.sqrt(in_channels * 3**2)
        self.scale = equalized.Linear(style_dim, in_channels, bias=1.0)
        self.convolve = UpsampledConvolution() if upsample else Convolution()

    def forward(self, features: Tensor, style: Tensor) -> Tensor:
        weight, scale = self.weight * self.gain, self.scale(style)
        return times(self.convolve(times(features, scale), weight), demodulation(scale, weight))


class ToImage(nn.Module):
    """Features and styles to images (B, 3, H, W): modulated by eq. 1 alone, since colours are to keep their scale."""

    def __init__(self, in_channels: int, style_dim: int) -> None:
        super().__init__()
        self.scale = equalized.Linear(style_dim, in_channels, bias=1.0)
        self.convolution = equalized.Conv2d(in_channels, 3, 1)

    def forward(self, features: Tensor, style: Tensor) -> Tensor:
        return self.convolution(times(features, self.scale(style))).float()


class Noise(nn.Module):
    """Features with noise added, as strong as is learned: fresh in training, else the same for every image.

    (Karras et al. 2019, section 2; here as in StyleGAN2 with one strength for all channels.)
    """

    fixed: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.strength = nn.Parameter(torch.zeros(()))
        self.register_buffer("fixed", torch.randn(1, 1, size, size))

    def forward(self, features: Tensor) -> Tensor:
        fresh = (len(features), 1, *features.shape[2:])
        noise = torch.randn(fresh, device=features.device) if self.training else self.fixed
        return features + self.strength * noise.to(features.dtype)


class Layer(nn.Module):
    """Modulated convolution, noise, bias and leaky ReLU."""

    def __init__(self, in_channels: int, out_channels: int, style_dim: int, size: int, upsample: bool = False) -> None:
        super().__init__()
        self.convolution = ModulatedConv2d(in_channels, out_channels, style_dim, upsample)
        self.noise = Noise(size)
        self.bias = nn.Parameter(torch.zeros(out_channels, 1, 1))

    def forward(self, features: Tensor, style: Tensor) -> Tensor:
        features = self.noise(self.convolution(features, style))
        return equalized.activate(features + self.bias.to(features.dtype))


def demodulation(scale: Tensor, weight: Tensor) -> Tensor:
    """1 / norm, (B, O), of filters (O, C, k, k) whose input channels are scaled by (B, C): eq. 3."""
    return torch.rsqrt(linear(scale.square(), weight.square().sum((2, 3))) + 1e-8)


def times(features: Tensor, scale: Tensor) -> Tensor:
    """Features (B, C, H, W), each channel times its scale (B, C)."""
    return features * scale[:, :, None, None].to(features.dtype)
