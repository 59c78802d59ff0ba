"""FID, how sure one may be of it, and what it is within each class."""

from collections.abc import Mapping
from typing import ClassVar

import torch

from atelier.errors import UserError
from atelier.metrics.accumulators import Accumulator, Collected, Collection, Moments
from atelier.metrics.extractors.base import Extractor
from atelier.metrics.frechet import Factored, Full, frechet_distance, gaussian
from atelier.metrics.reference import Reference
from atelier.metrics.resampling import interval
from atelier.metrics.scores.base import Score


class FrechetDistance(Score):
    """Heusel et al. 2017, eq. 6."""

    literature: ClassVar[Mapping[str, str]] = {"frechet_distance": "fid"}
    distance = "frechet_distance"

    def accumulator(self, extractor: Extractor) -> Accumulator:
        return Moments(extractor.size)

    def compute(self, real: Reference, evidence: Factored | Full) -> dict[str, float]:
        return {"frechet_distance": frechet_distance(real.gaussian, evidence)}

    def protocol(self) -> dict[str, object]:
        return {"covariance_dtype": "float64"}


class FrechetInterval(Score):
    """95 % bootstrap interval of the distance over generated images, the real ones given (`metrics/resampling.py`)."""

    literature: ClassVar[Mapping[str, str]] = {"frechet_distance_low": "fid_low", "frechet_distance_high": "fid_high"}

    def __init__(self, resamples: int) -> None:
        if resamples < 40:
            raise ValueError(f"resamples must be >= 40, got {resamples}: an interval of 95 % needs both tails")
        self.resamples = resamples

    def accumulator(self, extractor: Extractor) -> Accumulator:
        return Collection()

    def compute(self, real: Reference, evidence: Collected) -> dict[str, float]:
        low, high = interval(real.gaussian, evidence.features, self.resamples)
        return {"frechet_distance_low": low, "frechet_distance_high": high}

    def protocol(self) -> dict[str, object]:
        return {"interval": f"95 %, bootstrap of generated images, {self.resamples} resamples, centred"}


class IntraFrechetDistance(Score):
    """The Fréchet distance within each class, and its mean over classes (Miyato & Koyama 2018, section 5: intra FID).

    Of the real images those whose features are kept. A class with fewer than two images on either side has none.
    """

    literature: ClassVar[Mapping[str, str]] = {"intra_frechet_distance": "intra_fid"}
    needs_classes = True

    def accumulator(self, extractor: Extractor) -> Accumulator:
        return Collection()

    def compute(self, real: Reference, evidence: Collected) -> dict[str, float]:
        if evidence.labels is None:
            raise UserError("intra_fid needs classes of the generated images, too")
        name = "intra_frechet_distance"
        found = {}
        for label, class_name in enumerate(real.classes):
            known, fake = real.features[real.labels == label], evidence.features[evidence.labels == label]
            if min(len(known), len(fake)) >= 2:
                found[f"{name}/{class_name}"] = frechet_distance(gaussian(known).factored(), gaussian(fake))
        return {name: mean([*found.values()]), **found}

    def protocol(self) -> dict[str, object]:
        return {"intra_classes": "all with 2 images of each side or more"}


def mean(values: list[float]) -> float:
    return float(torch.tensor(values, dtype=torch.float64).mean())  # NaN where there are none
