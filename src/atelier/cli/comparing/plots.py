"""What all plots have in common: in them names of people's folders are words, whatever letters they have."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from atelier.files import replacing

_MARKS = (b"Creator\0%s", b"<dc:title>%s</dc:title>", b"/Creator (%s)")
"""How a PNG, an SVG and a PDF say who made them."""


@contextmanager
def plain_words() -> Iterator[None]:
    """Around all that a figure is made of: what is between two `$` is no formula."""
    with matplotlib.rc_context({"text.parse_math": False}):
        yield


def legend(of: Axes | Figure, handles: Sequence[Any], names: Sequence[str], **where: Any) -> None:
    """Names are put in afterwards, as matplotlib hides those that begin with an underscore. What in a file's name is no
    letter at all is shown by its code.
    """
    made = of.legend(handles, ["" for _ in names], frameon=False, fontsize="small", **where)
    for text, name in zip(made.get_texts(), names, strict=True):
        text.set_text(name.encode(errors="backslashreplace").decode())


def save(figure: Figure, path: Path, creator: str) -> None:
    """As what the suffix says, with the name of the command. Letters that the font lacks are boxes, of which nobody
    need be warned.
    """
    with replacing(path.absolute()) as partial, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        figure.savefig(partial, format=path.suffix[1:].lower(), dpi=150, metadata={"Creator": creator})


def is_plot(path: Path, creator: str) -> bool:
    """Whether it is one that this command has made. Raises OSError."""
    data = path.read_bytes()
    return any(mark % creator.encode() in data for mark in _MARKS)
