"""What a user names as the contents or the styles: a folder, one picture, or a data module."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from atelier.data.cache import Cache, cached
from atelier.data.clone import Clone
from atelier.data.folder import Files
from atelier.data.module import ImageData
from atelier.data.parquet import WIKIART
from atelier.data.sources import Picture, Rendered, Source
from atelier.errors import UserError

PICTURE = "picture"
"""The label column that says which picture each is."""


@dataclass(frozen=True)
class Origin:
    """Pictures that the user gave as `data.<name>`."""

    name: str
    find: Callable[[], Source]
    """Looks into the folder, so it is asked late."""
    key: str
    """What the source's own messages call `data.root`."""
    columns: tuple[str, ...]
    """The label columns that stand for sub-folders, if they are there: the first that is."""

    def cached(self, size: int, named: bool) -> Cache:
        """The pictures at size x size, with the label column `PICTURE` where `named`. Raises UserError."""
        with self._own_key():
            source = self.find()
            return cached(Named(source) if named else source, size)

    @contextmanager
    def _own_key(self) -> Iterator[None]:
        """Sources are written for `data.root`, and the user has not set one."""
        try:
            yield
        except UserError as error:
            text = re.sub(r"^data\.root(?=:)", self.key, str(error))
            raise UserError(re.sub(r"^data(?=:)", f"data.{self.name}", text)) from error


def folder(name: str, path: str) -> Origin:
    """Pictures in a folder and below; or, where it holds `train-*.parquet`, a clone in WikiArt's layout.

    Raises ValueError for what is no folder.
    """
    root = existing_folder(name, path)

    def find() -> Source:
        is_clone = any(root.rglob("train-*.parquet"))
        return Clone("clone", WIKIART, "crop", root) if is_clone else Files(root, "crop")

    return Origin(name, find, f"data.{name}", ("class", "style"))


def files(name: str, root: Path) -> Origin:
    """Pictures in a folder and below, whatever else it holds."""
    return Origin(name, lambda: Files(root, "crop"), f"data.{name}", ())


def existing_folder(name: str, path: str) -> Path:
    """Raises ValueError where it is none."""
    root = Path(path).expanduser()
    if not root.is_dir():
        raise ValueError(f"{name}: {'not a folder' if root.exists() else 'no such folder'}: {path!r}")
    return root


def folder_or_picture(name: str, path: str) -> Origin:
    """As `folder`, or the one picture that a file is."""
    file = Path(path).expanduser()
    return Origin(name, lambda: OnePicture(file), f"data.{name}", ()) if file.is_file() else folder(name, path)


def module(name: str, make: Callable[..., ImageData], **settings: int) -> Origin:
    """The pictures of the data module that is made with these settings, its split left aside.

    Raises ValueError for what it refuses.
    """
    try:
        data = make(**settings)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    if not isinstance(data, ImageData):  # shards are trained on as they are, at the size that they were made in
        raise ValueError(f"{name}: must be pictures that can be had at any size, and {type(data).__name__} has none")
    return Origin(name, data.source, f"data.{name}.root", (data.label,) if data.label else ())


class OnePicture(Files):
    """A file as a collection."""

    name = "picture"

    def __init__(self, file: Path) -> None:
        super().__init__(file.parent, "crop")
        self.file = file.name

    @cached_property
    def names(self) -> list[str]:
        return [self.file]


@dataclass(frozen=True)
class Named:
    """A source whose pictures are labelled with their own names, in the column `PICTURE`."""

    source: Source

    @property
    def name(self) -> str:
        return self.source.name

    def key(self) -> str:
        return f"{self.source.key()}/named"

    def about(self) -> dict[str, str | int]:
        return self.source.about()

    def count(self) -> int | None:
        return self.source.count()

    def pictures(self) -> Iterator[Picture]:
        return map(_NamedPicture, self.source.pictures())


@dataclass(frozen=True)
class _NamedPicture:
    picture: Picture

    @property
    def name(self) -> str:
        return self.picture.name

    def render(self, size: int) -> Rendered:
        rendered = self.picture.render(size)
        return rendered._replace(labels=rendered.labels | {PICTURE: self.name})
