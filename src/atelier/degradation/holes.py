from dataclasses import dataclass
from math import tau
from typing import Literal, get_args

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Generator, Tensor

from atelier.degradation.base import Count, Damaged, Degradation, Range, check_range, integer, uniforms

Fill = Literal["mean", "white"]

_CORNERS = 64
_WAVES = 12
"""Waves of a blotch's outline, around it: the coarsest makes it long, the finest gives it a ragged edge."""


@dataclass(frozen=True, kw_only=True)
class Holes(Degradation):
    """Irregular blotches where the paint is gone."""

    count: Count
    size: Range
    """How far a blotch reaches across, on average, as a share of the picture's shorter side."""
    fill: Fill = "mean"
    """The colour of what is lost: the picture's own mean, or white."""

    def __post_init__(self) -> None:
        check_range("count", self.count)
        check_range("size", self.size, most=1)
        if self.fill not in get_args(Fill):
            raise ValueError(f"fill must be one of {list(get_args(Fill))}, got {self.fill!r}")

    def __call__(self, damaged: Damaged, generator: Generator) -> Damaged:
        image = damaged.image
        height, width = image.shape[1:]
        canvas = Image.new("L", (width, height))
        across = uniforms(self.size, integer(self.count, generator), generator) * min(height, width)
        for outline in _blotches(across, width, height, generator).tolist():
            ImageDraw.Draw(canvas).polygon(outline, fill=1)
        lost = torch.from_numpy(np.array(canvas)).bool()[None]
        colour = image.mean((1, 2), keepdim=True) if self.fill == "mean" else image.new_ones(3, 1, 1)
        return Damaged(torch.where(lost, colour, image), damaged.known.masked_fill(lost, 0))


def _blotches(across: Tensor, width: int, height: int, generator: Generator) -> Tensor:
    """x and y of one corner after the other, around places anywhere in the picture, (number, corners).

    `across` (number,), in pixels, is their mean diameter.
    """
    angles = torch.arange(_CORNERS) * (tau / _CORNERS)
    waves = torch.arange(1, _WAVES + 1)[:, None]
    phases = tau * torch.rand(len(across), _WAVES, 1, generator=generator)
    heights = torch.rand(len(across), _WAVES, 1, generator=generator) / waves
    radii = (0.6 * (heights * (waves * angles + phases).cos()).sum(1)).exp()  # star-shaped, and never below 0
    place = torch.rand(len(across), 1, 2, generator=generator) * torch.tensor([width, height])
    around = radii[..., None] * torch.stack([angles.cos(), angles.sin()], 1)
    return (place + across[:, None, None] / 2 * around).flatten(1)
