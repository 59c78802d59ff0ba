"""The sheet that shows at one glance what a command made: contents along one side, styles along the other."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import count
from math import ceil
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor
from torch.nn.functional import pad

from atelier.cli.writable import refuse_another, refuse_unwritable
from atelier.errors import Interrupted
from atelier.failures import tell
from atelier.files import real
from atelier.record.captions import caption
from atelier.record.grids import framed, grid, save_png
from atelier.stylize.provenance import read_chunks

SIDE = 192
"""Pixels a side of a picture's place, with its name."""

NAME = 20
"""Pixels below a thumbnail for what it is called."""

LONGEST = SIDE - NAME
"""Pixels of a thumbnail's longer side."""

MOST = 24
"""Contents, and styles; more could not be looked at."""

BESIDE = "a sheet of all pictures goes beside the folder"


class Sheet:
    """The longer of the two runs down, under and beside the names, in several blocks where it would be a mere strip.

    What is missing stays white.
    """

    def __init__(self) -> None:
        self._contents: dict[str, Tensor] = {}
        self._styles: dict[str, Tensor | None] = {}
        self._made: dict[tuple[str, str], Tensor] = {}
        self._left_out: dict[str, set[str]] = {"contents": set(), "styles": set()}

    def note(self, content: str, style: str, pixels: Tensor, head: Tensor | None, stylised: Tensor) -> None:
        """Of a content's name and a style's: the pictures, uint8 (3, H, W); `head` shows the style, if anything can."""
        own: dict[str, tuple[Collection[str], str]] = {
            "contents": (self._contents, content),
            "styles": (self._styles, style),
        }
        full = [kind for kind, (names, name) in own.items() if name not in names and len(names) == MOST]
        for kind in full:
            self._left_out[kind].add(own[kind][1])
        if full:
            return
        self._contents.setdefault(content, _named(content, pixels))
        self._styles.setdefault(style, None if head is None else _named(style, head))
        self._made[content, style] = _nameless(stylised)

    def save(self, path: Path, note: dict[str, object]) -> None:
        """Nothing, where nothing was made. That there was more than it shows is told."""
        if self._made:
            cells = self._cells()
            save_png(grid(cells.flatten(0, 1), cells.shape[1]), path, note)
        for kind, names in self._left_out.items():
            if names:
                tell(f"{path}: shows the first {MOST} of {MOST + len(names)} {kind}")

    @contextmanager
    def saved(self, path: Path, note: dict[str, object]) -> Iterator[None]:
        """Around all of the making: the sheet is saved at its end, be that by an interruption."""
        try:
            yield
        except Interrupted:
            self.save(path, note)
            raise
        self.save(path, note)

    def _cells(self) -> Tensor:
        """uint8 (rows, columns, 3, SIDE, SIDE)."""
        heads = [_empty() if head is None else head for head in self._styles.values()]
        rows = [torch.stack([_empty(), *heads])] if any(head is not None for head in self._styles.values()) else []
        for content, pixels in self._contents.items():
            made = (self._made.get((content, style), _empty()) for style in self._styles)
            rows.append(torch.stack([pixels, *made]))
        cells = torch.stack(rows)
        if len(self._contents) < len(self._styles):
            return _wrapped(cells.transpose(0, 1), heads=1)
        return _wrapped(cells, heads=len(cells) - len(self._contents))


def _wrapped(cells: Tensor, heads: int) -> Tensor:
    """Rows in blocks side by side, each below the rows of heads, as few as keep it within twice its width in height."""
    rows, columns = len(cells) - heads, cells.shape[1]
    blocks = next(blocks for blocks in count(1) if heads + ceil(rows / blocks) <= 2 * blocks * columns)
    height = ceil(rows / blocks)
    parts = [torch.cat([cells[:heads], part]) for part in cells[heads:].split(height)]
    missing = heads + height - len(parts[-1])
    parts[-1] = torch.cat([parts[-1], _empty().expand(missing, columns, -1, -1, -1)])
    return torch.cat(parts, 1)


def place_beside(folder: Path, command: str) -> Path:
    """Where the sheet of what is made in a folder is saved: beside it, under its name.

    Raises UserError where that would be written over what is no sheet of this command's, `--out photo` beside
    photo.png; and where nothing can be written there or into the folder.
    """
    refuse_unwritable(folder)
    path = sheet_beside(folder)
    refuse_unwritable(path.parent, BESIDE)
    refuse_another(path, lambda path: is_sheet(path, command), BESIDE)
    return path


def sheet_beside(folder: Path) -> Path:
    """Its path, whatever is there."""
    folder = real(folder)  # `.` has a name only then
    return folder.parent / f"{folder.name}.png"


def is_sheet(path: Path, command: str) -> bool:
    """Whether it is a sheet of this command's: only their notes name one. Raises BrokenPicture and OSError."""
    return read_chunks(path).get("command") == command


def _named(name: str, pixels: Tensor) -> Tensor:
    """uint8 (3, SIDE, SIDE), the whole picture on white above its name."""
    cell = Image.fromarray(_nameless(pixels).permute(1, 2, 0).contiguous().numpy())
    caption(ImageDraw.Draw(cell), (SIDE // 2, SIDE - NAME // 2), name, SIDE, size=12)
    return torch.from_numpy(np.array(cell)).permute(2, 0, 1)


def _nameless(pixels: Tensor) -> Tensor:
    """The same, so that it is level with those that have names, and as large."""
    return pad(framed(pixels[None], LONGEST, LONGEST)[0], (NAME // 2, NAME - NAME // 2, 0, NAME), value=255)


def _empty() -> Tensor:
    return torch.full((3, SIDE, SIDE), 255, dtype=torch.uint8)
