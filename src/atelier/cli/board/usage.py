"""How long a method takes, and how much memory."""

import ctypes
import gc
import resource
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch

PAUSE = 0.002
"""Seconds between two looks at the process's memory: shorter peaks may be missed."""

_STATM = Path("/proc/self/statm")


class Usage:
    """Counts from when it is made: make it before the method is, and the method's weights are counted too."""

    def __init__(self, where: torch.device) -> None:
        self.where = where
        _give_back(where)
        self._before = _held(where)
        self._peaks: list[int] = []

    @property
    def peak(self) -> int | None:
        """Bytes held at the most during any of the watched calls, beyond what was held before; None where unknown.

        On a GPU what torch had allocated there; on a CPU the resident memory of the process, which is Linux's to tell,
        and by some tens of MiB depends on what came before: allocators do not give everything back.
        """
        if self._before is None or not self._peaks:
            return None
        return max(0, max(self._peaks) - self._before)

    @contextmanager
    def watched(self, milliseconds: list[float]) -> Iterator[None]:
        """Adds how long the block took, the GPU's work in it done."""
        with self._memory():
            self._finish()
            start = time.perf_counter()
            yield
            self._finish()
            milliseconds.append(1000 * (time.perf_counter() - start))

    @contextmanager
    def _memory(self) -> Iterator[None]:
        if self.where.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.where)
            yield
            self._peaks.append(torch.cuda.max_memory_allocated(self.where))
        elif self._before is None:
            yield
        else:
            with _sampled(self._peaks):
                yield

    def _finish(self) -> None:
        if self.where.type == "cuda":
            torch.cuda.synchronize(self.where)


@contextmanager
def _sampled(peaks: list[int]) -> Iterator[None]:
    done = threading.Event()

    def look() -> None:
        while True:
            peaks.append(_resident())
            if done.wait(PAUSE):
                return

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        peaks[:] = [max([*peaks, _resident()])]


def _held(where: torch.device) -> int | None:
    if where.type == "cuda":
        return torch.cuda.memory_allocated(where)
    return _resident() if _STATM.exists() else None


def _resident() -> int:
    return int(_STATM.read_text().split()[1]) * resource.getpagesize()


def _give_back(where: torch.device) -> None:
    """Have the allocators return what the method before has left, which this one would seem not to need."""
    gc.collect()
    if where.type == "cuda":
        torch.cuda.empty_cache()
    else:
        with suppress(OSError, AttributeError):  # glibc's alone
            ctypes.CDLL(None).malloc_trim(0)
