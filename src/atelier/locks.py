"""One process at a time makes what several want."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from filelock import Timeout

from atelier.errors import UserError
from atelier.files import lock_of

if sys.platform != "win32":
    import fcntl

log = logging.getLogger(__name__)

_occupied: set[int] = set()
"""Handles of the folders that this process has to itself."""


def alone(path: Path, does: str) -> AbstractContextManager[object]:
    """Waits until no other process makes `path`; from the call to the end of the `with` block none will.

    Whoever has to wait is told what the other one `does` to it. Raises OSError where there can be no lock.
    """
    lock = lock_of(path)
    try:
        return lock.acquire(timeout=0)
    except Timeout:
        log.info("another process %s %s: waiting for it", does, path.name)
        return lock.acquire()


@contextmanager
def occupied(folder: Path, refusal: str) -> Iterator[None]:
    """Raises UserError of this text where another process has occupied the folder; else no other can meanwhile.

    The folder itself is locked, so nothing is left in it. Windows and file systems that know no locks let everybody in.
    """
    if sys.platform == "win32" or not folder.is_dir():
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    _occupied.add(handle)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(refusal) from error
        except OSError:
            pass  # of a file system that knows no locks
        yield
    finally:
        _occupied.discard(handle)
        os.close(handle)


def _leave() -> None:
    """In a forked process, which may live on for some seconds when the one that occupies the folder is killed."""
    while _occupied:
        os.close(_occupied.pop())


if sys.platform != "win32":  # which knows no forks either
    os.register_at_fork(after_in_child=_leave)
