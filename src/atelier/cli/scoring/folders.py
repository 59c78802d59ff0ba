"""Scores of folders of images."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

from atelier.callbacks.scores import show
from atelier.cli.devices import device
from atelier.cli.scoring.galleries import SAMPLED, gallery_at
from atelier.cli.scoring.runs import Scored
from atelier.cli.trained import Trained
from atelier.data.gallery import Gallery
from atelier.data.progress import watched
from atelier.errors import UserError
from atelier.metrics.choices import extractor
from atelier.metrics.extractors.base import BATCH, Extractor
from atelier.metrics.scores.catalogue import SCORES, Options, tell_reduced
from atelier.metrics.scoring import Scores
from atelier.run_folder import CONFIG
from atelier.wording import listed

USUAL = ("fid", "kid", "is", "precision_recall", "density_coverage")

COUNT, SEED = 5000, 0
"""Images that a run makes, and their seed, where nothing else is asked for."""

OPTIONS = {"network": "metrics", "architecture": "metrics"}
"""What a constructor's argument is called on the command line, where its name is another."""


TAKEN = "--fake takes one"


def score_generated(
    real: Path, fake: Path, network: Extractor, scores: Sequence[str] | None, count: int | None, seed: int | None
) -> Scored:
    """Scores of a run or of a folder against a folder; `count` and `seed` are a run's. Raises UserError as both do."""
    if (fake / CONFIG).is_file():
        return score_run_against(real, fake, network, scores, count, seed)
    if count is not None or seed is not None:
        raise UserError(f"--{'seed' if count is None else 'count'}: is of the images of a run, and {fake} is none")
    return score_folders(real, fake, network, scores)


def score_folders(real: Path, fake: Path, network: Extractor, scores: Sequence[str] | None) -> Scored:
    """Scores of a folder against a folder; None: the USUAL that the network has, and that so many images allow.

    Raises UserError for what cannot be compared.
    """
    reals, fakes = gallery_at(real, "--real", TAKEN), gallery_at(fake, "--fake", SAMPLED)
    panel = _scores(network, scores, len(fakes), len(reals), "--fake")
    _refuse_unfit(panel, reals)
    labels = fakes.labels_among(reals.classes)
    if panel.need_classes:
        _refuse_without_classes(fakes)
        if labels is None or reals.labels is None:
            raise UserError(f"--fake: its sub-folders must be among those of --real, which are {listed(reals.classes)}")
        with _from("--real and --fake"):
            panel.refuse_labels(reals.labels, labels)
    _prepare(panel, reals)
    start = 0
    for batch in watched(fakes.batches(BATCH), f"looking at {fake.name}", -(-len(fakes) // BATCH)):
        numbers = torch.arange(start, start + len(batch))
        panel.update(batch, numbers, None if labels is None else labels[numbers])
        start += len(batch)
    return Scored(panel.compute(), {**panel.card(), "real": str(real), "fake": str(fake), "fake_key": fakes.key})


def score_run_against(
    real: Path, run: Path, network: Extractor, scores: Sequence[str] | None, count: int | None, seed: int | None
) -> Scored:
    """Scores of a run's first `count` images of a seed against a folder.

    Raises UserError for what cannot be compared.
    """
    reals, trained = gallery_at(real, "--real", TAKEN), Trained(run)
    count, seed = COUNT if count is None else count, SEED if seed is None else seed
    panel = _scores(network, scores, count, len(reals), "--count")
    _refuse_unfit(panel, reals)
    if panel.need_classes and tuple(trained.names) != reals.classes:
        known = f"which are {listed(trained.names)}" if trained.names else "which knows none by name"
        raise UserError(f"--real: its sub-folders must be the classes of {run}, {known}")
    _prepare(panel, reals)
    show(panel, trained.task, seed, range(count))
    origin = {"fake": str(run), "step": trained.origin["step"], "average": True, "truncation": None, "seed": seed}
    return Scored(panel.compute(), {**panel.card(), "real": str(real), **origin})


def extractor_of(metrics: str, weights: Path | None, resize: str | None) -> Extractor:
    """Raises UserError that names the option at fault."""
    try:
        return extractor(metrics, None if weights is None else str(weights), resize)
    except ValueError as error:
        raise _named(error) from error


def _scores(network: Extractor, scores: Sequence[str] | None, count: int, reals: int, option: str) -> Scores:
    """For few images IS has fewer splits, and a neighbourhood fewer neighbours, than in training; it is told.

    `option` is what decides how many generated images there are.
    """
    chosen = [name for name in USUAL if name != "is" or network.classes is not None] if scores is None else scores
    if not chosen:
        raise UserError(f"--scores: must be some of {listed(SCORES)}, got none")
    usual = Options()
    options = Options(min(usual.splits, count), max(1, min(usual.neighbours, count - 1, reals - 1)))
    try:
        found = Scores(network, chosen, count, options)
    except ValueError as error:
        name, _, text = str(error).partition(" ")
        if name == "count":
            raise UserError(f"{option}: too few generated images: there {text}") from error
        raise _named(error) from error
    tell_reduced(chosen, usual, options)
    return found


def _refuse_unfit(panel: Scores, reals: Gallery) -> None:
    if panel.need_classes:
        _refuse_without_classes(reals)
    with _from("--real"):
        panel.refuse_unfit(reals, reals.classes)


def _refuse_without_classes(pictures: Gallery) -> None:
    if not pictures.classes:
        raise UserError(f"{pictures.option}: intra_fid needs classes, {pictures.why_no_classes}")


@contextmanager
def _from(options: str) -> Iterator[None]:
    """What scores refuse, they refuse for trainings, too, and know of no options."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{options}: {error}") from error


def _prepare(panel: Scores, reals: Gallery) -> None:
    panel.fetch()
    panel.prepare(reals, device(), reals.classes)


def _named(error: ValueError) -> UserError:
    """Constructors begin with the name of the argument at fault."""
    name, _, text = str(error).partition(" ")
    name = name.removesuffix(":")
    return UserError(f"--{OPTIONS.get(name, name)}: {text}")
