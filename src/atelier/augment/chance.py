"""Random numbers, one per image, and whether an image gets them."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Chance:
    """Draws for `count` images, (count,) each, on the device of `probability`, with which something happens to one."""

    count: int
    probability: Tensor

    def sometimes(self, values: Tensor, neutral: float, probability: Tensor | None = None) -> Tensor:
        """Each image's own of `values` (…, count) with the probability, else what changes nothing."""
        happens = self.uniform(0, 1) < (self.probability if probability is None else probability)
        return torch.where(happens, values, neutral)

    def normal(self, deviation: float) -> Tensor:
        return deviation * torch.randn(self.count, device=self.probability.device)

    def uniform(self, low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(self.count, device=self.probability.device)

    def integers(self, count: int) -> Tensor:
        """0 … count - 1, as floats."""
        return torch.randint(count, (self.count,), device=self.probability.device).float()
