"""Images laid out side by side, and pictures written to disk with a note of where they come from."""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from atelier.files import replacing

Pixels = NDArray[np.uint8]

GUTTER = 2
"""Pixels between neighbours and around the whole."""


def to_pixels(images: Tensor) -> Tensor:
    """Images in [-1, 1] to the nearest of 256 levels: uint8, same shape, on the CPU. NaN becomes grey."""
    levels = images.detach().float().nan_to_num(0.0).add(1).mul(127.5)
    return levels.round().clamp(0, 255).byte().cpu()


def grid(images: Tensor, columns: int | None = None) -> Pixels:
    """Images, uint8 (N, 3, H, W), row by row on white, in the squarest grid that holds them or in so many columns."""
    count, channels, height, width = images.shape
    columns = columns or math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    down, across = height + GUTTER, width + GUTTER
    canvas = np.full((rows * down + GUTTER, columns * across + GUTTER, channels), 255, dtype=np.uint8)
    for index, image in enumerate(images.permute(0, 2, 3, 1).numpy()):
        top, left = index // columns * down + GUTTER, index % columns * across + GUTTER
        canvas[top : top + height, left : left + width] = image
    return canvas


def save_png(pixels: Pixels, path: Path, note: Mapping[str, object]) -> None:
    """Write pixels (H, W, 3) with a text chunk for each entry of the note."""
    chunks = PngInfo()
    for key, value in note.items():
        chunks.add_text(key, str(value))
    with replacing(path) as partial:
        Image.fromarray(pixels).save(partial, format="PNG", pnginfo=chunks)
