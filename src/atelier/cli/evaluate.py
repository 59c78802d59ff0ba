"""`atelier evaluate`: the scores of a run again, with their protocol."""

import json
from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    run: Annotated[Path, typer.Argument(help="The run folder.")],
    checkpoint: Annotated[Path | None, typer.Option(help="[default: the run's best]")] = None,
    count: Annotated[int | None, typer.Option(min=2, help="Generated images [default: as in training].")] = None,
) -> None:
    """Score a checkpoint with the run's own metrics; print one JSON object with `scores` and `card`."""
    import torch

    from atelier import run as runs
    from atelier.callbacks.scores import sample_into
    from atelier.config import build
    from atelier.errors import UserError
    from atelier.hashing import mix

    task, cfg, content = runs.load(run, checkpoint)
    if not cfg.metrics:
        raise UserError(f"metrics: {run} was made with metrics=none: there is nothing to evaluate")
    if count is not None:
        cfg.metrics.count, cfg.metrics.splits = count, min(count, cfg.metrics.splits)
    scores = build(cfg.metrics, "metrics")
    data = build(cfg.data, "data")
    data.prepare()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    scores.prepare(data.train_pixels, device)
    sample_into(scores, task.to(device), scores.count, mix(cfg.seed, 0))  # type: ignore[arg-type]
    origin = {"step": content["global_step"], "average": True, "seed": cfg.seed}
    print(json.dumps({"scores": scores.compute(), "card": {**scores.card(), **origin}}, indent=2))  # noqa: T201
