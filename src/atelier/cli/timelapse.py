"""`atelier timelapse`: how a run learned to paint, as a moving picture."""

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from atelier.cli.pictures import animation
from atelier.errors import UserError
from atelier.run_folder import title

if TYPE_CHECKING:
    from PIL.Image import Image

FASTEST = 20
"""Frames a second. Where there are more pictures, evenly spaced ones are taken."""

CAPTION = 24
"""Pixels below the grid, for its step."""

TIMES = 0.1, 600.0
"""Seconds that the learning may take; a frame of a GIF lasts 655 at most."""

HOLD = 2.0
"""Seconds that the last frame stays."""


def timelapse(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run, with pictures in samples/.")],
    out: Annotated[Path | None, typer.Option(help="A .webp or .gif file [default: RUN/timelapse.webp].")] = None,
    seconds: Annotated[
        float, typer.Option(help="Seconds that the learning takes; the last frame stays for two more.")
    ] = 8.0,
) -> None:
    """Turn a run's sample grids into one moving picture."""
    out = out or run / "timelapse.webp"
    animation.refuse_other_suffixes(out)
    shortest, longest = TIMES
    if not shortest <= seconds <= longest:
        raise UserError(f"--seconds: must be from {shortest:g} to {longest:g}, got {seconds}")
    pictures = _choose(_pictures(run), seconds)
    animation.refuse_another(out, lambda note: isinstance(note.get("steps"), list))
    _save(pictures, out, _durations(len(pictures), seconds), title(run))
    typer.echo(out)


def _pictures(run: Path) -> list[Path]:
    if not run.is_dir():
        raise UserError(f"RUN: no such folder: {str(run)!r}")
    pictures = sorted((path for path in (run / "samples").glob("*.png") if path.stem.isdecimal()), key=_step)
    if not pictures:
        raise UserError(f"RUN: nothing to show: {run / 'samples'} holds no pictures named by their step")
    return pictures


def _step(picture: Path) -> int:
    return int(picture.stem)


def _choose(pictures: list[Path], seconds: float) -> list[Path]:
    """As many as can be shown in the time, evenly spaced, the first and the last among them."""
    count = min(len(pictures), max(2, int(seconds * FASTEST)))
    return [pictures[index * (len(pictures) - 1) // max(1, count - 1)] for index in range(count)]


def _durations(count: int, seconds: float) -> list[int]:
    """Of each frame, in milliseconds: all but the last take the time together.

    In hundredths of a second, as a GIF has them, of which what one frame is too short the next is longer.
    """
    ends = [round(100 * seconds * index / max(1, count - 1)) for index in range(count)]
    return [*(10 * (end - start) for start, end in pairwise(ends)), round(1000 * HOLD)]


def _save(pictures: list[Path], out: Path, durations: list[int], run: str) -> None:
    last = _frame(pictures[-1])
    frames = [_frame(picture, last.size) for picture in pictures]
    animation.save(frames, out, durations, {"run": run, "steps": [_step(picture) for picture in pictures]})


def _frame(picture: Path, size: tuple[int, int] | None = None) -> "Image":
    """The picture with its step written below; `size` where it must match other frames."""
    from PIL import Image, ImageDraw, ImageFont

    try:
        grid = Image.open(picture).convert("RGB")
    except OSError as error:
        raise UserError(f"{picture}: not a picture that can be read: {error}") from error
    frame = Image.new("RGB", (grid.width, grid.height + CAPTION), "white")
    frame.paste(grid)
    middle = (frame.width // 2, grid.height + CAPTION // 2)
    font = ImageFont.load_default(size=CAPTION * 0.6)
    ImageDraw.Draw(frame).text(middle, f"step {_step(picture):,}", "dimgray", font, anchor="mm")
    return frame if size in (None, frame.size) else frame.resize(size)
