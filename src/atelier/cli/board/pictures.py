"""Some pairs of the grid for the eye: content, style, and what each method made of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from atelier.cli.board.grid import Grid, file_name
from atelier.cli.scoring.transfers import read_square
from atelier.record.captions import caption
from atelier.record.grids import GUTTER, Pixels, grid, save_png

SIDE, ROWS = 224, 8
HEAD = 28
"""Pixels of the line with the columns' names."""


def picture_board(squares: Grid, folders: Mapping[str, Path], path: Path) -> None:
    """A PNG with a row for each of some pairs; white where a method has not learned the style."""
    cells = []
    for content, style in _chosen(squares, [*folders.values()]):
        made = [_read(folder / file_name(content, style)) for folder in folders.values()]
        cells += [_small(squares.contents[content]), _small(squares.styles[style]), *made]
    heads = ["content", "style", *folders]
    save_png(_under(heads, grid(torch.stack(cells), len(heads))), path, {"columns": ", ".join(heads)})


def _chosen(squares: Grid, folders: Sequence[Path]) -> list[tuple[str, str]]:
    """Contents and styles evenly out of all, each as seldom as may be; in styles that all methods have, if they can."""
    contents, first = [*squares.contents], next(iter(squares.contents))
    shared = [name for name in squares.styles if all((folder / file_name(first, name)).exists() for folder in folders)]
    styles = shared or [*squares.styles]
    rows = min(ROWS, max(len(contents), len(styles)))
    return list(dict.fromkeys(zip(_evenly(contents, rows), _evenly(styles, rows), strict=True)))


def _evenly(names: Sequence[str], count: int) -> list[str]:
    if len(names) < count:
        return [names[index % len(names)] for index in range(count)]
    return [names[index * len(names) // count] for index in range(count)]


def _read(path: Path) -> Tensor:
    if not path.exists():
        return torch.full((3, SIDE, SIDE), 255, dtype=torch.uint8)
    return read_square(path, "--out", SIDE)[0]


def _small(pixels: Tensor) -> Tensor:
    picture = Image.fromarray(pixels[0].permute(1, 2, 0).contiguous().numpy())
    small = picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    return torch.from_numpy(np.array(small)).permute(2, 0, 1)


def _under(heads: Sequence[str], pixels: Pixels) -> Pixels:
    """The cells below their columns' names."""
    height, width, _ = pixels.shape
    sheet = Image.new("RGB", (width, height + HEAD), "white")
    sheet.paste(Image.fromarray(pixels), (0, HEAD))
    draw = ImageDraw.Draw(sheet)
    for column, text in enumerate(heads):
        caption(draw, (column * (SIDE + GUTTER) + SIDE // 2 + GUTTER, HEAD // 2), text, SIDE)
    return np.array(sheet)
