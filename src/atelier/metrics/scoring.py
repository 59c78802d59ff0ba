"""How good a set of generated images is, as one object that training and the `atelier` commands share."""

import logging
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from importlib.metadata import version
from typing import Any, NamedTuple

import torch
from torch import Tensor

from atelier.errors import RunError
from atelier.metrics.accumulators import Accumulator, Shown
from atelier.metrics.extractors.base import Extractor, Features
from atelier.metrics.perceptual import Lpips
from atelier.metrics.reference import Pictures, reference
from atelier.metrics.resampling import at_best
from atelier.metrics.scores.base import Score
from atelier.metrics.scores.diversity import LpipsDiversity
from atelier.metrics.scores.frechet import FrechetDistance, FrechetInterval, IntraFrechetDistance
from atelier.metrics.scores.others import ClassScore, DensityCoverage, KernelDistance, PrecisionRecall
from atelier.metrics.style.base import Loadable

log = logging.getLogger(__name__)

PLENTY = 10
"""Times as many images as features, from which on the bias of a Fréchet distance is small and is not told."""


class Scores:
    """Scores of `count` generated images against real ones, on one pass of the extractor per image.

    `scores` are names of SCORES. `splits` are those of IS, `neighbours` those of precision, recall, density and
    coverage, `resamples` those of FID's interval.
    """

    def __init__(
        self,
        extractor: Extractor,
        scores: Sequence[str],
        count: int,
        splits: int = 10,
        neighbours: int = 5,
        resamples: int = 200,
    ) -> None:
        if count < 2:
            raise ValueError(f"count must be >= 2, got {count}")
        _refuse_unfit(scores, extractor)
        if "is" in scores and not 1 <= splits <= count:
            raise ValueError(f"splits must be in 1..count ({count}), got {splits}")
        if {"precision_recall", "density_coverage"} & {*scores} and not 1 <= neighbours < count:
            raise ValueError(f"neighbours must be in 1..count - 1 ({count - 1}), got {neighbours}")
        self.extractor, self.count = extractor, count
        options = Options(splits, neighbours, resamples)
        self.scores = [SCORES[name](options) for name in scores]
        self.ready = False

    @property
    def monitor(self) -> str | None:
        """The first distance among the scores, by its recorded name: it chooses the best checkpoint."""
        distances = (self._recorded(score.distance, score) for score in self.scores if score.distance)
        return next(distances, None)

    def fetch(self) -> None:
        """Get hold of all networks' weights, so that a lack of them is known early. Raises UserError."""
        for network in self._networks():
            network.fetch()

    def prepare(self, real: Pictures, device: torch.device, classes: tuple[str, ...] = ()) -> None:
        """Load the networks and what is to be known of the real images; `classes` are the names of their labels."""
        self.fetch()
        for network in self._networks():
            network.load(device)
        known = reference(real, self.extractor, device).labelled(real.labels, classes)
        self.real, self.real_key, self.device = known.to(device), real.key, device
        self.at_best = self._at_best()
        self._accumulators: dict[type[Accumulator], Accumulator] = {}
        self._evidence = [self._accumulator(score) for score in self.scores]
        self.ready = True

    def update(self, images: Tensor | Sequence[Tensor], numbers: Tensor, labels: Tensor | None = None) -> None:
        """Take in generated images, uint8 (B, 3, H, W) as a PNG file would hold them, or a list of (3, H, W).

        `numbers`, int64 (B,), say which of the `count` images they are, so that it does not matter who shows them when.
        """
        on_device = (
            images.to(self.device) if isinstance(images, Tensor) else [image.to(self.device) for image in images]
        )
        features = self.extractor(on_device)
        _refuse_non_finite(features)
        shown = Shown(on_device, features, numbers.to(self.device), None if labels is None else labels.to(self.device))
        for accumulator in self._accumulators.values():
            accumulator.update(shown)

    def compute(self) -> dict[str, float]:
        """The scores of all images since the last call, on all processes, by the names they are recorded under."""
        evidence = {kind: accumulator.evidence() for kind, accumulator in self._accumulators.items()}
        found: dict[str, float] = {}
        for score, kind in zip(self.scores, self._evidence, strict=True):
            values = score.compute(self.real, evidence[kind])
            found |= {self._recorded(name, score): value for name, value in values.items()}
        for accumulator in self._accumulators.values():
            accumulator.reset()
        return found

    def card(self) -> dict[str, Any]:
        """The protocol of the scores: numbers made under different cards do not compare."""
        details = {key: value for score in self.scores for key, value in score.protocol().items()}
        return {
            "extractor": self.extractor.name,
            "weights_sha256": self.extractor.digest,
            "resize": self.extractor.kernel,
            "input": "uint8, rounded",
            "real_images": self.real.count,
            "real_images_compared_singly": len(self.real.features),
            "real_key": self.real_key,
            "generated_images": self.count,
            **details,
            "real_images_would_score": self.at_best,
            "versions": {name: version(name) for name in ("torch", "torchmetrics", "torch-fidelity", "atelier")},
        }

    def _networks(self) -> list[Loadable]:
        return [self.extractor, *(network for score in self.scores for network in score.networks)]

    def _accumulator(self, score: Score) -> type[Accumulator]:
        accumulator = score.accumulator(self.extractor).to(self.device)
        self._accumulators.setdefault(type(accumulator), accumulator)
        return type(accumulator)

    def _recorded(self, name: str, score: Score) -> str:
        kind, slash, class_name = name.partition("/")
        return score.recorded(kind, self.extractor) + slash + class_name

    def _at_best(self) -> float | None:
        """The FID of so many real images; None where that is next to nothing, or not asked for. Few are warned of."""
        size = self.real.size
        if self.count >= PLENTY * size or not any(isinstance(score, FrechetDistance) for score in self.scores):
            return None
        found = at_best(self.real.gaussian, self.count)
        if self.count <= size:
            log.warning(
                "the Fréchet distance of %s images: their covariance has a rank of %s where there are %s features, and "
                "even real images would score about %.3g; compare with the same number of images only, or take more",
                f"{self.count:,}", f"{self.count - 1:,}", f"{size:,}", found,
            )  # fmt: skip
        return found


