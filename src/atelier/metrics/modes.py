"""Which modes of a known mixture of Gaussians a generator has found."""

from typing import NamedTuple

import torch
from torch import Tensor


class Coverage(NamedTuple):
    modes: int
    """Modes that have at least a fifth of their fair share of the points, all of them good."""
    good: float
    """Share of points within three standard deviations of a mode: 0.989 of the mixture's own."""


def coverage(points: Tensor, centres: Tensor, deviation: float) -> Coverage:
    """Which modes points (N, 2) cover, where every mode of `centres`, (M, 2), is equally likely and equally wide.

    The good are those of Srivastava et al. 2017 (section 4.1). There a single one covers a mode; here a mode with less
    than a fifth of what it should have counts as lost, so that a stray point saves none.
    """
    distance, nearest = torch.cdist(points, centres).min(1)
    good = distance <= 3 * deviation
    found = torch.bincount(nearest[good], minlength=len(centres))
    return Coverage(int((found >= len(points) / len(centres) / 5).sum()), good.double().mean().item())
