"""Scores of a run's checkpoint with the metrics it was trained under."""

from pathlib import Path
from typing import Any, NamedTuple

from omegaconf import DictConfig

from atelier import run as runs
from atelier.callbacks.choices import refuse_misfit, scoring_of
from atelier.callbacks.scores import ScoreSamples
from atelier.cli.devices import device
from atelier.cli.trained import Trained
from atelier.cli.training_data import prepare_again
from atelier.config import build
from atelier.data.endless import EndlessData
from atelier.errors import ConfigError, UserError
from atelier.failures import one_line
from atelier.metrics.scores.catalogue import Options, tell_reduced


class Scored(NamedTuple):
    scores: dict[str, float]
    card: dict[str, Any]


def score_run(run: Path, checkpoint: Path | None, count: int | None, truncation: float | None) -> Scored:
    """Raises UserError for what is no run folder, a run without metrics or one whose pictures are others now; for a
    truncation of no generator too.
    """
    loaded = task, cfg, content = runs.load(run, checkpoint)
    if truncation is not None:  # a bad one is refused before anything slow
        trained = Trained(run, loaded=loaded)
        trained.styles(trained.draw(cfg.seed, [0]), truncation)
    if not cfg.metrics:
        raise UserError(f"metrics: {run} was made with metrics=none: there is nothing to evaluate")
    metrics = build(cfg.metrics, "metrics") if count is None else _of_count(count, cfg.metrics)
    scoring = scoring_of(metrics, cfg.seed)
    if isinstance(scoring, ScoreSamples):
        scoring.truncation = truncation
    data: EndlessData = build(cfg.data, "data")
    scoring.metrics.fetch()
    prepare_again(data, run, "; atelier score --real FOLDER --fake … compares with any others")
    refuse_misfit(scoring, task, data)
    scoring.refuse_unfit(data)
    scoring.prepare(data, device())
    scores = scoring.measure(task.to(device()))
    return Scored(scores, {**scoring.card(), "step": content["global_step"]})


def _of_count(count: int, metrics: DictConfig) -> Any:
    """The run's metrics of so many pictures. Raises UserError that names the option where these are too few."""
    usual = Options(splits=metrics.get("splits", 1))
    options = Options(splits=min(count, usual.splits))
    metrics.count = count
    if "splits" in metrics:
        metrics.splits = options.splits
    try:
        built = build(metrics, "metrics")
    except ConfigError as error:
        key, _, text = one_line(error).partition(": ")
        if key != "metrics.count":
            raise
        raise UserError(f"--count: {text}") from error
    tell_reduced(metrics.get("scores", ()), usual, options)
    return built
