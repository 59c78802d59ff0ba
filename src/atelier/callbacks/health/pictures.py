"""The pictures that health is measured by: the same held-out ones, training ones and latents every time."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from lightning_fabric.utilities import move_data_to_device
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

    def suffice(self, data: Any, device: torch.device) -> bool:
        """Whether the data module has enough. Every process has the same ones, to come to the same findings."""
        count = min(self.count, len(data.validation_pixels), len(data.train_pixels))
        if self._real is None and count >= LEAST:
            self._training = _first(data.train_pixels, count, device)
            self._held_out = _first(data.validation_pixels, count, device)
            self._real = torch.cat([self.features(batch.image) for batch in self._held_out])
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


def _first(pixels: Any, count: int, device: torch.device) -> list[Any]:
    """The first `count` of a data module's pictures, BATCH at a time."""
    numbers = (np.arange(start, min(start + BATCH, count)) for start in range(0, count, BATCH))
    return [move_data_to_device(pixels.batch(some, np.zeros(len(some), bool)), device) for some in numbers]
