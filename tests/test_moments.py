"""Moments against numpy's, and of parts against the whole."""

from functools import reduce

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from atelier.moments import Moments, diagonal, full

both = pytest.mark.parametrize("describe", [full, diagonal])
weighing = pytest.mark.parametrize("weighted", [False, True])


def activations(*shape, seed=0):
    torch.manual_seed(seed)
    return torch.randn(shape) * torch.rand(shape[1])[:, None, None] + torch.randn(shape[1])[:, None, None]


def weights(*shape):
    return torch.rand(shape[0], 1, *shape[2:])


@weighing
@both
@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_has_the_moments_of_what_it_holds(half, describe, weighted):
    """More places than float16 has numbers for, and under autocast, which would multiply in half precision."""
    seen = (activations(1, 4, 260, 260) + 3).to(half)
    weight = weights(1, 4, 260, 260).to(half) if weighted else None
    with torch.autocast("cpu", torch.bfloat16):
        found = describe(seen, weight)
    for part, expected in zip(found, describe(seen.double(), None if weight is None else weight.double()), strict=True):
        assert part.dtype == torch.float32
        assert_close(part.double(), expected, rtol=1e-4, atol=1e-4)


@weighing
def test_mean_and_covariance_are_numpys(weighted):
    seen = activations(2, 3, 4, 5)
    weight = weights(2, 3, 4, 5) if weighted else None
    found = full(seen, weight)
    for number, picture in enumerate(seen.flatten(2).double().numpy()):
        shares = None if weight is None else weight[number].flatten().double().numpy()
        assert_close(found.mean[number].double().numpy(), np.average(picture, 1, shares), rtol=1e-5, atol=1e-6)
        covariance = np.cov(picture, ddof=0, aweights=shares)
        assert_close(found.covariance[number].double().numpy(), covariance, rtol=1e-5, atol=1e-6)
        assert_close(found.places[number].item(), 20.0 if shares is None else shares.sum())


@weighing
def test_the_diagonal_is_that_of_the_whole_covariance(weighted):
    seen = activations(2, 3, 4, 5)
    weight = weights(2, 3, 4, 5) if weighted else None
    whole, alone = full(seen, weight), diagonal(seen, weight)
    assert alone.covariance.shape == (2, 3)
    assert_close(alone.variance(), whole.variance())
    assert_close(alone.mean, whole.mean)


@both
@weighing
@pytest.mark.parametrize("cuts", [[3, 4], [1, 1, 5], [2, 2, 2, 1]])
def test_parts_merge_into_the_whole(describe, weighted, cuts):
    seen = activations(2, 3, 7, 5)
    weight = weights(2, 3, 7, 5) if weighted else torch.ones(2, 1, 7, 5)
    parts = zip(seen.split(cuts, 2), weight.split(cuts, 2), strict=True)
    merged = reduce(Moments.merge, (describe(*part) for part in parts))
    assert_close(merged, describe(seen, weight))


@both
def test_a_part_without_weight_changes_nothing_on_either_side(describe):
    seen = describe(activations(2, 3, 4, 5))
    nothing = describe(activations(2, 3, 4, 5, seed=1), torch.zeros(2, 1, 4, 5))
    assert_close(seen.merge(nothing), seen)
    assert_close(nothing.merge(seen), seen)
    assert all(part.isfinite().all() for part in nothing.merge(nothing))


@both
def test_the_gradient_of_merged_parts_is_that_of_the_whole(describe):
    torch.manual_seed(2)
    slopes = [torch.randn_like(part) for part in describe(activations(1, 3, 6, 4))[1:]]
    found = []
    for cuts in ([6], [2, 4]):
        seen = activations(1, 3, 6, 4).requires_grad_()
        merged = reduce(Moments.merge, map(describe, seen.split(cuts, 2)))
        sum((part * slope).sum() for part, slope in zip(merged[1:], slopes, strict=True)).backward()
        found.append(seen.grad)
    assert_close(found[1], found[0])


@both
def test_a_large_mean_does_not_drown_the_variance(describe):
    """As E[x²] - E[x]² it would be noise: the mean's square is 10^8 times the variance."""
    seen = activations(1, 3, 8, 8)
    far = describe(seen + 1e4)
    halves = [describe(half + 1e4) for half in seen.split(4, 2)]
    for moments in (far, halves[0].merge(halves[1])):
        assert_close(moments.variance(), describe(seen).variance(), rtol=5e-3, atol=1e-4)
