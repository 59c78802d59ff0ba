"""Pairs as pix2pix ships them (Isola et al. 2017): each is one file, its two pictures side by side."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from atelier.data.fingerprint import fingerprint
from atelier.data.folder import picture_names, read
from atelier.data.joined import Joined, join
from atelier.data.origins import Origin
from atelier.data.pictures import VERSION, BrokenPicture, crop, decode_whole, inspect, orientation
from atelier.data.sources import Picture, Rendered
from atelier.errors import UserError

Side = Literal["left", "right"]

_NAMED = 3
"""Pictures named in a message."""


class SideBySide:
    """The files in the folder `data.root` and below, of which `content` is the half that is to be translated."""

    def __init__(self, root: Path, content: Side) -> None:
        self.root, self.content = root.absolute(), content

    def joined(self, size: int) -> Joined:
        """Every half's middle square at size x size.

        Raises UserError where a file does not fall into halves: its width is odd, or it is no wider than tall.
        """
        left, right = (self._half(side).cached(size, named=True) for side in ("left", "right"))
        contents, targets = (left, right) if self.content == "left" else (right, left)
        return join(contents, targets, str)

    def _half(self, side: Side) -> Origin:
        return Origin("root", lambda: Halves(self, side), "data.root", ())

    @cached_property
    def names(self) -> list[str]:
        """Relative to the root, with "/"."""
        return picture_names(self.root, "data.root")

    @property
    def fingerprint(self) -> str:
        """Names all files by their bytes, as they are now: whoever has read them asks whether they were the same."""
        return fingerprint(self.root, self.names)

    @cached_property
    def refused(self) -> dict[str, tuple[int, int]]:
        """Width and height of files that do not fall into halves. What cannot be read is left for rendering to find."""
        found = {}
        for name in self.names:
            with suppress(BrokenPicture):
                width, height = inspect(read(self.root / name), _upright_size)
                if width % 2 or width <= height:
                    found[name] = (width, height)
        return found


class Halves:
    """The pictures on one side."""

    def __init__(self, files: SideBySide, side: Side) -> None:
        self.files, self.side = files, side

    @property
    def name(self) -> str:
        return f"{self.side}_halves"

    def key(self) -> str:
        return f"{self.files.fingerprint}/{self.side}/crop/{VERSION}"

    def about(self) -> dict[str, str | int]:
        return {"root": str(self.files.root), "half": self.side}

    def count(self) -> int:
        return len(self.files.names)

    def pictures(self) -> Iterator[Picture]:
        """Raises UserError that names the first few files which do not fall into halves."""
        if refused := self.files.refused:
            shown = ", ".join(f"{name} ({width} x {height})" for name, (width, height) in [*refused.items()][:_NAMED])
            more = ", …" if len(refused) > _NAMED else ""
            raise UserError(
                "data.root: side-by-side pictures must be wider than tall and of even width, "
                f"but {len(refused)} of {self.count()} are not: {shown}{more}"
            )
        return (Half(name, self.files.root / name, self.side) for name in self.files.names)


@dataclass(frozen=True)
class Half:
    name: str
    path: Path
    side: Side

    def render(self, size: int) -> Rendered:
        whole = decode_whole(read(self.path))
        middle = whole.shape[1] // 2
        half = whole[:, :middle] if self.side == "left" else whole[:, middle:]
        return Rendered(np.asarray(crop(Image.fromarray(np.ascontiguousarray(half)), size)), {})


def _upright_size(picture: Image.Image) -> tuple[int, int]:
    if picture.format == "TIFF":  # Pillow has turned its sides already
        return picture.size
    axes_swapped = orientation(picture) >= 5
    return (picture.height, picture.width) if axes_swapped else picture.size
