"""Mode collapse: whether generated pictures vary as real ones do."""

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from torch import Tensor

from atelier.metrics.manifold import precision_recall, reach
from atelier.metrics.neighbours import radii, spread

# Where the limits come from: DCGAN and WGAN-GP on the procedural paintings at 32 px, in embedded features. Young
# generators have diversity 0.07-0.12 and 77-99 % doubles, which is what a collapsed one has too (0.03-0.24, 78-100 %):
# only what came before tells the two apart. Once there are pictures, healthy ones have 0.29 or more and below 4 %.
FLAT, DOUBLED, VARIED = 0.15, 0.5, 0.3

# A DCGAN on CIFAR-10 that broke down after three million pictures: its recall, 0.72 in the median of 18 looks, was 0.09
# and then nothing, while its samples, blots by now, were far apart. Of 54 other runs none fell below a quarter.
EXPECTED, LOST = 0.3, 0.25
"""A usual recall that says something, and the share of it below which samples have lost what they showed."""
REMEMBERED, ENOUGH = 50, 5
"""Looks at healthy samples that the usual recall is of: the last so many, and at least so many."""

NEIGHBOURS = 3
"""How many give a neighbourhood its reach: as many as Kynkäänniemi et al. 2019 take."""


class Variety(NamedTuple):
    """As shares: 1 is as varied as real pictures, all doubles, every real picture within the samples' manifold."""

    diversity: float
    """Mean distance of two samples over that of two real pictures."""
    duplicates: float
    """Samples that are closer to another one than 1 % of the real pictures are to one another."""
    recall: float

    def collapsed(self, least_recall: float) -> bool:
        return self.diversity < FLAT or self.duplicates > DOUBLED or self.recall < least_recall

    def healthy(self, least_recall: float) -> bool:
        return self.diversity >= VARIED and not self.collapsed(least_recall)

    def __str__(self) -> str:
        return (
            f"diversity {self.diversity:.2f} of the real pictures', {self.duplicates:.0%} doubles, "
            f"recall {self.recall:.2f}"
        )


class Recalls:
    """The recalls of healthy samples so far."""

    def __init__(self, seen: Sequence[float] = ()) -> None:
        self.seen = [*seen]

    def note(self, recall: float) -> None:
        self.seen = [*self.seen, recall][-REMEMBERED:]

    @property
    def usual(self) -> float | None:
        """Their median; None while there are too few, or where it is too small to miss anything by."""
        usual = median(self.seen) if len(self.seen) >= ENOUGH else 0.0
        return usual if usual >= EXPECTED else None

    @property
    def least(self) -> float:
        """The recall below which samples have lost most of what they showed: 0 where that cannot be told."""
        return LOST * (self.usual or 0.0)


def variety(real: Tensor, fake: Tensor) -> Variety:
    """How features (N, D) of generated pictures vary beside those of as many real ones, N >= 5."""
    apart = radii(real).quantile(0.01)
    return Variety(
        diversity=spread(fake) / max(spread(real), 1e-12),  # real pictures that are all one picture
        duplicates=(radii(fake) <= apart).float().mean().item(),
        recall=_recall(real.cpu(), fake.cpu()),  # in float64, which not every device has
    )


def _recall(real: Tensor, fake: Tensor) -> float:
    return precision_recall(real, reach(real, NEIGHBOURS), fake, reach(fake, NEIGHBOURS)).recall
