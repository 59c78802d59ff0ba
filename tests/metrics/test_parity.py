"""The same images and the same weights by other people's code."""

import numpy as np
import pytest
import torch
from PIL import Image

from atelier.metrics.choices import extractor
from atelier.metrics.scores.catalogue import Options
from atelier.metrics.scoring import Scores

CPU = torch.device("cpu")
COUNT = 24


class Pictures:
    key, labels = "parity", None

    def __init__(self, images):
        self.images = images

    def __len__(self):
        return len(self.images)

    def batches(self, size):
        return iter(self.images.split(size))


def textured(count, seed, side):
    """Images with structure at several scales, so that the kernels of a resize matter."""
    generator = torch.Generator().manual_seed(seed)
    layers = [
        torch.nn.functional.interpolate(torch.rand(count, 3, n, n, generator=generator), (side, side), mode="bicubic")
        for n in (2, 5, 16)
    ]
    return (sum(layers) * 85).round().clamp(0, 255).byte()


@pytest.fixture
def ours(inception_file, tmp_path, monkeypatch):
    monkeypatch.setenv("ATELIER_CACHE", str(tmp_path))

    def score(real, fake, kernel):
        network = extractor("inception", str(inception_file), kernel)
        scores = Scores(network, ["fid", "kid", "is"], len(fake), Options(splits=1))
        scores.prepare(Pictures(real), CPU)
        for numbers in torch.arange(len(fake)).split(16):
            scores.update(fake[numbers], numbers)
        return scores.compute()

    return score


@pytest.mark.slow
@pytest.mark.parametrize("side", [32, 320])
def test_fid_kid_and_is_are_torch_fidelitys_with_the_kernel_of_tensorflow(side, ours, inception_file, tmp_path):
    from torch_fidelity import calculate_metrics

    real, fake = textured(COUNT, 0, side), textured(COUNT, 1, side).flip(1)
    for name, images in (("real", real), ("fake", fake)):
        (tmp_path / name).mkdir()
        for i, image in enumerate(images):
            Image.fromarray(image.permute(1, 2, 0).numpy()).save(tmp_path / name / f"{i:03d}.png")
    theirs = calculate_metrics(
        input1=str(tmp_path / "fake"), input2=str(tmp_path / "real"), cuda=False, batch_size=12, save_cpu_ram=True,
        isc=True, fid=True, kid=True, isc_splits=1, kid_subsets=1, kid_subset_size=COUNT, verbose=False, cache=False,
        feature_extractor_weights_path=str(inception_file),
    )  # fmt: skip
    found = ours(real, fake, "tf1")
    assert found["fid"] > 0.1
    assert found["kid"] > 1e-3
    assert found["is"] > 1.001
    assert found["fid"] == pytest.approx(theirs["frechet_inception_distance"], rel=1e-3)
    assert found["kid"] == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-3)
    assert found["is"] == pytest.approx(theirs["inception_score_mean"], rel=1e-3)


@pytest.mark.slow
def test_fid_kid_and_is_are_torchmetrics_with_its_antialiased_kernel(ours, inception_file):
    from torchmetrics.image import FrechetInceptionDistance, InceptionScore, KernelInceptionDistance
    from torchmetrics.image.fid import NoTrainInceptionV3

    real, fake = textured(COUNT, 0, 320), textured(COUNT, 1, 320).flip(1)
    features = NoTrainInceptionV3("inception-v3-compat", ["2048"], str(inception_file))
    features.num_features = 2048
    fid, kid = FrechetInceptionDistance(features), KernelInceptionDistance(features, subsets=1, subset_size=COUNT)
    logits = NoTrainInceptionV3("inception-v3-compat", ["logits_unbiased"], str(inception_file))
    inception_score = InceptionScore(logits, splits=1)
    for metric in (fid, kid):
        metric.update(real, real=True)
        metric.update(fake, real=False)
    inception_score.update(fake)
    found = ours(real, fake, "antialias")
    assert found["fid"] == pytest.approx(float(fid.compute()), rel=1e-3)
    assert found["kid"] == pytest.approx(float(kid.compute()[0]), rel=1e-3)
    assert found["is"] == pytest.approx(float(inception_score.compute()[0]), rel=1e-3)


@pytest.mark.slow
def test_fid_is_pytorch_fids_where_nothing_is_resized_and_levels_are_tensorflows(ours, inception_file, monkeypatch):
    """It calls 255 white; TensorFlow's graph, torch-fidelity and we call 256 so. On random weights that is 0.4 %."""
    from pytorch_fid import fid_score, inception

    monkeypatch.setattr(
        inception, "load_state_dict_from_url", lambda *_, **__: torch.load(inception_file, weights_only=True)
    )
    network = inception.InceptionV3([3]).eval()
    real, fake = textured(COUNT, 0, 299), textured(COUNT, 1, 299).flip(1)
    sides = []
    for images in (real, fake):
        with torch.no_grad():
            features = torch.cat([network(some.float() / 256)[0] for some in images.split(20)]).flatten(1).numpy()
        sides += [features.mean(0), np.cov(features, rowvar=False)]
    theirs = fid_score.calculate_frechet_distance(*sides)
    for kernel in ("tf1", "antialias"):
        assert ours(real, fake, kernel)["fid"] == pytest.approx(theirs, rel=1e-3)
