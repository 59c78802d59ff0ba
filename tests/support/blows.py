"""What may hit a process in its middle."""

import errno
import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from atelier.failures import FAILED, INTERRUPTED

BALLAST = "ballast"
"""The file beside the run folder that fills a disk."""


@dataclass(frozen=True)
class Blow:
    strike: Callable[[Path], object]
    """What is done to the process that it happens in, given the run folder."""
    code: int
    """What the run ends with: as a shell would see it, or minus the number of the signal that killed it."""
    status: tuple[str, ...]
    """What run.json may say then."""


def killed(strike: Callable[[Path], object]) -> Blow:
    return Blow(strike, -signal.SIGKILL, ("running",))


def stopped(number: int, times: int = 1) -> Blow:
    """By somebody who is impatient, if more than once."""
    return Blow(lambda _: [os.kill(os.getpid(), number) for _ in range(times)], INTERRUPTED, ("interrupted",))


def all_stopped(number: int) -> Blow:
    """The run and all its helpers, as a terminal, systemd and SLURM do it: by another process than any of them."""

    def send(_: Path) -> None:
        subprocess.run(["kill", f"-{number:d}", "--", f"-{os.getpgrp()}"], start_new_session=True, check=True)

    return Blow(send, INTERRUPTED, ("interrupted",))


def _raise_no_space(_: Path) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _tear_a_row(run: Path) -> None:
    record = run / "metrics.csv"
    os.truncate(record, record.stat().st_size - 5)
    os.kill(os.getpid(), signal.SIGKILL)


def full(size: Callable[[Path], int]) -> Blow:
    """From now on no file can grow beyond `size` bytes: writes end in the middle, and whatever comes later fails, too.

    Of a disk that is full only the error's number differs.
    """

    def fill(run: Path) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size(run), resource.RLIM_INFINITY))

    return Blow(fill, FAILED, ("failed", "running"))


def filled(run: Path) -> None:
    """Leave three kilobytes of the disk that the run is on, which had better be small."""
    with (run.parent / BALLAST).open("wb") as file:
        while (left := shutil.disk_usage(run).free - 3000) > 0:
            file.write(bytes(left))
            file.flush()


KILL = killed(lambda _: os.kill(os.getpid(), signal.SIGKILL))
TORN_ROW = killed(_tear_a_row)
"""When the last row of the record was not yet on the disk to its end."""
TERM, USR1, INT = map(stopped, (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT))
NO_SPACE = Blow(_raise_no_space, FAILED, ("failed",))
"""For a moment."""
NO_SPACE_ON_ITS_DISK = Blow(filled, FAILED, ("failed", "running"))
NO_SPACE_FROM_NOW_ON = full(lambda _: 3000)
NO_SPACE_IN_A_ROW = full(lambda run: (run / "metrics.csv").stat().st_size + 7)
