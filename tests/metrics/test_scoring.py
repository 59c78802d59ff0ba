"""Scores as a whole, on an extractor anyone can follow."""

import logging

import numpy as np
import pytest
import torch

from atelier.errors import RunError, UserError
from atelier.metrics import scoring
from atelier.metrics.extractors.base import Extractor, Features
from atelier.metrics.frechet import Factored, frechet_distance
from atelier.metrics.kernel import kernel_distance
from atelier.metrics.manifold import reach
from atelier.metrics.reference import reference
from atelier.metrics.scores.diversity import LpipsDiversity
from atelier.metrics.scoring import SCORES, Scores

CPU = torch.device("cpu")
EVERYTHING = [*SCORES]


class Shrunk(Extractor):
    """The 48 numbers of the 4 x 4 image are its features; five times as large they are its logits."""

    name, side, size, classes, digest = "shrunk", 4, 48, 48, "0" * 64

    def __init__(self, kernel="antialias"):
        super().__init__(kernel)
        self.calls = 0

    def fetch(self):
        pass

    def load(self, device):
        pass

    def extract(self, images):
        self.calls += 1
        flat = images.flatten(1) / 255
        return Features(flat, 5 * flat)


class Classless(Shrunk):
    classes = None

    def extract(self, images):
        return Features(images.flatten(1) / 255, None)


class OfTheLiterature(Shrunk):
    of_the_literature = True


class Colours:
    """In place of LPIPS, whose weights are not everywhere: the colours as they are, of images of any size."""

    architecture, digest = "colours", "1" * 64

    def fetch(self):
        pass

    def load(self, device):
        pass

    def embed(self, images):
        return images.flatten(1) / 255


class Pictures:
    def __init__(self, images, key="some", labels=None):
        self.all, self.key, self.labels = images, key, labels

    def __len__(self):
        return len(self.all)

    def batches(self, size):
        return iter(self.all.split(size))


def pictures(count, seed, shift=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 200, (count, 3, 4, 4), generator=generator, dtype=torch.uint8) + shift


def features(images):
    return images.flatten(1) / 255


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ATELIER_CACHE", str(tmp_path))


@pytest.fixture(autouse=True)
def _no_download(monkeypatch):
    monkeypatch.setitem(SCORES, "lpips_diversity", lambda options: LpipsDiversity(Colours(), smallest=1))


def prepared(real, count, scores=EVERYTHING, extractor=None, labels=None, classes=(), **options):
    found = Scores(extractor or Shrunk(), scores, count, **{"splits": 2, "resamples": 40, **options})
    found.prepare(Pictures(real, labels=labels), CPU, classes)
    return found


def show(scores, images, batch=64, order=None, labels=None):
    numbers = torch.arange(len(images)) if order is None else order
    for some in numbers.split(batch):
        scores.update(images[some], some, None if labels is None else labels[some])
    return scores.compute()


def scored(real, fake, scores, **options):
    return show(prepared(real, len(fake), scores, **options), fake)


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


def test_scores_depend_on_neither_batches_nor_order_nor_the_call_before():
    labels = torch.arange(150) % 3
    real, fake, classes = pictures(200, 0), pictures(150, 1), ("a", "b", "c")
    scores = prepared(real, 150, labels=torch.arange(200) % 3, classes=classes)
    alone = show(scores, fake, batch=150, labels=labels)
    assert show(scores, fake, batch=7, labels=labels) == pytest.approx(alone, rel=1e-12)
    shuffled = torch.randperm(150, generator=torch.Generator().manual_seed(0))
    assert show(scores, fake, order=shuffled, labels=labels) == pytest.approx(alone, rel=1e-12)


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


def test_intra_fid_without_classes_is_refused():
    with pytest.raises(UserError, match=r"metrics\.scores: intra_fid needs classes of both"):
        scored(pictures(50, 0), pictures(50, 1), ["fid", "intra_fid"])


