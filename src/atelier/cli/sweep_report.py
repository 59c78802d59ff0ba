"""`atelier sweep-report`: how a sweep stands, and which of its groups is best."""

from pathlib import Path
from typing import Annotated

import typer

from atelier.strict_json import to_json

PAGE, PICTURE = "report.md", "report.png"


def sweep_report(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of a sweep.")],
    metric: Annotated[
        str | None,
        typer.Option(help="Which score, such as fid or precision [default: the one that chose the best checkpoints]."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help=f"A folder for {PAGE} and {PICTURE} [default: the sweep's; with --json none].")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all jobs as JSON.")] = False,
) -> None:
    """Tabulate and plot a sweep, whether it is over or not: scores with their spread over seeds, best first.

    Jobs that are not over or failed are listed with the reason. Runs that were pruned or are not over have no part in
    the means.
    """
    from rich.console import Console

    from atelier.cli.comparing.plots import is_plot
    from atelier.cli.sweep.plot import CREATOR, plot
    from atelier.cli.sweep.report import report
    from atelier.cli.sweep.sheet import is_page, left_out, markdown, sheet, unfinished
    from atelier.cli.writable import refuse_another, refuse_unwritable
    from atelier.files import write_text

    found = report(folder, metric)
    if as_json:
        typer.echo(to_json(found.record()))
    else:
        Console().print(sheet(found))
        for line in [f"{len(found.rows)} jobs: {found.counts}", *unfinished(found), *left_out(found)]:
            typer.echo(line)
        if found.unlike:
            typer.echo("not ranked, for the scores are of different kinds: " + "; ".join(found.unlike), err=True)
    if as_json and out is None:
        return
    where = folder if out is None else out
    refuse_unwritable(where)
    if out is not None:  # in the sweep's own folder nobody else's is
        refuse_another(where / PICTURE, lambda path: is_plot(path, CREATOR))
        refuse_another(where / PAGE, lambda path: is_page(path, PICTURE))
    plot(found, where / PICTURE)
    write_text(where.absolute() / PAGE, markdown(found, PICTURE))
    if not as_json:
        typer.echo(f"{where / PAGE} has this with a plot")
