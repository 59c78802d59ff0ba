"""A folder at any address that fsspec knows, here or in an object store. What fails for a while is tried again."""

import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from atelier.errors import RunError, UserError
from atelier.files import replacing

log = logging.getLogger(__name__)

PAUSES = (1, 2, 4, 8, 16, 32)
"""Seconds before each further attempt: a store that is away for a minute costs a minute, not a run."""


class MissingFile(Exception):  # noqa: N818
    """The store answers, and has no such file."""


class Remote:
    """Files in a folder. `options` are fsspec's storage options: a store's endpoint, whose keys it takes.

    It pickles, and connects anew in each process: a connection does not survive a fork.
    """

    def __init__(self, root: str, options: Mapping[str, Any] | None = None) -> None:
        self.root, self.options = root.rstrip("/"), dict(options or {})
        self._connected: tuple[int, Any, str] | None = None

    def address(self, name: str) -> str:
        return f"{self.root}/{name}"

    def read(self, name: str) -> bytes:
        """Raises MissingFile, RunError where the store cannot be reached for about a minute, and UserError where it
        refuses or there is no way to it."""
        for pause in PAUSES:
            try:
                return self._read(name)
            except (MissingFile, UserError):
                raise
            except Exception as error:
                log.warning("%s cannot be read (%s): again in %d s", self.address(name), _reason(error), pause)
                time.sleep(pause)
        with self._told("read", name):
            return self._read(name)

    def _read(self, name: str) -> bytes:
        fs, root = self._connect()
        try:
            return bytes(fs.cat_file(f"{root}/{name}"))
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise MissingFile from error
        except PermissionError as error:
            raise UserError(f"{self.address(name)} must not be read: {_reason(error)}") from error

    def write(self, name: str, data: bytes) -> None:
        """A file appears when it is all there. Raises RunError or UserError where it cannot be written."""
        with self._told("written", name):
            fs, root = self._connect()
            fs.makedirs(root, exist_ok=True)
            if not _is_local(fs):  # an object store shows an object when it is whole
                fs.pipe_file(f"{root}/{name}", data)
                return
            with replacing(Path(root, name)) as partial:
                partial.write_bytes(data)

    def exists(self, name: str) -> bool:
        with self._told("looked for", name):
            fs, root = self._connect()
            return bool(fs.exists(f"{root}/{name}"))

    def remove(self, names: list[str]) -> None:
        for name in names:
            with self._told("removed", name):
                fs, root = self._connect()
                if fs.exists(f"{root}/{name}"):
                    fs.rm_file(f"{root}/{name}")

    def names(self) -> list[str]:
        """Of the files that lie in it; none where there is no folder."""
        with self._told("listed"):
            fs, root = self._connect()
            try:
                return [str(path).rpartition("/")[2] for path in fs.ls(root, detail=False)]
            except FileNotFoundError:
                return []

    @contextmanager
    def _told(self, done: str, name: str | None = None) -> Iterator[None]:
        """What fails is told in one line: every store's library has its own kinds of errors."""
        address = self.root if name is None else self.address(name)
        try:
            yield
        except (UserError, RunError):
            raise
        except PermissionError as error:
            raise UserError(f"{address} must not be {done}: {_reason(error)}") from error
        except Exception as error:
            raise RunError(f"{address} cannot be {done}: {_reason(error)}") from error

    def _connect(self) -> tuple[Any, str]:
        """Raises UserError where the address is of a kind that nothing installed can open."""
        if self._connected is None or self._connected[0] != os.getpid():
            from fsspec.core import url_to_fs

            fresh = {} if self._connected is None else {"skip_instance_cache": True}
            try:
                fs, root = url_to_fs(self.root, **self.options, **fresh)
            except (ImportError, ValueError) as error:
                raise UserError(f"{self.root!r} cannot be opened: {_reason(error)}") from error
            self._connected = os.getpid(), fs, str(root).rstrip("/")
        return self._connected[1:]

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_connected": None}


def is_local_path(root: str) -> bool:
    """Whether it is a path here, as no address is."""
    return "://" not in root and "::" not in root


def _is_local(fs: Any) -> bool:
    return "file" in ([fs.protocol] if isinstance(fs.protocol, str) else fs.protocol)


def _reason(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