def test_a_real_collection_is_measured_once_for_the_same_content_network_and_kernel():
    real, extractor = pictures(100, 0), Shrunk()
    first = reference(Pictures(real, "a"), extractor, CPU)
    calls = extractor.calls
    again = reference(Pictures(real, "a"), extractor, CPU)
    assert extractor.calls == calls
    torch.testing.assert_close(again.gaussian, first.gaussian, rtol=0, atol=0)
    torch.testing.assert_close(again.features, first.features, rtol=0, atol=0)
    reference(Pictures(real, "b"), extractor, CPU)
    assert extractor.calls == 2 * calls
    reference(Pictures(real, "a"), Shrunk("tf1"), CPU)
    other = Shrunk("tf1")
    reference(Pictures(real, "a"), other, CPU)
    assert other.calls == 0


def test_of_many_real_images_evenly_spaced_ones_are_kept(monkeypatch):
    monkeypatch.setattr("atelier.metrics.reference.KEPT", 20)
    real = pictures(200, 0)
    found = reference(Pictures(real), Shrunk(), CPU)
    assert found.numbers[[0, -1]].tolist() == [0, 199]
    assert set(found.numbers.diff().tolist()) <= {10, 11}
    torch.testing.assert_close(found.features, features(real)[found.numbers])
    torch.testing.assert_close(found.gaussian.mean, features(real).double().mean(0))


def test_features_that_are_not_finite_end_the_run_and_not_the_process():
    class Broken(Shrunk):
        def extract(self, images):
            return Features(torch.full((len(images), 48), torch.nan), torch.zeros(len(images), 48))

    scores = prepared(pictures(50, 0), 40, ["fid"])
    scores.extractor = Broken()
    with pytest.raises(RunError, match="not finite"):
        scores.update(pictures(4, 0), torch.arange(4))


def test_a_network_that_is_broken_is_refused_and_leaves_nothing_in_the_cache(tmp_path):
    class Broken(Shrunk):
        def extract(self, images):
            return Features(torch.full((len(images), 48), torch.nan), torch.zeros(len(images), 48))

    with pytest.raises(UserError, match="the shrunk network's features of real images are not finite"):
        prepared(pictures(50, 0), 40, ["fid"], extractor=Broken())
    assert not [*tmp_path.rglob("*.safetensors")]


def test_the_card_names_the_protocol():
    card = prepared(pictures(50, 0), 60).card()
    expected = {
        "extractor": "shrunk", "resize": "antialias", "real_images": 50, "generated_images": 60, "real_key": "some",
        "class_score_splits": 2, "neighbours": 5, "kernel": "cubic polynomial, all pairs",
    }  # fmt: skip
    assert expected.items() <= card.items()


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


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (["fid", "kit"], r"scores must be among .*, got 'kit'; did you mean 'kid'\?"),
        ([], "scores must be among .*, got none; metrics=none is without"),
        (["fid", "fid"], "scores must be different ones"),
    ],
)
def test_what_cannot_be_scored_is_refused_by_name(scores, message):
    with pytest.raises(ValueError, match=message):
        Scores(Shrunk(), scores, 100)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count": 1}, "count must be >= 2, got 1"),
        ({"splits": 0}, r"splits must be in 1\.\.count \(100\), got 0"),
        ({"neighbours": 100}, r"neighbours must be in 1\.\.count - 1 \(99\), got 100"),
        ({"resamples": 10}, "resamples must be >= 40, got 10"),
    ],
)
def test_numbers_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Scores(Shrunk(), EVERYTHING, **{"count": 100, **options})


def test_a_network_without_classes_has_no_class_score():
    with pytest.raises(ValueError, match="scores must not have 'is' with shrunk, which knows no classes"):
        Scores(Classless(), ["fid", "is"], 100)
    assert set(scored(pictures(50, 0), pictures(50, 1), ["fid", "kid"], extractor=Classless())) == {
        "shrunk_frechet_distance", "shrunk_kernel_distance", "shrunk_kernel_distance_error",
    }  # fmt: skip


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


def test_one_image_has_no_covariance():
    with pytest.raises(UserError, match="at least 2 real images, got 1"):
        prepared(pictures(1, 0), 50)


def test_all_that_can_be_asked_for_says_what_it_is_called():
    for name, make in SCORES.items():
        score = make(scoring.Options(2, 5, 40))
        assert score.literature, name
