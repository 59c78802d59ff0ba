"""`atelier leaderboard`: ways of stylising side by side, over the same contents and styles."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from atelier.cli.exit_code import exit_with
from atelier.cli.numbers import LAST_SEED_OF_TORCH, bytes_of
from atelier.cli.options import EncoderName, MaxMemory, Steps
from atelier.cli.scoring.measures import MEASURES, names_in
from atelier.strict_json import to_json


# As long as its options are many: Typer reads them from the signature, and --help lists them in its order.
def leaderboard(
    methods: Annotated[
        list[str],
        typer.Argument(metavar="METHOD", help="gatys, wct, or folders of runs; NAME=METHOD names one on the board."),
    ],
    content: Annotated[Path, typer.Option(help="Folder of the pictures to stylise.")],
    style: Annotated[Path, typer.Option(help="Folder of the style pictures.")],
    size: Annotated[int, typer.Option(min=75, help="Pixels a side of the squares that all pictures become.")] = 512,
    measures: Annotated[
        str,
        typer.Option(
            help="Which scores, separated by commas; the first ranks. Also artfid, lpips, cfsd, style_distance… "
            f"[default: {MEASURES.replace(',', ', ')}].",
            show_default=False,  # a line breaks at spaces, and in the midst of a word without them
        ),
    ] = MEASURES,
    out: Annotated[
        Path | None,
        typer.Option(help="A new folder for the pictures, board.json, board.png and plot.png [default: none is kept]."),
    ] = None,
    steps: Steps = None,
    encoder: EncoderName = None,
    weights: Annotated[
        Path | None,
        typer.Option(help="The encoder's file, for gatys and wct [default: the one in the weights' folder]."),
    ] = None,
    max_memory: MaxMemory = "2GiB",
    seed: Annotated[
        int,
        typer.Option(
            min=0, max=LAST_SEED_OF_TORCH, help="Random seed; matters only where something is drawn by chance."
        ),
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, as in board.json.")] = False,
) -> None:
    """Score methods on every content in every style, with intervals, and measure their time and memory.

    A method that fails is reported, and so is a picture that cannot be read; the others go on, and the exit code is
    the number of both. A method that knows only the styles it has learned is scored on those of them that --style has,
    by their files' names, and stands below the others.
    """
    from atelier.cli.board.contest import Contest, entrants, refuse_unheeded
    from atelier.cli.board.unfinished import cleared
    from atelier.cli.styling.settings import Settings

    settings = Settings(bytes_of(max_memory), encoder, weights, steps)
    named = entrants(methods)
    refuse_unheeded(named, settings)
    contest = Contest(content, style, size, names_in(measures), settings, seed)
    with cleared(out, named) if out else nullcontext() as place:
        failed = contest.hold(named, place)
    if as_json:
        typer.echo(to_json(contest.record()))
    else:
        from atelier.cli.board.sheet import print_sheet

        print_sheet(contest.rows)
    exit_with(failed)
