"""What `--out` names: whether it can be written, and over which file. Without torch, which not every command needs."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile

from atelier.data.pictures import BrokenPicture
from atelier.errors import UserError


def refuse_unwritable(folder: Path, why: str = "", option: str = "--out") -> None:
    """Raise UserError, which names the option, where nothing can be put into a folder, be it there or yet to be made.

    It is tried, since nothing else tells beforehand, and nothing of the attempt is left. `why` something would be put
    there, where it is not what was asked for.
    """
    absent: list[Path] = []
    try:
        if folder.exists() and not folder.is_dir():
            raise UserError(f"{option}: must be a folder, and {str(folder)!r} is none")
        absent = [place for place in (folder, *folder.parents) if not place.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        # although its parents are there by now: /proc and its like take no folders
        reason = "no folder can be made there" if isinstance(error, FileNotFoundError) else error.strerror
        because = f"{why}, and " if why else ""
        raise UserError(f"{option}: {because}nothing can be written to {str(folder)!r} ({reason})") from error
    finally:
        for place in absent:
            with suppress(OSError):
                place.rmdir()


def refuse_another(path: Path, is_own: Callable[[Path], bool], why: str = "") -> None:
    """Raise UserError where a file would be written over what is not of its kind; `why` it would be there.

    `is_own` may raise BrokenPicture or OSError for what is none.
    """
    if not path.exists():
        return
    with suppress(BrokenPicture, OSError):
        if path.is_file() and is_own(path):  # from a pipe one would read for ever
            return
    if why:
        raise UserError(f"--out: {why}, but {path} is another file")
    raise UserError(f"--out: {path} is another file, which would be lost: name another")
