"""How an image reaches a network's size. Half of what separates two libraries' scores of the same images."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import interpolate

Kernel = Literal["tf1", "antialias"]


def tf1(images: Tensor, side: int) -> Tensor:
    """Bilinear as TensorFlow 1 did it, in the code of the first FID: corners not aligned, no low-pass filter.

    To the last bit as torch-fidelity's, whose order of operations it has, but row by row before column by column.
    """
    return _stretched(_stretched(images.float(), 3, side), 2, side)


def antialias(images: Tensor, side: int) -> Tensor:
    """Bilinear with a low-pass filter where images shrink: torchmetrics' default since 1.8."""
    return interpolate(images.float(), (side, side), mode="bilinear", antialias=True)


def _stretched(images: Tensor, dimension: int, side: int) -> Tensor:
    """One dimension of images, of `side` pixels: the first is the first of before, and the last may be repeated."""
    length = images.shape[dimension]
    place = torch.arange(side, dtype=torch.float32, device=images.device) * torch.tensor(length / side)
    before = place.long()
    after = (before + 1).clamp_max(length - 1)
    share = (place - before).view([side if axis == dimension else 1 for axis in range(4)])
    first, second = images.index_select(dimension, before), images.index_select(dimension, after)
    return first + (second - first) * share


KERNELS: dict[str, Callable[[Tensor, int], Tensor]] = {"tf1": tf1, "antialias": antialias}
"""From uint8 (B, 3, H, W) to float32 (B, 3, side, side), in 0..255; an image of that side stays as it is."""
