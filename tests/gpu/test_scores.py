"""Features and scores on a GPU are those of the CPU, although training around them takes TF32 for speed."""

import pytest
import torch
from accelerated import DEVICE, SCORED
from shrunk import SCORES, Pictures, Shrunk, diversity_of_colours
from timm import create_model
from torch import nn
from torch.nn.functional import interpolate
from torchvision.models import inception_v3, resnet18

from atelier import run
from atelier.cli.scoring import runs as scored
from atelier.metrics.accumulators import FeatureMoments, Shown
from atelier.metrics.extractors import base
from atelier.metrics.extractors.art_inception import ArtInceptionExtractor
from atelier.metrics.extractors.backbone import BackboneExtractor
from atelier.metrics.extractors.base import Features
from atelier.metrics.extractors.dinov2 import ARCHITECTURES, DinoExtractor
from atelier.metrics.extractors.embedded import EmbeddedExtractor
from atelier.metrics.extractors.inception import InceptionExtractor
from atelier.metrics.frechet import frechet_distance
from atelier.metrics.scores.catalogue import Options
from atelier.metrics.scoring import Scores
from atelier.record import table

pytestmark = pytest.mark.gpu

CPU = torch.device("cpu")


def pictures(count, side=64, seed=0):
    """uint8, neither flat nor noise."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 6, 6, generator=generator) * 320 - 32
    fine = torch.randn(count, 3, side, side, generator=generator) * 10
    return (interpolate(coarse, side, mode="bicubic") + fine).clamp(0, 255).byte()


@pytest.fixture
def small_batches(monkeypatch):
    """Forward passes of 4 images in place of 32: networks take their time on a CPU."""
    monkeypatch.setattr(base, "BATCH", 4)


def settled(network, folder):
    """A file of a network whose batch norms know the statistics of pictures, about; or little of them would be left."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1
    with torch.no_grad():
        network.train()(interpolate(pictures(4).float() / 255, 128))
    torch.save(network.state_dict(), folder / "weights.pth")
    return str(folder / "weights.pth")


def art_inception(folder):
    network = inception_v3(weights=None, aux_logits=False, init_weights=False)
    return ArtInceptionExtractor(settled(network, folder))


def dinov2(folder):
    name, _ = ARCHITECTURES["dinov2_vits14"]
    network = create_model(name, num_classes=0, img_size=224)
    for weights in network.parameters():  # as they begin, next to nothing passes from patch to patch
        weights.data.normal_(0, weights[0].numel() ** -0.5 if weights.dim() > 1 else 0.3)
    torch.save(network.state_dict(), folder / "weights.pth")
    return DinoExtractor("dinov2_vits14", str(folder / "weights.pth"))


EXTRACTORS = {
    "embedded": lambda folder: EmbeddedExtractor(),
    "backbone": lambda folder: BackboneExtractor("resnet18", settled(resnet18(weights=None), folder)),
    "art_inception": art_inception,
    "dinov2": dinov2,
}


def same_features(extractor, images):
    """To 1e-4 of each image's: sums are in another order, and of float32."""
    found = []
    for place in (CPU, torch.device(DEVICE)):
        extractor.load(place)
        found.append(extractor(images.to(place)))
        assert found[-1].pooled.device.type == place.type
    expected, own = found
    assert (expected.pooled - expected.pooled.mean(0)).norm() > 0.01 * expected.pooled.norm(), "all are alike"
    for part, theirs in zip(own, expected, strict=True):
        if theirs is not None:
            assert ((part.cpu() - theirs).norm(dim=1) <= 1e-4 * theirs.norm(dim=1)).all()


@pytest.mark.parametrize("precision", ["highest", "medium"])
@pytest.mark.parametrize("name", EXTRACTORS)
def test_features_are_those_of_the_cpu(name, precision, small_batches, tmp_path):
    """Whatever a training has chosen for its own products of matrices."""
    torch.manual_seed(0)
    extractor = EXTRACTORS[name](tmp_path)
    torch.set_float32_matmul_precision(precision)
    same_features(extractor, pictures(4, 96))


