"""Images laid out side by side, and pictures written to disk with a note of where they come from."""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

from atelier.files import replacing
from atelier.notes import text_chunks

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


def framed(images: Tensor, height: int, width: int) -> Tensor:
    """uint8 images (N, 3, h, w) within frames of this size, as large as they fit in whole, on white."""
    own = images.shape[2:]
    scale = min(height / own[0], width / own[1])
    inner = min(height, max(1, round(own[0] * scale))), min(width, max(1, round(own[1] * scale)))
    frames = images.new_full((*images.shape[:2], height, width), 255)
    if scale != 1:
        images = interpolate(images.float(), inner, mode="bilinear", antialias=True).round().byte()
    top, left = (height - inner[0]) // 2, (width - inner[1]) // 2
    frames[:, :, top : top + inner[0], left : left + inner[1]] = images
    return frames


def save_png(pixels: Pixels, path: Path, note: Mapping[str, object]) -> None:
    """Write pixels (H, W, 3) with a text chunk for each entry of the note."""
    with replacing(path) as partial:
        Image.fromarray(pixels).save(partial, format="PNG", pnginfo=text_chunks(note))
