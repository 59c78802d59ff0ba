"""One process at a time makes what several want."""

import logging
from contextlib import AbstractContextManager
from pathlib import Path

from filelock import Timeout

from atelier.files import lock_of

log = logging.getLogger(__name__)


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
