"""What every data module does: prepare the pictures, split them, hand them out in batches of `Images`."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from pytorch_lightning import LightningDataModule
from pytorch_lightning.utilities import rank_zero_only

from atelier.data.cache import Cache, cached
from atelier.data.loaders import TrainingLoader, ValidationLoader
from atelier.data.pixels import Pixels
from atelier.data.sources import Source
from atelier.data.split import split
from atelier.data.stream import Stream
from atelier.data.types import Images
from atelier.errors import UserError

log = logging.getLogger(__name__)


@dataclass(kw_only=True, eq=False)
class ImageData(LightningDataModule, ABC):
    """Square pictures, decoded once and cached. What the constructor does not take, `prepare` finds."""

    batch: ClassVar[type] = Images

    image_size: int
    batch_size: int
    """Of a step, over all devices."""
    seed: int
    """Of the order and the mirroring. Neither the pictures nor the split depend on it."""
    label: str | None = None
    """The label column whose classes the batches carry."""
    hflip: bool = True
    num_workers: int = 0
    validation: float = 0.1
    """The share held out, where the collection has no validation pictures of its own."""

    classes: tuple[str, ...] = field(init=False, default=())
    """The names of the labels' classes; empty without labels."""
    train_pixels: Pixels = field(init=False, repr=False)
    validation_pixels: Pixels = field(init=False, repr=False)
    fingerprint: str = field(init=False, repr=False)
    """Names the pictures as they are after decoding: equal for equal ones, wherever they came from."""

    def __post_init__(self) -> None:
        super().__init__()
        # Where there are fewer validation pictures than devices.
        self.allow_zero_length_dataloader_with_multiple_devices = True
        for name, least in {"image_size": 8, "batch_size": 1, "num_workers": 0}.items():
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}")
        if not 0 < self.validation < 1:
            raise ValueError(f"validation must be between 0 and 1, got {self.validation}")
        self._prepared = False

    @abstractmethod
    def source(self) -> Source:
        """Where the pictures come from."""

    def prepare_data(self) -> None:
        self.prepare()

    def setup(self, stage: str) -> None:
        self.prepare()

    def prepare(self) -> None:
        """Find the pictures' pixels, or make them; the second time, nothing.

        Raises UserError for whatever would keep the training from its first batch.
        """
        if self._prepared:
            return
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
        self._prepared = True
        _tell(cache, len(training), len(held_out))

    def train_dataloader(self) -> TrainingLoader:
        rank, world = self._rank()
        stream = Stream(len(self.train_pixels), self.batch_size, self.seed, rank, world, self.hflip)
        if self.trainer is None:
            return TrainingLoader(self.train_pixels, stream, num_workers=self.num_workers)
        start = self.trainer.global_step * self.trainer.accumulate_grad_batches
        on_gpu = self.trainer.strategy.root_device.type == "cuda"
        return TrainingLoader(self.train_pixels, stream, start, self.num_workers, pin_memory=on_gpu)

    def val_dataloader(self) -> ValidationLoader:
        rank, world = self._rank()
        return ValidationLoader(self.validation_pixels, self.batch_size // world, rank, world)

    def _rank(self) -> tuple[int, int]:
        """This process's number, and how many processes train together."""
        rank, world = (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
        if self.batch_size % world:
            raise UserError(f"data.batch_size: {self.batch_size} pictures cannot be shared evenly by {world} devices")
        return rank, world

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
