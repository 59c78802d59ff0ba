"""What lies in the cache folder, and how to be rid of it. Imports little: it is for the command line."""

import shutil
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from atelier.data.layout import UNFINISHED, remove_dead_builds
from atelier.files import cache_root


class Entry(NamedTuple):
    """A file or folder in the folder of its kind."""

    kind: str
    """pixels, statistics, weights, fingerprints…: the name of that folder."""
    name: str
    bytes: int
    when: datetime
    """When it was last changed, local time."""
    path: Path


def entries(root: Path | None = None) -> list[Entry]:
    """All caches by kind and name, but not those being built. `root`: the cache folder, if not the usual."""
    kinds = sorted(folder for folder in (root or cache_root()).glob("[!.]*") if folder.is_dir())
    paths = (path for kind in kinds for path in sorted(kind.glob("[!.]*")) if not path.name.endswith(UNFINISHED))
    return [_entry(path) for path in paths]


def clear(chosen: Iterable[Entry], root: Path | None = None) -> None:
    """Remove these, and whatever builds left behind whose process was killed.

    A run that is using a cache keeps it until it ends: the system holds on to a file that is mapped.
    """
    for entry in chosen:
        if entry.path.is_dir():
            shutil.rmtree(entry.path, ignore_errors=True)
        else:
            entry.path.unlink(missing_ok=True)
    for kind in (root or cache_root()).glob("[!.]*"):
        remove_dead_builds(kind)


def _entry(path: Path) -> Entry:
    statuses = [file.stat() for file in [path, *path.rglob("*")] if file.is_file()]
    when = max((status.st_mtime for status in statuses), default=path.stat().st_mtime)
    size = sum(status.st_size for status in statuses)
    return Entry(path.parent.name, path.name, size, datetime.fromtimestamp(when), path)
