import numpy as np
import pytest
import scipy.linalg
import torch

from atelier.errors import RunError, UserError
from atelier.metrics.extractors import Features, InceptionExtractor
from atelier.metrics.scores import Scores, inception
from atelier.metrics.statistics import statistics


class Shrunk:
    """An extractor anyone can follow: the 48 numbers of the 4 x 4 image are features and logits."""

    name, resize, digest = "shrunk", "none", "0" * 64
    calls = 0

    def fetch(self):
        pass

    def load(self, device):
        pass

    def __call__(self, images):
        self.calls += len(images)
        flat = torch.nn.functional.adaptive_avg_pool2d(images.float() / 255, 4).flatten(1)
        return Features(flat, 5 * flat)


class Pixels:
    def __init__(self, images, key="some"):
        self.all, self.key = images, key

    def __len__(self):
        return len(self.all)

    def images(self, start, stop):
        return self.all[start:stop]


def pictures(count, seed, shift=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 200, (count, 3, 4, 4), generator=generator, dtype=torch.uint8) + shift


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ATELIER_CACHE", str(tmp_path))


def scored(real, fake, batch=64, key="some"):
    scores = Scores(Shrunk(), "distance", "score", count=len(fake), splits=2)
    scores.prepare(Pixels(real, key), torch.device("cpu"))
    for part in fake.split(batch):
        scores.update(part)
    return scores.compute()


def frechet(real, fake):
    """Heusel et al. 2017, eq. 6, with scipy's matrix root."""
    sides = [(images.float() / 255).flatten(1).double().numpy() for images in (real, fake)]
    (m, c), (n, d) = [(side.mean(0), np.cov(side, rowvar=False)) for side in sides]
    return float(((m - n) ** 2).sum() + np.trace(c + d - 2 * scipy.linalg.sqrtm(c @ d).real))


def test_the_distance_is_the_papers():
    real, fake = pictures(400, 0), pictures(300, 1, shift=20)
    assert scored(real, fake)["distance"] == pytest.approx(frechet(real, fake), rel=1e-4)


def test_the_distance_of_a_set_to_itself_is_nothing():
    real = pictures(300, 0)
    assert scored(real, real)["distance"] == pytest.approx(0, abs=1e-4)


def test_the_class_score_is_the_papers():
    """Salimans et al. 2016: exp of the mean divergence of an image's classes from all images'."""
    fake = pictures(200, 1)
    scores = Scores(Shrunk(), "distance", "score", count=200, splits=2)
    scores.prepare(Pixels(fake), torch.device("cpu"))
    scores.update(fake)
    order = torch.randperm(200, generator=torch.Generator().manual_seed(0))
    p = Shrunk()(fake).logits[order].double().softmax(1).numpy()
    halves = [np.exp((h * (np.log(h) - np.log(h.mean(0)))).sum(1).mean()) for h in (p[:100], p[100:])]
    assert scores.compute()["score"] == pytest.approx(np.mean(halves), rel=1e-4)


def test_scores_depend_on_neither_batch_size_nor_the_call_before():
    real, fake = pictures(200, 0), pictures(150, 1)
    alone, in_batches = scored(real, fake, batch=150), scored(real, fake, batch=7)
    assert in_batches == pytest.approx(alone, rel=1e-5)
    scores = Scores(Shrunk(), "distance", "score", count=150, splits=2)
    scores.prepare(Pixels(real), torch.device("cpu"))
    results = []
    for _ in range(2):
        scores.update(fake)
        results.append(scores.compute())
    assert results[0] == results[1]


def test_a_darker_set_is_further_away():
    real = pictures(300, 0)
    near, far = (scored(real, pictures(300, 1, shift=shift))["distance"] for shift in (5, 40))
    assert near < far


