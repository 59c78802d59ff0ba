"""Some of a cache's pictures, as the rest of the house sees them: tensors, read from disk when asked for."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from atelier.data.cache import Cache
from atelier.data.fingerprint import key_of_pixels
from atelier.data.layout import PIXELS
from atelier.data.tensors import channels_first, seen
from atelier.data.types import Images


class Pixels:
    """The pictures `rows` of a cache; `codes`, int64, are the classes of all its pictures.

    Sent to another process it takes the file's name with it, not the pictures.
    """

    key: str
    """Names these pictures' pixels, in this order, wherever they came from."""

    def __init__(self, cache: Cache, rows: np.ndarray, codes: np.ndarray | None = None) -> None:
        self._path: Path = cache.folder / PIXELS
        self._pixels = np.asarray(cache.pixels)
        self._rows = rows
        self.labels = None if codes is None else torch.from_numpy(codes[rows])
        self.key = key_of_pixels(cache.pixels.shape[1], cache.digests[rows])

    def __len__(self) -> int:
        return len(self._rows)

    def row(self, place: int) -> int:
        """Of the cache: which of all the collection's whole pictures it is."""
        return int(self._rows[place])

    def images(self, start: int, stop: int) -> Tensor:
        """uint8 (n, 3, H, W), fewer than stop - start at the end."""
        return self._gather(slice(start, stop))

    def batches(self, size: int) -> Iterator[Tensor]:
        """All of them in their order, uint8 (size, 3, H, W); the last batch may be smaller."""
        return (self.images(start, start + size) for start in range(0, len(self), size))

    def batch(self, indices: np.ndarray, flips: np.ndarray) -> Images:
        """The pictures at `indices`, in [-1, 1], mirrored where `flips`; both of shape (B,)."""
        label = None if self.labels is None else self.labels[indices]
        return Images(seen(self._gather(indices), flips), label)

    def _gather(self, indices: np.ndarray | slice) -> Tensor:
        """uint8 (n, 3, H, W), a copy."""
        return channels_first(self._pixels[self._rows[indices]])

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_pixels"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._pixels = np.asarray(np.load(self._path, mmap_mode="r"))
