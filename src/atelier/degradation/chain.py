"""Degradations one after the other."""

from collections.abc import Mapping
from math import prod

import torch
from torch import Generator, Tensor

from atelier.degradation.base import Damaged, Degradation

VERSION = 1
"""Raised whenever the same ranges and seed would damage a picture otherwise."""


class Chain:
    """Each has a generator of its own, seeded by its place: without one of them the others do what they did with it.

    One that is null is left out.
    """

    def __init__(self, steps: Mapping[str, Degradation | None]) -> None:
        self.steps = list(steps.values())

    @property
    def scale(self) -> int:
        """How many times shorter the sides become."""
        return prod(step.scale for step in self.steps if step)

    @property
    def key(self) -> str:
        """Names what is done, in its order."""
        return "\n".join([str(VERSION), *(step.key if step else "" for step in self.steps)])

    def __call__(self, damaged: Damaged, generator: Generator) -> Damaged:
        seeds = torch.randint(2**62, (len(self.steps),), generator=generator).tolist()
        for step, seed in zip(self.steps, seeds, strict=True):
            if step:
                damaged = step(damaged, Generator().manual_seed(seed))
        return damaged

    def damage(self, image: Tensor, seed: int) -> Damaged:
        """A whole picture (3, H, W) in [0, 1] damaged; the same for the same seed."""
        return self(Damaged(image, torch.ones_like(image[:1])), Generator().manual_seed(seed))
