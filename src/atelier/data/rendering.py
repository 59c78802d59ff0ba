"""Pictures rendered by all cores, handed back in their order, a bounded number at a time."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import NamedTuple

from atelier.data.children import deaf_children
from atelier.data.pictures import BrokenPicture
from atelier.data.sources import Picture, Rendered
from atelier.errors import RunError

_CHUNK = 16
"""Pictures per message to a worker: a small picture takes less time than a message."""

_FEW = 256
"""Fewer than these are rendered here and now: starting the workers takes about a second."""


class Broken(NamedTuple):
    name: str
    reason: str


def render(pictures: Iterator[Picture], count: int | None, size: int) -> Iterator[Rendered | Broken]:
    """One result for each picture. `count` is how many there are, where that is known."""
    if count is not None and count < _FEW:
        return _render(pictures, size)
    return _render_in_processes(pictures, size)


def _render_in_processes(pictures: Iterator[Picture], size: int) -> Iterator[Rendered | Broken]:
    """Processes, for the painter holds the interpreter's lock (decoding would scale on threads as well). Not
    forked ones: a lock that one of torch's threads holds at that moment would stay locked for ever."""
    workers = _cores()
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_follow_parent)
    pending: deque[Future[list[Rendered | Broken]]] = deque()
    try:
        while chunk := list(islice(pictures, _CHUNK)):
            with deaf_children([signal.SIGINT]):  # the pool ends what hangs by SIGTERM
                pending.append(pool.submit(_render_chunk, chunk, size))
            if len(pending) > 4 * workers:
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()
    except BrokenProcessPool as error:
        raise RunError("a process that prepared pictures was ended: was there too little memory?") from error
    finally:
        pool.shutdown(cancel_futures=True)


def _render_chunk(pictures: list[Picture], size: int) -> list[Rendered | Broken]:
    return list(_render(pictures, size))


def _render(pictures: Iterable[Picture], size: int) -> Iterator[Rendered | Broken]:
    for picture in pictures:
        try:
            yield picture.render(size)
        except BrokenPicture as error:
            yield Broken(picture.name, str(error))


def _cores() -> int:
    """Those that this process may use, where the system can say."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _follow_parent() -> None:
    """End when the parent is killed: a pool's worker would wait for work for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
