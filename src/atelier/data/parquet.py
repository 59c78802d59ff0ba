"""Collections in the hub's parquet layout, read by the `datasets` library.

Always streamed: rows go straight to the decoder, and no second copy of the collection stays in any cache.
`datasets` is imported where it is used, for it takes its time and is needed only when a cache must be built.
"""

import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from atelier.data.pictures import VERSION, Fit
from atelier.data.sources import Encoded, Picture
from atelier.errors import UserError


@dataclass(frozen=True)
class ParquetLayout:
    """Which columns of a collection are used, and which of its parts besides "train"."""

    repository: str
    """Its name on the hub."""
    image: str
    labels: Mapping[str, str]
    """Name of a label column here -> its name there."""
    held_out: str | None = None
    """The part that is for validation."""

    @property
    def parts(self) -> tuple[str, ...]:
        return ("train",) if self.held_out is None else ("train", self.held_out)


WIKIART = ParquetLayout("huggan/wikiart", "image", {"style": "style", "artist": "artist", "genre": "genre"})
CIFAR10 = ParquetLayout("uoft-cs/cifar10", "img", {"class": "label"}, held_out="test")


class Parquet(ABC):
    """What a clone and the hub have in common: everything but how rows are come by."""

    def __init__(self, name: str, layout: ParquetLayout, fit: Fit) -> None:
        self.name, self.layout, self.fit = name, layout, fit

    def key(self) -> str:
        return f"{self.content}/{self.fit}/{VERSION}"

    def pictures(self) -> Iterator[Picture]:
        for part in self.layout.parts:
            with tempfile.TemporaryDirectory() as nothing_kept:
                yield from self._encoded(self.rows(part, nothing_kept), part)

    @cached_property
    @abstractmethod
    def content(self) -> str:
        """Names what the files hold."""

    @abstractmethod
    def about(self) -> dict[str, str | int]: ...

    @abstractmethod
    def count(self) -> int | None: ...

    @abstractmethod
    def rows(self, part: str, cache_dir: str) -> Any:
        """A streaming `datasets.IterableDataset`."""

    def _encoded(self, rows: Any, part: str) -> Iterator[Picture]:
        from datasets import Image

        image, columns = self.layout.image, rows.column_names
        if image not in columns:
            raise UserError(f"data.root: the parquet files have no column {image!r}; they have {columns}")
        labels = {ours: theirs for ours, theirs in self.layout.labels.items() if theirs in columns}
        class_of = {theirs: _namer(rows.features[theirs]) for theirs in labels.values()}
        chosen = rows.select_columns([image, *class_of]).cast_column(image, Image(decode=False))
        for number, row in enumerate(chosen):
            stored = row[image] or {}
            classes = {ours: class_of[theirs](row[theirs]) for ours, theirs in labels.items()}
            yield Encoded(
                name=f"{part} row {number} ({stored.get('path')})",
                data=stored.get("bytes") or b"",
                fit=self.fit,
                labels={column: name for column, name in classes.items() if name is not None},
                held_out=part == self.layout.held_out,
            )


def _namer(feature: Any) -> Callable[[Any], str | None]:
    """From a stored label to the class's name: the one that comes with the files, or the label itself."""
    from datasets import ClassLabel

    if not isinstance(feature, ClassLabel):
        return lambda label: None if label is None else str(label)
    known = dict(enumerate(feature.names))
    return known.get  # None for -1 as well, which the library writes where a label is missing
