"""`atelier stylize`: pictures and clips in the style of others."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from atelier.cli.exit_code import exit_with
from atelier.cli.numbers import LAST_SEED_OF_TORCH, bytes_of
from atelier.cli.options import Checkpoint, EncoderName, MaxMemory, Steps
from atelier.errors import UserError


# As long as its options are many: Typer reads them from the signature, and --help lists them in its order.
def stylize(
    context: typer.Context,
    method: Annotated[
        str,
        typer.Argument(
            metavar="METHOD",
            help="gatys (slow: each picture is optimised), wct (quick; needs `atelier weights join` once), or the "
            "folder of a run that learned to stylise.",
        ),
    ],
    content: Annotated[
        list[Path],
        typer.Option(metavar="PATH", help="A picture, a clip, or a folder of pictures; may be repeated."),
    ],
    style: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STYLE",
            help="A picture; a folder, for each of its pictures in turn; 'gan:RUN?seed=7', for an image of a trained "
            "generator; or the name of a style that the run has learned, or a file of that name. May be repeated to "
            "mix styles, then also as STYLE:WEIGHT.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the results [default: one in stylised/ named by what was asked]."),
    ] = None,
    strength: Annotated[
        float,
        typer.Option(min=0, max=1, help="From 0, the content unchanged (8 bits, at --size), to 1, all of the style."),
    ] = 1.0,
    preserve_color: Annotated[
        str | None, typer.Option(help="Keep the content's colours: luminance, coral or histogram.")
    ] = None,
    mask: Annotated[
        Path | None,
        typer.Option(
            help="A picture of the content's size with a colour for each --style's region, the darkest for the first."
        ),
    ] = None,
    size: Annotated[
        int | None, typer.Option(min=16, help="Longer side of the result [default: the content's own; 512 for gatys].")
    ] = None,
    style_size: Annotated[
        int | None,
        typer.Option(min=16, help="Longer side of the style pictures; larger gives larger strokes [default: 512]."),
    ] = None,
    steps: Steps = None,
    distance: Annotated[
        str | None,
        typer.Option(
            help="How styles are compared (gatys only): gram, moments, wasserstein or sliced [default: gram]."
        ),
    ] = None,
    style_weight: Annotated[
        float | None,
        typer.Option(min=0, help="Weight of the style; the content's is 1 (gatys only) [default: 100]."),
    ] = None,
    variation_weight: Annotated[
        float | None,
        typer.Option(min=0, help="Weight of smoothness; larger gives smoother pictures (gatys only) [default: 0.02]."),
    ] = None,
    encoder: EncoderName = None,
    weights: Annotated[
        Path | None,
        typer.Option(help="The encoder's file [default: the one in the weights' folder, see `atelier weights list`]."),
    ] = None,
    suffix: Annotated[
        str | None, typer.Option("--format", help="png, jpg, webp or tiff [default: the content's, or else png].")
    ] = None,
    max_memory: MaxMemory = "2GiB",
    seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=LAST_SEED_OF_TORCH,
            help="Random seed; matters only where something is drawn by chance (--distance sliced, or a network of "
            "one's own) [default: 0].",
        ),
    ] = None,
    checkpoint: Checkpoint = None,
) -> None:
    """Write each content in each style, a picture apiece, and beside their folder a sheet of them.

    What cannot be read is reported and left out; the exit code is the number of pictures that failed, at most 100.
    """
    _refuse_unnamed(context.args)
    from atelier.cli.styling.request import Request
    from atelier.cli.styling.settings import Settings
    from atelier.cli.styling.stylizing import Stylizing

    request = Request(out, strength, preserve_color, mask, size, style_size, suffix, seed)
    settings = Settings(
        bytes_of(max_memory), encoder, weights, steps, checkpoint, distance, style_weight, variation_weight
    )
    job = Stylizing(method, request, settings)
    failed = job.run(content, style or [])
    typer.echo(job.told)
    exit_with(failed)


def _refuse_unnamed(words: Sequence[str]) -> None:
    """What `--content *.jpg` becomes of the second picture on."""
    if words:
        more = f"{words[0]!r}" + (f" and {len(words) - 1} more" if len(words) > 1 else "")
        raise UserError(
            f"{more} {'belongs' if len(words) == 1 else 'belong'} to no option: --content and --style take one path "
            "each; repeat the option, or name a folder"
        )
