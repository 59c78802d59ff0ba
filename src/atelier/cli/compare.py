"""`atelier compare`: runs side by side, ranked where their scores are of one kind."""

from pathlib import Path
from typing import Annotated

import typer

FORMATS = (".png", ".svg", ".pdf")
PLOT = "compare.png"


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUNS", help="Folders of runs.")],
    metric: Annotated[
        str | None,
        typer.Option(help="Which score, such as fid or precision [default: the one that chose the best checkpoint]."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help=f"Where the plot goes: a PNG, SVG or PDF [default: {PLOT}; with --json nowhere]."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of the table.")] = False,
) -> None:
    """Tabulate and plot a score of several runs, best first.

    Scores that were made in different ways are shown, but not ranked: the command then ends with an error that names
    the difference.
    """
    from rich.console import Console

    from atelier.cli.comparing.curves import CREATOR, plot
    from atelier.cli.comparing.plots import is_plot
    from atelier.cli.comparing.standings import differences, entries, metric_of, ranked, record, sheet
    from atelier.cli.writable import refuse_another, refuse_unwritable
    from atelier.errors import UserError
    from atelier.strict_json import to_json
    from atelier.wording import listed

    out = Path(PLOT) if out is None and not as_json else out
    if out is not None:
        if out.suffix.lower() not in FORMATS or out.is_dir():
            raise UserError(f"--out: must be a file that ends in one of {listed(FORMATS)}, got {str(out)!r}")
        refuse_unwritable(out.parent)
        refuse_another(out, lambda path: is_plot(path, CREATOR))
    found = entries(runs)
    name = metric_of(found, metric)
    unlike = differences(found, name)
    shown = found if unlike else ranked(found, name)
    if as_json:
        typer.echo(to_json(record(shown, name, unlike)))
    else:
        Console().print(sheet(shown, name, numbered=not unlike))
    if out is not None:
        plot(shown, name, out)
    if not as_json:
        typer.echo(f"{out} has the curves")
    if unlike:
        raise UserError("not ranked, for the scores are of different kinds: " + "; ".join(unlike))
