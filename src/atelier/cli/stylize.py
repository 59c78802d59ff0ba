"""`atelier stylize`: pictures and clips in the style of others."""

from pathlib import Path
from typing import Annotated

import typer

from atelier.cli.numbers import LAST_SEED_OF_TORCH
from atelier.errors import UserError


# As long as its options are many: Typer reads them from the signature, and --help lists them in its order.
def stylize(
    method: Annotated[str, typer.Argument(help="gatys, wct, or the folder of a run that learned to stylise.")],
    content: Annotated[list[Path], typer.Option(help="Pictures, clips, or folders of pictures; may be repeated.")],
    style: Annotated[
        list[str] | None,
        typer.Option(
            help="A picture, PATH:WEIGHT where several are mixed, a folder for each of its pictures in turn, "
            "'gan:RUN?seed=7' for a trained generator's, or the name of one that the run has learned, or a file "
            "of that name."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for what comes out; by default one in stylised/ named by what was asked."),
    ] = None,
    strength: Annotated[float, typer.Option(min=0, max=1, help="From 0, the content as it is, to 1.")] = 1.0,
    preserve_color: Annotated[
        str | None, typer.Option(help="Keep the content's colours: luminance, coral or histogram.")
    ] = None,
    mask: Annotated[
        Path | None, typer.Option(help="A picture with a colour for each style's region, the darkest first.")
    ] = None,
    size: Annotated[
        int | None, typer.Option(min=16, help="Pixels of the longer side [default: the content's own; 512 for gatys].")
    ] = None,
    style_size: Annotated[
        int | None, typer.Option(min=16, help="The same of styles: larger, and strokes are larger [default: 512].")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Of gatys [default: 300].")] = None,
    distance: Annotated[
        str | None,
        typer.Option(help="Of gatys, what style is: gram, moments, wasserstein or sliced [default: gram]."),
    ] = None,
    style_weight: Annotated[float | None, typer.Option(min=0, help="Of gatys [default: 100; content has 1].")] = None,
    variation_weight: Annotated[
        float | None, typer.Option(min=0, help="Of gatys: more, and the picture is smoother [default: 0.02].")
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(help="Of gatys: vgg19, vgg19_slim, vgg19_normalised or embedded [default: the best at hand]."),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="The encoder's file [default: that of the weights' folder].")
    ] = None,
    suffix: Annotated[
        str | None, typer.Option("--format", help="png, jpg, webp or tiff [default: the content's, or else png].")
    ] = None,
    max_memory: Annotated[str, typer.Option(help="For the picture itself: larger ones are done in tiles.")] = "2GiB",
    seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=LAST_SEED_OF_TORCH,
            help="Of what is drawn by chance: by gatys with --distance sliced, by a network of one's own [default: 0].",
        ),
    ] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="Of a run [default: its best].")] = None,
) -> None:
    """Write each content in each style, a picture apiece, and beside their folder a sheet of them.

    What cannot be read is told and left out; the exit code is the number of pictures that failed.
    """
    from atelier.cli.settings import Settings
    from atelier.cli.stylize_request import Request
    from atelier.cli.stylizing import Stylizing

    request = Request(out, strength, preserve_color, mask, size, style_size, suffix, seed)
    settings = Settings(
        bytes_of(max_memory), encoder, weights, steps, checkpoint, distance, style_weight, variation_weight
    )
    job = Stylizing(method, request, settings)
    failed = job.run(content, style or [])
    typer.echo(job.told)
    if failed:
        raise typer.Exit(min(failed, 100))


def bytes_of(text: str) -> int:
    """Of `4GiB`, `500MB` or a plain number. Raises UserError."""
    units = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
    number = text.rstrip("BbGgIiKkMm ")
    unit = text[len(number) :].strip().upper()
    try:
        found = float(number) * units[unit]
    except (ValueError, KeyError):
        found = 0
    if not 1 <= found < float("inf"):
        raise UserError(f"--max-memory: must be like 4GiB or 500MB, got {text!r}")
    return int(found)
