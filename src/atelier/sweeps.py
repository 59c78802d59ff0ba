"""Sweeps: many jobs in one process, each with a folder, an end and a word about it."""

import hashlib
import shutil
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from hydra.core.utils import JobReturn, JobStatus
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from atelier.failures import DONE, FAILED, INTERRUPTED, describe, exit_code, tell
from atelier.run_folder import RECORD

LOG = "train.log"
"""Hydra's, named after the program."""


class Jobs(Callback):
    """Hydra's view of its jobs: a failure in a sweep is told when it happens.

    Hydra itself runs all jobs of a sweep, says nothing, and then raises the first failure.
    """

    sweep: ClassVar["Jobs | None"] = None
    """The sweep of this process, if it runs one."""

    def __init__(self) -> None:
        self.folder = Path()
        self.outcomes: list[int] = []

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        self.folder = Path(config.hydra.sweep.dir)
        Jobs.sweep = self

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **kwargs: Any) -> None:
        if Jobs.sweep is not self:
            return
        failed = job_return.status is JobStatus.FAILED
        self.outcomes.append(self._tell(job_return, config) if failed else DONE)

    def _tell(self, job_return: JobReturn, config: DictConfig) -> int:
        error = job_return._return_value
        known = describe(error)
        if known:
            discard(Path(config.hydra.runtime.output_dir))
        reason = known or "".join(traceback.format_exception(error))
        tell(f"job {' '.join(job_return.overrides or [])}: {reason}")
        return exit_code(error)


def failures_were_told() -> bool:
    return Jobs.sweep is not None and any(Jobs.sweep.outcomes)


def outcome(code: int) -> int:
    """The exit code of a sweep, its jobs counted: that a job failed while running outweighs a mistake in another."""
    sweep, Jobs.sweep = Jobs.sweep, None
    if sweep is None or not sweep.outcomes:
        return code
    tell(f"{sweep.outcomes.count(DONE)} of {len(sweep.outcomes)} jobs done; their folders are in {sweep.folder}")
    return code if code == INTERRUPTED else FAILED if FAILED in sweep.outcomes else max(sweep.outcomes)


def discard(run: Path) -> None:
    """Take away the folder that Hydra made for a run which never began."""
    if (run / RECORD).exists():
        return
    shutil.rmtree(run / ".hydra", ignore_errors=True)
    (run / LOG).unlink(missing_ok=True)
    with suppress(OSError):  # something else lies there
        run.rmdir()
        run.parent.rmdir()


def folder_name(overrides: str) -> str:
    """A sweep's overrides as the name of one folder: without slashes, and no longer than file systems allow."""
    name = overrides.replace("/", "_") or "default"
    whole = name.encode()
    if len(whole) <= 150:
        return name
    return f"{whole[:130].decode(errors='ignore')}…{hashlib.blake2b(whole, digest_size=6).hexdigest()}"


OmegaConf.register_new_resolver("folder_name", folder_name, replace=True)
