"""Pairs made of whole pictures: what a chain of degradations leaves of each, and the picture itself."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from pytorch_lightning.utilities import rank_zero_only

from atelier.data import origins
from atelier.data.crops import Crops, Middles
from atelier.data.damaging import DamagedMiddles, DamagedPairs, DamageStream
from atelier.data.divided import DividedData
from atelier.data.fingerprint import digest_of
from atelier.data.module import ImageData
from atelier.data.origins import Origin
from atelier.data.split import split
from atelier.data.types import Paired
from atelier.degradation.base import Degradation
from atelier.degradation.chain import Chain

log = logging.getLogger(__name__)


@dataclass(kw_only=True, eq=False)
class Degraded(DividedData):
    """Random crops, each damaged anew every time it is seen; held-out ones always in the same way.

    What befalls a held-out picture depends on its place among them, not on the run's seed: scores of two runs compare.
    """

    batch: ClassVar[type] = Paired

    root: str | Callable[..., ImageData]
    """A folder, or a factory of a data module, which is told `image_size`, `batch_size` and `seed`; only its pictures
    are used."""
    chain: Mapping[str, Degradation | None]
    """What befalls a picture, in this order; null leaves one out."""
    image_size: int
    """Pixels along a side of the whole crops; contents are `scale` times smaller."""
    resize: int | None = None
    """Pixels along a side of the squares that are cropped; None: twice the crops, as for styles, for a picture that is
    restored is seen at its own resolution and in parts, whose strokes are larger than those of a whole picture that was
    shrunk to a crop. Files smaller than that are enlarged, which is no good for super-resolution."""
    mask: bool = False
    """Whether batches say which pixels are lost. What is not lost is then to be kept, so it should not be damaged."""
    scale: int = 1
    """How many times smaller than its target a content is: what the chain makes of it."""
    reverse: bool = False
    """Whether the damaged picture is the target and the whole one the content."""

    train_pixels: DamagedPairs = field(init=False, repr=False)
    validation_pixels: DamagedPairs = field(init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.resize is not None and self.resize < self.image_size:
            raise ValueError(f"resize must be at least data.image_size ({self.image_size}), got {self.resize}")
        self._chain = Chain(self.chain)
        self._check_scale()
        self._side = self.resize or 2 * self.image_size
        self._root = self._origin()

    def _check_scale(self) -> None:
        if self.scale != self._chain.scale:
            raise ValueError(f"scale must be what the chain makes of it ({self._chain.scale}), got {self.scale}")
        if self.image_size % self.scale:
            raise ValueError(f"image_size must be a multiple of data.scale ({self.scale}), got {self.image_size}")
        if self.reverse and self.mask:
            raise ValueError("reverse must be false with data.mask, which marks what is lost of a content, got True")
        if self.reverse and self.scale != 1:
            raise ValueError(f"reverse must be false where contents are smaller (data.scale={self.scale}), got True")

    def _origin(self) -> Origin:
        if isinstance(self.root, str):
            return origins.folder("root", self.root)
        return origins.module("root", self.root, image_size=self._side, batch_size=self.batch_size, seed=self.seed)

    def find(self) -> None:
        """Find the pictures' pixels, or make them. Raises UserError where they are too few."""
        cache = self._root.cached(self._side, named=False)
        training, held_out = split(cache.digests, cache.held_out, self.validation)
        self.refuse_few(training, held_out)
        self.train_pixels = self._pairs(Crops(cache, training))
        self.validation_pixels = self._pairs(Crops(cache, held_out))
        everything = Crops(cache, np.arange(len(cache.digests)))
        facts = [self.image_size, self.mask, self.reverse]
        self.fingerprint = digest_of([everything.key, self._chain.key, *map(str, facts)])
        _tell(len(training), len(held_out), cache.broken)

    def _pairs(self, pictures: Crops) -> DamagedPairs:
        return DamagedPairs(pictures, self._chain, self.image_size, self.mask, self.reverse)

    def stream(self, rank: int, world: int) -> DamageStream:
        """The order of training, for process `rank` of `world`."""
        margin = self._side - self.image_size
        return DamageStream(len(self.train_pixels), self.batch_size, self.seed, margin, rank, world, self.hflip)

    @property
    def targets(self) -> Middles | DamagedMiddles:
        """The middles of the training pictures, as targets are: whole, or damaged where pairs are reversed.

        Prepares the data first.
        """
        self.prepare()
        return (
            DamagedMiddles(self.train_pixels) if self.reverse else self.train_pixels.pictures.middles(self.image_size)
        )


@rank_zero_only
def _tell(training: int, held_out: int, broken: int) -> None:
    left_out = f"; {broken} are broken and left out" if broken else ""
    log.info("%s pictures to be damaged for training, %s for validation%s", f"{training:,}", f"{held_out:,}", left_out)
