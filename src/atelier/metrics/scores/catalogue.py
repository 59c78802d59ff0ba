"""The scores that one may ask for."""

import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple

from atelier.metrics.extractors.base import Extractor
from atelier.metrics.perceptual import Lpips
from atelier.metrics.scores.base import Score
from atelier.metrics.scores.diversity import LpipsDiversity
from atelier.metrics.scores.frechet import FrechetDistance, FrechetInterval, IntraFrechetDistance
from atelier.metrics.scores.others import ClassScore, DensityCoverage, KernelDistance, PrecisionRecall
from atelier.wording import did_you_mean, listed

log = logging.getLogger(__name__)


class Options(NamedTuple):
    """What some of the scores can be told."""

    splits: int = 10
    """Parts into which IS divides the images."""
    neighbours: int = 5
    """The k of precision, recall, density and coverage."""
    resamples: int = 200
    """Draws from which FID's interval comes."""


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
"""By the names they have on Inception's features."""


REDUCIBLE = {"splits": ("is",), "neighbours": ("precision_recall", "density_coverage")}
"""Options that are lowered where there are too few images, and the scores that each changes."""


def tell_reduced(names: Sequence[str], usual: Options, options: Options) -> None:
    """Warn where the options of these scores are less than usual: such scores look sound, and are others."""
    before, now = usual._asdict(), options._asdict()
    reduced = [
        f"{now[option]} {option} instead of {before[option]} ({', '.join(chosen)})"
        for option, concerned in REDUCIBLE.items()
        if now[option] < before[option] and (chosen := [name for name in names if name in concerned])
    ]
    if reduced:
        log.warning("too few images: %s; such scores do not compare with the usual ones", ", ".join(reduced))


def choose(names: Sequence[str], options: Options, extractor: Extractor, count: int) -> dict[str, Score]:
    """Scores of `count` generated images. Raises ValueError for those that there are not, or that cannot be had."""
    for name in names:
        if name not in SCORES:
            raise ValueError(f"scores must be among {listed(SCORES)}, got {name!r}{did_you_mean(name, SCORES)}")
    if not names:
        raise ValueError(f"scores must be among {listed(SCORES)}, got none; metrics=none is without")
    if len(set(names)) < len(names):
        raise ValueError(f"scores must be different ones, got {[*names]}")
    if "is" in names and extractor.classes is None:
        raise ValueError(f"scores must not have 'is' with {extractor.name}, which knows no classes")
    chosen = {name: SCORES[name](options) for name in names}
    for name, score in chosen.items():
        if count < score.fewest:
            raise ValueError(f"count must be >= {score.fewest} for {name}, got {count}")
    return chosen
