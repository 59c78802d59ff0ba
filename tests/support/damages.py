"""A picture to be damaged."""

import torch
from torch.nn import functional


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def picture(height=32, width=48, seed=0):
    """Smooth, with black, white and all colours in it: (3, height, width) in [0, 1]."""
    coarse = torch.rand(1, 3, 4, 6, generator=seeded(seed))
    smooth = functional.interpolate(coarse, (height, width), mode="bicubic", align_corners=True)[0]
    low, high = smooth.min(), smooth.max()
    return (smooth - low) / (high - low)
