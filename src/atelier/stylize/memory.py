"""How large a tile may be."""

import math

from atelier.errors import UserError

WORKING = 2 << 30
"""Bytes for tiles, unless told otherwise."""

LEAST = 64
"""Pixels along a tile; smaller ones would be all margin."""


def side_within(memory: int, per_pixel: int, height: int, width: int, reach: int, stride: int) -> int | None:
    """The side of the largest tiles whose windows take no more than `memory` bytes; None: the picture is one.

    Raises UserError where even the smallest take more.
    """
    if height * width * per_pixel <= memory:
        return None
    side = int(math.sqrt(memory / per_pixel)) - 2 * reach
    side = side // stride * stride
    if side < LEAST:
        least = (LEAST + 2 * reach) ** 2 * per_pixel
        raise UserError(f"--max-memory: tiles need {least / 2**20:,.0f} MiB at least, got {memory / 2**20:,.0f}")
    return side
