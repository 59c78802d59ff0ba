"""Square pictures of which some are for validation."""

from abc import ABC
from collections.abc import Sized
from dataclasses import dataclass

from atelier.data.endless import EndlessData
from atelier.errors import UserError


@dataclass(kw_only=True, eq=False)
class DividedData(EndlessData, ABC):
    """Items that reach the batches at one size, some of them held out for validation."""

    image_size: int
    validation: float = 0.1
    """The share held out, where the collection has no validation pictures of its own."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.image_size < 8:
            raise ValueError(f"image_size must be at least 8, got {self.image_size}")
        if not 0 < self.validation < 1:
            raise ValueError(f"validation must be between 0 and 1, got {self.validation}")

    def refuse_few(self, training: Sized, held_out: Sized, items: str = "pictures") -> None:
        """Raises UserError where too few are left for a batch."""
        if len(training) < self.batch_size:
            raise UserError(
                f"data.batch_size: a batch has {self.batch_size} {items}, but only {len(training)} are for training "
                f"({len(held_out)} more are held out for validation)"
            )