def test_real_statistics_are_computed_once_for_the_same_content():
    real = pictures(100, 0)
    extractor = Shrunk()
    first = statistics(Pixels(real, "a"), extractor, torch.device("cpu"), batch_size=30)
    assert extractor.calls == 100
    again = statistics(Pixels(real, "a"), extractor, torch.device("cpu"))
    assert extractor.calls == 100
    assert torch.equal(first.total, again.total)
    assert torch.equal(first.outer, again.outer)
    statistics(Pixels(real, "b"), extractor, torch.device("cpu"))
    assert extractor.calls == 200


def test_features_that_are_not_finite_end_the_run_and_not_the_process():
    scores = Scores(Shrunk(), "distance", "score", count=4, splits=2)
    scores.prepare(Pixels(pictures(50, 0)), torch.device("cpu"))
    scores.extractor = lambda images: Features(torch.full((4, 48), torch.nan), torch.zeros(4, 48))
    with pytest.raises(RunError, match="not finite"):
        scores.update(pictures(4, 0))


def test_the_card_names_the_protocol():
    scores = Scores(Shrunk(), "distance", "score", count=60, splits=2)
    scores.prepare(Pixels(pictures(50, 0), "content"), torch.device("cpu"))
    card = scores.card()
    expected = {"extractor": "shrunk", "real_images": 50, "generated_images": 60, "real_key": "content"}
    assert expected.items() <= card.items()


def test_inceptions_weights_are_looked_for_at_once():
    with pytest.raises(ValueError, match="weights: no such file: 'nowhere.pth'"):
        inception(weights="nowhere.pth", count=10, splits=2)


def test_a_file_that_is_no_inception_is_refused(tmp_path):
    path = tmp_path / "weights.pth"
    path.write_bytes(b"not weights")
    with pytest.raises(UserError, match=r"metrics.weights: .* cannot be read"):
        InceptionExtractor(str(path)).fetch()
    torch.save({"some": torch.zeros(1)}, path)
    with pytest.raises(UserError, match="holds no weights"):
        InceptionExtractor(str(path)).fetch()


def test_weights_that_cannot_be_downloaded_are_one_clear_error(monkeypatch):
    def refuse(*_):
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    with pytest.raises(UserError, match=r"metrics.weights=PATH.*metrics=embedded needs no download"):
        inception(weights=None, count=10, splits=2).fetch()


@pytest.fixture(scope="session")
def inception_file(tmp_path_factory):
    """Inception-v3 with random weights, in the format of torch-fidelity's release."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    class Untrained(FeatureExtractorInceptionV3):
        def load_state_dict(self, *_):
            pass

    path = tmp_path_factory.mktemp("weights") / "inception.pth"
    torch.save({}, path)
    torch.manual_seed(0)
    network = Untrained("inception-v3-compat", ["2048"], str(path))
    torch.save(network.state_dict(), path)
    return path


@pytest.mark.slow
def test_inceptions_scores_are_those_of_torchmetrics(inception_file):
    """One pass for both scores gives what torchmetrics' own two metrics give, each with its own network."""
    from torchmetrics.image import FrechetInceptionDistance, InceptionScore
    from torchmetrics.image.fid import NoTrainInceptionV3

    real, fake = (torch.randint(0, 256, (12, 3, 32, 32), dtype=torch.uint8) for _ in range(2))
    ours = inception(str(inception_file), count=12, splits=2)
    ours.prepare(Pixels(real), torch.device("cpu"))
    ours.update(fake)

    distance = FrechetInceptionDistance(feature_extractor_weights_path=str(inception_file))
    distance.update(real, real=True)
    distance.update(fake, real=False)
    logits = NoTrainInceptionV3("inception-v3-compat", ["logits_unbiased"], str(inception_file))
    classes = InceptionScore(logits, splits=2)
    classes.update(fake)
    torch.manual_seed(0)
    expected, found = {"fid": float(distance.compute()), "is": float(classes.compute()[0])}, ours.compute()
    assert found["fid"] == pytest.approx(expected["fid"], rel=1e-3)
    assert found["is"] == pytest.approx(expected["is"], rel=1e-4)
