"""Pictures with something to follow in them."""

import torch
from torch.nn import functional


def scene(seed=0, height=96, width=128):
    """A smooth pattern in [-1, 1], with something to follow everywhere."""
    generator = torch.Generator().manual_seed(seed)
    octaves = [torch.rand(1, 3, height // cell, width // cell, generator=generator) * 2 - 1 for cell in (8, 16, 32)]
    return sum(functional.interpolate(octave, size=(height, width), mode="bicubic") for octave in octaves) / 3.5


def pan(steps, right, down, seed=0):
    """A window that moves over a larger scene, in whole pixels: the content itself is never resampled."""
    large = scene(seed, 160, 192)
    tops = [32 + down * step for step in range(steps)]
    lefts = [32 + right * step for step in range(steps)]
    return [large[..., top : top + 96, left : left + 128] for top, left in zip(tops, lefts, strict=True)]
