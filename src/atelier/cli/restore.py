"""`atelier restore`: damaged pictures into whole ones."""

from pathlib import Path
from typing import Annotated

import typer

from atelier.cli.exit_code import exit_with
from atelier.cli.options import Checkpoint, Inputs, Overlap, Tile
from atelier.translate.tiles import OVERLAP, SIDE


def restore(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run that learned to restore pictures.")],
    inputs: Inputs,
    mask: Annotated[
        Path | None,
        typer.Option(
            help="A picture that is white where something is lost; all else keeps its colours, of 8 bits, and "
            "its transparency. Or a folder with one mask for each picture, of the same name."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the results [default: one in restored/ named by what was asked]."),
    ] = None,
    tile: Tile = SIDE,
    overlap: Overlap = OVERLAP,
    suffix: Annotated[
        str | None, typer.Option("--format", help="png, jpg, webp or tiff [default: tiff for a tiff, or else png].")
    ] = None,
    checkpoint: Checkpoint = None,
) -> None:
    """Write each picture as a run's network restores it, and beside their folder a sheet of them.

    Runs that learned to enlarge make pictures of two or four times the size. What cannot be read is reported and left
    out; the exit code is the number of pictures that failed, at most 100.
    """
    from atelier.cli.translation import translating

    job = translating.restore(run, checkpoint, mask, translating.Request(out, tile, overlap, suffix))
    failed = job.run(inputs)
    typer.echo(job.told)
    exit_with(failed)
