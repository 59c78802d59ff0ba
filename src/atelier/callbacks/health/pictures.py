"""The pictures that health is measured by: the same held-out ones, training ones and latents every time."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from atelier.callbacks.health.overfitting import Overfitting, overfitting
from atelier.callbacks.health.variety import Variety, variety
from atelier.callbacks.protocols import Judge

BATCH = 32
"""Pictures that a task samples or judges at once: as many as fit beside a training step."""

LEAST = 16
"""Held-out pictures; fewer say nothing about variety."""


class Examined(NamedTuple):
    variety: Variety
    overfitting: Overfitting


class Pictures:
    """The first `count` held-out pictures, as many training ones, and features of the former."""

    def __init__(self, features: Callable[[Tensor], Tensor], count: int, seed: int) -> None:
        self.features, self.count, self.seed = features, count, seed
        self._held_out: list[Any] = []
        self._training: list[Any] = []
        self._real: Tensor | None = None
        self._asked = False  # at the first validation, which shows every picture that any later one does

    def collect(self, batch: Any) -> None:
        """Take what is still needed of a batch of held-out pictures, in the first validation."""
        missing = self.count - _count(self._held_out)
        if not self._asked and missing > 0:
            self._held_out += _parts(type(batch)(*(None if part is None else part[:missing].clone() for part in batch)))

    def suffice(self, training: Any) -> bool:
        """Whether there are enough. `training` has `batch(indices, flips)` and a length, as a data module's pixels."""
        count = min(_count(self._held_out), len(training))
        if not self._asked and count >= LEAST:
            device = self._held_out[0].image.device
            chosen = training.batch(np.arange(count), np.zeros(count, bool))
            self._training = _parts(type(chosen)(*(None if part is None else part.to(device) for part in chosen)))
            self._real = torch.cat([self.features(batch.image) for batch in self._held_out])
        self._asked = True
        return self._real is not None

    def examine(self, task: Judge) -> Examined:
        """Samples have the held-out pictures' labels, and so those of each class are as many."""
        assert self._real is not None
        generator = torch.Generator().manual_seed(self.seed)
        fake = [
            batch._replace(image=task.sample(len(batch.image), generator, labels=batch.label))
            for batch in self._held_out
        ]
        features = torch.cat([self.features(batch.image) for batch in fake])
        logits = [torch.cat([task.logits(batch) for batch in side]) for side in (self._training, self._held_out, fake)]
        return Examined(variety(self._real, features), overfitting(*logits))


def _count(batches: list[Any]) -> int:
    return sum(len(batch.image) for batch in batches)


def _parts(batch: Any) -> list[Any]:
    """A named tuple of tensors or None, BATCH pictures at a time."""
    starts = range(0, len(batch.image), BATCH)
    return [type(batch)(*(None if part is None else part[i : i + BATCH] for part in batch)) for i in starts]
