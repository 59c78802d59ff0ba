"""Which content meets which style, and where pictures are cropped: stateless as `stream` is."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from atelier.data.crops import Crops
from atelier.data.stream import Stream, share_of
from atelier.data.types import Pair
from atelier.hashing import mix

Drawn = TypeVar("Drawn", bound=tuple[Any, ...])

_STYLES, _CORNERS, _MIRRORS = 0x7374796C65, 0x636F726E657273, 0x6D6972726F72
"""Mixed into the run's seed, so that neither styles nor crops nor their mirroring follow the order of the contents."""


class PairDraw(NamedTuple):
    """What one batch of pairs is made of."""

    indices: np.ndarray
    """int64 (B,), places among the contents."""
    flips: np.ndarray
    """bool (B,), which contents are mirrored."""
    styles: np.ndarray
    """int64 (B,), places among the styles."""
    corners: np.ndarray
    """int64 (B, 4), from 0 to the `margins`: the crop's top and left in the content, then in the style."""
    style_flips: np.ndarray
    """bool (B,), which styles are mirrored."""


class PairStream:
    """Batches of `batch_size` out of `contents` contents, each with one of `styles` styles, for rank `rank` of `world`.

    Contents come as in a `Stream`. Styles go through permutations of their own that take no notice of batches, so
    that there may be fewer of them than a batch has, and every one is seen equally often. `margins` are how much larger
    than their crops contents and styles are.
    """

    def __init__(
        self,
        contents: int,
        styles: int,
        batch_size: int,
        seed: int,
        margins: tuple[int, int],
        rank: int = 0,
        world: int = 1,
        hflip: bool = True,
        style_hflip: bool = False,
    ) -> None:
        self.batch_size, self.seed, self.style_hflip = batch_size, seed, style_hflip
        self._margins = np.repeat(margins, 2)
        self._contents = Stream(contents, batch_size, seed, rank, world, hflip)
        self._styles = Stream(styles, 1, mix(seed, _STYLES), hflip=False)
        self._share = share_of(batch_size, rank, world)
        self._places = range(batch_size)[self._share]

    def since(self, number: int) -> Iterator[PairDraw]:
        """Endless, from batch `number` on."""
        return map(self.draw, count(number))

    def draw(self, number: int) -> PairDraw:
        """Batch `number`, from 0."""
        first = number * self.batch_size
        styles = np.concatenate([self._styles.draw(first + place).indices for place in self._places])
        corners = _corners(self.seed, number, self.batch_size, self._margins)[self._share]
        return PairDraw(*self._contents.draw(number), styles, corners, self._style_flips(number)[self._share])

    def _style_flips(self, number: int) -> np.ndarray:
        """Which styles of the whole batch are mirrored."""
        raw = np.random.PCG64(mix(self.seed, _MIRRORS, number)).random_raw(self.batch_size)
        return (raw & 1).astype(bool) & self.style_hflip


class CropDraw(NamedTuple):
    """What one batch of cropped pictures is made of."""

    indices: np.ndarray
    """int64 (B,)"""
    flips: np.ndarray
    """bool (B,)"""
    corners: np.ndarray
    """int64 (B, 2), from 0 to the `margin`: each crop's top and left."""


class CroppedStream(ABC, Generic[Drawn]):
    """The batches of a `Stream`, with more that is drawn of each picture: its crop's place, and what becomes of it.

    `margin` is how much larger than their crops pictures are.
    """

    def __init__(
        self,
        pictures: int,
        batch_size: int,
        seed: int,
        margin: int,
        rank: int = 0,
        world: int = 1,
        hflip: bool = True,
    ) -> None:
        self.batch_size, self.seed, self.margin = batch_size, seed, margin
        self._pictures = Stream(pictures, batch_size, seed, rank, world, hflip)
        self._share = share_of(batch_size, rank, world)

    def since(self, number: int) -> Iterator[Drawn]:
        """Endless, from batch `number` on."""
        return map(self.draw, count(number))

    @abstractmethod
    def draw(self, number: int) -> Drawn:
        """Batch `number`, from 0."""


class CropStream(CroppedStream[CropDraw]):
    """Pictures, and where each is cropped."""

    def draw(self, number: int) -> CropDraw:
        margins = np.repeat(self.margin, 2)
        return CropDraw(
            *self._pictures.draw(number), _corners(self.seed, number, self.batch_size, margins)[self._share]
        )


def _corners(seed: int, number: int, batch_size: int, margins: np.ndarray) -> np.ndarray:
    """Corners of the crops of the whole batch `number`, int64 (B, K): column k is from 0 to `margins[k]`."""
    raw = np.random.PCG64(mix(seed, _CORNERS, number)).random_raw(len(margins) * batch_size)
    return (raw.reshape(batch_size, -1) % (margins.astype(np.uint64) + np.uint64(1))).astype(np.int64)


@dataclass(frozen=True)
class Pairs:
    """Contents with styles, both cropped to `size` x `size`."""

    contents: Crops
    styles: Crops
    size: int

    def __len__(self) -> int:
        """So many that each content and each style is among them."""
        return max(len(self.contents), len(self.styles))

    def batch(
        self,
        indices: np.ndarray,
        flips: np.ndarray,
        styles: np.ndarray | None = None,
        corners: np.ndarray | None = None,
        style_flips: np.ndarray | None = None,
    ) -> Pair:
        """The contents at `indices`, mirrored where `flips`, with the styles at `styles`, in [-1, 1].

        Without `styles` pair number i is of content i and style i, each counted round; without `corners` (as in
        `PairDraw`) it is the middles; without `style_flips` styles are as they are. `label` is the style's class.
        """
        if corners is None:
            middles = [(pictures.side - self.size) // 2 for pictures in (self.contents, self.styles)]
            corners = np.tile(np.repeat(middles, 2), (len(indices), 1))
        contents = indices % len(self.contents)
        styles = (indices if styles is None else styles) % len(self.styles)
        content = self.contents.cut(contents, corners[:, :2], self.size, flips)
        mirrored = np.zeros(len(styles), bool) if style_flips is None else style_flips
        style = self.styles.cut(styles, corners[:, 2:], self.size, mirrored)
        return Pair(content, style, None if self.styles.labels is None else self.styles.labels[styles])
