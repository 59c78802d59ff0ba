from dataclasses import dataclass

import torch
from torch import Generator

from atelier.degradation.base import Damaged, Degradation, Range, check_range, uniform


@dataclass(frozen=True, kw_only=True)
class Noise(Degradation):
    """White and Gaussian, each pixel's and channel's own; clipped where the picture is nearly black or white."""

    sigma: Range
    """In levels, of 255."""

    def __post_init__(self) -> None:
        check_range("sigma", self.sigma, most=255)

    def __call__(self, damaged: Damaged, generator: Generator) -> Damaged:
        sigma = uniform(self.sigma, generator) / 255
        noise = torch.randn(damaged.image.shape, generator=generator)
        return damaged._replace(image=noise.mul_(sigma).add_(damaged.image).clamp_(0, 1))
