"""How a failure is told, and which exit code it has."""

import errno
import sys

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException
from yaml import MarkedYAMLError

from atelier.config import explain
from atelier.errors import ConfigError, RunError, UserError
from atelier.files import FULL, PASSING, let_go
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


NO_MEMORY = ("[enforce fail at alloc_cpu", "not enough memory", "std::bad_alloc", "out of memory", "ALLOC_FAILED")
"""What torch says of a machine, on Linux and elsewhere, or of a GPU and its libraries, that has too little."""

NO_TEMPORARY = "No usable temporary directory found"
"""What `tempfile` says where all disks are full, too; and torch, when it is imported, has it asked."""


def describe(error: Exception) -> str | None:
    """One line about a failure that has a known reason; None for a bug."""
    if isinstance(error, HydraException | OmegaConfBaseException | MarkedYAMLError):
        return explain(error)
    if isinstance(error, OSError) and error.errno in DISK_TROUBLE:
        return f"cannot use {error.filename or 'the disk'}: {error.strerror}"
    if _ran_out_of_memory(error):
        return f"out of memory ({first_line(error)}): smaller pictures, networks or batches take less"
    if isinstance(error, OSError) and NO_TEMPORARY in str(error):
        return "no temporary file can be written: is the disk full? TMPDIR says where else they go"
    if type(error).__name__ == "MisconfigurationException":  # Lightning's, which is not imported for --help
        return f"trainer: {error}"
    return f"{type(error).__name__}: {error}" if isinstance(error, UserError | RunError) else None


def one_line(error: Exception) -> str:
    """The reason for a failure, where it is told as one among others."""
    return "; ".join(error.faults) if isinstance(error, ConfigError) else first_line(error)


def exit_code(error: Exception) -> int:
    full = isinstance(error, OSError) and (error.errno in {*FULL, *PASSING, errno.EIO} or NO_TEMPORARY in str(error))
    ran_out = full or _ran_out_of_memory(error)
    return FAILED if ran_out or isinstance(error, RunError) or describe(error) is None else MISUSED


def _ran_out_of_memory(error: Exception) -> bool:
    """Of the machine or of a GPU."""
    told = isinstance(error, RuntimeError) and any(words in str(error) for words in NO_MEMORY)
    return told or isinstance(error, MemoryError)


def tell(line: str) -> None:
    if sys.stderr is None:  # closed by whoever started this: the exit code tells
        return
    try:
        sys.stderr.write(f"{line}\n")
    except OSError:  # nobody reads any more
        let_go(2)
