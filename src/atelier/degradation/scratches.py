from dataclasses import dataclass
from math import pi, tau

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Generator, Tensor

from atelier.degradation.base import Count, Damaged, Degradation, Range, check_range, integer, uniforms

_FINER = 4
"""Lines are drawn so many times larger than they are: that is what antialiases them."""
_POINTS = 16
"""Along a line."""
_GROUND = (1.0, 0.96, 0.88)
"""The colour of what light scratches lay bare: chalk and glue."""


@dataclass(frozen=True, kw_only=True)
class Scratches(Degradation):
    """Thin lines, slightly bent, where the paint is gone: light as the ground below it, or dark as the dirt in them.

    A pixel that a line so much as touches is lost.
    """

    count: Count
    length: Range
    """A scratch's, as a share of the picture's shorter side."""
    width: Range
    """In pixels, where a line is widest; it becomes thinner towards its ends."""
    light: float = 0.7
    """Share of them that are light."""

    def __post_init__(self) -> None:
        check_range("count", self.count)
        check_range("length", self.length, most=2)
        check_range("width", self.width)
        if not 0 <= self.light <= 1:
            raise ValueError(f"light must be between 0 and 1, got {self.light}")

    def __call__(self, damaged: Damaged, generator: Generator) -> Damaged:
        height, width = damaged.image.shape[1:]
        # red is how far the lines cover a pixel, green that times how light they are
        canvas = Image.new("RGB", (width * _FINER, height * _FINER))
        pen, number = ImageDraw.Draw(canvas), integer(self.count, generator)
        shades = self._shades(number, generator).tolist()
        for outline, shade in zip(self._outlines(number, canvas, generator).tolist(), shades, strict=True):
            pen.polygon(outline, fill=(255, round(255 * shade), 0))
        cover, light, _ = torch.from_numpy(np.array(canvas.reduce(_FINER))).permute(2, 0, 1)[:, None].float().div_(255)
        ground = torch.tensor(_GROUND)[:, None, None]
        image = torch.addcmul(light * ground, 1 - cover, damaged.image)
        return Damaged(image.clamp_(0, 1), damaged.known.masked_fill(cover > 0, 0))

    def _shades(self, number: int, generator: Generator) -> Tensor:
        """From 0, black, to 1, the ground's colour, (number,)."""
        is_light = uniforms((0, 1), number, generator) < self.light
        light, dark = (uniforms(between, number, generator) for between in ((0.75, 1), (0, 0.2)))
        return torch.where(is_light, light, dark)

    def _outlines(self, number: int, canvas: Image.Image, generator: Generator) -> Tensor:
        """x and y of one corner after the other: up one side of each line and down the other, (number, corners)."""
        steps = uniforms(self.length, number, generator) * (min(canvas.size) / _POINTS)
        widths = uniforms(self.width, number, generator) * _FINER
        heading = uniforms((0, tau), number, generator)[:, None]
        heading = heading + uniforms((-0.04, 0.04), number, generator)[:, None] * torch.arange(_POINTS)  # a curve
        heading += 0.06 * torch.randn(number, _POINTS, generator=generator).cumsum(1)  # by an unsteady hand
        along = torch.stack([heading.cos(), heading.sin()], 2)
        points = (steps[:, None, None] * along).cumsum(1)
        place = torch.rand(number, 1, 2, generator=generator) * torch.tensor(canvas.size)
        points += place - points.mean(1, keepdim=True)
        pressure = 0.5 + torch.rand(number, _POINTS, generator=generator) / 2
        thickness = widths[:, None] * pressure * torch.linspace(0, pi, _POINTS).sin().clamp_(0).sqrt_()
        aside = along.flip(2) * torch.tensor([-1, 1]) * (thickness / 2)[..., None]
        return torch.cat([points + aside, (points - aside).flip(1)], 1).flatten(1)
