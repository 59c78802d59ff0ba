"""How unlike one another the generated images are, as people see it."""

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from atelier.errors import UserError
from atelier.metrics.accumulators import Accumulator, Shown
from atelier.metrics.extractors.base import Extractor, exactly
from atelier.metrics.perceptual import Lpips, mean_pairwise_distance
from atelier.metrics.reference import Reference
from atelier.metrics.scores.base import Score

CHUNK = 8
"""Images embedded at once, always as many (see `extractors.base.BATCH`): 170 MB of vectors at 512 pixels."""


class Spread(NamedTuple):
    """What the mean distance of all pairs is computed from, in float64."""

    total: Tensor
    """(P,): the sum of the images' vectors."""
    squares: Tensor
    """The sum of their squared lengths."""
    images: int


class Vectors(Accumulator):
    """Sums over the vectors of images, so that memory does not grow with their number, but with their size."""

    total: Tensor
    squares: Tensor
    count: Tensor

    def __init__(self, lpips: Lpips, smallest: int) -> None:
        super().__init__()
        self.lpips, self.smallest = lpips, smallest
        self.size: tuple[int, int] | None = None  # height, width
        # how many numbers a vector has is known with the first image
        self.add_state("total", torch.tensor(0.0, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("squares", torch.tensor(0.0, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, shown: Shown) -> None:
        for some in self._alike(shown).split(CHUNK):
            with exactly(some.device):
                vectors = self.lpips.embed(pad(some, (0, 0, 0, 0, 0, 0, 0, CHUNK - len(some))))[: len(some)].double()
            self.total = self.total + vectors.sum(0)
            self.squares += vectors.square().sum()
            self.count += len(some)

    def compute(self) -> Spread:
        return Spread(self.total, self.squares, int(self.count))

    def _alike(self, shown: Shown) -> Tensor:
        """The images. Raises UserError where they are not of one size, those before among them, or too small."""
        for image in shown.images:
            height, width = image.shape[1:]
            self.size = self.size or (height, width)
            if (height, width) != self.size:
                first, other = f"{self.size[1]} x {self.size[0]}", f"{width} x {height}"
                raise UserError(f"scores: lpips_diversity compares images of one size, got {first} and {other}")
            if min(self.size) < self.smallest:
                raise UserError(
                    f"scores: lpips_diversity needs images of {self.smallest} pixels or more, got {width} x {height}"
                )
        return shown.images if isinstance(shown.images, Tensor) else torch.stack([*shown.images])


class LpipsDiversity(Score):
    """Mean LPIPS of all pairs of generated images, where others draw some of the pairs; more is more diverse.

    The extractor has no part in it, nor have the real images. `smallest` is the least side of an image, in pixels:
    AlexNet's poolings leave nothing of less than 31.
    """

    literature: ClassVar[dict[str, str]] = {"lpips_diversity": "lpips_diversity"}

    def __init__(self, lpips: Lpips, smallest: int = 31) -> None:
        self.lpips, self.smallest = lpips, smallest
        self.networks = (lpips,)

    def accumulator(self, extractor: Extractor) -> Accumulator:
        return Vectors(self.lpips, self.smallest)

    def compute(self, real: Reference, evidence: Spread) -> dict[str, float]:
        return {"lpips_diversity": mean_pairwise_distance(*evidence)}

    def protocol(self) -> dict[str, object]:
        return {
            "lpips_backbone": self.lpips.architecture,
            "lpips_sha256": self.lpips.digest,
            "lpips_pairs": "all, of images at their own size",
        }

    def recorded(self, name: str, extractor: Extractor) -> str:
        return name
