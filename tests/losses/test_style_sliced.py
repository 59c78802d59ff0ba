"""The sliced distance against sorting, assignment and interpolation done by others."""

import numpy as np
import pytest
import scipy.optimize
import torch
from describing import activations, between

from atelier import moments
from atelier.losses.style import Wasserstein
from atelier.losses.style_sliced import Sliced


def test_sliced_is_the_cheapest_assignment_in_one_channel():
    """Where all directions are 1 or -1, the distance does not depend on them."""
    first, second = activations(0, batch=1, channels=1), activations(1, batch=1, channels=1)
    cost = (first.view(-1, 1) - second.view(1, -1)).square().numpy()
    expected = torch.tensor([cost[scipy.optimize.linear_sum_assignment(cost)].mean()])
    torch.testing.assert_close(between(Sliced(), first, second), expected)


@pytest.mark.parametrize("sides", [(3, 3), (20, 11)])
def test_sliced_interpolates_between_quantiles(sides):
    first, second = activations(0, batch=1), activations(1, batch=1, sides=sides)
    torch.manual_seed(0)
    directions = torch.nn.functional.normalize(torch.randn(5, 5), dim=1)
    mine, theirs = (np.sort((directions @ x[0].flatten(1)).numpy(), axis=1) for x in (first, second))
    at = [(np.arange(x.shape[1]) + 0.5) / x.shape[1] for x in (mine, theirs)]
    expected = np.mean([(a - np.interp(at[0], at[1], b)) ** 2 for a, b in zip(mine, theirs, strict=True)])
    torch.testing.assert_close(between(Sliced(), first, second), torch.tensor([expected], dtype=torch.float32))


def test_sliced_takes_places_of_more_than_half_weight():
    first, second = activations(0), activations(1)
    weight = torch.where(torch.arange(6) < 2, 0.6, 0.5).expand(2, 1, 8, 6)
    torch.testing.assert_close(between(Sliced(), first, second, weight), between(Sliced(), first[..., :2], second))


def test_sliced_tells_apart_what_moments_do_not():
    activation = activations(0, channels=3, sides=(16, 16))
    described = moments.full(activation)
    noise = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(4)).sign()
    values, vectors = torch.linalg.eigh(moments.full(noise).covariance)
    white = (noise.flatten(2) - noise.mean((2, 3))[:, :, None]).mT @ vectors / values.sqrt()[:, None]
    coloured = torch.linalg.cholesky(described.covariance) @ white.mT + described.mean[:, :, None]
    coloured = coloured.view_as(activation)
    torch.testing.assert_close(between(Wasserstein(), coloured, activation), torch.zeros(2), rtol=0, atol=1e-4)
    assert (between(Sliced(), coloured, activation) > 0.01).all()


def test_sliced_and_wasserstein_agree_on_a_shift():
    """In the mean over directions; 20,000 of them scatter it by 1 %."""
    first = activations(0)
    shift = torch.arange(5.0)[:, None, None]
    expected = torch.full((2,), 30 / 5)
    torch.testing.assert_close(between(Wasserstein(), first + shift, first), expected, rtol=1e-3, atol=0)
    torch.testing.assert_close(between(Sliced(directions=20_000), first + shift, first), expected, rtol=0.05, atol=0)


def test_sliced_draws_directions_anew():
    distance = Sliced(directions=2)
    first, second = (distance.describe(activations(seed)) for seed in (0, 1))
    torch.manual_seed(0)
    found = [distance(first, second) for _ in range(2)]
    torch.manual_seed(0)
    torch.testing.assert_close(distance(first, second), found[0], rtol=0, atol=0)
    assert (found[0] != found[1]).all()


def test_sliced_refuses_to_look_nowhere():
    with pytest.raises(ValueError, match="directions must be >= 1 or null, got 0"):
        Sliced(directions=0)
