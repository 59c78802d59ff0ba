"""`atelier evaluate`: the scores of a run again, with their protocol."""

from pathlib import Path
from typing import Annotated

import typer

from atelier.strict_json import to_json


def evaluate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")],
    checkpoint: Annotated[Path | None, typer.Option(help="Checkpoint file to use [default: the run's best].")] = None,
    count: Annotated[
        int | None, typer.Option(min=2, help="How many pictures to score [default: as in training].")
    ] = None,
    truncation: Annotated[
        float | None, typer.Option(help="Truncation, as in `atelier sample` [default: none].")
    ] = None,
) -> None:
    """Score a checkpoint with the run's own metrics; print one JSON object with `scores` and `card`.

    `atelier score` compares with other pictures than the run's own.
    """
    from atelier.cli.scoring.runs import score_run

    typer.echo(to_json(score_run(run, checkpoint, count, truncation)._asdict()))
