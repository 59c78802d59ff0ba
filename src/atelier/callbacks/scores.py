"""Scores of the generated images, at every validation."""

from typing import Any, ClassVar

import torch

from atelier.callbacks.protocols import NumberedSampler
from atelier.callbacks.scoring import Scoring
from atelier.metrics.scoring import Scores
from atelier.record.grids import to_pixels

BATCH = 64
"""Images made at once, always as many: the last bits of an image may depend on how many are made beside it."""


class ScoreSamples(Scoring):
    """Scores the first images of `atelier sample --seed SEED` against the training pictures."""

    option: ClassVar[str] = "embedded"
    misfit: ClassVar[str] = "are of generators, and this model is none"
    metrics: Scores
    truncation: float | None = None

    @classmethod
    def fits(cls, task: Any, data: Any) -> bool:
        return isinstance(task, NumberedSampler)

    def refuse_unfit(self, data: Any) -> None:
        self.metrics.refuse_unfit(data.train_pixels, data.classes)

    def prepare(self, data: Any, device: torch.device) -> None:
        self.metrics.prepare(data.train_pixels, device, data.classes)

    def measure(self, task: Any, rank: int = 0, world: int = 1) -> dict[str, float]:
        numbers = range(rank, self.count, world)  # no image is shown twice
        show(self.metrics, task, self.seed, numbers, self.truncation)
        return self.metrics.compute()

    def origin(self) -> dict[str, Any]:
        return origin(self.seed, self.truncation)


def show(scores: Scores, sampler: NumberedSampler, seed: int, numbers: range, truncation: float | None = None) -> None:
    """Show the images of these numbers to the scores."""
    for start in range(0, len(numbers), BATCH):
        some = [*numbers[start : start + BATCH]]
        filled = some + some[-1:] * (BATCH - len(some))
        images, labels = sampler.numbered(seed, filled, truncation)
        own = slice(len(some))
        scores.update(to_pixels(images)[own], torch.tensor(some), None if labels is None else labels[own])


def origin(seed: int, truncation: float | None = None) -> dict[str, object]:
    """What a card says of the images that `show` shows."""
    return {"real_split": "train", "average": True, "truncation": truncation, "seed": seed}
