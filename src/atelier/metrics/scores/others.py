"""Scores beside FID: of kernels, of classes, of neighbourhoods."""

from collections.abc import Mapping
from typing import ClassVar

from atelier.metrics import manifold
from atelier.metrics.accumulators import Accumulator, Classes, ClassShares, Collected, Collection
from atelier.metrics.extractors.base import Extractor
from atelier.metrics.kernel import kernel_distance
from atelier.metrics.reference import Reference
from atelier.metrics.scores.base import Score


class KernelDistance(Score):
    """KID, unbiased whatever the number of images, and its standard error (`atelier.metrics.kernel`)."""

    literature: ClassVar[Mapping[str, str]] = {"kernel_distance": "kid", "kernel_distance_error": "kid_error"}
    distance = "kernel_distance"
    fewest = fewest_real = 3

    def accumulator(self, extractor: Extractor) -> Accumulator:
        return Collection()

    def compute(self, real: Reference, evidence: Collected) -> dict[str, float]:
        value, error = kernel_distance(real.features, evidence.features, real.kernel_sums)
        return {"kernel_distance": value, "kernel_distance_error": error}

    def protocol(self) -> dict[str, object]:
        return {"kernel": "cubic polynomial, all pairs"}


class ClassScore(Score):
    """IS: how sure the network is of each image, and of how many classes they are (Salimans et al. 2016, section 4).

    Its mean and standard deviation over splits. The real images have no part in it.
    """

    literature: ClassVar[Mapping[str, str]] = {"class_score": "is", "class_score_deviation": "is_deviation"}

    def __init__(self, splits: int) -> None:
        if splits < 1:
            raise ValueError(f"splits must be >= 1, got {splits}")
        self.splits = self.fewest = splits

    def accumulator(self, extractor: Extractor) -> Accumulator:
        assert extractor.classes is not None  # or the score was refused
        return Classes(self.splits, extractor.classes)

    def compute(self, real: Reference, evidence: ClassShares) -> dict[str, float]:
        counts = evidence.counts.double()
        marginal = evidence.shares / counts[:, None]
        # exp of the mean over images of KL(p(y|x) || p(y))
        scores = (evidence.certainty / counts - (marginal * marginal.log()).nansum(1)).exp()
        return {"class_score": float(scores.mean()), "class_score_deviation": float(scores.std(correction=0))}

    def protocol(self) -> dict[str, object]:
        return {"class_score_splits": self.splits}


class Neighbourhoods(Score):
    """Scores that compare each sample with its `neighbours` nearest others."""

    def __init__(self, neighbours: int) -> None:
        if neighbours < 1:
            raise ValueError(f"neighbours must be >= 1, got {neighbours}")
        self.neighbours = neighbours
        self.fewest = self.fewest_real = neighbours + 1

    def accumulator(self, extractor: Extractor) -> Accumulator:
        return Collection()

    def protocol(self) -> dict[str, object]:
        return {"neighbours": self.neighbours}


class PrecisionRecall(Neighbourhoods):
    """Kynkäänniemi et al. 2019."""

    literature: ClassVar[Mapping[str, str]] = {"precision": "precision", "recall": "recall"}

    def compute(self, real: Reference, evidence: Collected) -> dict[str, float]:
        fake = evidence.features
        fake_reach = manifold.reach(fake, self.neighbours)
        return manifold.precision_recall(real.features, real.reach(self.neighbours), fake, fake_reach)._asdict()


class DensityCoverage(Neighbourhoods):
    """Naeem et al. 2020."""

    literature: ClassVar[Mapping[str, str]] = {"density": "density", "coverage": "coverage"}

    def compute(self, real: Reference, evidence: Collected) -> dict[str, float]:
        real_reach = real.reach(self.neighbours)
        return manifold.density_coverage(real.features, real_reach, evidence.features, self.neighbours)._asdict()
