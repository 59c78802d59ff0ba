"""Shards at hand: fetched once, unpacked, shared by the processes of a machine, and not more than may be."""

import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal
from weakref import finalize, ref

import numpy as np
from filelock import Timeout

from atelier.data.remote import MissingFile, Remote
from atelier.data.shard_files import DamagedShard, Index, Shard, decode
from atelier.errors import RunError, UserError
from atelier.files import cache_root, lock_of, replacing

log = logging.getLogger(__name__)

OnBadShard = Literal["raise", "skip"]

_OPENED = 32
"""Shards that a process keeps mapped at most: each takes a file descriptor."""

THREAD = "shards ahead"
"""The name of the thread that fetches what will be wanted."""


class BadShard(RunError):  # noqa: N818  # its name is told, before its text
    """A shard is missing or damaged."""


class ShardCache:
    """The pixels of shards as files that are mapped into memory, those used last within `budget` bytes.

    `<cache root>/shards/<key>/00012.npy` is uint8 (pictures, size, size, 3). Processes that want the same shard have it
    fetched once; the others wait. It pickles.
    """

    def __init__(self, remote: Remote, index: Index, budget: int) -> None:
        self.remote, self.index, self.budget = remote, index, budget
        self.folder = cache_root() / "shards" / index.key[:16]
        self._forget()

    def _forget(self) -> None:
        """What belongs to one process."""
        self._opened: OrderedDict[int, np.ndarray] = OrderedDict()
        self._bad: dict[int, str] = {}
        self._ahead: _Ahead | None = None

    def pixels(self, number: int) -> np.ndarray:
        """The pixels of shard `number`.

        Raises BadShard for a missing or damaged one, RunError where the store is away or the disk is full.
        """
        if number in self._bad:
            raise BadShard(self._bad[number])
        path = self._path(number)
        with suppress(OSError):  # removed meanwhile: still mapped
            os.utime(path)
        if number not in self._opened:
            self._close_removed()
            self._opened[number] = self._at_hand(number, path)
        self._opened.move_to_end(number)
        return self._opened[number]

    def _close_removed(self) -> None:
        """A file that is removed takes its room on the disk until it is unmapped."""
        for number in [number for number in self._opened if not self._path(number).exists()]:
            del self._opened[number]
        while len(self._opened) >= _OPENED:
            self._opened.popitem(last=False)

    def expect(self, numbers: Sequence[int]) -> None:
        """Fetch these in the background, unless they are at hand. What goes wrong is told to whoever asks for them."""
        if self._ahead is None or self._ahead.process != os.getpid():
            self._ahead = _Ahead(self)
        self._ahead.ask([number for number in numbers if number not in self._opened])

    def _fetch_unless_fetched(self, number: int) -> None:
        if number in self._bad:
            return
        path = self._path(number)
        with suppress(Timeout), lock_of(path).acquire(timeout=0):  # or another process is at it
            self._fetch_missing(number, path)

    def _at_hand(self, number: int, path: Path) -> np.ndarray:
        for _ in range(3):
            try:
                if not path.exists():
                    with lock_of(path):
                        self._fetch_missing(number, path)
                return np.asarray(np.load(path, mmap_mode="r"))
            except FileNotFoundError:  # removed by another process, between two lines of this one
                continue
            except (MissingFile, DamagedShard) as error:
                self._bad[number] = self._told(self.index.shards[number], error)
                raise BadShard(self._bad[number]) from error
            except OSError as error:
                raise RunError(f"no shard can be kept in {self.folder}: {error} (ATELIER_CACHE moves it)") from error
        raise RunError(f"{self.folder}: shards are removed faster than they are read: raise data.cache_gigabytes")

    def _fetch_missing(self, number: int, path: Path) -> None:
        """The caller holds the shard's lock."""
        if path.exists():
            return
        shard = self.index.shards[number]
        pixels = self._fetch(shard)
        with lock_of(self.folder / "room"):
            self._make_room(pixels.nbytes)
            with replacing(path) as partial, partial.open("wb") as file:
                np.save(file, pixels)

    def _fetch(self, shard: Shard) -> np.ndarray:
        """What was damaged on its way is fetched a second time."""
        try:
            return decode(self.remote.read(shard.name), shard, self.index.image_size)
        except DamagedShard as damage:
            log.warning("%s is damaged (%s): fetched again", self.remote.address(shard.name), damage)
            return decode(self.remote.read(shard.name), shard, self.index.image_size)

    def _make_room(self, needed: int) -> None:
        """Remove what has not been used for longest. The caller holds the lock under which all is written."""
        for partial in self.folder.glob(".*.partial"):  # of a process that was killed
            partial.unlink(missing_ok=True)
        files = []
        for path in self.folder.glob("[0-9]*.npy"):
            status = path.stat()
            files.append((status.st_mtime_ns, status.st_size, path))
        held = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if held + needed <= self.budget:
                return
            path.unlink(missing_ok=True)
            held -= size

    def _told(self, shard: Shard, error: Exception) -> str:
        reason = "is missing" if isinstance(error, MissingFile) else f"is damaged ({error})"
        return f"the shard {self.remote.address(shard.name)} {reason}"

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:05d}.npy"

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("remote", "index", "budget", "folder")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._forget()


class _Ahead:
    """A thread that fetches what will be wanted of a cache, and ends with it. It does not survive a fork: it belongs to
    `process`."""

    def __init__(self, cache: ShardCache) -> None:
        self.process = os.getpid()
        self._asked: SimpleQueue[list[int] | None] = SimpleQueue()  # of all queues the one for finalizers
        finalize(cache, self._asked.put, None)
        threading.Thread(target=_fetch_ahead, args=(ref(cache), self._asked), name=THREAD, daemon=True).start()

    def ask(self, numbers: Sequence[int]) -> None:
        """What was asked for before, and is not now, is no longer wanted."""
        self._asked.put([*numbers])


def _fetch_ahead(cache: "ref[ShardCache]", asked: "SimpleQueue[list[int] | None]") -> None:
    """Until None is asked for."""
    pending: list[int] = []
    known: set[int] = set()
    while True:
        while not pending or not asked.empty():
            if (numbers := asked.get()) is None:
                return
            pending = [number for number in numbers if number in pending or number not in known]
            known = {*numbers}
        _fetch_one(cache, pending.pop(0))


def _fetch_one(cache: "ref[ShardCache]", number: int) -> None:
    """Nothing but this keeps the cache alive meanwhile."""
    if living := cache():
        with suppress(MissingFile, DamagedShard, RunError, UserError, OSError):  # whoever asks for it meets it again
            living._fetch_unless_fetched(number)
