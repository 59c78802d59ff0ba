"""How large a tile may be."""

import math
from typing import NamedTuple

from atelier.errors import UserError

LEAST = 64
"""Pixels along a tile; smaller ones would be all margin."""


class Cost(NamedTuple):
    """Bytes that stylising takes, measured on a CPU and rounded up: frameworks keep more than the layers' values."""

    whole: float
    """For each pixel of the picture, however it is cut: the picture before and after, and what is kept between."""
    window: float
    """For each pixel that is looked at at once."""

    def of(self, height: int, width: int) -> int:
        """A picture in one piece."""
        return round((self.whole + self.window) * height * width)

    def side_within(self, memory: int, size: tuple[int, int], reach: int, stride: int) -> int | None:
        """The side of the largest tiles, with `reach` pixels around, that stay within `memory` bytes; None: no tiles.

        Of a picture of `size` (height, width). Raises UserError where even the smallest take more.
        """
        pixels, shorter = size[0] * size[1], min(size)
        if self.of(*size) <= memory:
            return None
        seen = (memory - self.whole * pixels) / self.window
        # windows end with the picture: of a long one they are as high as it is
        side = int(max(math.sqrt(max(seen, 0)), seen / shorter)) - 2 * reach
        if side < LEAST:
            around = LEAST + 2 * reach
            least = self.whole * pixels + self.window * around * min(around, shorter)
            raise UserError(
                f"--max-memory: {size[1]} x {size[0]} pixels need {math.ceil(least / 2**20):,} MiB at least, in tiles; "
                f"got {memory / 2**20:,.0f}"
            )
        return side // stride * stride
