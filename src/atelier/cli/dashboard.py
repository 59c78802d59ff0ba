"""`atelier dashboard`: the team's view of a W&B project."""

import json
from pathlib import Path
from typing import Annotated

import typer

from atelier.errors import UserError
from atelier.files import write_text

SCORE = "embedded_frechet_distance"


def dashboard(
    entity: Annotated[str, typer.Option(help="The team, or the account, that the project is of.")],
    project: Annotated[str, typer.Option(help="As in logger.wandb.project.")] = "atelier",
    score: Annotated[str, typer.Option(help="The score that runs are ranked by, such as fid or recall.")] = SCORE,
    out: Annotated[Path | None, typer.Option(help="A JSON file, instead of W&B's server: needs no account.")] = None,
) -> None:
    """Lay out a W&B project: scores, losses, grids and health, with runs by their sweep. Adds a view to it."""
    from atelier.cli.comparing.standings import PREFIX, is_high
    from atelier.cli.writable import refuse_another, refuse_unwritable
    from atelier.record.dashboard import dashboard as laid_out
    from atelier.record.dashboard import is_serialised, save, serialised

    if out is not None:
        if out.is_dir():
            raise UserError(f"--out: must be a file, and {str(out)!r} is a folder")
        refuse_unwritable(out.parent)
        refuse_another(out, is_serialised)
    name = score.removeprefix(PREFIX)
    workspace = laid_out(entity, project, f"{PREFIX}{name}", is_high(name))
    if out is None:
        typer.echo(save(workspace))
        return
    write_text(out, json.dumps(serialised(workspace), indent=2) + "\n")
    typer.echo(out)
