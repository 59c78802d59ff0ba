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
from atelier.metrics.extractors.base import BATCH, Extractor
from atelier.metrics.scoring import Scores
from atelier.run_folder import CONFIG

USUAL = ("fid", "kid", "is", "precision_recall", "density_coverage")

SPLITS, NEIGHBOURS = 10, 5
"""As in training; of few images there are fewer."""

FEWEST = 3
"""Images of either side, which KID needs."""


def score_folders(
    real: Path,
    fake: Path,
    metrics: str,
    scores: Sequence[str] | None,
    weights: Path | None,
    resize: str | None,
    count: int,
    seed: int,
) -> Scored:
    """Of a folder, or of `count` images of a run, against a folder; None are the USUAL scores that the network has.

    Raises UserError for what cannot be compared.
    """
    network = _extractor(metrics, weights, resize)
    reals = _gallery(real, "--real")
    if (fake / CONFIG).is_file():
        return _score_run(reals, fake, _scores(network, scores, count, len(reals)), seed)
    fakes = _gallery(fake, "--fake")
    panel = _scores(network, scores, len(fakes), len(reals))
    panel.prepare(reals, _device(), reals.classes)
    labels, start = fakes.labels_among(reals.classes), 0
    for batch in watched(fakes.batches(BATCH), f"looking at {fake.name}", -(-len(fakes) // BATCH)):
        numbers = torch.arange(start, start + len(batch))
        panel.update(batch, numbers, None if labels is None else labels[numbers])
        start += len(batch)
    return Scored(panel.compute(), {**panel.card(), "real": str(real), "fake": str(fake), "fake_key": fakes.key})


def _score_run(reals: Gallery, run: Path, panel: Scores, seed: int) -> Scored:
    trained = Trained(run)
    known = tuple(trained.names) == reals.classes  # or the labels of the one mean nothing in the other
    panel.prepare(reals, trained.task.device, reals.classes if known else ())
    show(panel, trained.task, seed, range(panel.count))
    origin = {"fake": str(run), "step": trained.origin["step"], "average": True, "truncation": None, "seed": seed}
    return Scored(panel.compute(), {**panel.card(), "real": str(reals.root), **origin})


def _gallery(root: Path, option: str) -> Gallery:
    gallery = Gallery(root, option)
    if len(gallery) < FEWEST:
        raise UserError(f"{option}: scores need {FEWEST} images of each side at least, got {len(gallery)}")
    return gallery


def _extractor(metrics: str, weights: Path | None, resize: str | None) -> Extractor:
    try:
        return extractor(metrics, None if weights is None else str(weights), resize)
    except ValueError as error:  # constructors name the argument, which is the option
        raise UserError(f"--{error}") from error


def _scores(network: Extractor, scores: Sequence[str] | None, count: int, reals: int) -> Scores:
    chosen = [name for name in USUAL if name != "is" or network.classes is not None] if scores is None else scores
    try:
        return Scores(network, chosen, count, min(SPLITS, count), min(NEIGHBOURS, count - 1, reals - 1))
    except ValueError as error:
        raise UserError(f"--{error}") from error


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
