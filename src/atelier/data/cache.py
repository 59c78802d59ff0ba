"""Pixels decoded once: a folder per source and size, under a key that names the content.

<cache root>/pixels/<source>-<size>-<key>/
    pixels.npy      uint8 (N, size, size, 3), mapped into memory, never read whole
    rows.npz        per picture: digest of its pixels, held out or not, class in every label column
    manifest.json   for people: what it was made from, and the broken pictures; the classes' names
"""

import errno
import json
import logging
import multiprocessing
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from atelier.data.building import build, unwritable
from atelier.data.fingerprint import digest_of
from atelier.data.layout import LAYOUT, MANIFEST, PIXELS, ROWS, remove_dead_builds
from atelier.data.sources import Source
from atelier.errors import RunError
from atelier.files import PASSING, cache_root
from atelier.locks import alone

log = logging.getLogger(__name__)


class Column(NamedTuple):
    """One way of labelling the pictures."""

    names: tuple[str, ...]
    """Of the classes. Each has a picture."""
    codes: np.ndarray
    """Each picture's place in `names`, int64 (N,)."""


@dataclass(frozen=True)
class Cache:
    folder: Path
    pixels: np.ndarray
    """uint8 (N, size, size, 3), mapped read-only."""
    digests: np.ndarray
    """uint8 (N, 16), equal where the pixels are equal."""
    held_out: np.ndarray
    """bool (N,), the collection's own validation pictures; all False where it has none."""
    columns: dict[str, Column]
    left_out: tuple[str, ...]
    """The names of broken pictures."""

    @property
    def broken(self) -> int:
        """How many pictures were left out."""
        return len(self.left_out)


ELSEWHERE = {*PASSING, errno.EACCES, errno.EPERM, errno.EIO}
"""What is no fault of the cache, which may be hours of decoding."""


class _Damaged(Exception):  # noqa: N818  # what was found, always caught and told in other words
    """Not there, or not whole."""


def cached(source: Source, size: int) -> Cache:
    """The pictures of a source at size x size, rendered now unless they were before.

    Of two processes that want the same, one renders and the other waits. Raises UserError where the source
    has nothing that can be used or the cache folder cannot be written, RunError where the disk is full or its
    pictures do not stay as they are.
    """
    key = source.key()
    folder = cache_root() / "pixels" / f"{source.name}-{size}-{digest_of([key, str(LAYOUT)])[:16]}"
    try:
        return _load(folder, size)
    except _Damaged as damage:
        if folder.exists():
            log.warning("the cache %s is made anew: %s", folder, damage)
    _refuse_a_worker_that_starts_anew()
    with _alone(folder):
        try:
            return _load(folder, size)  # another process has made it meanwhile
        except _Damaged:
            remove_dead_builds(folder.parent)
            build(source, size, folder, key)
    try:
        return _load(folder, size)
    except _Damaged as damage:
        raise RunError(f"the cache {folder} was made just now, and yet: {damage}") from damage


def _refuse_a_worker_that_starts_anew() -> None:
    """A worker imports the script that started it. One that is not guarded would come here again, and wait for ever for
    the lock that the first holds: Python's own check of this comes only where processes are started.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise RuntimeError(
            "a worker runs the script that started it: put what the script does under `if __name__ == '__main__':`"
        )


def _alone(folder: Path) -> AbstractContextManager[object]:
    """No other process builds `folder` meanwhile."""
    try:
        return alone(folder, "prepares")
    except OSError as error:
        raise unwritable(folder.parent, error) from error


def _load(folder: Path, size: int) -> Cache:
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        count, classes = manifest["count"], manifest["classes"]
        left_out = tuple(broken["name"] for broken in manifest["broken"])
        pixels = np.load(folder / PIXELS, mmap_mode="r", allow_pickle=False)
        with np.load(folder / ROWS, allow_pickle=False) as rows:
            digests, held_out = rows["digests"], rows["held_out"]
            columns = {name: Column(tuple(names), rows[f"label.{name}"]) for name, names in classes.items()}
    except FileNotFoundError as error:
        raise _Damaged(f"{Path(error.filename).name} is missing") from error
    except OSError as error:
        if error.errno in ELSEWHERE:
            raise
        raise _Damaged(f"it is damaged ({error})") from error
    except Exception as error:  # damaged JSON, zips and array headers raise nearly every kind
        raise _Damaged(f"it is damaged ({error})") from error
    shapes = [
        pixels.shape,
        digests.shape,
        held_out.shape,
        *(column.codes.shape for column in columns.values()),
    ]
    if shapes != [(count, size, size, 3), (count, 16), *[(count,)] * (1 + len(columns))] or pixels.dtype != np.uint8:
        raise _Damaged("it is damaged (the files do not belong together)")
    return Cache(folder, pixels, digests, held_out, columns, left_out)
