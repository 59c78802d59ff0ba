"""From the command line to an exit code: 0 done, 1 failed while running, 2 the user's config or input, 130 stopped."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import getfile, unwrap
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from atelier import command_line, resume, sweeps
from atelier.command_line import AUTO
from atelier.distributed import external, slurm
from atelier.errors import Interrupted, UserError
from atelier.failures import DONE, INTERRUPTED, describe, exit_code, tell
from atelier.wording import listed


def launch(train: Callable[[], Any]) -> int:
    """The exit code of Hydra's main function `train`, resuming where the command line says so; `conf/` is beside it."""
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # Hydra then raises instead of printing a shortened traceback

    words = sys.argv[1:]
    conf = Path(getfile(unwrap(train))).parent / "conf"

    def command() -> None:
        slurm.listen()
        _refuse_none_of_a_group(words, conf)
        sys.argv[1:] = external.arguments(resume.arguments(_refuse_one_folder_for_many(words), conf))
        try:
            train()
        except Exception as error:
            if refused := _of_the_log(error):
                raise refused from None
            if not sweeps.was_told(error):
                raise  # in a sweep, it was told when it happened

    code = sweeps.outcome(guard(command))
    if code == INTERRUPTED and _goes_on_by_itself(words):  # before a config could say so
        slurm.requeue()
    return code


def _of_the_log(error: Exception) -> OSError | None:
    """What the system says where Hydra cannot open the run's log, as in a folder that one may only read."""
    cause = error.__cause__
    is_of_a_log = isinstance(error, ValueError) and str(error).startswith("Unable to configure handler")
    return cause if is_of_a_log and isinstance(cause, OSError) else None


def _goes_on_by_itself(words: list[str]) -> bool:
    return command_line.value("resume", words) == AUTO or command_line.value("trainer", words) == "slurm"


def _refuse_none_of_a_group(words: list[str], conf: Path) -> None:
    """Hydra takes `group=null` for a mistake of a programmer's."""
    for word in words:
        group, _, option = word.partition("=")
        options = sorted(path.stem for path in (conf / group).glob("*.yaml")) if group and option == "null" else []
        if "none" in options:
            raise UserError(
                f"{word}: an option is chosen by its name: {group}=none, or one of {listed({*options} - {'none'})}"
            )
        if options:
            raise UserError(f"{word}: an option is chosen by its name, of {listed(options)}; or leave {word} out")


def _refuse_one_folder_for_many(words: list[str]) -> list[str]:
    if command_line.is_multirun(words) and command_line.value("run_dir", words):
        raise UserError("run_dir: a sweep has a folder for each of its runs; hydra.sweep.dir=FOLDER says where they go")
    return words


def guard(command: Callable[[], Any]) -> int:
    """The exit code of a command: a known failure is a line on standard error, a bug keeps its traceback."""
    _show_all_letters()
    try:
        with external.one_voice():
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


def _show_all_letters() -> None:
    """Names of files are any bytes, and a terminal may know few letters: what it has none for is shown by its code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def job() -> Iterator[None]:
    """Around what Hydra runs: takes a failure past Hydra, which would add a line of its own, but for sweeps."""
    try:
        external.settle(in_a_sweep=HydraConfig.get().mode is RunMode.MULTIRUN)
        yield
    except Exception as error:
        if HydraConfig.get().mode is RunMode.MULTIRUN:
            raise
        if describe(error) and external.is_first():
            sweeps.discard(output_folder())
        if isinstance(error, OmegaConfBaseException):  # Hydra's own are the command line's fault; in a job, a bug
            raise AssertionError("a key of the config was misused") from error
        raise _Ended(error) from error


class _Ended(BaseException):
    def __init__(self, error: Exception) -> None:
        self.error = error


def output_folder() -> Path:
    return Path(HydraConfig.get().runtime.output_dir)


def goes_on(cfg: DictConfig) -> bool:
    """Whether the same command, given once more, goes on with this run: a sweep's job if its folder has a name."""
    hydra = HydraConfig.get()
    if hydra.mode is not RunMode.MULTIRUN:
        return cfg.resume == AUTO
    named = any(word.startswith("hydra.sweep.dir=") for word in hydra.overrides.hydra)
    return named or "SUBMITIT_FOLDER" in os.environ  # which submits what has been composed
