"""Pictures: found, decoded once, split, and handed out in batches of `Images`."""

import logging
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from pytorch_lightning.utilities import rank_zero_only

from atelier.data.cache import Cache, cached
from atelier.data.endless import EndlessData
from atelier.data.pixels import Pixels
from atelier.data.sources import Source
from atelier.data.split import split
from atelier.errors import UserError

log = logging.getLogger(__name__)


@dataclass(kw_only=True, eq=False)
class ImageData(EndlessData):
    """Square pictures, decoded once and cached. What the constructor does not take, `prepare` finds."""

    image_size: int
    label: str | None = None
    """The label column whose classes the batches carry."""
    validation: float = 0.1
    """The share held out, where the collection has no validation pictures of its own."""

    train_pixels: Pixels = field(init=False, repr=False)
    validation_pixels: Pixels = field(init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.image_size < 8:
            raise ValueError(f"image_size must be at least 8, got {self.image_size}")
        if not 0 < self.validation < 1:
            raise ValueError(f"validation must be between 0 and 1, got {self.validation}")

    @abstractmethod
    def source(self) -> Source:
        """Where the pictures come from."""

    def find(self) -> None:
        """Find the pictures' pixels, or make them. Raises UserError where they are too few."""
        cache = cached(self.source(), self.image_size)
        self.classes, codes = self._labels(cache)
        training, held_out = split(cache.digests, cache.held_out, self.validation)
        if len(training) < self.batch_size:
            raise UserError(
                f"data.batch_size: a batch has {self.batch_size} pictures, but only {len(training)} are for "
                f"training ({len(held_out)} more are held out for validation)"
            )
        self.train_pixels = Pixels(cache, training, codes)
        self.validation_pixels = Pixels(cache, held_out, codes)
        self.fingerprint = Pixels(cache, np.arange(len(cache.digests))).key
        _tell(cache, len(training), len(held_out))

    def _labels(self, cache: Cache) -> tuple[tuple[str, ...], np.ndarray | None]:
        """The classes' names, and each picture's class."""
        if self.label is None:
            return (), None
        if self.label not in cache.columns:
            choices = [*sorted(cache.columns), None]
            raise UserError(f"data.label: these pictures have no {self.label!r}; choose one of {choices}")
        return cache.columns[self.label]


def one_of(name: str, value: str | None, choices: Sequence[str | None]) -> None:
    """Raises ValueError."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {list(choices)}, got {value!r}")


@rank_zero_only
def _tell(cache: Cache, training: int, held_out: int) -> None:
    broken = f"; {cache.broken} are broken and left out" if cache.broken else ""
    log.info("%s pictures for training, %s for validation%s", f"{training:,}", f"{held_out:,}", broken)
