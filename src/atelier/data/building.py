"""Building a pixel cache: render, write into a folder of another name, rename."""

import errno
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from atelier.data.layout import MANIFEST, PIXELS, ROWS, UNFINISHED
from atelier.data.progress import watched
from atelier.data.rendering import Broken, render
from atelier.data.rows import RowsBuilder
from atelier.data.sources import Source
from atelier.errors import RunError, UserError
from atelier.files import FULL


def build(source: Source, size: int, folder: Path, key: str) -> None:
    """Make the cache `folder` of the pictures that have this key, wholly or not at all. The caller holds its lock.

    Raises UserError where no picture is usable or the folder not writable, RunError where the disk is full or the key
    has become another.
    """
    count = source.count()
    unfinished = folder.with_name(folder.name + UNFINISHED)
    with _disk_errors(folder.parent, needed=(count or 0) * size * size * 3):
        shutil.rmtree(unfinished, ignore_errors=True)  # of a process that was killed: the lock is ours
        unfinished.mkdir(parents=True)
        try:
            rows = _write(source, size, count, unfinished, key)
            rows.refuse_none("data")
            _refuse_changed(source, key)
            rows.tell_broken(source.name, folder / MANIFEST)
            shutil.rmtree(folder, ignore_errors=True)  # a damaged one
            unfinished.rename(folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)


def _write(source: Source, size: int, count: int | None, folder: Path, key: str) -> RowsBuilder:
    with (folder / PIXELS).open("wb") as file:
        rows = _write_pixels(source, size, count, file)
    classes = rows.save(folder / ROWS)
    manifest = {
        "source": {"name": source.name, **source.about(), "key": key},
        "size": size,
        "count": len(rows),
        "created": time.strftime("%Y-%m-%d %H:%M:%S"),
        "classes": classes,
        "broken": [broken._asdict() for broken in rows.broken],
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1))
    return rows


def _write_pixels(source: Source, size: int, count: int | None, file: IO[bytes]) -> RowsBuilder:
    """Written, not mapped: on a full disk a write raises, and a store into a mapping kills the process."""
    rows = RowsBuilder()
    _write_header(file, 0, size)
    results = render(source.pictures(), count, size)
    for result in watched(results, f"preparing the pictures of {source.name}", count):
        if isinstance(result, Broken):
            rows.broken.append(result)
        else:
            file.write(result.pixels.tobytes())
            rows.add(result)
    file.seek(0)
    _write_header(file, len(rows), size)
    file.flush()
    os.fsync(file.fileno())
    return rows


def _write_header(file: IO[bytes], count: int, size: int) -> None:
    """numpy leaves room for the first axis to grow: the header has one length, whatever the count."""
    header = {"shape": (count, size, size, 3), "fortran_order": False, "descr": "|u1"}
    np.lib.format.write_array_header_1_0(file, header)


def _refuse_changed(source: Source, key: str) -> None:
    """What a share that went took along would be left out for good, as the key is that of the pictures before."""
    if source.key() != key:
        raise RunError(
            f"{source.name}: pictures were changed, or vanished, while they were prepared; begin again once they stay "
            "as they are"
        )


@contextmanager
def _disk_errors(folder: Path, needed: int) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(folder).free < needed:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        yield
    except OSError as error:
        if error.errno in FULL:
            size = f": the pixels need {needed / 1e6:,.1f} MB" if needed else ""
            raise RunError(f"no space left in {folder}{size} (ATELIER_CACHE moves it)") from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise unwritable(folder, error) from error
        raise


def unwritable(folder: Path, error: OSError) -> UserError:
    return UserError(f"cannot write into the cache folder {folder}: {error.strerror} (ATELIER_CACHE moves it)")
