"""From the command line to an exit code: 0 done, 1 failed while running, 2 the user's config or input, 130 stopped."""

import errno
import hashlib
import os
import shutil
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobStatus
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import MarkedYAMLError

from atelier import resume
from atelier.config import explain
from atelier.errors import ConfigError, Interrupted, RunError, UserError
from atelier.run_folder import RECORD

DONE, FAILED, MISUSED, INTERRUPTED = 0, 1, 2, 130

DISK_TROUBLE = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOTDIR,
    errno.EEXIST,
    errno.ENOSPC,
    errno.EDQUOT,
}


def launch(train: Callable[[], Any]) -> int:
    """The exit code of Hydra's main function `train`, resuming where the command line says so."""
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # Hydra then raises instead of printing a shortened traceback

    def command() -> None:
        sys.argv[1:] = resume.arguments(_refuse_one_folder_for_many(sys.argv[1:]))
        try:
            train()
        except Exception:
            if Jobs.sweep is None or not any(Jobs.sweep.outcomes):
                raise  # in a sweep, it was told when it happened

    return _sweep_outcome(guard(command))


def _refuse_one_folder_for_many(words: list[str]) -> list[str]:
    if {"-m", "--multirun"} & {*words} and any(word.startswith("run_dir=") for word in words):
        raise UserError("run_dir: a sweep has a folder for each of its runs; hydra.sweep.dir=FOLDER says where they go")
    return words


def folder_name(overrides: str) -> str:
    """A sweep's overrides as the name of one folder: without slashes, and no longer than file systems allow."""
    name = overrides.replace("/", "_") or "default"
    return name if len(name) <= 150 else f"{name[:130]}…{hashlib.blake2b(name.encode(), digest_size=6).hexdigest()}"


OmegaConf.register_new_resolver("folder_name", folder_name, replace=True)


def guard(command: Callable[[], Any]) -> int:
    """The exit code of a command: a known failure is a line on standard error, a bug keeps its traceback."""
    try:
        try:
            command()
        except _Ended as ended:
            raise ended.error from None
    except (Interrupted, KeyboardInterrupt) as error:
        tell(str(error) or "interrupted")
        return INTERRUPTED
    except Exception as error:
        line = describe(error)
        if line is None:
            raise
        tell(line)
        return exit_code(error)
    return DONE


@contextmanager
def job() -> Iterator[None]:
    """Around what Hydra runs: takes a failure past Hydra, which would add a line of its own, but for sweeps."""
    try:
        yield
    except Exception as error:
        if HydraConfig.get().mode is RunMode.MULTIRUN:
            raise
        if isinstance(error, ConfigError):
            discard(output_folder())
        if isinstance(error, OmegaConfBaseException):  # Hydra's own are the command line's fault; in a job, a bug
            raise AssertionError("a key of the config was misused") from error
        raise _Ended(error) from error


class _Ended(BaseException):
    def __init__(self, error: Exception) -> None:
        self.error = error


def describe(error: Exception) -> str | None:
    """One line about a failure that has a known reason; None for a bug."""
    if isinstance(error, HydraException | OmegaConfBaseException | MarkedYAMLError):
        return explain(error)
    if isinstance(error, OSError) and error.errno in DISK_TROUBLE:
        return f"cannot use {error.filename or 'the disk'}: {error.strerror}"
    if type(error).__name__ == "MisconfigurationException":  # Lightning's, which is not imported for --help
        return f"trainer: {error}"
    return f"{type(error).__name__}: {error}" if isinstance(error, UserError | RunError) else None


def exit_code(error: Exception) -> int:
    ran_out = isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}
    return FAILED if ran_out or isinstance(error, RunError) or describe(error) is None else MISUSED


def tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")


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
        if isinstance(error, ConfigError):
            discard(Path(config.hydra.runtime.output_dir))
        reason = describe(error) or "".join(traceback.format_exception(error))
        tell(f"job {' '.join(job_return.overrides or [])}: {reason}")
        return exit_code(error)


def _sweep_outcome(code: int) -> int:
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
    for log in run.glob("*.log"):
        log.unlink()
    with suppress(OSError):  # something else lies there
        run.rmdir()
        run.parent.rmdir()


def output_folder() -> Path:
    return Path(HydraConfig.get().runtime.output_dir)
