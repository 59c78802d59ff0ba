"""FID, how sure one may be of it, and what it is within each class."""

import logging
from collections.abc import Mapping
from math import nan
from statistics import fmean
from typing import ClassVar

from torch import Tensor

from atelier.errors import UserError
from atelier.metrics.accumulators import Accumulator, Collected, Collection, FeatureMoments
from atelier.metrics.extractors.base import Extractor
from atelier.metrics.frechet import Factored, Full, frechet_distance, gaussian
from atelier.metrics.reference import Reference
from atelier.metrics.resampling import interval
from atelier.metrics.scores.base import Score

log = logging.getLogger(__name__)


class FrechetDistance(Score):
    """Heusel et al. 2017, eq. 6."""

    literature: ClassVar[Mapping[str, str]] = {"frechet_distance": "fid"}
    distance = "frechet_distance"

    def accumulator(self, extractor: Extractor) -> Accumulator:
        return FeatureMoments(extractor.size)

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
        if evidence.labels is None or real.labels is None:
            raise UserError("intra_fid needs classes of the generated images, too")
        if misfit := self.misfit(real.labels, evidence.labels):  # which no training is to be lost for
            log.warning(misfit)
            return {"intra_frechet_distance": nan}
        name = "intra_frechet_distance"
        found = {}
        for label, class_name in enumerate(real.classes):
            known, fake = real.features[real.labels == label], evidence.features[evidence.labels == label]
            if min(len(known), len(fake)) >= 2:
                found[f"{name}/{class_name}"] = frechet_distance(gaussian(known).factored(), gaussian(fake))
        return {name: fmean(found.values()), **found}

    def misfit(self, real: Tensor, generated: Tensor | None) -> str | None:
        sides = {"real": real} if generated is None else {"real": real, "generated": generated}
        if set.intersection(*({*_plural(labels)} for labels in sides.values())):
            return None
        told = " and ".join(f"{len(labels)} {side}" for side, labels in sides.items())
        return (
            f"intra_fid needs a class with 2 {' and 2 '.join(sides)} images or more, and of {told} none has: "
            "take more images, or leave intra_fid out of the scores"
        )

    def protocol(self) -> dict[str, object]:
        return {"intra_classes": "all with 2 images of each side or more"}


def _plural(labels: Tensor) -> list[int]:
    """Those that stand there twice or more."""
    found, counts = labels.unique(return_counts=True)
    several: list[int] = found[counts >= 2].tolist()
    return several
