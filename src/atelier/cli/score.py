"""`atelier score`: any folder of images against any other, or a run against a folder."""

import json
from pathlib import Path
from typing import Annotated

import typer

DEFAULT = "fid,kid,is,precision_recall,density_coverage"


def score(
    real: Annotated[Path, typer.Option(help="Folder of the real images.")],
    fake: Annotated[Path, typer.Option(help="Folder of the generated images, or a run folder.")],
    metrics: Annotated[str, typer.Option(help="The network: embedded, inception, dinov2, or one of torchvision's.")] = (
        "embedded"
    ),
    scores: Annotated[str, typer.Option(help="Which, with commas; also fid_interval and intra_fid.")] = DEFAULT,
    weights: Annotated[Path | None, typer.Option(help="The network's file [default: downloaded once].")] = None,
    resize: Annotated[str | None, typer.Option(help="tf1 or antialias [default: tf1 for inception].")] = None,
    count: Annotated[int, typer.Option(min=2, help="Images that a run makes.")] = 5000,
    seed: Annotated[int, typer.Option(help="Of the images that a run makes, as in `atelier sample`.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one object with `scores` and `card`.")] = False,
) -> None:
    """Score images of any origin with the code that scores a training.

    Every image counts as it is; of 8 bits, in its own size. Scores of other cards do not compare.
    """
    from atelier.cli.folders import score_folders
    from atelier.cli.sheets import print_scores

    names = [name.strip() for name in scores.split(",") if name.strip()]
    found = score_folders(real, fake, metrics, names, weights, resize, count, seed)
    if as_json:
        print(json.dumps(found._asdict(), indent=2))  # noqa: T201
    else:
        print_scores(found)
