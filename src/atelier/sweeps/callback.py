"""Hydra's view of a sweep: a failure is told when it happens, and what became of all jobs at the end."""

import os
import pickle
import shutil
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from hydra.core.utils import JobReturn, JobStatus
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from atelier.errors import RunError, UserError
from atelier.failures import DONE, FAILED, INTERRUPTED, MISUSED, describe, exit_code, tell
from atelier.locks import occupied
from atelier.run_folder import LOG, RECORD
from atelier.sweeps.ledger import Taken
from atelier.sweeps.trial import TRIAL


class Jobs(Callback):
    """Tells of each failed job as soon as it fails, in the process where it fails.

    Hydra itself runs all jobs silently and then raises the first failure. Where a launcher runs jobs in other
    processes, whose standard error may be a file, the sweep's own process tells of their failures again.
    """

    sweep: ClassVar["Jobs | None"] = None
    """The sweep of this process, if it runs one."""

    def __init__(self) -> None:
        self.folder = Path()
        self.outcomes: list[int] = []
        self.told: list[Exception] = []
        self.process = os.getpid()

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        self.folder = Path(config.hydra.sweep.dir)
        Jobs.sweep = self

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **kwargs: Any) -> None:
        if self.process != os.getpid():
            if OmegaConf.select(config, "hydra.mode") is RunMode.MULTIRUN:
                self._send(job_return, config)
        elif Jobs.sweep is self:
            failed = job_return.status is JobStatus.FAILED
            self.outcomes.append(self._tell(job_return, config) if failed else DONE)

    def receive(self, jobs: list[JobReturn]) -> None:
        """Take note of jobs that ran in other processes."""
        for job in jobs:
            error = job._return_value
            failed = job.status is JobStatus.FAILED
            if failed:
                tell(f"job {' '.join(job.overrides or [])}: {describe(error) or error}")
            self.outcomes.append(exit_code(error) if failed else DONE)

    def _send(self, job_return: JobReturn, config: DictConfig) -> None:
        """Make the failure of a job one that can travel: a bug with its traceback in words."""
        if job_return.status is not JobStatus.FAILED:
            return
        error = job_return._return_value
        self._tell(job_return, config)
        if describe(error) is None:
            job_return.return_value = RunError("".join(traceback.format_exception(error)).strip())
        elif not _travels(error):
            words = str(error) if isinstance(error, UserError | RunError) else str(describe(error))
            job_return.return_value = UserError(words) if exit_code(error) == MISUSED else RunError(words)

    def _tell(self, job_return: JobReturn, config: DictConfig) -> int:
        error = job_return._return_value
        known = describe(error)
        if known and not isinstance(error, Taken):  # the folder is that of the process which is at it
            discard(Path(config.hydra.runtime.output_dir))
        reason = known or "".join(traceback.format_exception(error))
        tell(f"job {' '.join(job_return.overrides or [])}: {reason}")
        self.told.append(error)
        return exit_code(error)


def was_told(error: Exception) -> bool:
    """Whether Hydra raises at a sweep's end what was told when it happened."""
    return Jobs.sweep is not None and any(error is known for known in Jobs.sweep.told)


def outcome(code: int) -> int:
    """The exit code of a sweep, its jobs counted: that a job failed while running outweighs a mistake in another."""
    sweep, Jobs.sweep = Jobs.sweep, None
    if sweep is None or not sweep.outcomes:
        return code
    tell(f"{sweep.outcomes.count(DONE)} of {len(sweep.outcomes)} jobs done; their folders are in {sweep.folder}")
    codes = [code, *sweep.outcomes]
    return code if code == INTERRUPTED else FAILED if FAILED in codes else max(codes)


def discard(run: Path) -> None:
    """Take away the folder that Hydra made for a run which never began, unless another process begins one in it."""
    if (run / RECORD).exists():
        return
    with suppress(UserError), occupied(run, "it is not ours"):
        shutil.rmtree(run / ".hydra", ignore_errors=True)
        for name in (LOG, TRIAL):
            (run / name).unlink(missing_ok=True)
        with suppress(OSError):  # something else lies there
            run.rmdir()
            run.parent.rmdir()


def _travels(error: Exception) -> bool:
    """Whether another process would get the same error. Those whose constructors want more than a message do not."""
    try:
        return str(pickle.loads(pickle.dumps(error))) == str(error)
    except Exception:  # whatever it says of itself in doing so
        return False
