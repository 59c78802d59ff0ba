"""Modes covered and good samples, on points of which one knows both."""

import math

import pytest
import torch

from atelier.data.gaussians import Gaussians
from atelier.metrics.modes import coverage

CENTRES = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])


def near(mode, count):
    return CENTRES[mode].repeat(count, 1)


@pytest.mark.parametrize("layout", ["ring", "grid"])
def test_the_mixture_itself_has_every_mode_and_the_good_share_of_a_normal_distribution(layout):
    data = Gaussians(layout=layout, batch_size=1, seed=0)
    data.prepare()
    found = coverage(data.train_pixels.points, data.centres, data.deviation)
    assert found.modes == len(data.centres)
    # the distance is Rayleigh distributed; four standard errors of a share of 50,000
    assert found.good == pytest.approx(1 - math.exp(-(3**2) / 2), abs=4 * math.sqrt(0.011 / 50_000))


def test_good_is_within_three_deviations():
    points = torch.tensor([[0.0, 0.29], [10.29, 0.0], [0.0, 10.31], [5.0, 5.0]])
    found = coverage(points, CENTRES, 0.1)
    assert (found.modes, found.good) == (2, 0.5)


@pytest.mark.parametrize(("count", "modes"), [(5, 4), (4, 3)])
def test_a_mode_needs_a_fifth_of_its_fair_share(count, modes):
    """Of 100 points four modes have 25 each, if all is fair."""
    points = torch.cat([near(0, 50), near(1, 25), near(2, 25 - count), near(3, count)])
    assert coverage(points, CENTRES, 0.1).modes == modes


def test_points_that_are_no_good_cover_nothing():
    points = torch.cat([near(0, 70), near(1, 30) + 1])
    found = coverage(points, CENTRES, 0.1)
    assert found.modes == 1
    assert found.good == pytest.approx(0.7)


def test_collapse_to_one_mode_is_good_and_covers_one():
    assert coverage(near(2, 100), CENTRES, 0.1) == (1, 1.0)
