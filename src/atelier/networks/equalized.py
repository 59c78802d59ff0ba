"""Layers whose weights all learn at one rate, whatever their size.

Weights are drawn from N(0, 1) and scaled in each forward pass by He's constant, so that an optimiser that steps by as
much for every weight moves each by as much of its range (Karras et al. 2018, "Progressive growing of GANs", section
4.1: equalized learning rate).
"""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, linear

from atelier.networks import spectral


class Equalized(nn.Module):
    """A layer that scales its weights by `gain` whenever it uses them."""

    gain: float


class Linear(Equalized, nn.Linear):
    """torch's layer, equalised; weights and biases learn `rate` times as fast as others."""

    def __init__(self, in_features: int, out_features: int, rate: float = 1.0, bias: float = 0.0) -> None:
        super().__init__(in_features, out_features)
        nn.init.normal_(self.weight, 0.0, 1 / rate)
        nn.init.constant_(self.bias, bias / rate)
        self.rate, self.gain = rate, rate / math.sqrt(in_features)

    def forward(self, input: Tensor) -> Tensor:
        return linear(input, self.weight * self.gain, self.bias * self.rate)


class Conv2d(Equalized, nn.Conv2d):
    """torch's layer, equalised."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        bias: bool = True,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, bias=bias)
        nn.init.normal_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)
        self.gain = 1 / math.sqrt(in_channels * kernel_size**2)

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(input, self.weight * self.gain, self.bias)


class Projection(nn.Module):
    """Features (B, width) to logits (B,): linear, or with classes projected on the label's embedding.

    (Miyato & Koyama 2018, eq. 3, without its unconditional part and with embeddings of unit variance, as Karras et al.
    2020, "Training generative adversarial networks with limited data". They embed through a mapping network; of a
    finite set of labels that is an embedding too.)
    """

    def __init__(self, width: int, classes: int | None) -> None:
        super().__init__()
        self.linear = Linear(width, width if classes else 1)
        self.embedding = nn.Embedding(classes, width) if classes else None

    def forward(self, features: Tensor, labels: Tensor | None = None) -> Tensor:
        outputs = self.linear(features)
        if self.embedding is None:
            return outputs.squeeze(1)
        return (outputs * unit_variance(self.embedding(labels))).sum(1) / math.sqrt(outputs.shape[1])


def activate(features: Tensor) -> Tensor:
    """Leaky ReLU that keeps the variance."""
    return leaky_relu(features, 0.2).mul_(math.sqrt(2))


def unit_variance(vectors: Tensor) -> Tensor:
    """(B, D), each scaled to a mean square of 1 (Karras et al. 2018, section 4.2: pixelwise normalisation)."""
    return vectors * torch.rsqrt(vectors.square().mean(1, keepdim=True) + 1e-8)


def normalize_spectrally(network: nn.Module) -> None:
    """Spectral normalisation in place of the equalised scale: with both, weights would be scaled down twice."""
    for module in network.modules():
        if isinstance(module, Equalized):
            module.gain = 1.0
    spectral.normalize_spectrally(network)
