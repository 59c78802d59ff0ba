"""Fidelity and variety apart: precision and recall, density and coverage, by nearest neighbours in feature space.

A sample's neighbourhood reaches to its k-th nearest other of its own side. It is an open ball, as in the code of Naeem
et al.; Kynkäänniemi et al. have a closed one. They differ only where samples repeat: a picture that is more than k
times among the real ones has a neighbourhood of radius 0, which here does not even hold its copies.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from atelier.metrics.neighbours import by_products, chunks, radii, split


class PrecisionRecall(NamedTuple):
    """Kynkäänniemi et al. 2019, eq. 1-2."""

    precision: float
    """The share of generated samples in some real neighbourhood."""
    recall: float
    """The share of real samples in some generated neighbourhood."""


class DensityCoverage(NamedTuple):
    """Naeem et al. 2020, eq. 4-5."""

    density: float
    """How many real neighbourhoods a generated sample lies in, over k: 1 for real ones, and it may be more."""
    coverage: float
    """The share of real samples in whose neighbourhood a generated one lies."""


def reach(samples: Tensor, k: int) -> Tensor:
    """The radius of each sample's neighbourhood, float64 (N,)."""
    return radii(samples, k, by_products)


def precision_recall(real: Tensor, real_reach: Tensor, fake: Tensor, fake_reach: Tensor) -> PrecisionRecall:
    """Both measures of samples (N, D) and (M, D), each side with its `reach`."""
    precise = torch.zeros(len(fake), dtype=torch.bool, device=fake.device)
    recalled = []
    for distances, real_radii in _rows(real, real_reach, fake):
        precise |= (distances < real_radii).any(0)
        recalled.append((distances < fake_reach).any(1))
    return PrecisionRecall(_mean(precise), _mean(torch.cat(recalled)))


def density_coverage(real: Tensor, real_reach: Tensor, fake: Tensor, k: int) -> DensityCoverage:
    """Both measures of samples (N, D) and (M, D); `k` is that of `real_reach`."""
    neighbours = torch.zeros(len(fake), dtype=torch.int64, device=fake.device)
    covered = []
    for distances, real_radii in _rows(real, real_reach, fake):
        near = distances < real_radii
        neighbours += near.sum(0)
        covered.append(near.any(1))
    return DensityCoverage(_mean(neighbours) / k, _mean(torch.cat(covered)))


def _rows(real: Tensor, real_reach: Tensor, fake: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Some rows of the distances at a time, beside the radii of their real samples, (n, 1)."""
    distances = chunks(real, fake, by_products)
    return zip(distances, (some[:, None] for some in split(real_reach, len(fake))), strict=True)


def _mean(values: Tensor) -> float:
    return float(values.double().mean())
