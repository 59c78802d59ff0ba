"""Between the pictures of files, 8 bits a channel, and the images that networks see."""

import torch
from torch import Tensor

from atelier.cli.devices import device
from atelier.data.pictures import PIXEL_LIMIT, BrokenPicture
from atelier.record.grids import to_pixels
from atelier.stylize import artwork

_STRIP = 256
"""Rows that are turned into 8 bits at once: a whole picture would take several more of itself."""


def sized(pixels: Tensor, size: int) -> Tensor:
    """uint8 (3, H, W) with a longer side of `size`.

    Raises BrokenPicture where too little is left of the other, and for pictures that nobody could read again.
    """
    if (pixels.shape[1] * pixels.shape[2] * size**2) > PIXEL_LIMIT * max(pixels.shape[1:]) ** 2:
        raise BrokenPicture(f"a longer side of {size} makes more than {PIXEL_LIMIT:,} pixels")
    made = artwork.resized(pixels, size)
    height, width = made.shape[1:]
    if min(height, width) < artwork.SMALLEST:
        raise BrokenPicture(
            f"a longer side of {size} leaves {width} x {height}, at least {artwork.SMALLEST} pixels a side are needed"
        )
    return made


def image_of(pixels: Tensor, place: torch.device | None = None) -> Tensor:
    """uint8 (3, H, W) to an image (1, 3, H, W) in [-1, 1], where commands compute unless another place is named."""
    return pixels[None].to(place or device()).float().div_(127.5).sub_(1)


def pixels_of(image: Tensor) -> Tensor:
    """And back."""
    return torch.cat([to_pixels(rows) for rows in image[0].split(_STRIP, 1)], 1)
