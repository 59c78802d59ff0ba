"""Processes that torchrun or SLURM's srun has started: each runs `train.py`, and all train one run in one folder."""

import logging
import os
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from atelier import command_line
from atelier.errors import Interrupted, LostProcesses, UserError
from atelier.failures import MISUSED, describe, exit_code

PATIENCE = 20.0
"""Seconds in which the launcher sees which process ended first, and ends those that wait here."""

QUIET = ["hydra.output_subdir=null", "hydra/job_logging=none"]
"""Hydra's arguments for processes that leave all writing to the first."""


class Start(NamedTuple):
    """Who has started this process, and as which of how many."""

    by: str
    rank: int
    world: int


def start() -> Start | None:
    """None where this process was started alone. What a script of SLURM calls without srun is alone, too."""
    environ = os.environ
    if "TORCHELASTIC_RUN_ID" in environ:
        found = Start("torchrun", int(environ["RANK"]), int(environ["WORLD_SIZE"]))
    elif "SLURM_STEP_ID" in environ:
        found = Start("SLURM", int(environ["SLURM_PROCID"]), int(environ.get("SLURM_NTASKS", 1)))
    else:
        return None
    return found if found.world > 1 else None


def arguments(words: list[str]) -> list[str]:
    """Arguments for Hydra in this process, of those that all have. Raises UserError for what they cannot share."""
    this = start()
    if this is None:
        return _with_a_job(words)
    if command_line.is_multirun(words):
        raise UserError(f"-m: started by {this.by}; a sweep's jobs start their own processes: trainer=ddp")
    if not _names_a_folder(words, this.by):
        by_itself = " (or trainer=slurm, which names one by the job)" if this.by == "SLURM" else ""
        raise UserError(f"run_dir: started by {this.by}, the processes need run_dir=FOLDER in common{by_itself}")
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True" and int(os.environ["TORCHELASTIC_MAX_RESTARTS"]):
        # Seen in torch 2.15: restarted processes read, from a store that outlives them, where those before them were.
        raise UserError("torchrun: --max-restarts needs TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1 in torchrun's environment")
    if this.by == "SLURM" and "SLURM_NTASKS_PER_NODE" not in os.environ:
        raise UserError("trainer: SLURM has to be told --nodes=N --ntasks-per-node=M; --ntasks is not enough")
    return [*words, *QUIET] if this.rank else words


def _with_a_job(words: list[str]) -> list[str]:
    if "SLURM_JOB_ID" in os.environ or not _is_for_slurm(words):
        return words
    if not command_line.value("run_dir", words) and not any(word.startswith("-") for word in words):  # --cfg and -m do
        raise UserError("trainer=slurm: this is no job of SLURM; docs/clusters.md has a script for sbatch")
    return words


def _names_a_folder(words: list[str], by: str) -> bool:
    named = command_line.resumed(words) or command_line.value("run_dir", words)
    return named is not None or (by == "SLURM" and _is_for_slurm(words))


def _is_for_slurm(words: list[str]) -> bool:
    return command_line.value("trainer", words) == "slurm"


def settle(in_a_sweep: bool = False) -> None:
    """Tell Lightning how this process was really started, and silence all processes but the first, errors aside.

    Raises UserError where SLURM was asked for several processes for each job of a sweep.
    """
    this = start()
    if this and in_a_sweep:
        raise UserError("hydra.launcher.tasks_per_node: must be 1; trainer=ddp starts the processes of a sweep's job")
    warnings.filterwarnings("ignore", "The `srun` command is available")  # one process needs none
    if "SLURM_JOB_ID" in os.environ:  # Lightning takes whatever runs in a job for srun's, but for a job of this name
        os.environ["SLURM_JOB_NAME"] = "atelier" if this and this.by == "SLURM" else "interactive"
    if this and this.rank:
        line = f"[%(asctime)s][%(name)s][%(levelname)s][process {this.rank}] - %(message)s"
        logging.basicConfig(level=logging.ERROR, format=line, stream=sys.stdout)  # what one warns of, all would


def is_first() -> bool:
    """Whether this process is the one of its run that writes."""
    this = start()
    return this is None or this.rank == 0


def callbacks(step: int | None) -> list[Any]:
    """What Lightning is to call where others have been started, too, and this one goes on from `step`, or begins."""
    if start() is None:
        return []
    from atelier.distributed.agreement import SameStart  # Lightning: not for --help

    return [SameStart(step)]


@contextmanager
def one_voice() -> Iterator[None]:
    """Around all that a process does: what concerns all of them, the first tells and the launcher ends the others.

    Only the first ends as interrupted: launchers take another's exit code for a failure, and end the first.
    """
    this = start()
    try:
        yield
    except (Interrupted, KeyboardInterrupt):
        if this is None or this.rank == 0:
            raise
    except Exception as error:
        follows_a_mistake = this is not None and this.rank > 0 and exit_code(error) == MISUSED
        if this and (follows_a_mistake or isinstance(error, LostProcesses)):
            time.sleep(PATIENCE)
        if this and follows_a_mistake:
            reason = error if isinstance(error, UserError) else describe(error)
            raise UserError(f"process {this.rank}: {reason}") from error
        raise
