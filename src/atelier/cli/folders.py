"""Scores of folders of images."""

from collections.abc import Sequence
from pathlib import Path

import torch

from atelier.callbacks.scores import show
from atelier.cli.scored import Scored
from atelier.cli.trained import Trained
from atelier.data.gallery import Gallery
from atelier.data.progress import watched
from atelier.errors import UserError
from atelier.metrics.choices import extractor
from atelier.metrics.scoring import Scores
from atelier.run_folder import CONFIG

BATCH = 64


def score_folders(
    real: Path,
    fake: Path,
    metrics: str,
    scores: Sequence[str],
    weights: Path | None,
    resize: str | None,
    count: int,
    seed: int,
) -> Scored:
    """Of a folder, or of `count` images of a run, against a folder. Raises UserError for what cannot be compared."""
    reals = Gallery(real, "--real")
    if (fake / CONFIG).is_file():
        return _score_run(reals, fake, _scores(metrics, scores, weights, resize, count), seed)
    fakes = Gallery(fake, "--fake")
    panel = _scores(metrics, scores, weights, resize, len(fakes))
    panel.prepare(reals, _device(), reals.classes)
    labels, start = fakes.labels_among(reals.classes), 0
    for batch in watched(fakes.batches(BATCH), f"looking at {fake.name}", -(-len(fakes) // BATCH)):
        numbers = torch.arange(start, start + len(batch))
        panel.update(batch, numbers, None if labels is None else labels[numbers])
        start += len(batch)
    return Scored(panel.compute(), {**panel.card(), "real": str(real), "fake": str(fake), "fake_key": fakes.key})


def _score_run(reals: Gallery, run: Path, panel: Scores, seed: int) -> Scored:
    trained = Trained(run)
    panel.prepare(reals, trained.task.device, reals.classes)
    show(panel, trained.task, seed, range(panel.count))
    origin = {"fake": str(run), "step": trained.origin["step"], "average": True, "truncation": None, "seed": seed}
    return Scored(panel.compute(), {**panel.card(), "real": str(reals.root), **origin})


def _scores(metrics: str, scores: Sequence[str], weights: Path | None, resize: str | None, count: int) -> Scores:
    try:
        file = None if weights is None else str(weights)
        return Scores(extractor(metrics, weights=file, kernel=resize), scores, count)
    except ValueError as error:  # constructors name the argument, which is the option
        raise UserError(f"--{error}") from error


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
