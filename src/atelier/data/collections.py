"""The data modules one chooses from."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal, get_args

import numpy as np

from atelier.data.cache import Column
from atelier.data.clone import Clone
from atelier.data.folder import Files
from atelier.data.hub import Hub
from atelier.data.module import ImageData, one_of
from atelier.data.origins import existing_folder
from atelier.data.paintings import Paintings
from atelier.data.parquet import CIFAR10, WIKIART, ParquetLayout
from atelier.data.pictures import Fit
from atelier.data.sources import Source
from atelier.errors import UserError


@dataclass(kw_only=True, eq=False)
class Folder(ImageData):
    """Image files in a folder. With the label "class", its sub-folders are the classes."""

    root: str
    fit: Fit = "crop"
    label: Literal["class"] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("fit", self.fit, get_args(Fit))
        one_of("label", self.label, ["class", None])
        existing_folder("root", self.root)

    def source(self) -> Files:
        return Files(existing_folder("root", self.root), self.fit)

    def origin_of(self, training_picture: int) -> str | None:
        return self._whole[self.train_pixels.row(training_picture)]

    @cached_property
    def _whole(self) -> list[str]:
        """The files of the pictures, in their order; a folder of many is slow to list."""
        broken = {*self.left_out}
        return [name for name in self.source().names if name not in broken]

    def labels_among(self, columns: Mapping[str, Column]) -> tuple[tuple[str, ...], np.ndarray | None]:
        if self.label is not None and self.label not in columns:
            why = self.source().why_no_classes
            raise UserError(f"data.label: these pictures have no {self.label!r}, {why}; or data.label=null")
        return super().labels_among(columns)


@dataclass(kw_only=True, eq=False)
class _Published(ImageData):
    """A collection in its published layout: `root` is a local clone of it, None is the hub."""

    layout: ClassVar[ParquetLayout]

    root: str | None = None
    fit: Fit = "crop"

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("fit", self.fit, get_args(Fit))
        one_of("label", self.label, [*self.layout.labels, None])
        if self.root is not None:
            existing_folder("root", self.root)

    def source(self) -> Source:
        name = type(self).__name__.lower()
        if self.root is None:
            return Hub(name, self.layout, self.fit)
        return Clone(name, self.layout, self.fit, existing_folder("root", self.root))


@dataclass(kw_only=True, eq=False)
class WikiArt(_Published):
    """81,444 paintings, labelled by style, artist and genre."""

    layout = WIKIART
    label: Literal["style", "artist", "genre"] | None = None


@dataclass(kw_only=True, eq=False)
class Cifar10(_Published):
    """60,000 small photographs in ten classes; the test pictures are those for validation."""

    layout = CIFAR10
    label: Literal["class"] | None = None


@dataclass(kw_only=True, eq=False)
class Procedural(ImageData):
    """Paintings made by code (`atelier.data.painting`), labelled by style and palette."""

    count: int = 4096
    label: Literal["style", "palette"] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("label", self.label, ["style", "palette", None])
        if self.count < 2:
            raise ValueError(f"count must be at least 2, got {self.count}")

    def source(self) -> Source:
        return Paintings(self.count)
