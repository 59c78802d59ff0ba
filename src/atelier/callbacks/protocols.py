"""All that a callback knows of a task."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor


@runtime_checkable
class Sampler(Protocol):
    """A task that makes images out of nothing but chance."""

    def sample(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """Images in [-1, 1], float32 (count, 3, H, W), on any device.

        A generator lives on the CPU and fixes the images, whatever the device; without one they follow the
        global generator. Neither weights, buffers nor training mode are changed by sampling.
        """
        ...


@runtime_checkable
class NumberedSampler(Sampler, Protocol):
    """A sampler of which one can ask for single images."""

    def numbered(
        self, seed: int, numbers: Sequence[int], truncation: float | None = None, labels: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Images (B, 3, H, W) in [-1, 1], and their labels (B,) where there are classes: those given, if any are.

        An image is the same whatever others are asked for, but for rounding where they are asked for in other numbers.
        """
        ...


@runtime_checkable
class ClassSampler(Protocol):
    """A sampler that draws what it is asked for, where it has `classes`."""

    classes: int | None

    def sample(self, count: int, generator: torch.Generator | None = None, labels: Tensor | None = None) -> Tensor:
        """As a `Sampler`'s; image i is of class labels[i], or of a class drawn as often as in training."""
        ...


@runtime_checkable
class Judge(ClassSampler, Protocol):
    """A sampler whose discriminator one can ask."""

    def logits(self, batch: Any) -> Tensor:
        """How real the pictures of a batch look, (B,): higher is more real."""
        ...


@runtime_checkable
class Painter(Protocol):
    """A task whose weights are a picture."""

    def picture(self) -> Tensor:
        """What is painted so far, (1, 3, H, W) about [-1, 1]."""
        ...


@runtime_checkable
class Stylizer(Protocol):
    """A task that gives contents the style of other pictures."""

    def stylised(self, batch: Any) -> Tensor:
        """The contents of a batch of pairs in their styles as the task stands, (B, 3, H, W) in [-1, 1]."""
        ...


@runtime_checkable
class Translator(Protocol):
    """A task that turns pictures of one kind into such of another."""

    def translated(self, batch: Any) -> Tensor:
        """What the contents of a batch become as the task stands, (B, 3, H, W) in [-1, 1], without a gradient."""
        ...

    def shown(self, batch: Any) -> Sequence[Tensor]:
        """What there is to see of a batch, column by column, each (B, 3, h, w) in [-1, 1] of a size of its own.

        Contents, what became of them, and what they were to become or have become again.
        """
        ...
