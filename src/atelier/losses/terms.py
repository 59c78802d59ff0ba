"""Weighted terms that are added to a player's loss."""

from typing import ClassVar, Generic, TypeVar

from torch import Tensor, nn

Record = TypeVar("Record")
"""What a term reads: all that one player's update knows."""


class Term(nn.Module, Generic[Record]):
    """Added to a player's loss in every `every`-th of its updates, and scaled up by as much to make up for the others.

    (Karras et al. 2020, "Analyzing and improving the image quality of StyleGAN", section 3.1: lazy regularisation.)
    What a term remembers is in buffers, and so in checkpoints. Its first forward pass is its first `measure`.
    """

    needs: ClassVar[str | None] = None
    """The method that a discriminator must have beyond every discriminator's, for this term to make sense."""

    def __init__(self, weight: float, every: int = 1) -> None:
        super().__init__()
        if weight < 0:
            raise ValueError(f"weight must be >= 0, got {weight}")
        if every < 1:
            raise ValueError(f"every must be >= 1, got {every}")
        self.weight, self.every = weight, every

    def due(self, update: int) -> bool:
        """Whether the player's update number `update`, from 1, has this term."""
        return update % self.every == 0

    def forward(self, record: Record) -> Tensor:
        return self.weight * self.every * self.measure(record)

    def in_the_mean(self, record: Record) -> Tensor:
        """What it adds to the loss in the mean of all updates."""
        return self.weight * self.measure(record)

    def measure(self, record: Record) -> Tensor:
        """The term without its weight: a scalar."""
        raise NotImplementedError
