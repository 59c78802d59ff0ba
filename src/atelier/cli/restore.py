"""`atelier restore`: damaged pictures into whole ones."""

from pathlib import Path
from typing import Annotated

import typer

from atelier.translate.tiles import OVERLAP, SIDE


def restore(
    run: Annotated[Path, typer.Argument(help="The folder of a run that learned from damaged pictures and whole ones.")],
    inputs: Annotated[list[Path], typer.Argument(metavar="INPUT...", help="Pictures, or folders of pictures.")],
    mask: Annotated[
        Path | None,
        typer.Option(
            help="White where a picture is lost; all else stays exactly as it was. A file, or a folder with masks "
            "of the pictures' names."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for what comes out; by default one in restored/ named by what was asked."),
    ] = None,
    tile: Annotated[int, typer.Option(min=16, help="Pixels a side that are drawn at once.")] = SIDE,
    overlap: Annotated[int, typer.Option(min=0, help="Pixels that neighbouring tiles share.")] = OVERLAP,
    suffix: Annotated[
        str | None, typer.Option("--format", help="png, jpg, webp or tiff [default: tiff of a tiff, or else png].")
    ] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="[default: the run's best]")] = None,
) -> None:
    """Write each picture as a run's network restores it, and beside their folder a sheet of them.

    Runs that enlarge make pictures of two or four times the size. What cannot be read is told and left out; the exit
    code is the number of pictures that failed.
    """
    from atelier.cli import translating

    job = translating.restore(run, checkpoint, mask, translating.Request(out, tile, overlap, suffix))
    failed = job.run(inputs)
    typer.echo(job.told)
    if failed:
        raise typer.Exit(min(failed, 100))
