import pytest
import torch

from atelier.callbacks.health.variety import variety
from atelier.metrics.features import EmbeddedFeatures


def test_variety_of_real_pictures_is_one_and_of_few_less(points):
    real, other = points(400, 1).flatten(1), points(400, 2).flatten(1)
    same = variety(real, other)
    assert (same.diversity, same.duplicates) == (pytest.approx(1, abs=0.05), pytest.approx(0.01, abs=0.02))
    assert same.recall > 0.9
    doubled = variety(real, other[:200].repeat(2, 1))
    assert (doubled.diversity, doubled.duplicates) == (pytest.approx(1, abs=0.1), 1)
    assert variety(real, 0.1 * other).diversity == pytest.approx(0.1, abs=0.02)


def test_embedded_features_are_those_of_the_network_whatever_the_batch():
    images = torch.rand(70, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    features = EmbeddedFeatures()
    together = features(images)
    assert together.shape == (70, 160)
    torch.testing.assert_close(together[66:], features(images[66:]))
    assert variety(together[:32], together[32:64]).diversity == pytest.approx(1, abs=0.2)
