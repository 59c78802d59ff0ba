"""The kernel distance, KID: the squared maximum mean discrepancy of two samples, unbiased, with its standard error."""

from typing import NamedTuple

import torch
from torch import Tensor

CHUNK = 2**24
"""Kernel values held at once: 128 MB of them."""


class Estimate(NamedTuple):
    value: float
    error: float
    """Standard error."""


def kernel_distance(first: Tensor, second: Tensor, own: Tensor | None = None) -> Estimate:
    """KID of features (N, D) and (M, D), three of each at least, in float64 (Bińkowski et al. 2018, section 4).

    `own` are `own_sums(first)`, where they are known. The estimate is the U-statistic over all pairs (Gretton et al.
    2012, eq. 3), where Bińkowski et al. average it over random subsets: it has the same expectation and the least
    variance, and nothing is drawn. The error is that of the two-sample jackknife, whose expectation is too large rather
    than too small (Efron & Stein 1981).
    """
    n, m = len(first), len(second)
    if min(n, m) < 3:
        raise ValueError(f"a kernel distance needs 3 samples of each side, got {n} and {m}")
    rows = own_sums(first) if own is None else own, own_sums(second)
    across = _sums_across(first, second)
    value = rows[0].sum() / (n * (n - 1)) + rows[1].sum() / (m * (m - 1)) - 2 * across[0].sum() / (n * m)
    variance = _jackknife(rows[0], across[0], m) + _jackknife(rows[1], across[1], n)
    return Estimate(float(value), float(variance.sqrt()))


def own_sums(samples: Tensor) -> Tensor:
    """The sum of each sample's kernels with all others of its side, float64 (N,)."""
    samples = samples.double()
    with_itself = (samples.square().sum(1) / samples.shape[1] + 1) ** 3
    return torch.cat([_kernel(some, samples).sum(1) for some in _chunks(samples, len(samples))]) - with_itself


def _sums_across(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """The sum of each sample's kernels with all samples of the other side, (N,) and (M,)."""
    second = second.double()
    rows, columns = [], second.new_zeros(len(second))
    for some in _chunks(first.double(), len(second)):
        values = _kernel(some, second)
        rows.append(values.sum(1))
        columns += values.sum(0)
    return torch.cat(rows), columns


def _kernel(first: Tensor, second: Tensor) -> Tensor:
    """k(x, y) = (xᵀy / D + 1)³ (Bińkowski et al. 2018, section 4)."""
    return (first @ second.T / first.shape[1] + 1) ** 3


def _jackknife(own: Tensor, across: Tensor, others: int) -> Tensor:
    """What the samples of one side, each left out in turn, add to the variance; `others` are those of the other side.

    The other side's own sum is the same whoever is left out, and adds nothing.
    """
    left = len(own) - 1
    values = (own.sum() - 2 * own) / (left * (left - 1)) - 2 * (across.sum() - across) / (left * others)
    return left / len(own) * (values - values.mean()).square().sum()


def _chunks(samples: Tensor, others: int) -> tuple[Tensor, ...]:
    return samples.split(max(1, CHUNK // others))
