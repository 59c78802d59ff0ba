"""What Winograd's F(4×4, 3×3) makes of whole maps: a convolution, and its gradients (Lavin & Gray 2016).

A map is cut into tiles of 4×4 places of the output, which see 6×6 of the input. Transformed, a tile's 36 numbers meet
the kernel's one by one, where the convolution itself has 4×4×9 products; so for each of the 36 the tiles × channels of
the input times the channels × channels of the kernels is one product of matrices. Its transposes are the gradients.

Maps come surrounded by what the convolution sees around them. Maps that are returned are channels last.
"""

from collections.abc import Iterator
from functools import cache
from math import prod
from threading import local

import torch
from torch import Tensor
from torch.nn.functional import pad

SIDE, SEEN = 4, 6
"""A tile's places along each side: those of its output, and those of its input."""

AT_ONCE = 128
"""Tiles, about: few enough to stay in the processor's cache, many enough to read each weight from memory but rarely."""

Matrix = tuple[tuple[float, ...], ...]

# Lavin & Gray 2016, eq. 8 and section 4.3 of the arXiv version:
# Y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A, for the points 0, ±1, ±2, ∞.
_INPUT = (
    (4, 0, -5, 0, 1, 0),
    (0, -4, -4, 1, 1, 0),
    (0, 4, -4, -1, 1, 0),
    (0, -2, -1, 2, 1, 0),
    (0, 2, -1, -2, 1, 0),
    (0, 4, 0, -5, 0, 1),
)
_KERNEL = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)
_OUTPUT = ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1))


@torch.no_grad()
def transformed(weight: Tensor, kept: bool = True) -> Tensor:
    """Filters (O, C, 3, 3) as `convolved` and `gradients` take them: (36, O, C); if not kept, in scratch memory."""
    taps = weight.permute(2, 3, 0, 1).reshape(9, -1)
    # rows a power of two apart would drive one another from the cache: half as fast
    size = (SEEN**2, taps.shape[1] + 16)
    found = (taps.new_empty(size) if kept else scratch("kernels", size, taps))[:, :-16]
    return torch.mm(_both(_KERNEL, weight), taps, out=found).unflatten(1, weight.shape[:2])


@torch.no_grad()
def convolved(surrounded: Tensor, kernels: Tensor, bias: Tensor | None = None) -> Tensor:
    """(B, O, H, W) of a map (B, C, H + 2, W + 2). No gradient is kept of this and what follows."""
    images, _, height, width = surrounded.shape
    height, width = height - 2, width - 2
    down, across = _tiles(height), _tiles(width)
    whole = _whole(surrounded, down * SIDE + 2, across * SIDE + 2)
    drawn = _empty(whole, images, kernels.shape[1], down * SIDE, across * SIDE)
    whole_canvas = drawn.permute(0, 2, 3, 1)
    for part, rows in _strips(images, down, across):
        canvas = _blocks(whole_canvas[part, rows.start * SIDE : rows.stop * SIDE])
        products = _product("products", _seen(whole[part], rows), kernels.transpose(1, 2))
        canvas.copy_(_transform("tiles", _both(_OUTPUT, products), products).view(canvas.shape))
        if bias is not None:
            canvas.add_(bias)
    return _cut(drawn, height, width)


