"""Files over HTTP: whole and right, or not at all, and going on where an earlier attempt broke off."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from atelier.errors import UserError
from atelier.files import sha256
from atelier.locks import alone
from atelier.weights.table import Pretrained

PARTIAL = ".partial"
"""Ends the name of a file that has not come wholly. It stays, for the next attempt to go on from."""

PATIENCE = 30
"""Seconds that a server may be silent."""

_PIECE = 1 << 16  # bytes; what is lost when a connection breaks off


def download(file: Pretrained, path: Path) -> None:
    """Bring a file to `path`. Of two processes that want the same, one downloads and the other waits.

    Raises UserError where there is no network, no room or no permission, and where what came is not the file.
    """
    partial = path.with_name(path.name + PARTIAL)
    try:
        with alone(path, "downloads"):
            if not path.is_file():  # else another process has brought it meanwhile
                _complete(file, partial)
                partial.replace(path)
    except (OSError, HTTPException) as error:
        instead = f"; {file.instead}" if file.instead else ""
        raise UserError(
            f"{file.name}: {file.address} cannot be downloaded ({_reason(error)}); "
            f"try again, or put the file at {path} by hand{instead}"
        ) from error


def _complete(file: Pretrained, partial: Path) -> None:
    """Go on with `partial` until it is the file, by its checksum."""
    resumed = _size(partial) > 0
    _receive_all(file, partial)
    if resumed and sha256(partial) != file.sha256:  # it was begun with something else: once more, from the start
        partial.unlink()
        _receive_all(file, partial)
    found = sha256(partial)
    if found != file.sha256:
        partial.unlink()
        raise UserError(
            f"{file.name}: what {file.address} sends is not the published file: "
            f"its sha256 is {found}, and should be {file.sha256}; it was thrown away"
        )


def _receive_all(file: Pretrained, partial: Path) -> None:
    """Receive what is missing, over as many connections as it takes, so long as each brings more."""
    while True:
        before = _size(partial)
        try:
            return _receive(file, partial)
        except (OSError, HTTPException):
            if _size(partial) <= before:
                raise


def _receive(file: Pretrained, partial: Path) -> None:
    """Receive what is missing over one connection. Raises OSError where that ends early."""
    have = _size(partial)
    request = Request(file.address, headers={"User-Agent": "atelier"} | ({"Range": f"bytes={have}-"} if have else {}))
    try:
        response = urlopen(request, timeout=PATIENCE)
    except HTTPError as error:
        if have and error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # nothing is missing; whether it is the right thing, the checksum tells
        raise
    with response:
        if response.status != HTTPStatus.PARTIAL_CONTENT:
            have = 0  # the server sends all of it, whatever was asked
        total = None if response.length is None else have + response.length
        with partial.open("ab" if have else "wb") as out, _bar(file.name, have, total) as advance:
            for piece in _pieces(response):
                out.write(piece)
                advance(len(piece))
    if total is not None and _size(partial) < total:
        raise ConnectionError(f"the connection broke off after {_size(partial)} of {total} bytes, which are kept")


def _pieces(response: HTTPResponse) -> Iterator[bytes]:
    while piece := response.read(_PIECE):
        yield piece


@contextmanager
def _bar(name: str, have: int, total: int | None) -> Iterator[Callable[[int], None]]:
    """A bar on the error stream, if that is a terminal. Yields what moves it on by so many bytes."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    pace = (TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, *pace, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(name, total=total, completed=have)
        yield lambda count: progress.advance(task, count)


def _size(path: Path) -> int:
    """In bytes; 0 where there is none."""
    return path.stat().st_size if path.exists() else 0


def _reason(error: OSError | HTTPException) -> str:
    """In few words."""
    inner = error.reason if isinstance(error, URLError) and not isinstance(error, HTTPError) else error
    return getattr(inner, "strerror", None) or str(inner) or type(inner).__name__
