"""Where each pixel of a frame was in the one before: dense Lucas-Kanade flow, coarse to fine."""

import torch
from torch import Tensor
from torch.nn import functional

_COARSEST = 8  # pixels of the shorter side at the top of the pyramid: about one window
_WINDOW = 9
_ROUNDS = 3
_STEADY = 1e-3  # added to the squared slopes: plain areas keep what the coarser level found


def flow(before: Tensor, after: Tensor) -> Tensor:
    """Displacements (B, 2, H, W) in pixels, x then y: `after` at p shows what `before` shows at p + flow.

    Of images (B, 3, H, W) in [-1, 1], by their mean over channels: Lucas & Kanade 1981 on a pyramid as in Bouguet 2000,
    but at every pixel instead of at corners, and smoothed, so that plain areas move with what is around them.
    """
    first, second = _pyramid(before), _pyramid(after)
    found = torch.zeros_like(first[-1]).repeat(1, 2, 1, 1)
    for old, new in zip(reversed(first), reversed(second), strict=True):
        found = _enlarged(found, old.shape[2:])
        for _ in range(_ROUNDS):
            found = _smooth(found + _step(warp(old, found), new))
    return found


def warp(images: Tensor, displacements: Tensor, mode: str = "bilinear") -> Tensor:
    """Images (B, C, H, W) looked up at p + displacement, or at the border where that is outside."""
    height, width = images.shape[2:]
    rows = torch.arange(height, device=images.device, dtype=images.dtype)[:, None] + displacements[:, 1]
    columns = torch.arange(width, device=images.device, dtype=images.dtype) + displacements[:, 0]
    places = torch.stack([(2 * columns + 1) / width - 1, (2 * rows + 1) / height - 1], -1)
    return functional.grid_sample(images, places, mode, padding_mode="border", align_corners=False)


def _pyramid(images: Tensor) -> list[Tensor]:
    levels = [images.mean(1, keepdim=True)]
    while min(levels[-1].shape[2:]) >= 2 * _COARSEST:
        levels.append(functional.avg_pool2d(_blurred(levels[-1], 3), 2, ceil_mode=True))
    return levels


def _step(warped: Tensor, target: Tensor) -> Tensor:
    """Least squares of slope · step = change over each window: the 2 x 2 normal equations, solved by hand."""
    across, down = _slopes((warped + target) / 2)
    change = target - warped
    products = [across * across, across * down, down * down, across * change, down * change]
    xx, xy, yy, xt, yt = _blurred(torch.cat(products, 1), _WINDOW).split(1, 1)
    xx, yy = xx + _STEADY, yy + _STEADY
    determinant = xx * yy - xy * xy
    step = torch.cat([yy * xt - xy * yt, xx * yt - xy * xt], 1) / determinant
    return step.clamp(-2, 2)  # farther is the coarser level's to find


def _slopes(grey: Tensor) -> tuple[Tensor, Tensor]:
    """Central differences, half of one at the border."""
    padded = functional.pad(grey, (1, 1, 1, 1), "replicate")
    across = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]) / 2
    return across, (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]) / 2


def _blurred(images: Tensor, side: int) -> Tensor:
    return functional.avg_pool2d(images, side, 1, side // 2, count_include_pad=False)


def _smooth(displacements: Tensor) -> Tensor:
    return _blurred(displacements, 5)


def _enlarged(displacements: Tensor, size: torch.Size) -> Tensor:
    if displacements.shape[2:] == size:
        return displacements
    larger = functional.interpolate(displacements, size=[*size], mode="bilinear", align_corners=False)
    scale = displacements.new_tensor([size[1] / displacements.shape[3], size[0] / displacements.shape[2]])
    return larger * scale[:, None, None]
