"""What is wrong with a file, told under the option that names it, or that could name another."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from atelier.errors import UserError
from atelier.failures import one_line
from atelier.networks import state


@contextmanager
def told_of(hint: str = "", **files: Path | None) -> Iterator[None]:
    """Around what reads the files of `weights` or a `checkpoint`, whether they were named or found.

    A fault that tells of one of them is raised as a UserError of that option, in a line that ends in the hint. It is
    known by the file's path, which every loader's words have: they come through Hydra and ConfigError, as words alone.
    """
    try:
        yield
    except (ValueError, UserError) as error:
        fault = one_line(error)
        concerned = [(option, file) for option, file in files.items() if file is not None and _tells_of(fault, file)]
        if fault.startswith("--") or not concerned:
            raise
        option, file = concerned[0]
        if option == "weights" and file.is_file() and not _is_of_weights(file):
            fault = f"{str(file)!r} is no file of weights, or a damaged one"  # loaders say more than anyone can use
        raise UserError(f"--{option}: {fault}{hint}") from error


def _tells_of(fault: str, file: Path) -> bool:
    return re.search(rf"(?<![\w./-]){re.escape(str(file))}(?![\w/-])", fault) is not None


def _is_of_weights(file: Path) -> bool:
    try:
        state.read(file)
    except ValueError:
        return False
    return True
