"""Masks: pictures that say what of another one is lost."""

from pathlib import Path

from torch import Tensor

from atelier.data.pictures import BrokenPicture
from atelier.errors import UserError
from atelier.stylize import artwork

LOST = 128
"""The least level, in any channel, that marks a pixel: JPEG's noise does not reach it."""


def known_of(path: Path, size: tuple[int, int]) -> Tensor:
    """What is left of a picture of `size` (height, width) by its mask: bool (1, height, width), false where it is lost.

    Raises UserError, naming the file, for a mask of another size, and for one that leaves nothing to do or to go by.
    """
    try:
        pixels = artwork.read(path).pixels
    except BrokenPicture as error:
        raise UserError(f"{path}: {error}") from error
    height, width = pixels.shape[1:]
    if (height, width) != size:
        raise UserError(f"{path}: a mask of {width} x {height} does not fit a picture of {size[1]} x {size[0]}")
    known = pixels.amax(0, keepdim=True) < LOST
    if bool(known.all()):
        raise UserError(f"{path}: the mask marks nothing; what is lost must be white in it ({LOST} or more)")
    if not bool(known.any()):
        raise UserError(
            f"{path}: the mask covers everything; what is left must be black in it (less than {LOST}), not transparent"
        )
    return known
