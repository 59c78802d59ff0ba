"""Scores of a run's generator with the metrics it was trained under."""

from pathlib import Path
from typing import Any, NamedTuple

import torch

from atelier import run as runs
from atelier.callbacks.scores import origin, show
from atelier.config import build
from atelier.errors import UserError


class Scored(NamedTuple):
    scores: dict[str, float]
    card: dict[str, Any]


def score_run(run: Path, checkpoint: Path | None, count: int | None, truncation: float | None) -> Scored:
    """Raises UserError for what is no run folder, or a run without metrics."""
    task, cfg, content = runs.load(run, checkpoint)
    if not cfg.metrics:
        raise UserError(f"metrics: {run} was made with metrics=none: there is nothing to evaluate")
    if count is not None:
        cfg.metrics.count = count
        if "splits" in cfg.metrics:
            cfg.metrics.splits = min(count, cfg.metrics.splits)
    scores, data = build(cfg.metrics, "metrics"), build(cfg.data, "data")
    data.prepare()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    scores.prepare(data.train_pixels, device, data.classes)
    show(scores, task.to(device), cfg.seed, range(scores.count), truncation)  # type: ignore[arg-type]  # a sampler
    card = {**scores.card(), **origin(cfg.seed, truncation), "step": content["global_step"]}
    return Scored(scores.compute(), card)