@torch.no_grad()
def gradients(
    slope: Tensor, kernels: Tensor | None = None, surrounded: Tensor | None = None
) -> tuple[Tensor | None, Tensor | None]:
    """A loss's gradients to the surrounded map and to the filters, of its gradient to the output, (B, O, H, W).

    (B, C, H + 2, W + 2) by the kernels, where they are given, and (O, C, 3, 3) by the map, where that is.
    """
    images, _, height, width = slope.shape
    down, across = _tiles(height), _tiles(width)
    slopes = _whole(slope, down * SIDE, across * SIDE)
    to_map = to_kernels = seen = None
    if kernels is not None:
        to_map = _empty(slopes, images, kernels.shape[2], down * SIDE + 2, across * SIDE + 2).zero_()
    if surrounded is not None:
        seen = _whole(surrounded, down * SIDE + 2, across * SIDE + 2)
        to_kernels = scratch("learnt", (SEEN**2, slopes.shape[3], seen.shape[3]), slopes)
        if not images:  # then no strip writes it
            to_kernels.zero_()
    for number, (part, rows) in enumerate(_strips(images, down, across)):
        tiles = _slopes(slopes[part], rows)
        if to_kernels is not None and seen is not None:
            # of beta 0, what was there is not read
            to_kernels.baddbmm_(tiles.mT, _seen(seen[part], rows), beta=int(number > 0))
        if to_map is not None and kernels is not None:
            _spread(_product("seen", tiles, kernels), to_map.permute(0, 2, 3, 1)[part], rows)
    return (
        None if to_map is None else _cut(to_map, height + 2, width + 2),
        None if to_kernels is None else _filters(to_kernels),
    )


def _spread(tiles: Tensor, surrounded: Tensor, rows: slice) -> None:
    """Add B d Bᵀ of each tile, (36, T, C), to what it has seen."""
    seen = _patches(surrounded, rows)
    tiles = _transform("tiles", _both(_INPUT, tiles).T, tiles).view(seen.shape)
    # neighbours share two rows and columns: what is added at once must not overlap
    for vertical in (slice(0, SIDE), slice(SIDE, SEEN)):
        for horizontal in (slice(0, SIDE), slice(SIDE, SEEN)):
            seen[vertical, horizontal].add_(tiles[vertical, horizontal])


def _filters(kernels: Tensor) -> Tensor:
    """Gᵀ g G of (36, O, C): (O, C, 3, 3)."""
    taps = torch.mm(_both(_KERNEL, kernels).T, kernels.view(SEEN**2, -1))
    return taps.view(3, 3, *kernels.shape[1:]).permute(2, 3, 0, 1).contiguous()


