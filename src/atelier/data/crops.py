"""Squares cut out of cached pictures: only what is cut out is read."""

import numpy as np
import torch
from torch import Tensor

from atelier.data.pixels import Pixels


class Crops(Pixels):
    """Some of a cache's pictures, to be handed out in parts."""

    @property
    def side(self) -> int:
        """Of the whole pictures, in pixels."""
        return int(self._pixels.shape[1])

    def cut(self, indices: np.ndarray, corners: np.ndarray, size: int, flips: np.ndarray) -> Tensor:
        """float32 (B, 3, size, size) in [-1, 1], of the pictures at `indices`, (B,), mirrored where `flips`, (B,).

        `corners`, (B, 2), are the tops and lefts of the crops, from 0 to `side` - `size`.
        """
        places = zip(self._rows[indices], corners, strict=True)
        pieces = [self._pixels[row, top : top + size, left : left + size] for row, (top, left) in places]
        pixels = np.ascontiguousarray(np.stack(pieces).transpose(0, 3, 1, 2))
        pixels[flips] = pixels[flips][..., ::-1]
        return torch.from_numpy(pixels).float().div_(127.5).sub_(1)
