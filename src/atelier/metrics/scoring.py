"""How good a set of generated images is, as one object that training and the `atelier` commands share."""

import logging
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor

from atelier.errors import RunError, UserError
from atelier.metrics.accumulators import Accumulator, Shown
from atelier.metrics.extractors.base import Extractor, Features
from atelier.metrics.loadable import Loadable
from atelier.metrics.reference import Pictures, reference
from atelier.metrics.resampling import at_best
from atelier.metrics.scores.base import Score
from atelier.metrics.scores.catalogue import Options, choose
from atelier.metrics.scores.frechet import FrechetDistance

log = logging.getLogger(__name__)

PLENTY = 10
"""Times as many images as features, from which on the bias of a Fréchet distance is small and is not told."""


class Scores:
    """Scores of `count` generated images against real ones, on one pass of the extractor per image.

    `scores` are names of SCORES. `fetch` comes first, then `prepare`, then `update` and `compute` again and again.
    """

    def __init__(
        self,
        extractor: Extractor,
        scores: Sequence[str],
        count: int,
        options: Options = Options(),  # noqa: B008  # a tuple, which nobody can change
    ) -> None:
        self.extractor, self.count = extractor, count
        self.chosen = choose(scores, options, extractor, count)
        self.scores = [*self.chosen.values()]

    @property
    def monitor(self) -> str | None:
        """The first distance among the scores, by its recorded name: it chooses the best checkpoint."""
        distances = (self._recorded(score.distance, score) for score in self.scores if score.distance)
        return next(distances, None)

    @property
    def need_classes(self) -> bool:
        return any(score.needs_classes for score in self.scores)

    def fetch(self) -> None:
        """Get hold of all networks' weights, so that a lack of them is known early. Raises UserError."""
        for network in self._networks():
            network.fetch()

    def refuse_unfit(self, real: Pictures, classes: Sequence[str]) -> None:
        """Raise UserError where the real images are too few for a score, or have no classes where it needs some."""
        for name, score in self.chosen.items():
            if len(real) < score.fewest_real:
                raise UserError(f"{name} needs {score.fewest_real} real images or more, got {len(real)}")
            if score.needs_classes and not (classes and real.labels is not None):
                raise UserError(f"{name} needs classes: data.label chooses some, or a folder has them as sub-folders")
        if real.labels is not None:
            self.refuse_labels(real.labels, None)

    def refuse_labels(self, real: Tensor, generated: Tensor | None) -> None:
        """Raise UserError where scores within classes find none; the generated images' may not be known yet: None."""
        for score in self.scores:
            if misfit := score.misfit(real, generated):
                raise UserError(misfit)

    def prepare(self, real: Pictures, device: torch.device, classes: tuple[str, ...] = ()) -> None:
        """Load the networks and what is to be known of the real images; `classes` are the names of their labels.

        Raises UserError for images that do not do.
        """
        self.refuse_unfit(real, classes)
        for network in self._networks():
            network.load(device)
        self.device = device
        self.sums = torch.device("cpu") if device.type == "mps" else device  # which has no float64
        known = reference(real, self.extractor, device).labelled(real.labels, classes)
        self.real, self.real_key = known.to(self.sums), real.key
        self.at_best = self._at_best()
        self._tell_of_few()
        self._accumulators: dict[type[Accumulator], Accumulator] = {}
        self._evidence = [self._accumulator(score) for score in self.scores]
        self._finite = torch.tensor(True, device=self.sums)

    def update(self, images: Tensor | Sequence[Tensor], numbers: Tensor, labels: Tensor | None = None) -> None:
        """Take in generated images, uint8 (B, 3, H, W) as a PNG file would hold them, or a list of (3, H, W).

        `numbers`, int64 (B,), say which of the `count` images they are, so that it does not matter who shows them when.
        """
        at_hand = images.to(self.device) if isinstance(images, Tensor) else [image.to(self.device) for image in images]
        pooled, logits = self.extractor(at_hand)
        features = Features(pooled.to(self.sums), None if logits is None else logits.to(self.sums))
        for part in (features.pooled, features.logits):
            if part is not None:
                self._finite &= part.isfinite().all()
        shown = Shown(at_hand, features, numbers.to(self.sums), None if labels is None else labels.to(self.sums))
        for accumulator in self._accumulators.values():
            accumulator.update(shown)

    def compute(self) -> dict[str, float]:
        """The scores of all images since the last call, on all processes, by the names they are recorded under."""
        if not self._finite:  # and pixels always are
            raise RunError(f"the {self.extractor.name} network's features of generated images are not finite")
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
            "concerns": self._concerns(),
            "real_images_would_score": self.at_best,
            "versions": {name: version(name) for name in ("torch", "torchmetrics", "torch-fidelity", "atelier")},
        }

    def _concerns(self) -> dict[str, list[str]]:
        """By the scores' recorded names, those entries of the card that say something of them and not of all."""
        return {self._recorded(name, score): [*score.protocol()] for score in self.scores for name in score.literature}

    def _networks(self) -> list[Loadable]:
        return [self.extractor, *(network for score in self.scores for network in score.networks)]

    def _accumulator(self, score: Score) -> type[Accumulator]:
        accumulator = score.accumulator(self.extractor).to(self.sums)
        self._accumulators.setdefault(type(accumulator), accumulator)
        return type(accumulator)

    def _recorded(self, name: str, score: Score) -> str:
        kind, slash, class_name = name.partition("/")
        return score.recorded(kind, self.extractor) + slash + class_name

    @property
    def _has_frechet(self) -> bool:
        return any(isinstance(score, FrechetDistance) for score in self.scores)

    def _at_best(self) -> float | None:
        """The FID of so many real images; None where that is next to nothing, or not asked for."""
        if not self._has_frechet or self.count >= PLENTY * self.real.size:
            return None
        return at_best(self.real.gaussian, self.count)

    def _tell_of_few(self) -> None:
        """Of images that are too few for a Fréchet distance: no more of them than features."""
        if not self._has_frechet:
            return
        size = self.real.size
        if self.real.count <= size:
            log.warning(
                "the Fréchet distance to %s real images: their covariance has a rank of %s, of %s features: "
                "the distance is to these images rather than to what they are of: take more, or kid",
                f"{self.real.count:,}", f"{self.real.count - 1:,}", f"{size:,}",
            )  # fmt: skip
        if self.count <= size:
            log.warning(
                "the Fréchet distance of %s images: their covariance has a rank of %s where there are %s features, and "
                "even real images would score about %.3g; compare with the same number of images only, or take more",
                f"{self.count:,}", f"{self.count - 1:,}", f"{size:,}", self.at_best,
            )  # fmt: skip
