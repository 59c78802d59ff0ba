"""Where the pixels of changed images come from: lookup, and affine warps.

`torch.nn.functional.grid_sample` cannot be differentiated twice, which gradient penalties need; a lookup can.
"""

import torch
from torch import Tensor

# Six-point interpolation halfway between two pixels (Deslauriers & Dubuc 1989), by distance from the left one.
HALFWAY = {-2: 3 / 256, -1: -25 / 256, 0: 150 / 256, 1: 150 / 256, 2: -25 / 256, 3: 3 / 256}


def pick(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """The pixels (B, C, h, w) of images (B, C, H, W) that lie at `rows` and `columns`, which broadcast to (B, h, w)."""
    index = rows * images.shape[3] + columns
    flat = index.flatten(1)[:, None].expand(-1, images.shape[1], -1)
    return images.flatten(2).gather(2, flat).unflatten(2, index.shape[1:])


def mirror(position: Tensor, size: int) -> Tensor:
    """Positions beyond the pixels 0 … size - 1 reflected inside, about the centres of the outermost pixels."""
    return size - 1 - (position % (2 * size - 2) - (size - 1)).abs()


def warp(images: Tensor, sources: Tensor) -> Tensor:
    """Images (B, C, H, W) whose pixel at (x, y, 1) is that of `images` at `sources` (B, 3, 3) · (x, y, 1).

    Coordinates are in pixels from the images' centre, x to the right and y downwards; beyond their edges images are
    mirrored. They are looked up bilinearly among twice as many pixels. Karras et al. 2020 (appendix B) enlarge with a
    wavelet's filter, warp into twice as many pixels and filter again: here the last is left out, as a quarter of the
    lookups. What shrinks has some aliasing; what is moved by whole pixels, flipped or turned by 90° is exact.
    """
    height, width = images.shape[2:]
    sources = sources.to(images.dtype)[:, :, :, None, None]
    y = torch.arange(height, dtype=images.dtype, device=images.device)[:, None] - (height - 1) / 2
    x = torch.arange(width, dtype=images.dtype, device=images.device) - (width - 1) / 2
    columns, rows = (sources[:, axis, 0] * x + sources[:, axis, 1] * y + sources[:, axis, 2] for axis in (0, 1))
    return interpolate(doubled(images), 2 * rows + (height - 1), 2 * columns + (width - 1))


def interpolate(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Bilinear values (B, C, h, w) of mirrored images at `rows` and `columns` (B, h, w), in pixels from the first."""
    height, width = images.shape[2:]
    rows, columns = mirror(rows, height), mirror(columns, width)
    above, left = rows.detach().long(), columns.detach().long()
    below, right = (above + 1).clamp(max=height - 1), (left + 1).clamp(max=width - 1)
    down, along = (rows - above)[:, None], (columns - left)[:, None]
    upper = torch.lerp(pick(images, above, left), pick(images, above, right), along)
    lower = torch.lerp(pick(images, below, left), pick(images, below, right), along)
    return torch.lerp(upper, lower, down)


def doubled(images: Tensor) -> Tensor:
    """Images (B, C, 2 H - 1, 2 W - 1): the pixels of `images`, and between every two of them one interpolated."""
    down, along = (_doubling(images, size) for size in images.shape[2:])
    return down @ images.contiguous() @ along.T


def _doubling(like: Tensor, size: int) -> Tensor:
    """(2 size - 1, size): a line of pixels to one of twice as many."""
    pixels = torch.eye(size, dtype=like.dtype, device=like.device)
    lefts = torch.arange(size, device=like.device)
    between = sum(weight * pixels[mirror(lefts + offset, size)] for offset, weight in HALFWAY.items())
    return torch.stack([pixels, torch.as_tensor(between)], 1).flatten(0, 1)[:-1]
