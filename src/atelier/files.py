"""Where caches live, and how a file is written so that nobody ever meets half of it."""

import errno
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import platformdirs
from filelock import FileLock

PASSING = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ESTALE, errno.ETIMEDOUT}
"""What the system says of a file that may well be whole: process, machine or network are at their limits."""

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""What the system says where no more can be written: the disk, a quota or the largest size of a file is reached."""

PARTIAL = ".partial"
"""Ends the name of a file that is being written, or was when its process died."""

WEEK = 7 * 24 * 3600
"""Seconds after which nobody is at a half any more: of a clip that takes days, parts are written now and then."""

LONGEST_NAME = 255 - len(f"..12345678{PARTIAL}")
"""Bytes of a file's name that leave room for that of its temporary file, where a name has 255, as nearly everywhere."""

_tidied: set[Path] = set()
"""Folders in which this process has looked for halves that others left."""

_UMASK = os.umask(0o077)  # it can be asked for only by setting it, which two threads must not do at once
os.umask(_UMASK)


def cache_root() -> Path:
    """The folder of all caches: `$ATELIER_CACHE`, or the user's cache folder. It need not exist."""
    return Path(os.environ.get("ATELIER_CACHE") or platformdirs.user_cache_path("atelier"))


def real(path: Path) -> Path:
    """Where a path leads, by whatever links. `Path.resolve` raises RuntimeError for links in a circle before 3.13."""
    return Path(os.path.realpath(path))


def sha256(path: Path) -> str:
    """Of a file's content, as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def lock_of(path: Path) -> FileLock:
    """Held while `path` is made. Its file stays: removing it would let two processes hold it at once."""
    locks = path.parent / ".locks"
    locks.mkdir(parents=True, exist_ok=True)
    return FileLock(locks / f"{path.name}.lock")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file beside `path`: renamed over it when the block ends well, removed when it does not.

    The bytes reach the disk before the name does, so that a crash leaves the old file or the new one, whole. An OSError
    names `path`, or the folder that cannot be made.
    """
    _make_folder(path.parent)
    if path.is_dir():  # which would be known only when all is written
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    partial = _partial(path)
    try:
        _tidy(partial)
        yield partial
        partial.chmod(0o666 & ~_UMASK)  # mkstemp makes it private
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Replace `path` by a text in UTF-8, whatever the locale: YAML is read as that, and names have all letters."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def remove_halves(folder: Path, name: str = "*") -> None:
    """Remove what `replacing` left of files of that name, at any depth, when its process was killed.

    Nobody may be writing them now.
    """
    for partial in folder.rglob(f".{name}.*{PARTIAL}"):
        partial.unlink(missing_ok=True)


def let_go(output: int) -> None:
    """From now on nothing that is written to it arrives, and nothing is raised for that."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, output)
    os.close(nowhere)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileNotFoundError as error:  # although its parents are there by now: /proc and its like take no folders
        raise PermissionError(errno.EPERM, "no folder can be made there", str(folder)) from error


def _partial(path: Path) -> Path:
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=PARTIAL)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    os.close(handle)
    return Path(name)


def _tidy(partial: Path) -> None:
    """Remove the halves that processes left beside it which were killed, once for each folder."""
    if partial.parent in _tidied:
        return
    _tidied.add(partial.parent)
    now = partial.stat().st_mtime  # by the clock that the others' times are of, be it another machine's
    for half in partial.parent.glob(f".*.{'[a-z0-9_]' * 8}{PARTIAL}"):
        with suppress(OSError):  # one that was gone, or that belongs to somebody else
            if now - half.stat().st_mtime > WEEK:
                half.unlink()
