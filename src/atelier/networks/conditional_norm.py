"""Batch normalisation whose gain and bias depend on what is to be drawn (de Vries et al. 2017)."""

import torch
from torch import Tensor, nn


class ConditionalNorm(nn.Module):
    """Features (B, C, H, W), normalised, times the gain plus the bias that the condition of each image asks for.

    In training the statistics are the batch's, in evaluation their running averages.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.normalize = nn.BatchNorm2d(channels, affine=False)

    def forward(self, features: Tensor, condition: Tensor | None = None) -> Tensor:
        normalized = self.normalize(features)
        gain, bias = (part[:, :, None, None].to(normalized.dtype) for part in self.modulation(condition))
        return normalized * gain + bias

    def modulation(self, condition: Tensor | None) -> tuple[Tensor, Tensor]:
        """Gain and bias, each (B, C), or (1, C) where all images have the same."""
        raise NotImplementedError


class ClassNorm(ConditionalNorm):
    """Each class has a gain and a bias of its own; the condition is the labels (B,). Without classes, one for all.

    They are parameters rather than an embedding so that spectral normalisation, which is for weights that features are
    multiplied by, passes them over: gains of 1 are a matrix of rank one, and would shrink to 1 / sqrt(classes * C).
    """

    def __init__(self, channels: int, classes: int | None = None) -> None:
        super().__init__(channels)
        self.classes = classes
        self.gain = nn.Parameter(torch.ones(classes or 1, channels))
        self.bias = nn.Parameter(torch.zeros(classes or 1, channels))

    def modulation(self, condition: Tensor | None) -> tuple[Tensor, Tensor]:
        if self.classes is None:
            return self.gain, self.bias
        return self.gain[condition], self.bias[condition]


class VectorNorm(ConditionalNorm):
    """Gain and bias are linear in the condition (B, width), the gain about 1 (Brock et al. 2019, appendix B)."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__(channels)
        self.gain = nn.Linear(width, channels, bias=False)
        self.bias = nn.Linear(width, channels, bias=False)

    def modulation(self, condition: Tensor | None) -> tuple[Tensor, Tensor]:
        return 1 + self.gain(condition), self.bias(condition)
