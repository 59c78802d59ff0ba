"""How a failure is told, and which exit code it has."""

import errno
import sys

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException
from yaml import MarkedYAMLError

from atelier.config import explain
from atelier.errors import ConfigError, RunError, UserError
from atelier.files import FULL, PASSING
from atelier.wording import first_line

DONE, FAILED, MISUSED, INTERRUPTED = 0, 1, 2, 130
"""Also: failed while running, a mistake in the config or the input, stopped from outside."""

DISK_TROUBLE = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EEXIST,
    errno.ENAMETOOLONG,
    errno.ELOOP,
    errno.EIO,
    *FULL,
    *PASSING,
}


def describe(error: Exception) -> str | None:
    """One line about a failure that has a known reason; None for a bug."""
    if isinstance(error, HydraException | OmegaConfBaseException | MarkedYAMLError):
        return explain(error)
    if isinstance(error, OSError) and error.errno in DISK_TROUBLE:
        return f"cannot use {error.filename or 'the disk'}: {error.strerror}"
    if type(error).__name__ == "MisconfigurationException":  # Lightning's, which is not imported for --help
        return f"trainer: {error}"
    return f"{type(error).__name__}: {error}" if isinstance(error, UserError | RunError) else None


def one_line(error: Exception) -> str:
    """The reason for a failure, where it is told as one among others."""
    return "; ".join(error.faults) if isinstance(error, ConfigError) else first_line(error)


def exit_code(error: Exception) -> int:
    ran_out = isinstance(error, OSError) and error.errno in {*FULL, *PASSING, errno.EIO}
    return FAILED if ran_out or isinstance(error, RunError) or describe(error) is None else MISUSED


def tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
