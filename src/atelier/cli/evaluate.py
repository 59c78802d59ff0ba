"""`atelier evaluate`: the scores of a run again, with their protocol."""

from pathlib import Path
from typing import Annotated

import typer

from atelier.cli.options import Checkpoint, Truncation
from atelier.strict_json import to_json


def evaluate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")],
    checkpoint: Checkpoint = None,
    count: Annotated[
        int | None, typer.Option(min=2, help="How many pictures to score [default: as in training].")
    ] = None,
    truncation: Truncation = None,
) -> None:
    """Score a checkpoint with the run's own metrics; print one JSON object with `scores` and `card`.

    `atelier score` compares with other pictures than the run's own.
    """
    from atelier.cli.scoring.runs import score_run

    typer.echo(to_json(score_run(run, checkpoint, count, truncation)._asdict()))
