"""A smooth picture, which lossy formats keep, and a cut-out of it."""

import numpy as np
import torch


def photograph(height=48, width=64):
    """Smooth, so that lossy formats keep it: red grows downwards, green to the right."""
    rows, columns = np.mgrid[0:height, 0:width]
    pixels = np.stack([40 + 2 * rows, 20 + 3 * columns, np.full_like(rows, 90)], -1)
    return pixels.clip(0, 255).astype(np.uint8)


def tensor(pixels):
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)


def cut_out(height=48, width=64):
    alpha = np.zeros((height, width), np.uint8)
    alpha[8:40, 10:50] = 255
    alpha[8:40, 50:54] = 128
    return alpha
