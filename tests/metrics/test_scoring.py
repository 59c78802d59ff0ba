"""Scores as a whole, on an extractor anyone can follow."""

import pytest
import torch
from shrunk import EVERYTHING, Broken, Shrunk, features, pictures, prepared, scored, show

from atelier.errors import RunError, UserError
from atelier.metrics.frechet import Factored, frechet_distance
from atelier.metrics.kernel import kernel_distance
from atelier.metrics.manifold import reach
from atelier.metrics.scoring import Scores


class OfTheLiterature(Shrunk):
    of_the_literature = True


def test_each_score_is_that_of_the_features():
    real, fake = pictures(400, 0), pictures(300, 1, shift=20)
    found = scored(real, fake, [name for name in EVERYTHING if name != "intra_fid"])
    r, f = features(real), features(fake)
    value, error = kernel_distance(r, f)
    distance = frechet_distance(Factored.of(r), Factored.of(f))
    expected = {
        "shrunk_frechet_distance": distance, "shrunk_kernel_distance": value, "shrunk_kernel_distance_error": error,
    }  # fmt: skip
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-6)
    assert found["shrunk_frechet_distance_low"] < distance < found["shrunk_frechet_distance_high"]
    assert found["shrunk_precision"] == pytest.approx(
        (torch.cdist(r, f) < reach(r, 5)[:, None]).any(0).float().mean().item(), abs=1e-6
    )
    assert found["lpips_diversity"] == pytest.approx(float(torch.pdist(f.double()).square().mean()), rel=1e-9)
    assert {"shrunk_recall", "shrunk_density", "shrunk_coverage", "shrunk_class_score"} < set(found)


def test_on_inceptions_features_they_have_the_literatures_names():
    labels = torch.arange(60) % 2
    scores = prepared(pictures(60, 0), 60, extractor=OfTheLiterature(), labels=labels, classes=("sea", "sky"))
    assert set(show(scores, pictures(60, 1), labels=labels)) == {
        "fid", "fid_low", "fid_high", "intra_fid", "intra_fid/sea", "intra_fid/sky", "kid", "kid_error",
        "is", "is_deviation", "precision", "recall", "density", "coverage",
        "lpips_diversity",
    }  # fmt: skip
    assert scores.monitor == "fid"


def test_scores_depend_on_neither_batches_nor_order_nor_the_call_before():
    labels = torch.arange(150) % 3
    real, fake, classes = pictures(200, 0), pictures(150, 1), ("a", "b", "c")
    scores = prepared(real, 150, labels=torch.arange(200) % 3, classes=classes)
    alone = show(scores, fake, batch=150, labels=labels)
    assert show(scores, fake, batch=7, labels=labels) == pytest.approx(alone, rel=1e-12)
    shuffled = torch.randperm(150, generator=torch.Generator().manual_seed(0))
    assert show(scores, fake, order=shuffled, labels=labels) == pytest.approx(alone, rel=1e-12)


def test_features_that_are_not_finite_end_the_run_and_not_the_process():
    scores = prepared(pictures(50, 0), 40, ["fid"])
    scores.extractor = Broken()
    scores.update(pictures(4, 0), torch.arange(4))
    with pytest.raises(RunError, match="the shrunk network's features of generated images are not finite"):
        scores.compute()


@pytest.mark.parametrize(
    ("scores", "real", "message"),
    [
        (["fid", "kid"], 2, "kid needs 3 real images or more, got 2"),
        (["precision_recall"], 5, "precision_recall needs 6 real images or more, got 5"),
        (["fid"], 1, "fid needs 2 real images or more, got 1"),
    ],
)
def test_too_few_real_images_are_told_before_anything_is_measured(scores, real, message):
    extractor = Shrunk()
    with pytest.raises(UserError, match=message):
        prepared(pictures(real, 0), 50, scores, extractor)
    assert extractor.calls == 0


def test_the_card_names_the_protocol():
    card = prepared(pictures(50, 0), 60, [name for name in EVERYTHING if name != "intra_fid"]).card()
    expected = {
        "extractor": "shrunk", "resize": "antialias", "real_images": 50, "generated_images": 60, "real_key": "some",
        "class_score_splits": 2, "neighbours": 5, "kernel": "cubic polynomial, all pairs",
    }  # fmt: skip
    assert expected.items() <= card.items()
    concerns = card["concerns"]
    assert concerns["shrunk_recall"] == concerns["shrunk_coverage"] == ["neighbours"]
    assert concerns["shrunk_kernel_distance"] == concerns["shrunk_kernel_distance_error"] == ["kernel"]
    assert "shrunk_frechet_distance_high" in concerns
    assert {key for keys in concerns.values() for key in keys} < set(card)


@pytest.mark.parametrize(
    ("scores", "monitor"),
    [
        (["is", "fid", "kid"], "shrunk_frechet_distance"),
        (["kid", "fid"], "shrunk_kernel_distance"),
        (["is", "precision_recall"], None),
    ],
)
def test_the_first_distance_chooses_the_best_checkpoint(scores, monitor):
    assert Scores(Shrunk(), scores, 100).monitor == monitor
