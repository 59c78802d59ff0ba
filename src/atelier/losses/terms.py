"""Weighted terms that are added to a player's loss."""

import math
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from torch import Tensor, nn

Record = TypeVar("Record")
"""What a term reads: all that one player's update knows."""


@dataclass(frozen=True)
class Eased:
    """A weight that goes from `first` to `last` in so many updates, along half a cosine, and stays there.

    (Huang et al. 2024, "The GAN is dead; long live the GAN!": the burn-in of R3GAN.)
    """

    first: float
    last: float
    updates: int

    def __post_init__(self) -> None:
        if min(self.first, self.last) < 0:
            raise ValueError(f"first and last must be >= 0, got {self.first} and {self.last}")
        if self.updates < 1:
            raise ValueError(f"updates must be >= 1, got {self.updates}")

    def at(self, update: int) -> float:
        left = (1 + math.cos(math.pi * min(1.0, update / self.updates))) / 2
        return self.last + left * (self.first - self.last)


class Term(nn.Module, Generic[Record]):
    """Added to a player's loss in every `every`-th of its updates, and scaled up by as much to make up for the others.

    (Karras et al. 2020, "Analyzing and improving the image quality of StyleGAN", section 3.1: lazy regularisation.)
    What a term remembers is in buffers, and so in checkpoints. Its first forward pass is its first `measure`.
    """

    needs: ClassVar[str | None] = None
    """The method that a discriminator must have beyond every discriminator's, for this term to make sense."""

    def __init__(self, weight: float | Eased, every: int = 1) -> None:
        super().__init__()
        if not isinstance(weight, Eased) and weight < 0:
            raise ValueError(f"weight must be >= 0, got {weight}")
        if every < 1:
            raise ValueError(f"every must be >= 1, got {every}")
        self.weight, self.every = weight, every

    def due(self, update: int) -> bool:
        """Whether the player's update number `update`, from 1, has this term."""
        return update % self.every == 0

    def weight_at(self, update: int) -> float:
        return self.weight.at(update) if isinstance(self.weight, Eased) else self.weight

    def forward(self, record: Record, update: int) -> Tensor:
        """What it adds to the loss of the player's update number `update`, in which it is due."""
        return self.weight_at(update) * self.every * self.measure(record)

    def in_the_mean(self, record: Record, update: int) -> Tensor:
        """What it adds to the loss in the mean of the updates around number `update`."""
        return self.weight_at(update) * self.measure(record)

    def measure(self, record: Record) -> Tensor:
        """The term without its weight: a scalar."""
        raise NotImplementedError
