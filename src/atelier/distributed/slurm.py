"""Inside a job of SLURM: told that its time is nearly up, it goes back into the queue, to go on by itself."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from atelier.distributed.external import is_first
from atelier.errors import Interrupted
from atelier.failures import tell
from atelier.run_folder import has_checkpoint
from atelier.signals import TOLD, Signals, heard

LAG = 5.0
"""Seconds between the first and the last process of a job that hear a signal."""

TURNS = 4
"""Times that a job may run without coming to a checkpoint: the next one would hardly do better."""

_listening = Signals(sorted(TOLD))


def listen() -> None:
    """From now on SLURM's signals raise Interrupted, or are only noted while training; processes that this one starts
    do not hear them."""
    if "SLURM_JOB_ID" not in os.environ or _is_shielded():
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, TOLD)
    threading.Thread(target=_hear, daemon=True, name="slurm-signals").start()
    _listening.__enter__()  # for as long as the process lives


@contextmanager
def requeued(goes_on: bool, run: Path) -> Iterator[None]:
    """Around a run: stopped because its job's time is up, the job goes back into the queue if the run `goes_on`."""
    listen()
    try:
        yield
    except Interrupted:
        if goes_on:
            requeue(run)
        raise


def requeue(run: Path | None = None) -> None:
    """Put this job back into the queue if it was told to make room, and not to stop. Of several processes one does.

    But not without end: a `run` that never comes to a checkpoint is given up.
    """
    if "SLURM_JOB_ID" not in os.environ or not is_first() or not _was_told():
        return
    heard.difference_update(TOLD)  # it is answered
    array, task = (os.environ.get(f"SLURM_ARRAY_{name}_ID") for name in ("JOB", "TASK"))
    job = f"{array}_{task}" if array else os.environ["SLURM_JOB_ID"]
    turns = int(os.environ.get("SLURM_RESTART_COUNT", "0")) + 1
    if run and turns >= TURNS and not has_checkpoint(run):
        tell(f"job {job} stays out of the queue: {turns} turns were too short to come to a checkpoint; raise --time")
        return
    tell(f"job {job} goes back into the queue")
    try:
        subprocess.run(["scontrol", "requeue", job], check=True, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        reason = str(getattr(error, "stderr", None) or error).strip()
        tell(f"job {job} cannot go back into the queue: {reason}")


def _is_shielded() -> bool:
    return signal.pthread_sigmask(signal.SIG_BLOCK, ()) >= TOLD


def _hear() -> None:
    """SLURM signals every process of a job, and most would die of it.

    Blocked signals are blocked in every process that the main thread starts, too: so this thread alone lets them in,
    and Python handles them in the main thread nevertheless.
    """
    signal.pthread_sigmask(signal.SIG_UNBLOCK, TOLD)
    threading.Event().wait()


def _was_told() -> bool:
    """Processes stop together as soon as one of them hears of it: this one's own signal may still be on its way."""
    _listening.patient = True
    latest = time.monotonic() + LAG
    while not heard and time.monotonic() < latest:
        time.sleep(0.05)
    return bool(heard & TOLD) and heard <= TOLD
