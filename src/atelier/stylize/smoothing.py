"""Stylised frames without flicker: what the content shows again is painted as it was."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from atelier.stylize.motion import flow, warp


class _Painted(NamedTuple):
    content: Tensor
    """What each pixel showed when it was painted: slow changes of light are noticed, though no two frames differ."""
    stylised: Tensor


class Smoother:
    """Carries the painting of one frame over to the next, along the content's motion (cf. Ruder et al. 2016, eq. 8).

    There, a loss of an optimisation; here, after any method: out = w · previous + (1 − w) · stylised, where the weight
    w = exp(−(d / tolerance)²) falls with d, the difference of what is seen to what was painted. Of two candidates, the
    same place and the place it moved from, the one that explains the frame better counts; what stands still is
    therefore kept exactly, however long. A frame of which less than `cut` is explained begins a new scene.
    """

    def __init__(self, tolerance: float = 0.1, cut: float = 0.3) -> None:
        if not tolerance > 0:
            raise ValueError(f"tolerance must be positive, got {tolerance}")
        if not 0 <= cut < 1:
            raise ValueError(f"cut must be in [0, 1), got {cut}")
        self.tolerance, self.cut = tolerance, cut
        self._painted: _Painted | None = None

    def __call__(self, content: Tensor, stylised: Tensor) -> Tensor:
        """The next frame's stylised picture, smoothed; both (B, 3, H, W) in [-1, 1], of one size in all calls."""
        if content.shape != stylised.shape:
            raise ValueError(f"stylised must be {tuple(content.shape)} like the content, got {tuple(stylised.shape)}")
        seen = _Painted(content, stylised)
        before = self._painted
        if before is not None and before.content.shape != content.shape:
            raise ValueError(f"frames must be {tuple(before.content.shape)}, got {tuple(content.shape)}")
        self._painted = seen if before is None else self._carried(before, seen)
        return self._painted.stylised

    def _carried(self, before: _Painted, seen: _Painted) -> _Painted:
        motion = flow(before.content, seen.content)
        moved = _Painted(*(_carry(images, motion) for images in before))
        stayed, went = (_difference(old.content, seen.content) for old in (before, moved))
        weight = torch.exp(-(torch.minimum(stayed, went) / self.tolerance).square())
        if float(weight.mean()) < self.cut:
            return seen
        chosen = [torch.where(stayed <= went, old, new) for old, new in zip(before, moved, strict=True)]
        return _Painted(*(torch.lerp(new, old, weight) for old, new in zip(chosen, seen, strict=True)))


def _carry(images: Tensor, motion: Tensor) -> Tensor:
    """Bicubic: a picture that is looked up again at each frame goes soft by bilinear interpolation."""
    return warp(images, motion, "bicubic").clamp(-1, 1)


def _difference(old: Tensor, new: Tensor) -> Tensor:
    """The largest over channels, averaged over 3 x 3 pixels; (B, 1, H, W)."""
    return functional.avg_pool2d((old - new).abs().amax(1, keepdim=True), 3, 1, 1, count_include_pad=False)