def test_features_of_inception_are_those_of_the_cpu(inception_file, small_batches):
    same_features(InceptionExtractor(str(inception_file)), pictures(4, 96))


def scores_of(extractor, names, place, real, fake, **options):
    labels = torch.arange(len(real)) % 3
    found = Scores(extractor, names, len(fake), Options(splits=2, resamples=40, **options))
    found.prepare(Pictures(real, labels=labels), place, ("a", "b", "c"))
    for numbers in torch.arange(len(fake)).split(64):
        found.update(fake[numbers].to(place), numbers, (numbers % 3).to(place))
    return found.compute()


@pytest.fixture
def on_both(tmp_path, monkeypatch):
    """What is known of real images is kept, and must not pass from one device to the other."""

    def compute(*words, **options):
        found = []
        for place in (CPU, torch.device(DEVICE)):
            monkeypatch.setenv("ATELIER_CACHE", str(tmp_path / place.type / str(len(found))))
            found.append(scores_of(*words[:2], place, *words[2:], **options))
        return found

    return compute


def test_a_whole_frechet_distance_is_that_of_the_cpu(on_both):
    """Of more images than features, for its sums, and with what its interval draws."""
    expected, found = on_both(EmbeddedExtractor(), ["fid", "fid_interval"], pictures(300), pictures(200, seed=1))
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert value > 0
        assert found[name] == pytest.approx(value, rel=1e-3), name


def test_every_score_is_that_of_the_cpu(on_both, monkeypatch):
    """Shares of images go by comparisons of distances, of which a few are as good as equal."""
    monkeypatch.setitem(SCORES, "lpips_diversity", diversity_of_colours)
    expected, found = on_both(Shrunk(), [*SCORES], pictures(300, 4), pictures(200, 4, seed=1))
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-3, abs=0.01), name


@pytest.mark.parametrize("count", [30, 500])
def test_a_frechet_distance_of_sums_is_that_of_the_cpu(count):
    """In float64 on both, of fewer images than features and of more."""
    features = torch.randn(count, 64, generator=torch.Generator().manual_seed(0)) @ torch.linspace(0.1, 3, 64).diag()
    found = []
    for place in (CPU, torch.device(DEVICE)):
        sums = FeatureMoments(64).to(place)
        for some in features.to(place).split(64):
            sums.update(Shown(some, Features(some, None), torch.arange(len(some), device=place)))
        gaussian = sums.evidence()
        assert gaussian.mean.device.type == place.type
        other = type(gaussian)(gaussian.mean + 0.1, *gaussian[1:]).factored()
        found.append((frechet_distance(other, gaussian), gaussian.mean.cpu(), gaussian.variance().cpu()))
    (expected, *known), (distance, *own) = found
    torch.testing.assert_close(own, known, rtol=1e-10, atol=1e-12)
    assert distance == pytest.approx(expected, rel=1e-8, abs=1e-9)
    assert distance == pytest.approx(64 * 0.1**2, rel=1e-6)


def test_a_runs_score_is_that_of_its_checkpoint_on_a_cpu(tiny, tmp_path, monkeypatch):
    """The pictures differ by a level here and there, as training draws them with TF32."""
    folder = tmp_path / "run"
    run.fit(tiny("dcgan", *SCORED), folder, {})
    last = table.read(folder / "metrics.csv")[-1]
    monkeypatch.setattr(scored, "device", lambda: CPU)
    monkeypatch.setenv("ATELIER_CACHE", str(tmp_path / "cache"))
    alone = scored.score_run(folder, folder / "checkpoints" / "last.ckpt", None, None).scores
    name = "embedded_frechet_distance"
    assert last[f"val/{name}"] == pytest.approx(alone[name], rel=1e-3)
