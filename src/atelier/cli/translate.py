"""`atelier translate`: pictures into what a run has learned to make of them."""

from pathlib import Path
from typing import Annotated

import typer

from atelier.cli.exit_code import exit_with
from atelier.cli.options import Checkpoint, Inputs, Overlap, Tile
from atelier.translate.tiles import OVERLAP, SIDE


def translate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run that learned to translate pictures.")],
    inputs: Inputs,
    direction: Annotated[
        str | None,
        typer.Option(
            help="Which way: to_style or to_content for cyclegan, to_style for cut, to_target for pix2pix and "
            "restorers [default: the first of these]."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the results [default: one in translated/ named by what was asked]."),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(min=16, help="Longer side in pixels; the picture is resized first [default: the picture's own]."),
    ] = None,
    tile: Tile = SIDE,
    overlap: Overlap = OVERLAP,
    suffix: Annotated[
        str | None, typer.Option("--format", help="png, jpg, webp or tiff [default: the picture's, or else png].")
    ] = None,
    checkpoint: Checkpoint = None,
) -> None:
    """Write what a run's network makes of each picture, and beside their folder a sheet of them.

    What cannot be read is reported and left out; the exit code is the number of pictures that failed, at most 100.
    """
    from atelier.cli.translation import translating

    request = translating.Request(out, tile, overlap, suffix, size)
    job = translating.translate(run, checkpoint, direction, request)
    failed = job.run(inputs)
    typer.echo(job.told)
    exit_with(failed)
