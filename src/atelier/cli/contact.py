"""The sheet that shows at one glance what `atelier stylize` made: a row for each content, a column for each style."""

from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

from atelier.record.grids import grid, save_png

SIDE = 192
"""Pixels of a thumbnail's longer side."""

MOST = 24
"""Rows and columns; more could not be looked at."""


class Sheet:
    def __init__(self) -> None:
        self._rows: dict[str, dict[str, Tensor]] = {}
        self._columns: dict[str, Tensor] = {}
        self._contents: dict[str, Tensor] = {}

    def note(self, row: str, column: str, content: Tensor, style: Tensor | None, stylised: Tensor) -> None:
        """Pictures, uint8 (3, H, W); without a `style` the column has no head."""
        if row not in self._contents and len(self._contents) == MOST:
            return
        if column not in self._columns and len(self._columns) == MOST:
            return
        self._contents.setdefault(row, _thumbnail(content))
        self._columns.setdefault(column, _empty() if style is None else _thumbnail(style))
        self._rows.setdefault(row, {})[column] = _thumbnail(stylised)

    def save(self, path: Path, note: dict[str, object]) -> None:
        """Nothing, where nothing was made."""
        if not self._rows:
            return
        cells = [_empty(), *self._columns.values()]
        for row, made in self._rows.items():
            cells += [self._contents[row], *(made.get(column, _empty()) for column in self._columns)]
        save_png(grid(torch.stack(cells), len(self._columns) + 1), path, note)


def _thumbnail(pixels: Tensor) -> Tensor:
    """uint8 (3, SIDE, SIDE), the whole picture on white."""
    scale = SIDE / max(pixels.shape[1:])
    height, width = (max(1, round(side * scale)) for side in pixels.shape[1:])
    small = interpolate(pixels[None].float(), (height, width), mode="bilinear", antialias=True)[0].round().byte()
    left, top = (SIDE - width) // 2, (SIDE - height) // 2
    return pad(small, (left, SIDE - width - left, top, SIDE - height - top), value=255)


def _empty() -> Tensor:
    return torch.full((3, SIDE, SIDE), 255, dtype=torch.uint8)
