"""Squares cut out of cached pictures: only what is cut out is read."""

from collections.abc import Iterator

import numpy as np
from torch import Tensor

from atelier.data.fingerprint import digest_of
from atelier.data.pixels import Pixels
from atelier.data.tensors import channels_first, seen


class Crops(Pixels):
    """Some of a cache's pictures, to be handed out in parts."""

    @property
    def side(self) -> int:
        """Pixels along a side of the whole pictures."""
        return int(self._pixels.shape[1])

    def cut(self, indices: np.ndarray, corners: np.ndarray, size: int, flips: np.ndarray) -> Tensor:
        """float32 (B, 3, size, size) in [-1, 1], of the pictures at `indices`, (B,), mirrored where `flips`, (B,).

        `corners`, (B, 2), are the tops and lefts of the crops, from 0 to `side` - `size`.
        """
        places = zip(self._rows[indices], corners, strict=True)
        pieces = [self._pixels[row, top : top + size, left : left + size] for row, (top, left) in places]
        return seen(channels_first(np.stack(pieces)), flips)

    def middles(self, size: int) -> "Middles":
        """Their centres, size x size, unmirrored: what scores compare with. `size` is `side` at most."""
        return Middles(self, size)

    def centred(self, start: int, stop: int, size: int) -> Tensor:
        """uint8 (n, 3, size, size) of the pictures from `start` on, fewer than stop - start at the end."""
        first = (self.side - size) // 2
        pixels = self._pixels[self._rows[start:stop], first : first + size, first : first + size]
        return channels_first(pixels)


class Middles:
    """The centre crops of some pictures, as `metrics.reference.Pictures`."""

    def __init__(self, pictures: Crops, size: int) -> None:
        if not 1 <= size <= pictures.side:
            raise ValueError(f"size must be from 1 to the {pictures.side} px of the pictures, got {size}")
        self._pictures, self._size = pictures, size
        self.labels = pictures.labels

    @property
    def key(self) -> str:
        """That of the pictures where all of each is shown, so that what was measured of them counts here too."""
        whole = self._size == self._pictures.side
        return self._pictures.key if whole else digest_of([self._pictures.key, "middles", str(self._size)])

    def __len__(self) -> int:
        return len(self._pictures)

    def batches(self, size: int) -> Iterator[Tensor]:
        """All of them in their order, uint8 (size, 3, H, W); the last batch may be smaller."""
        return (self._pictures.centred(start, start + size, self._size) for start in range(0, len(self), size))
