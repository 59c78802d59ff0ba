"""Layers of a discriminator that look at several images at once."""

import torch
from torch import Tensor, nn


class MinibatchDeviation(nn.Module):
    """Features (B, C, H, W) to (B, C + 1, H, W): the last channel says how far the images of a group differ.

    It is the standard deviation over the group, averaged over channels and pixels (Karras et al. 2018, section 3). A
    group has as many images as divide the batch, `group_size` at most.
    """

    def __init__(self, group_size: int = 4) -> None:
        super().__init__()
        if group_size < 1:
            raise ValueError(f"group_size must be >= 1, got {group_size}")
        self.group_size = group_size

    def forward(self, features: Tensor) -> Tensor:
        batch, _, height, width = features.shape
        size = max(size for size in range(1, self.group_size + 1) if batch % size == 0)
        groups = features.float().reshape(size, batch // size, *features.shape[1:])
        deviation = (groups.var(0, unbiased=False) + 1e-8).sqrt().mean((1, 2, 3))
        plane = deviation.repeat(size)[:, None, None, None].expand(batch, 1, height, width)
        return torch.cat([features, plane.to(features.dtype)], 1)
