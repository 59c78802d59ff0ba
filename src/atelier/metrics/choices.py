"""The scores that one chooses by `metrics=` in a config, and by `--metrics` of `atelier score`."""

from collections.abc import Callable, Sequence
from functools import partial
from inspect import signature

from atelier.metrics.extractors.backbone import BackboneExtractor, classifiers
from atelier.metrics.extractors.base import Extractor
from atelier.metrics.extractors.dinov2 import ARCHITECTURES, DinoExtractor
from atelier.metrics.extractors.embedded import EmbeddedExtractor
from atelier.metrics.extractors.inception import InceptionExtractor
from atelier.metrics.extractors.resizing import Kernel
from atelier.metrics.scores.catalogue import Options
from atelier.metrics.scoring import Scores
from atelier.metrics.translation import TranslationScores
from atelier.wording import did_you_mean, listed


def scoring(
    network: str,
    weights: str | None,
    scores: Sequence[str],
    count: int,
    splits: int,
    neighbours: int,
    resamples: int,
    resize: Kernel | None,
) -> Scores:
    """`scores` of `count` images on the features of a `network` (see `extractor`); for the others see `Options`."""
    return Scores(extractor(network, weights, resize), scores, count, Options(splits, neighbours, resamples))


def translating(
    network: str,
    weights: str | None,
    scores: Sequence[str],
    count: int | None,
    splits: int,
    neighbours: int,
    resamples: int,
    resize: Kernel | None,
) -> TranslationScores:
    """As `scoring`, of what held-out contents became: `count` of them at most, None: all."""
    options = Options(splits, neighbours, resamples)
    return TranslationScores(extractor(network, weights, resize), scores, count, options)


NAMED: dict[str, Callable[..., Extractor]] = {
    "embedded": EmbeddedExtractor,
    "inception": InceptionExtractor,
    **{name: partial(DinoExtractor, name) for name in ARCHITECTURES},
}


def extractor(name: str, weights: str | None = None, resize: str | None = None) -> Extractor:
    """One of NAMED, or else torchvision's classifier of that name. What is None is left to it.

    Raises ValueError, also for weights where the network has its own, and for none where it has not.
    """
    if name not in NAMED and name not in classifiers():
        hint = did_you_mean(name, [*NAMED, *classifiers()])
        raise ValueError(f"network must be one of {listed(NAMED)} or a classifier of torchvision, got {name!r}{hint}")
    make = NAMED.get(name) or partial(BackboneExtractor, name)
    given = {} if resize is None else {"kernel": resize}
    parameter = signature(make).parameters.get("weights")
    if weights is not None and parameter is None:
        raise ValueError(f"weights must not be given with {name}, which has its own")
    if weights is None and parameter is not None and parameter.default is parameter.empty:
        raise ValueError(f"weights must be given with {name}, which has none of its own")
    return make(**given) if weights is None else make(weights=weights, **given)
