"""Several processes for one run, by torch's elastic launcher: it starts them, watches them, and ends them together."""

import logging
import multiprocessing
import os
import signal
import uuid
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from atelier.distributed.replica import LOST, replica
from atelier.errors import Diverged, Interrupted, RunError, UserError
from atelier.failures import MISUSED
from atelier.signals import Signals, heard


def launch(work: Callable[[Path], None], run: Path, processes: int, signals: Signals) -> None:
    """Have so many processes `work` at the begun run of a folder; returns when they have ended well, or were stopped.

    `work` is a function of a module, which each of them imports.
    A signal is passed on to all of them. Raises UserError or RunError with the reason of the first that failed; by then
    none is left.
    """
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)  # what it says, the reason says better
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id=uuid.uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        local_addr="localhost",
        max_restarts=0,
        signals_to_handle="SIGQUIT",  # the others are ours, and patient
    )
    with signals.passed_on(_stop_all):
        try:
            elastic_launch(config, replica)(work, run)
        except ChildFailedError as error:
            rank, failure = error.get_first_failure()
            if heard:  # whatever it came to in a process that could not be patient yet
                raise Interrupted("stopped at once") from None
            raise _reason(rank, failure) from None


def _stop_all(number: int, frame: FrameType | None) -> None:
    children = multiprocessing.active_children()
    if not children:
        raise Interrupted("stopped before training began")
    for process in children:
        if process.pid:
            os.kill(process.pid, signal.SIGTERM)


def _reason(rank: int, failure: ProcessFailure) -> UserError | RunError:
    if failure.exitcode < 0:
        return RunError(f"process {rank} was ended by {failure.signal_name()}")
    if failure.exitcode == LOST:
        return RunError(f"process {rank} has lost the others")
    told = failure.message["message"] if isinstance(failure.message, dict) else failure.message
    kind, _, reason = told.partition(": ")
    if failure.exitcode == MISUSED:
        return UserError(reason)
    if kind in (RunError.__name__, Diverged.__name__):
        return RunError(f"process {rank}: {reason}")
    return RunError(f"process {rank} failed, and said why above: {told}")
