from dataclasses import dataclass

import torch
from torch import Generator
from torchvision.transforms.v2 import functional

from atelier.degradation.base import Damaged, Degradation, Range, check_range, uniform


@dataclass(frozen=True, kw_only=True)
class ColourLoss(Degradation):
    """Colours on their way to grey of the same luma, as in a print that has faded."""

    amount: Range
    """0: as it was; 1: grey."""

    def __post_init__(self) -> None:
        check_range("amount", self.amount, most=1)

    def __call__(self, damaged: Damaged, generator: Generator) -> Damaged:
        grey = functional.rgb_to_grayscale(damaged.image, num_output_channels=3)
        return damaged._replace(image=torch.lerp(damaged.image, grey, uniform(self.amount, generator)))
