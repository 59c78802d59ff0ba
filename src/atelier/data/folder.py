"""Pictures as files in a folder."""

import errno
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from atelier.data.fingerprint import fingerprint
from atelier.data.pictures import VERSION, BrokenPicture, Fit, decode
from atelier.data.sources import Picture, Rendered
from atelier.errors import UserError
from atelier.files import PASSING

log = logging.getLogger(__name__)

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".tif", ".tiff"}
    | {".bmp", ".ppm", ".pgm", ".pbm", ".jp2", ".avif"}
)


@dataclass(frozen=True)
class File:
    name: str
    path: Path
    fit: Fit
    labels: dict[str, str]

    def render(self, size: int) -> Rendered:
        return Rendered(decode(read(self.path), size, self.fit), self.labels)


class Files:
    """All pictures in a folder and below. The first folder on the way to a picture is its class.

    Where pictures lie in the folder itself, there are no classes (`why_no_classes`).
    """

    name = "folder"

    def __init__(self, root: Path, fit: Fit) -> None:
        self.root, self.fit = root.absolute(), fit

    def key(self) -> str:
        return f"{fingerprint(self.root, self.names)}/{self.fit}/{VERSION}"

    def about(self) -> dict[str, str | int]:
        return {"root": str(self.root), "fit": self.fit}

    def count(self) -> int:
        return len(self.names)

    @property
    def why_no_classes(self) -> str:
        """What to tell of pictures without classes."""
        return why_no_classes(self.names)

    def pictures(self) -> Iterator[Picture]:
        labelled = all("/" in name for name in self.names)
        for name in self.names:
            labels = {"class": name.split("/")[0]} if labelled else {}
            yield File(name, self.root / name, self.fit, labels)

    @cached_property
    def names(self) -> list[str]:
        """Relative to the root, with "/", in the pictures' order."""
        return picture_names(self.root, "data.root")


def why_no_classes(names: Sequence[str]) -> str:
    """What to tell a person who counted on the classes of pictures that have none; `names` as `picture_names` has them.

    One picture that lies beside the sub-folders keeps them from being classes, and is easily overlooked.
    """
    loose = [name for name in names if "/" not in name]
    if len(loose) == len(names):
        return "which are the sub-folders of a folder, and here there are none with pictures"
    others = f" and {len(loose) - 1:,} more" if len(loose) > 1 else ""
    return (
        f"which sub-folders are only where all pictures lie in one, and beside them there is {loose[0]!r}{others}: "
        "move it into one, or elsewhere"
    )


def read(path: Path) -> bytes:
    """Raises BrokenPicture, but OSError where it is not the file's fault: what is left out stays left out."""
    try:
        return path.read_bytes()
    except OSError as error:
        if error.errno in PASSING:
            raise
        raise BrokenPicture(f"cannot be read: {error.strerror}") from error


def picture_names(root: Path, key: str) -> list[str]:
    """The pictures in a folder and below, relative to it, with "/", sorted.

    Raises UserError that names the `key` which led there, where there are none.
    """
    names = sorted(_pictures_below(root))
    if not names:
        raise UserError(f"{key}: no pictures in {str(root)!r} (looked for {' '.join(sorted(SUFFIXES))})")
    return names


def _pictures_below(root: Path) -> Iterator[str]:
    """Nothing hidden, nor pipes, from which one would read for ever. Links to folders are followed, but no folder is
    entered twice; one that may not be entered is told.
    """
    seen: set[str] = set()
    for folder, folders, files in os.walk(root, onerror=_leave_out, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in files:
            path = Path(folder, name)
            if not name.startswith(".") and path.suffix.lower() in SUFFIXES and not path.is_fifo():
                yield path.relative_to(root).as_posix()


def _leave_out(error: OSError) -> None:
    """Raises what may pass: pictures would be missing without a word, and be others the next time."""
    if error.errno in {*PASSING, errno.EIO}:
        raise error
    if isinstance(error, PermissionError):
        log.warning("%s is left out: %s", error.filename, error.strerror)
