"""The sheet that shows at one glance what a command made: contents along one side, styles along the other."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor
from torch.nn.functional import interpolate, pad

from atelier.cli.places import refuse_unwritable
from atelier.data import pictures
from atelier.data.pictures import BrokenPicture
from atelier.errors import UserError
from atelier.record.captions import caption
from atelier.record.grids import grid, save_png

SIDE = 192
"""Pixels of a thumbnail's longer side."""

NAME = 20
"""Pixels below a thumbnail for what it is called."""

MOST = 24
"""Contents, and styles; more could not be looked at."""


class Sheet:
    """The longer of the two runs down, under and beside the names. What is missing stays white."""

    def __init__(self) -> None:
        self._contents: dict[str, Tensor] = {}
        self._styles: dict[str, Tensor | None] = {}
        self._made: dict[tuple[str, str], Tensor] = {}

    def note(self, content: str, style: str, pixels: Tensor, head: Tensor | None, stylised: Tensor) -> None:
        """Of a content's name and a style's: the pictures, uint8 (3, H, W); `head` shows the style, if anything can."""
        for names, name in ((self._contents, content), (self._styles, style)):
            if name not in names and len(names) == MOST:
                return
        self._contents.setdefault(content, _named(content, pixels))
        self._styles.setdefault(style, None if head is None else _named(style, head))
        self._made[content, style] = _thumbnail(stylised)

    def save(self, path: Path, note: dict[str, object]) -> None:
        """Nothing, where nothing was made."""
        if self._made:
            cells = self._cells()
            save_png(grid(cells.flatten(0, 1), cells.shape[1]), path, note)

    def _cells(self) -> Tensor:
        """uint8 (rows, columns, 3, SIDE, SIDE)."""
        heads = [_empty() if head is None else head for head in self._styles.values()]
        rows = [torch.stack([_empty(), *heads])] if any(head is not None for head in self._styles.values()) else []
        for content, pixels in self._contents.items():
            made = (self._made.get((content, style), _empty()) for style in self._styles)
            rows.append(torch.stack([pixels, *made]))
        cells = torch.stack(rows)
        return cells if len(self._contents) >= len(self._styles) else cells.transpose(0, 1)


def place_beside(folder: Path) -> Path:
    """Where the sheet of what is made in a folder is saved: beside it, under its name.

    Raises UserError where that would be written over what is no sheet, `--out photo` beside photo.png; and where
    nothing can be written there or into the folder.
    """
    refuse_unwritable(folder)
    folder = folder.resolve()  # `.` has a name only then
    refuse_unwritable(folder.parent)
    path = folder.parent / f"{folder.name}.png"
    refuse_another(path, "a sheet of all pictures goes beside the folder")
    return path


def refuse_another(path: Path, why: str) -> None:
    """Raise UserError where a sheet at `path` would be written over what is none; `why` it would be there."""
    if path.exists() and not _is_sheet(path):
        raise UserError(f"--out: {why}, but {path} is another file")


def _is_sheet(path: Path) -> bool:
    """By its note, which unlike that of a single picture names no content."""
    try:
        note = pictures.inspect(path.read_bytes(), lambda picture: dict(picture.info))
    except (BrokenPicture, OSError):
        return False
    return "atelier" in note and "content" not in note


def _named(name: str, pixels: Tensor) -> Tensor:
    """uint8 (3, SIDE, SIDE), the whole picture on white above its name."""
    thumbnail = pad(_thumbnail(pixels, SIDE - NAME), (NAME // 2, NAME - NAME // 2, 0, NAME), value=255)
    cell = Image.fromarray(thumbnail.permute(1, 2, 0).contiguous().numpy())
    caption(ImageDraw.Draw(cell), (SIDE // 2, SIDE - NAME // 2), name, SIDE, size=13)
    return torch.from_numpy(np.array(cell)).permute(2, 0, 1)


def _thumbnail(pixels: Tensor, most: int = SIDE) -> Tensor:
    """uint8 (3, most, most), the whole picture on white."""
    scale = most / max(pixels.shape[1:])
    height, width = (max(1, round(side * scale)) for side in pixels.shape[1:])
    small = interpolate(pixels[None].float(), (height, width), mode="bilinear", antialias=True)[0].round().byte()
    left, top = (most - width) // 2, (most - height) // 2
    return pad(small, (left, most - width - left, top, most - height - top), value=255)


def _empty() -> Tensor:
    return torch.full((3, SIDE, SIDE), 255, dtype=torch.uint8)
