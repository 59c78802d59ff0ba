import numpy as np
import pytest
import torch

from atelier.metrics import kernel
from atelier.metrics.kernel import kernel_distance


def features(count, seed, size=6, shift=0.0):
    return torch.randn(count, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + shift


def by_definition(first, second):
    """Gretton et al. 2012, eq. 3, term by term."""

    def k(x, y):
        return (float(x @ y) / len(x) + 1) ** 3

    n, m = len(first), len(second)
    own = sum(k(first[i], first[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    other = sum(k(second[i], second[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    across = sum(k(x, y) for x in first for y in second) / (n * m)
    return own + other - 2 * across


@pytest.fixture(params=[2**24, 20], ids=["at once", "in chunks"])
def chunk(request, monkeypatch):
    monkeypatch.setattr(kernel, "CHUNK", request.param)


@pytest.mark.usefixtures("chunk")
def test_the_distance_is_the_papers():
    first, second = features(9, 0), features(7, 1, shift=0.5)
    assert kernel_distance(first, second).value == pytest.approx(by_definition(first, second), rel=1e-10)


@pytest.mark.usefixtures("chunk")
def test_the_error_is_that_of_leaving_out_each_sample():
    first, second = features(9, 0), features(7, 1, shift=0.5)
    variance = 0.0
    for side in (0, 1):
        values = []
        for i in range(len((first, second)[side])):
            sides = [first, second]
            sides[side] = torch.cat([sides[side][:i], sides[side][i + 1 :]])
            values.append(kernel_distance(*sides).value)
        variance += (len(values) - 1) / len(values) * np.square(np.array(values) - np.mean(values)).sum()
    assert kernel_distance(first, second).error == pytest.approx(variance**0.5, rel=1e-8)


def test_over_many_draws_it_is_unbiased_and_its_error_is_the_spread():
    """Of the same distribution it is 0 on average; of others the same as of samples ten times as large."""
    same = [kernel_distance(features(60, 2 * i), features(60, 2 * i + 1)) for i in range(300)]
    values = np.array([each.value for each in same])
    assert abs(values.mean()) < 4 * values.std() / len(values) ** 0.5
    assert (values < 0).any()

    apart = [kernel_distance(features(60, 2 * i), features(60, 2 * i + 1, shift=0.5)) for i in range(300)]
    values, errors = np.array([each.value for each in apart]), np.array([each.error for each in apart])
    large = kernel_distance(features(6000, 1001), features(6000, 1002, shift=0.5))
    assert values.mean() == pytest.approx(large.value, abs=4 * (values.std() / 300**0.5 + large.error))
    assert 0.9 < errors.mean() / values.std() < 1.5  # the jackknife errs on the side of caution


def test_too_few_samples_are_refused():
    with pytest.raises(ValueError, match="needs 3 samples of each side, got 2 and 9"):
        kernel_distance(features(2, 0), features(9, 1))
