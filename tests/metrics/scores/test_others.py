import numpy as np
import pytest
import torch
from shrunk import Shrunk, features, pictures, scored

from atelier.metrics.extractors.base import Features


def test_the_class_score_is_the_papers():
    """Salimans et al. 2016: exp of the mean divergence of an image's classes from all images'; in two splits."""
    fake = pictures(200, 1)
    p = (5 * features(fake)).double().softmax(1).numpy()
    halves = [np.exp((h * (np.log(h) - np.log(h.mean(0)))).sum(1).mean()) for h in (p[::2], p[1::2])]
    found = scored(pictures(50, 0), fake, ["fid", "is"])
    assert found["shrunk_class_score"] == pytest.approx(np.mean(halves), rel=1e-6)
    assert found["shrunk_class_score_deviation"] == pytest.approx(np.std(halves), rel=1e-5)


def test_sure_and_varied_images_have_as_many_classes_as_there_are():
    class Sure(Shrunk):
        def extract(self, images):
            flat = images.flatten(1)
            return Features(flat, 1e4 * torch.eye(48)[flat[:, 0].long() % 48])

    fake = torch.arange(96, dtype=torch.uint8)[:, None, None, None].expand(96, 3, 4, 4)
    found = scored(pictures(50, 0), fake, ["fid", "is"], extractor=Sure(), splits=1)
    assert found["shrunk_class_score"] == pytest.approx(48, rel=1e-6)
