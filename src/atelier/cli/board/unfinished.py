"""A board that was begun and not finished, which does not stand in the way of the next try at it."""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from atelier.cli.board.plot import CREATOR
from atelier.cli.comparing.plots import is_plot
from atelier.cli.digests import DIGEST
from atelier.cli.writable import refuse_unwritable
from atelier.data.pictures import BrokenPicture
from atelier.errors import UserError
from atelier.failures import tell
from atelier.files import PARTIAL
from atelier.locks import occupied
from atelier.stylize.provenance import read_chunks

BOARD, PICTURES, PLOT = "board.json", "board.png", "plot.png"
"""The first is written last: where it is, a board is whole."""

_HALF = re.compile(rf"\..+\.(png|json)\.\w+{re.escape(PARTIAL)}")


@contextmanager
def cleared(out: Path, names: Collection[str]) -> Iterator[Path]:
    """A folder for the board of methods of these names, new or rid of what a try at one has left, which is told.

    No other process gets it meanwhile. Raises UserError, and removes nothing, where anything else lies there, and where
    nothing can be written.
    """
    refuse_unwritable(out)
    absent = [folder for folder in (out, *out.parents) if not folder.exists()]
    out.mkdir(parents=True, exist_ok=True)
    try:
        with occupied(out, f"--out: another process makes a board in {str(out)!r}"):  # which looks like what one left
            _clear(out, names)
            yield out
    finally:
        for folder in absent:
            with suppress(OSError):  # or something has come of it
                folder.rmdir()


def _clear(out: Path, names: Collection[str]) -> None:
    top = sorted(out.iterdir())  # looked at first: there may be a whole disk below what is not a board's
    found = sorted(out.rglob("*")) if all(_is_left(path, out, names) for path in top) else top
    for path in found:
        if not _is_left(path, out, names):
            unless = ", or one with no more than an unfinished board of these methods"
            raise UserError(f"--out: must be a new or an empty folder{unless}, and there is {str(path)!r}")
    for path in reversed(found):  # what is in a folder before it
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink()
    if found:
        tell(f"{out}: has an unfinished board, which begins again")


def _is_left(path: Path, out: Path, names: Collection[str]) -> bool:
    if path.is_symlink():
        return False
    if path.is_dir():
        return path.parent == out and path.name in names
    if _HALF.fullmatch(path.name):
        return True
    with suppress(BrokenPicture, OSError):
        if path.parent != out:
            return _is_of_a_method(path)
        return (path.name == PICTURES and "columns" in read_chunks(path)) or (
            path.name == PLOT and is_plot(path, CREATOR)
        )
    return False


def _is_of_a_method(path: Path) -> bool:
    """By its note, which names the weights and, unlike that of `atelier stylize`, no content."""
    note = read_chunks(path)
    return "_stylized_" in path.stem and DIGEST in note and "content" not in note
