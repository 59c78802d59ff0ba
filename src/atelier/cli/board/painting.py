"""One method's pictures of the grid, and what they cost."""

import statistics
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from atelier.cli.board.grid import Grid, file_name
from atelier.cli.board.usage import Usage
from atelier.cli.devices import device
from atelier.cli.pictures.contents import joined_name
from atelier.cli.pictures.images import image_of
from atelier.cli.styling.methods import method_of
from atelier.cli.styling.settings import Chosen, Settings
from atelier.data.progress import bar
from atelier.errors import RunError, UserError
from atelier.record.grids import save_png, to_pixels
from atelier.stylize.method import Mixture
from atelier.wording import listed

CORNER = 128
"""Pixels a side of what a method is tried out on."""


class Cost(NamedTuple):
    milliseconds: float
    """Of a picture: the median, its style studied before."""
    study_milliseconds: float
    """Of a style: the median; 0 where it was learned in training."""
    peak_bytes: int | None
    """Weights, what is kept of a style, and the work on one picture; None where it cannot be told."""


class Painted(NamedTuple):
    styles: list[str]
    cost: Cost
    card: dict[str, Any]


def try_out(word: str, settings: Settings, grid: Grid) -> None:
    """Paint a corner of one picture, and forget it. Raises UserError for what is no method, before hours of work.

    What the program loads once and for all is loaded then, and neither its time nor its memory is the first method's.
    """
    chosen = method_of(word, settings)
    code = chosen.method.study(next(iter(styles_of(chosen, grid).values())))
    corner = image_of(next(iter(grid.contents.values()))[0, :, :CORNER, :CORNER])
    chosen.method.stylize(corner, Mixture([code], [1.0]))


def paint(word: str, settings: Settings, grid: Grid, folder: Path, seed: int) -> Painted:
    """Write all contents in all styles that the method can have into the folder.

    Raises UserError for what is no method, and RunError for one that gives no picture.
    """
    usage = Usage(device())
    advance = [lambda: None]
    chosen = method_of(word, settings._replace(told=lambda *_: advance[0]()))
    styles = styles_of(chosen, grid)
    taken: list[float] = []
    studied: list[float] = []
    with bar(f"stylizing by {folder.name}", len(styles) * len(grid.contents) * max(1, chosen.steps)) as advance[0]:
        for name, style in styles.items():
            with usage.watched(studied):
                code = chosen.method.study(style)
            for content, pixels in grid.contents.items():
                torch.manual_seed(seed)
                image = image_of(pixels[0])
                with usage.watched(taken):
                    stylised = chosen.method.stylize(image, Mixture([code], [1.0]))
                _save(stylised, folder / file_name(content, name), chosen.note)
                if not chosen.steps:
                    advance[0]()
    study = 0.0 if chosen.learned else statistics.median(studied)
    return Painted([*styles], Cost(statistics.median(taken), study, usage.peak), chosen.note)


def styles_of(chosen: Chosen, grid: Grid) -> dict[str, Any]:
    """What the method is to study, by the names of the grid. Raises UserError where it can have none of them."""
    if chosen.learned is None:
        return {name: image_of(pixels[0]) for name, pixels in grid.styles.items()}
    files, names = ({own: number for number, own in enumerate(of)} for of in (chosen.learned_from, chosen.learned))
    found: dict[str, int] = {}
    for stem, file in grid.style_files.items():
        number = files.get(file, names.get(joined_name(file), names.get(stem)))
        if number is not None:
            found[stem] = number
    if not found:
        raise UserError(f"has learned {listed(chosen.learned)}, and --style has no picture of such a name")
    return found


def _save(stylised: Tensor, path: Path, note: dict[str, Any]) -> None:
    if not stylised.isfinite().all():
        raise RunError(f"{path.stem} is not finite")
    save_png(to_pixels(stylised)[0].permute(1, 2, 0).numpy(), path, note)
