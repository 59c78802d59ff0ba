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


class _Sums(NamedTuple):
    rows: Tensor
    """Of each sample with all others of its side, (N,)."""
    across: Tensor
    """Of each sample with all of the other side, (N,)."""


def kernel_distance(first: Tensor, second: Tensor) -> Estimate:
    """Of features (N, D) and (M, D), three of each at least, in float64 (Bińkowski et al. 2018, section 4).

    The estimate is the U-statistic over all pairs (Gretton et al. 2012, eq. 3), where Bińkowski et al. average it over
    random subsets: it has the same expectation and the least variance, and nothing is drawn. The error is that of the
    two-sample jackknife, whose expectation is too large rather than too small (Efron & Stein 1981).
    """
    if min(len(first), len(second)) < 3:
        raise ValueError(f"a kernel distance needs 3 samples of each side, got {len(first)} and {len(second)}")
    first, second = first.double(), second.double()
    one, two = _sums(first, second), _sums(second, first)
    value = _discrepancy(one.rows.sum(), two.rows.sum(), one.across.sum(), len(first), len(second))
    variance = _jackknife(one, two) + _jackknife(two, one)
    return Estimate(float(value), float(variance.sqrt()))


def _sums(first: Tensor, second: Tensor) -> _Sums:
    rows = [_kernel(some, first).sum(1) - _kernel_with_itself(some) for some in _chunks(first, len(first))]
    across = [_kernel(some, second).sum(1) for some in _chunks(first, len(second))]
    return _Sums(torch.cat(rows), torch.cat(across))


def _kernel(first: Tensor, second: Tensor) -> Tensor:
    """k(x, y) = (xᵀy / D + 1)³ (Bińkowski et al. 2018, section 4)."""
    return (first @ second.T / first.shape[1] + 1) ** 3


def _kernel_with_itself(samples: Tensor) -> Tensor:
    return (samples.square().sum(1) / samples.shape[1] + 1) ** 3


def _discrepancy(first: Tensor, second: Tensor, across: Tensor, n: int, m: int) -> Tensor:
    return first / (n * (n - 1)) + second / (m * (m - 1)) - 2 * across / (n * m)


def _jackknife(left: _Sums, other: _Sums) -> Tensor:
    """What the samples of one side, each left out in turn, add to the variance."""
    n, m = len(left.rows), len(other.rows)
    without = left.rows.sum() - 2 * left.rows, left.across.sum() - left.across
    values = _discrepancy(without[0], other.rows.sum(), without[1], n - 1, m)
    return (n - 1) / n * (values - values.mean()).square().sum()


def _chunks(samples: Tensor, others: int) -> tuple[Tensor, ...]:
    return samples.split(max(1, CHUNK // others))
