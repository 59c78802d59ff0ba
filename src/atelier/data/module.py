"""Pictures: found, decoded once, split, and handed out in batches of `Images`."""

import logging
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from pytorch_lightning.utilities import rank_zero_only

from atelier.data.cache import Cache, cached
from atelier.data.held_out import HeldOutData
from atelier.data.pixels import Pixels
from atelier.data.sources import Source

log = logging.getLogger(__name__)


@dataclass(kw_only=True, eq=False)
class ImageData(HeldOutData):
    """Square pictures, decoded once and cached."""

    train_pixels: Pixels = field(init=False, repr=False)
    validation_pixels: Pixels = field(init=False, repr=False)
    left_out: tuple[str, ...] = field(init=False, repr=False)
    """The names of broken pictures."""

    @abstractmethod
    def source(self) -> Source:
        """Where the pictures come from."""

    def find(self) -> None:
        """Find the pictures' pixels, or make them. Raises UserError where they are too few."""
        cache = cached(self.source(), self.image_size)
        self.classes, codes = self.labels_among(cache.columns)
        training, held_out = self.divide(cache.digests, cache.held_out)
        self.train_pixels = Pixels(cache, training, codes)
        self.validation_pixels = Pixels(cache, held_out, codes)
        self.fingerprint = Pixels(cache, np.arange(len(cache.digests))).key
        self.left_out = cache.left_out
        _tell(cache, len(training), len(held_out))

    def origin_of(self, training_picture: int) -> str | None:
        whole = " whole" if self.left_out else ""
        return f"number {self.train_pixels.row(training_picture)} of the{whole} pictures of {self.source().name}"


def one_of(name: str, value: str | None, choices: Sequence[str | None]) -> None:
    """Raises ValueError."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {list(choices)}, got {value!r}")


@rank_zero_only
def _tell(cache: Cache, training: int, held_out: int) -> None:
    broken = f"; {cache.broken} are broken and left out" if cache.broken else ""
    log.info("%s pictures for training, %s for validation%s", f"{training:,}", f"{held_out:,}", broken)
