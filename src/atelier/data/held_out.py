"""Pictures of which some are held out for validation: what those in the cache and those in shards have in common."""

from abc import ABC
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from torch import Tensor

from atelier.data.cache import Column
from atelier.data.divided import DividedData
from atelier.data.loaders import Collection
from atelier.data.split import split
from atelier.errors import UserError


class Stored(Collection, Protocol):
    """Pictures that can be had as they are stored, uint8 (B, 3, H, W), too."""

    def images(self, start: int, stop: int) -> Tensor:
        """The pictures with the numbers from `start` to before `stop`, fewer at the end."""
        ...

    def batches(self, size: int) -> Iterator[Tensor]:
        """All of them in their order; the last batch may be smaller."""
        ...


@dataclass(kw_only=True, eq=False)
class HeldOutData(DividedData, ABC):
    """Square pictures with columns of labels. What the constructor does not take, `prepare` finds."""

    label: str | None = None
    """The label column whose classes the batches carry."""

    train_pixels: Stored = field(init=False, repr=False)
    validation_pixels: Stored = field(init=False, repr=False)

    def origin_of(self, training_picture: int) -> str | None:
        """Where a person finds this one of `train_pixels`; None where nobody knows."""
        return None

    def divide(self, digests: np.ndarray, held_out: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As `split`, by the share held out. Raises UserError where too few are left for a batch."""
        training, validation = split(digests, held_out, self.validation)
        self.refuse_few(training, validation)
        return training, validation

    def labels_among(self, columns: Mapping[str, Column]) -> tuple[tuple[str, ...], np.ndarray | None]:
        """The classes' names, and each picture's class. Raises UserError where there is no such column."""
        if self.label is None:
            return (), None
        if self.label not in columns:
            choices = (
                f"choose one of {', '.join([*sorted(columns), 'null'])}" if columns else "they have no labels: null"
            )
            raise UserError(f"data.label: these pictures have no {self.label!r}; {choices}")
        return columns[self.label]
