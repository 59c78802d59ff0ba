"""Arguments and options that several commands have, each declared once."""

from pathlib import Path
from typing import Annotated

import typer

from atelier.cli.numbers import LAST_SEED

GeneratorRun = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run that learned to make images.")]
Inputs = Annotated[list[Path], typer.Argument(metavar="INPUT", help="Pictures, or folders of pictures.")]

ScoresAsJson = Annotated[
    bool, typer.Option("--json", help="Print JSON: an object with `scores` and `card`, which says how they were made.")
]

Checkpoint = Annotated[Path | None, typer.Option(help="Checkpoint file to use [default: the run's best].")]

SampleSeed = Annotated[int, typer.Option(min=0, max=LAST_SEED, help="The seed of `atelier sample`.")]
Label = Annotated[str | None, typer.Option(help="The class to draw them in, by name or number.")]
Truncation = Annotated[float | None, typer.Option(help="Truncation, as in `atelier sample` [default: none].")]

Tile = Annotated[
    int, typer.Option(min=16, help="Pixels a side that are drawn at once; smaller tiles need less memory.")
]
Overlap = Annotated[int, typer.Option(min=0, help="Pixels that neighbouring tiles share, at most half a tile.")]

Steps = Annotated[int | None, typer.Option(min=1, help="Optimisation steps (gatys only) [default: 300].")]
EncoderName = Annotated[
    str | None,
    typer.Option(
        help="Network to look by (gatys; wct has vgg19_slim alone): vgg19, vgg19_estimated, vgg19_slim, "
        "vgg19_normalised or embedded [default: the best at hand]."
    ),
]
MaxMemory = Annotated[str, typer.Option(help="Memory for one picture; larger pictures are processed in tiles.")]