class Options(NamedTuple):
    """What some of the scores can be told."""

    splits: int
    neighbours: int
    resamples: int


SCORES: dict[str, Callable[[Options], Score]] = {
    "fid": lambda options: FrechetDistance(),
    "fid_interval": lambda options: FrechetInterval(options.resamples),
    "intra_fid": lambda options: IntraFrechetDistance(),
    "kid": lambda options: KernelDistance(),
    "is": lambda options: ClassScore(options.splits),
    "precision_recall": lambda options: PrecisionRecall(options.neighbours),
    "density_coverage": lambda options: DensityCoverage(options.neighbours),
    "lpips_diversity": lambda options: LpipsDiversity(Lpips()),
}
"""What one may ask for, by the names they have on Inception's features."""


def _refuse_unfit(scores: Sequence[str], extractor: Extractor) -> None:
    for name in scores:
        if name not in SCORES:
            near = get_close_matches(name, SCORES, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"scores must be among {[*SCORES]}, got {name!r}{hint}")
    if len(set(scores)) < len(scores):
        raise ValueError(f"scores must be different ones, got {[*scores]}")
    if not scores:
        raise ValueError(f"scores must be among {[*SCORES]}, got none; metrics=none is without")
    if "is" in scores and extractor.classes is None:
        raise ValueError(f"scores must not have 'is' with {extractor.name}, which knows no classes")


def _refuse_non_finite(features: Features) -> None:
    parts = [part for part in features if part is not None]
    if not all(part.isfinite().all() for part in parts):
        raise RunError("the generator's images have features that are not finite: it has diverged")
