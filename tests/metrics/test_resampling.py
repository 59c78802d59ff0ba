import numpy as np
import pytest
import torch

from atelier.metrics.frechet import Factored, Full, frechet_distance
from atelier.metrics.resampling import at_best, interval


def features(count, seed, size=4, shift=0.0):
    return torch.randn(count, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + shift


REAL = Factored(torch.zeros(4, dtype=torch.float64), torch.eye(4, dtype=torch.float64))


@pytest.mark.parametrize("count", [3, 60], ids=["fewer samples than features", "more"])
def test_each_resample_has_the_distance_of_its_images(count, monkeypatch):
    """With two resamples the interval's ends are the two, around the distance instead of their mean."""
    fake = features(count, 5, shift=0.3)
    draw = torch.Generator().manual_seed(0)
    chosen = [torch.randint(count, (count,), generator=draw) for _ in range(2)]
    distances = np.array([frechet_distance(REAL, Factored.of(fake[rows])) for rows in chosen])
    low, high = interval(REAL, fake, 2, level=1.0)
    expected = frechet_distance(REAL, Factored.of(fake)) + distances - distances.mean()
    np.testing.assert_allclose([low, high], np.maximum(0, np.sort(expected)), rtol=1e-6)


def test_the_interval_holds_the_expected_distance_as_often_as_it_says():
    """95 % of them, over 200 sets of images; a quarter is what chance and so few images may take from it."""
    expected = np.mean([frechet_distance(REAL, Factored.of(features(80, 10_000 + i, shift=0.2))) for i in range(2000)])
    ends = [interval(REAL, features(80, i, shift=0.2), 100) for i in range(200)]
    share = np.mean([low <= expected <= high for low, high in ends])
    assert 0.88 <= share <= 0.99


def test_more_images_make_it_narrower_by_the_root_of_their_number():
    widths = [np.subtract(*interval(REAL, features(count, 3, shift=0.5), 200)) for count in (200, 3200)]
    assert widths[0] / widths[1] == pytest.approx(4, rel=0.25)


@pytest.mark.parametrize("count", [3, 50])
def test_at_best_is_what_images_of_the_real_distribution_score(count):
    found = [frechet_distance(REAL, Factored.of(features(count, seed))) for seed in range(400)]
    assert at_best(REAL, count) == pytest.approx(np.mean(found), abs=4 * np.std(found))
    assert at_best(REAL, count) > 0


def test_at_best_falls_with_the_number_of_images():
    real = Full(torch.ones(30, dtype=torch.float64), features(500, 1, size=30).T.cov()).factored()
    found = [at_best(real, count) for count in (10, 40, 160, 640)]
    assert found == sorted(found, reverse=True)
    assert found[2] / found[3] == pytest.approx(4, rel=0.3)  # the bias falls as 1 / N (Chong & Forsyth 2020)
