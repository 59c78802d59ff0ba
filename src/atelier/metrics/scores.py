"""How good a set of generated images is, as one object that training and `atelier evaluate` share."""

import warnings
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor, nn
from torchmetrics.image import FrechetInceptionDistance, InceptionScore

from atelier.errors import RunError
from atelier.metrics.extractors import EmbeddedExtractor, Extractor, Features, InceptionExtractor
from atelier.metrics.statistics import Pixels, statistics


class Scores:
    """Fréchet distance to the real images and the class score, by torchmetrics, on one feature pass per image.

    `count` generated images are compared with the training images. `frechet` and `class_score` are the names under
    which the two are recorded: `fid` and `is` only for Inception-v3.
    """

    def __init__(self, extractor: Extractor, frechet: str, class_score: str, count: int, splits: int) -> None:
        if count < 2:
            raise ValueError(f"count must be >= 2, got {count}")
        if not 2 <= splits <= count:
            raise ValueError(f"splits must be in 2..count ({count}), got {splits}")
        self.extractor, self.count, self.splits = extractor, count, splits
        self.frechet, self.class_score = frechet, class_score
        self.ready = False

    def fetch(self) -> None:
        """Get hold of the network's weights, so that a lack of them is known early. Raises UserError."""
        self.extractor.fetch()

    def prepare(self, real: Pixels, device: torch.device) -> None:
        """Load the network and the statistics of the real images."""
        self.fetch()
        self.extractor.load(device)
        known = statistics(real, self.extractor, device)
        self.device, self.real_count, self.real_key = device, known.count, real.key
        distance = FrechetInceptionDistance(_Precomputed(len(known.total)), reset_real_features=False).to(device)
        distance.real_features_sum += known.total.to(device)
        distance.real_features_cov_sum += known.outer.to(device)
        distance.real_features_num_samples += known.count
        self.distance = distance
        self.ready = True
        with warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", ".*will save all extracted features", UserWarning
            )  # `count` small vectors
            self.classes = InceptionScore(_Precomputed(len(known.total)), splits=self.splits).to(device)

    def update(self, images: Tensor) -> None:
        """Take in generated images: uint8 (B, 3, H, W), as a PNG file would hold them."""
        features = self.extractor(images.to(self.device))
        _refuse_non_finite(features)
        self.distance.update(features.pooled, real=False)
        self.classes.update(features.logits)

    def compute(self) -> dict[str, float]:
        """The scores of all images since the last call."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)  # torchmetrics shuffles before it splits
            class_score, deviation = self.classes.compute()
        scores = {
            self.frechet: float(self.distance.compute()),
            self.class_score: float(class_score),
            f"{self.class_score}_deviation": float(deviation),
        }
        self.distance.reset()
        self.classes.reset()
        return scores

    def card(self) -> dict[str, Any]:
        """The protocol of the scores: numbers made under different cards do not compare."""
        return {
            "extractor": self.extractor.name,
            "weights_sha256": self.extractor.digest,
            "resize": self.extractor.resize,
            "input": "uint8, rounded",
            "real_images": self.real_count,
            "real_split": "train",
            "real_key": self.real_key,
            "generated_images": self.count,
            "class_score_splits": self.splits,
            "covariance_dtype": "float64",
            "versions": {name: version(name) for name in ("torch", "torchmetrics", "torch-fidelity", "atelier")},
        }


def embedded(count: int, splits: int) -> Scores:
    return Scores(EmbeddedExtractor(), "embedded_frechet_distance", "embedded_class_score", count, splits)


def inception(weights: str | None, count: int, splits: int) -> Scores:
    """FID (Heusel et al. 2017) and IS (Salimans et al. 2016); `weights` as for `InceptionExtractor`."""
    return Scores(InceptionExtractor(weights), "fid", "is", count, splits)


class _Precomputed(nn.Module):
    """Stands where torchmetrics wants a network: one pass of the extractor serves both scores."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, features: Tensor) -> Tensor:
        return features


def _refuse_non_finite(features: Features) -> None:
    """The eigenvalues in the Fréchet distance kill the whole process on NaN."""
    if not (features.pooled.isfinite().all() and features.logits.isfinite().all()):
        raise RunError("the generator's images have features that are not finite: it has diverged")
