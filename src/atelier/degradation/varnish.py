from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from atelier.degradation.base import Damaged, Degradation, Range, check_range, uniform


class Layer(NamedTuple):
    """What one picture's varnish has become."""

    fading: float
    yellowing: float
    gamma: float


@dataclass(frozen=True, kw_only=True)
class Varnish(Degradation):
    """Old varnish: a filter that takes more blue than red from the light, and a haze of the same tint over all.

    A colour x becomes (1 - fading) * filter * x ** gamma + fading * tint, where the filter goes from 1 to the tint as
    `yellowing` goes from 0 to 1. Neither leaves [0, 1], so nothing is clipped, and `restored` undoes it.
    """

    fading: Range
    """Share of the contrast that is lost about the tint; below 1."""
    yellowing: Range
    """0: a clear layer; 1: white becomes the tint."""
    gamma: Range = (1.0, 1.0)
    """Above 1 the picture darkens; from 0.5 to 2."""
    tint: tuple[float, float, float] = (0.80, 0.62, 0.33)
    """Red, green and blue of white under varnish as yellow as it gets."""

    def __post_init__(self) -> None:
        check_range("fading", self.fading, most=0.95)
        check_range("yellowing", self.yellowing, most=1)
        check_range("gamma", self.gamma, least=0.5, most=2)
        if len(self.tint) != 3 or not all(0 < level <= 1 for level in self.tint):
            raise ValueError(f"tint must be three numbers above 0 and at most 1, got {list(self.tint)}")

    def __call__(self, damaged: Damaged, generator: Generator) -> Damaged:
        return damaged._replace(image=self.applied(damaged.image, self.draw(generator)))

    def draw(self, generator: Generator) -> Layer:
        return Layer(*(uniform(given, generator) for given in (self.fading, self.yellowing, self.gamma)))

    def applied(self, image: Tensor, layer: Layer) -> Tensor:
        """The picture (3, H, W) in [0, 1] under such a layer."""
        contrast, haze = self._affine(layer)
        return image.pow(layer.gamma).mul_(contrast).add_(haze)

    def restored(self, image: Tensor, layer: Layer) -> Tensor:
        """The picture (3, H, W) that was under such a layer.

        To 1e-4 for the ranges of `conf/degradation/old_painting.yaml`. A rounding error near black grows with fading
        and gamma, to 4e-3 (one level) where both are at their limits. Clipped are only colours that no picture has
        under the layer, such as noise on top of it brings.
        """
        contrast, haze = self._affine(layer)
        return image.sub(haze).div_(contrast).clamp_(0, 1).pow_(1 / layer.gamma)

    def _affine(self, layer: Layer) -> tuple[Tensor, Tensor]:
        """What each channel is multiplied by, and what is added, (3, 1, 1)."""
        tint = torch.tensor(self.tint)[:, None, None]
        contrast = (1 - layer.fading) * (1 - layer.yellowing * (1 - tint))
        return contrast, layer.fading * tint
