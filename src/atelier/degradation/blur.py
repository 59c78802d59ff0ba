from dataclasses import dataclass

from torch import Generator

from atelier.degradation.base import Damaged, Degradation, Range, check_range, uniform
from atelier.degradation.smoothing import smooth

_SHARP = 0.1
"""Below this a neighbour's weight is less than 1e-21."""


@dataclass(frozen=True, kw_only=True)
class Blur(Degradation):
    """Gaussian, as a lens out of focus. What is lost stays where it is, though its colour spreads."""

    sigma: Range
    """In pixels."""

    def __post_init__(self) -> None:
        check_range("sigma", self.sigma)

    def __call__(self, damaged: Damaged, generator: Generator) -> Damaged:
        sigma = uniform(self.sigma, generator)
        return damaged if sigma < _SHARP else damaged._replace(image=smooth(damaged.image, sigma).clamp_(0, 1))
