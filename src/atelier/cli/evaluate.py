"""`atelier evaluate`: the scores of a run again, with their protocol."""

from pathlib import Path
from typing import Annotated

import typer

from atelier.cli.options import Checkpoint, ScoresAsJson, Truncation


def evaluate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")],
    checkpoint: Checkpoint = None,
    count: Annotated[
        int | None, typer.Option(min=2, help="How many pictures to score [default: as in training].")
    ] = None,
    truncation: Truncation = None,
    as_json: ScoresAsJson = False,
) -> None:
    """Score a checkpoint with the run's own metrics.

    `atelier score` compares with other pictures than the run's own.
    """
    from atelier.cli.scoring.runs import score_run
    from atelier.cli.scoring.tables import tell

    tell(score_run(run, checkpoint, count, truncation), as_json)
