"""A folder at any address that fsspec knows, here or in an object store. What fails for a while is tried again."""

import logging
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import copy
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from atelier.data.remote_errors import is_refusal, may_pass
from atelier.errors import RunError, UserError
from atelier.files import replacing
from atelier.wording import first_line

log = logging.getLogger(__name__)

Result = TypeVar("Result")

PAUSES = (1, 2, 4, 8, 16, 32)
"""Seconds before each further attempt: a store that is away for a minute costs a minute, not a run."""


class MissingFile(Exception):  # noqa: N818  # what was found, always caught and told in other words
    """The store answers, and has no such file."""


class Remote:
    """Files in a folder. `options` are fsspec's storage options: a store's endpoint, whose keys it takes.

    It pickles, and connects anew in each process: a connection does not survive a fork.
    """

    def __init__(self, root: str, options: Mapping[str, Any] | None = None) -> None:
        self.root, self.options = root.rstrip("/"), dict(options or {})
        self._connected: tuple[int, Any, str] | None = None
        self._patient = True

    def address(self, name: str) -> str:
        return f"{self.root}/{name}"

    def impatient(self) -> "Remote":
        """The same folder, where nothing is tried again."""
        other = copy(self)
        other._patient = False
        return other

    def read(self, name: str) -> bytes:
        """Raises MissingFile, RunError where the store cannot be reached for about a minute, and UserError where it
        refuses or there is no way to it."""

        def read() -> bytes:
            fs, root = self._connect()
            try:
                return bytes(fs.cat_file(f"{root}/{name}"))
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
                raise MissingFile from error

        return self._tried(read, "read", name)

    def write(self, name: str, data: bytes) -> None:
        """A file appears when it is all there. Raises RunError or UserError where it cannot be written."""

        def write() -> None:
            fs, root = self._connect()
            fs.makedirs(root, exist_ok=True)
            if not _is_local(fs):  # an object store shows an object when it is whole
                fs.pipe_file(f"{root}/{name}", data)
                return
            with replacing(Path(root, name)) as unfinished:
                unfinished.write_bytes(data)

        self._tried(write, "written", name)

    def exists(self, name: str) -> bool:
        def look() -> bool:
            fs, root = self._connect()
            fs.invalidate_cache()  # others write, too
            return bool(fs.exists(f"{root}/{name}"))

        return self._tried(look, "looked for", name)

    def remove(self, names: list[str]) -> None:
        for name in names:
            self._tried(partial(self._remove, name), "removed", name)

    def _remove(self, name: str) -> None:
        fs, root = self._connect()
        with suppress(FileNotFoundError):  # removed by an attempt of which nothing was heard, perhaps
            fs.rm_file(f"{root}/{name}")

    def names(self) -> list[str]:
        """The files that lie in it; none where there is no folder."""

        def look() -> list[str]:
            fs, root = self._connect()
            fs.invalidate_cache()
            try:
                return [str(path).rpartition("/")[2] for path in fs.ls(root, detail=False)]
            except FileNotFoundError:
                return []

        return self._tried(look, "listed")

    def _tried(self, attempt: Callable[[], Result], done: str, name: str | None = None) -> Result:
        """What may pass is tried again, and what fails is told in one line: each store has errors of its own."""
        address = self.root if name is None else self.address(name)
        pauses = iter(PAUSES if self._patient else ())
        while True:
            try:
                return attempt()
            except (MissingFile, UserError, RunError):
                raise
            except Exception as error:
                if is_refusal(error):
                    raise UserError(f"{address} must not be {done}: {first_line(error)}") from error
                pause = next(pauses, None) if may_pass(error) else None
                if pause is None:
                    raise RunError(f"{address} cannot be {done}: {first_line(error)}") from error
                log.warning("%s cannot be %s (%s): again in %d s", address, done, first_line(error), pause)
            time.sleep(pause)

    def _connect(self) -> tuple[Any, str]:
        """Raises UserError where the address is of a kind that nothing installed can open."""
        if self._connected is None or self._connected[0] != os.getpid():
            from fsspec.core import url_to_fs

            fresh = {} if self._connected is None else {"skip_instance_cache": True}
            try:
                fs, root = url_to_fs(self.root, **self.options, **fresh)
            except (ImportError, ValueError) as error:
                raise UserError(f"{self.root!r} cannot be opened: {first_line(error)}") from error
            self._connected = os.getpid(), fs, str(root).rstrip("/")
        return self._connected[1:]

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_connected": None}


def is_local_path(root: str) -> bool:
    """Whether it is a path here, as no address is."""
    return "://" not in root and "::" not in root


def _is_local(fs: Any) -> bool:
    return "file" in ([fs.protocol] if isinstance(fs.protocol, str) else fs.protocol)
