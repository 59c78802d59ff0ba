"""Scores of a run's generator with the metrics it was trained under."""

from pathlib import Path
from typing import Any, NamedTuple

from atelier.callbacks.scores import origin, show
from atelier.cli.trained import Trained
from atelier.config import build
from atelier.errors import UserError


class Scored(NamedTuple):
    scores: dict[str, float]
    card: dict[str, Any]


def score_run(run: Path, checkpoint: Path | None, count: int | None, truncation: float | None) -> Scored:
    """Raises UserError for what is no run folder of a generator, or a run without metrics."""
    trained = Trained(run, checkpoint)
    cfg = trained.cfg
    trained.styles(trained.draw(cfg.seed, [0]), truncation)  # a bad truncation is refused before anything slow
    if not cfg.metrics:
        raise UserError(f"metrics: {run} was made with metrics=none: there is nothing to evaluate")
    if count is not None:
        cfg.metrics.count, cfg.metrics.splits = count, min(count, cfg.metrics.splits)
    scores, data = build(cfg.metrics, "metrics"), build(cfg.data, "data")
    scores.fetch()
    data.prepare()
    scores.prepare(data.train_pixels, trained.task.device, data.classes)
    show(scores, trained.task, cfg.seed, range(scores.count), truncation)
    card = {**scores.card(), **origin(cfg.seed, truncation), "step": trained.origin["step"]}
    return Scored(scores.compute(), card)
