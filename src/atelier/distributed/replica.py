"""One of several processes that train a run together, started by `launcher`."""

import logging
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing import connection, parent_process
from pathlib import Path

from torch.distributed.elastic.multiprocessing.errors import get_error_handler

from atelier.distributed.external import PATIENCE
from atelier.errors import Interrupted, LostProcesses, StoppedAtOnce
from atelier.failures import INTERRUPTED, describe, exit_code
from atelier.run_folder import LOG
from atelier.signals import HANG_UP

LOST = 3
"""Exit code of a process that could not go on because another one ended."""


def replica(work: Callable[[Path], None], run: Path) -> None:
    """Do the `work` at the begun run of this folder, as the process that the environment says this is."""
    for number in (signal.SIGINT, HANG_UP):  # a terminal sends them to all; the launcher passes on one SIGTERM
        if number:
            signal.signal(number, signal.SIG_IGN)
    over = _stop_with_the_launcher()
    _log_beside_the_launcher(run, int(os.environ["RANK"]))
    try:
        work(run)
    except StoppedAtOnce:
        sys.exit(INTERRUPTED)  # or the launcher would wait for the others, which may wait for this one
    except Interrupted:
        pass  # all have stopped after the same step: run.json says so, and the launcher reads it
    except LostProcesses:
        time.sleep(PATIENCE)
        sys.exit(LOST)
    except Exception as error:
        get_error_handler().record_exception(error)
        if describe(error) is None:
            traceback.print_exc()
        sys.exit(exit_code(error))
    finally:
        over.set()


def _stop_with_the_launcher() -> threading.Event:
    """When the launcher is killed, stop as on the SIGTERM that it cannot send any more: after the step, and saved.

    Once the returned event is set, this process then ends by itself: by torch it would wait for the launcher for ever.
    """
    parent, over = parent_process(), threading.Event()
    assert parent is not None

    def watch() -> None:
        connection.wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)
        over.wait()
        os._exit(INTERRUPTED)

    threading.Thread(target=watch, daemon=True, name="launcher-watch").start()
    return over


def _log_beside_the_launcher(run: Path, rank: int) -> None:
    """What Hydra set up there, for the first process; of the others only warnings."""
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stdout)]
    if rank == 0:
        handlers.append(logging.FileHandler(run / LOG))
    who = "" if rank == 0 else f"[process {rank}]"
    logging.basicConfig(
        level=logging.INFO if rank == 0 else logging.ERROR,  # what one warns of, all would
        format=f"[%(asctime)s][%(name)s][%(levelname)s]{who} - %(message)s",
        handlers=handlers,
    )