class _Scratch(local):
    """Memory of this thread that is written again and again: pages fresh from the system cost as much as the sums."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, torch.dtype, torch.device], Tensor] = {}


_scratch = _Scratch()


def scratch(name: str, size: tuple[int, ...], like: Tensor) -> Tensor:
    """Uninitialised, and valid until the same name is asked for again.

    What is never needed at once shares a name, to stay in the processor's cache: "tiles" are those gathered, or those
    transformed back; "seen" the transformed input, or what becomes its gradient; "products" those that make the output,
    or the transformed slopes.
    """
    needed, key = prod(size), (name, like.dtype, like.device)
    if key not in _scratch.kept or _scratch.kept[key].numel() < needed:
        with torch.inference_mode(False):  # what is made in it cannot be written to outside
            _scratch.kept[key] = torch.empty(needed, dtype=like.dtype, device=like.device)
    return _scratch.kept[key][:needed].view(size)


def _product(name: str, tiles: Tensor, kernels: Tensor) -> Tensor:
    return torch.bmm(tiles, kernels, out=scratch(name, (*tiles.shape[:2], kernels.shape[2]), tiles))


def _transform(name: str, matrix: Tensor, tiles: Tensor) -> Tensor:
    """Tiles (n, T, C) by a matrix (m, n): (m, T, C)."""
    size = (matrix.shape[0], *tiles.shape[1:])
    flat = scratch(name, (size[0], prod(size[1:])), tiles)
    return torch.mm(matrix, tiles.reshape(matrix.shape[1], -1), out=flat).view(size)


def _seen(surrounded: Tensor, rows: slice) -> Tensor:
    """Bᵀ d B of each tile in rows of tiles: (36, T, C)."""
    return _transform("seen", _both(_INPUT, surrounded), _gathered(_patches(surrounded, rows)))


def _slopes(slope: Tensor, rows: slice) -> Tensor:
    """A dY Aᵀ of each tile in rows of tiles: (36, T, O)."""
    blocks = _blocks(slope[:, rows.start * SIDE : rows.stop * SIDE])
    return _transform("products", _both(_OUTPUT, slope).T, _gathered(blocks))


def _gathered(tiles: Tensor) -> Tensor:
    """Tiles (side, side, B, down, across, C), copied to (side², T, C)."""
    size = (tiles.shape[0] * tiles.shape[1], prod(tiles.shape[2:5]), tiles.shape[5])
    copied = scratch("tiles", size, tiles)
    copied.view(tiles.shape).copy_(tiles)
    return copied


def _patches(surrounded: Tensor, rows: slice) -> Tensor:
    """What each tile in rows of tiles sees of (B, H, W, C), as it lies: (6, 6, B, down, across, C)."""
    image, row, column, channel = surrounded.stride()
    images, _, width, channels = surrounded.shape
    size = (SEEN, SEEN, images, rows.stop - rows.start, width // SIDE, channels)
    first = surrounded.storage_offset() + rows.start * SIDE * row
    return surrounded.as_strided(size, (row, column, image, SIDE * row, SIDE * column, channel), first)


def _blocks(map: Tensor) -> Tensor:
    """Blocks (4, 4, B, down, across, C) of (B, 4 down, 4 across, C), as it lies."""
    return map.unflatten(1, (-1, SIDE)).unflatten(3, (-1, SIDE)).permute(2, 4, 0, 1, 3, 5)


def _strips(images: int, down: int, across: int) -> Iterator[tuple[slice, slice]]:
    """All tiles, about AT_ONCE at a time: of which images, and which rows of them."""
    rows, together = max(1, AT_ONCE // across), max(1, AT_ONCE // (down * across))
    for image in range(0, images, together):
        for row in range(0, down, rows):
            yield slice(image, image + together), slice(row, min(row + rows, down))


def _whole(map: Tensor, height: int, width: int) -> Tensor:
    """A map (B, C, H, W) with zeros below and to the right up to that size: (B, height, width, C)."""
    lacking = height - map.shape[2], width - map.shape[3]
    whole = pad(map, [0, lacking[1], 0, lacking[0]]) if any(lacking) else map
    return channels_last(whole).permute(0, 2, 3, 1)


def channels_last(map: Tensor) -> Tensor:
    """As `contiguous`; but an image at a time, as a matrix, which torch transposes up to five times as fast."""
    if not map.is_contiguous():
        return map.contiguous(memory_format=torch.channels_last)
    copied = map.new_empty(map.shape[0], *map.shape[2:], map.shape[1])
    for ours, theirs in zip(copied.flatten(1, 2), map.flatten(2), strict=True):
        ours.copy_(theirs.T)
    return copied.permute(0, 3, 1, 2)


def channels_first(map: Tensor) -> Tensor:
    """A copy of (B, C, H, W), channels last."""
    copied = map.new_empty(map.shape)
    for ours, theirs in zip(copied.flatten(2), map.permute(0, 2, 3, 1).flatten(1, 2), strict=True):
        ours.copy_(theirs.T)
    return copied


def _empty(like: Tensor, *size: int) -> Tensor:
    return torch.empty(size, dtype=like.dtype, device=like.device, memory_format=torch.channels_last)


def _cut(map: Tensor, height: int, width: int) -> Tensor:
    """No view of a larger one, which autograd would let no ReLU change in place."""
    if map.shape[2:] == (height, width):
        return map
    return map[..., :height, :width].clone(memory_format=torch.channels_last)


def _tiles(side: int) -> int:
    return -(-side // SIDE)


def _both(matrix: Matrix, like: Tensor) -> Tensor:
    return _kronecker(matrix, like.dtype, like.device)


@cache
def _kronecker(matrix: Matrix, dtype: torch.dtype, device: torch.device) -> Tensor:
    """For tiles with their two sides in one."""
    with torch.inference_mode(False):
        one = torch.tensor(matrix, dtype=torch.float64, device=device)
        return torch.kron(one, one).to(dtype)
