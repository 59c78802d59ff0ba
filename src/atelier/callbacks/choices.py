"""Which metrics are shown what, and which of them fit a model."""

from typing import Any

from atelier.callbacks.scores import ScoreSamples
from atelier.callbacks.scoring import Scoring
from atelier.callbacks.translations import ScoreFidelity, ScoreTranslations
from atelier.errors import ConfigError
from atelier.metrics.fidelity import Fidelity
from atelier.metrics.scoring import Scores
from atelier.metrics.translation import TranslationScores

KINDS: dict[type, type[Scoring]] = {
    Scores: ScoreSamples,
    Fidelity: ScoreFidelity,
    TranslationScores: ScoreTranslations,
}
"""By what `metrics=` builds."""


def scoring_of(metrics: Any, seed: int) -> Scoring:
    """What `metrics=` built, as a run with this seed uses it."""
    return KINDS[type(metrics)](metrics, seed)


def refuse_misfit(kind: Scoring, task: Any, data: Any) -> None:
    """Raise ConfigError for metrics of what the task does not make of such data."""
    if not kind.fits(task, data):
        fitting = [other.option for other in KINDS.values() if other.fits(task, data)]
        raise ConfigError([f"metrics: {kind.misfit}: metrics={' or metrics='.join(fitting or ['none'])}"])
