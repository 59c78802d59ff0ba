"""Which process works on a job, and whether it still lives."""

import os
import platform
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

BEAT = 60.0
"""Seconds between two signs of life."""
PATIENCE = 600.0
"""Seconds without one, after which a process on another machine counts as dead."""


def owner() -> dict[str, Any]:
    """This process, as another one may recognise it."""
    pid = os.getpid()
    return {
        "host": platform.node(), "pid": pid, "born": _born(pid), "slurm_job": os.environ.get("SLURM_JOB_ID"),
    }  # fmt: skip


def lives(other: dict[str, Any], sign: Path) -> bool:
    """Whether the process `other` still works; `sign` is the file that it touches.

    On this machine that is known. Elsewhere, a job that SLURM put back into its queue and started here no longer runs
    where it did; all others are told by the age of their sign.
    """
    if other.get("host") == platform.node():
        return _born(other["pid"]) is not None and _born(other["pid"]) == other["born"]
    if other.get("slurm_job") and other["slurm_job"] == os.environ.get("SLURM_JOB_ID"):
        return False
    return age(sign) < PATIENCE


class Pulse:
    """While entered, touches a file every minute."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end.set()

    def _beat(self) -> None:
        while not self._end.wait(BEAT):
            try:
                os.utime(self.path)
            except OSError:  # a network that comes back, or a ledger that was deleted: neither ends a training
                continue


def _born(pid: int) -> str | None:
    """When a process of this machine began, in its kernel's own words; None where there is none."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if words[0] == "Z" else words[19]
    except (FileNotFoundError, ProcessLookupError):  # the latter where it ends while one reads
        return "alive" if not Path("/proc/self").exists() and _answers(pid) else None


def _answers(pid: int) -> bool:
    """For systems without /proc."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def age(path: Path) -> float:
    """Seconds since a file was touched, by the clock of the machine that keeps it. Raises OSError where it is gone."""
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".clock") as now:
            return Path(now.name).stat().st_mtime - path.stat().st_mtime
    except OSError:  # somebody who may only look, or a file system that is read-only or full
        return time.time() - path.stat().st_mtime
