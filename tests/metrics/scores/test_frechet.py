import logging
import math

import numpy as np
import pytest
import torch
from shrunk import features, pictures, prepared, scored, show

from atelier.errors import UserError
from atelier.metrics.frechet import Factored, frechet_distance


def test_fid_of_few_images_is_that_of_their_rank_and_of_many_that_of_sums():
    """48 features: the change from the one form to the other comes with the 49th image."""
    real = pictures(300, 0)
    for count in (47, 48, 49, 50):
        fake = pictures(count, 1)
        expected = frechet_distance(Factored.of(features(real)), Factored.of(features(fake)))
        for batch in (1, 16, count):
            found = show(prepared(real, count, ["fid"]), fake, batch)
            assert found["shrunk_frechet_distance"] == pytest.approx(expected, rel=1e-6)


def test_the_memory_of_fid_does_not_grow_with_the_number_of_images():
    scores = prepared(pictures(60, 0), 5000, ["fid"])

    def held():
        (moments,) = scores._accumulators.values()
        return sum(part.numel() for part in moments.held)

    sizes = []
    for start in range(0, 5000, 50):
        scores.update(pictures(50, start), torch.arange(start, start + 50))
        sizes.append(held())
    assert max(sizes) <= 48 * 48


def test_few_images_are_warned_of_with_what_real_ones_would_score(caplog):
    real = pictures(2000, 0)
    with caplog.at_level(logging.WARNING):
        few = prepared(real, 40, ["fid"]).card()["real_images_would_score"]
    assert "rank of 39 where there are 48 features" in caplog.text
    assert f"would score about {few:.3g}" in caplog.text
    by_chance = [scored(real, pictures(40, seed), ["fid"])["shrunk_frechet_distance"] for seed in range(1, 6)]
    assert few == pytest.approx(np.mean(by_chance), rel=0.15)

    caplog.clear()
    assert prepared(real, 480, ["fid"]).card()["real_images_would_score"] is None
    assert 0 < prepared(real, 479, ["fid"]).card()["real_images_would_score"] < few / 5
    assert caplog.text == ""


def test_intra_fid_is_the_mean_over_classes_and_a_class_too_small_has_none():
    real, fake = pictures(90, 0), pictures(61, 1)
    real_labels, labels = torch.arange(90) % 3, torch.arange(61) % 2
    labels[-1] = 2
    scores = prepared(real, 61, ["fid", "intra_fid"], labels=real_labels, classes=("sea", "sky", "sand"))
    found = show(scores, fake, labels=labels)
    expected = {
        name: frechet_distance(
            Factored.of(features(real)[real_labels == label]), Factored.of(features(fake)[labels == label])
        )
        for label, name in enumerate(("sea", "sky"))
    }
    assert found["shrunk_intra_frechet_distance/sea"] == pytest.approx(expected["sea"], rel=1e-6)
    assert found["shrunk_intra_frechet_distance"] == pytest.approx(np.mean([*expected.values()]), rel=1e-6)
    assert "shrunk_intra_frechet_distance/sand" not in found


def test_intra_fid_of_no_class_is_refused_or_once_in_training_told(caplog):
    two = pictures(4, 0), torch.tensor([0, 0, 1, 1])
    scores = prepared(two[0], 3, ["fid", "intra_fid"], labels=two[1], classes=("sea", "sky", "sand"))
    found = show(scores, pictures(3, 1), labels=torch.tensor([0, 1, 2]))
    assert math.isnan(found["shrunk_intra_frechet_distance"])
    assert "2 generated images or more, and of 4 real and 3 generated none has" in caplog.text
    with pytest.raises(UserError, match="2 real images or more, and of 3 real none has"):
        prepared(pictures(3, 0), 9, ["intra_fid"], labels=torch.arange(3), classes=("sea", "sky", "sand"))


def test_few_real_images_are_warned_of_however_many_are_made(caplog):
    prepared(pictures(48, 0), 5000, ["fid"])
    assert "to 48 real images: their covariance has a rank of 47, of 48 features" in caplog.text
    caplog.clear()
    prepared(pictures(49, 0), 5000, ["fid"])
    prepared(pictures(48, 0), 5000, ["kid"])
    assert caplog.text == ""


def test_intra_fid_without_classes_is_refused():
    with pytest.raises(UserError, match="intra_fid needs classes: data.label chooses some"):
        scored(pictures(50, 0), pictures(50, 1), ["fid", "intra_fid"])
