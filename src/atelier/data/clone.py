"""A local clone of a collection: `<part>-*.parquet` anywhere below a folder."""

import logging
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from atelier.data.fingerprint import fingerprint
from atelier.data.parquet import Parquet, ParquetLayout
from atelier.data.pictures import Fit
from atelier.data.sources import Picture
from atelier.errors import UserError
from atelier.files import FULL, PASSING

log = logging.getLogger(__name__)


class Clone(Parquet):
    def __init__(self, name: str, layout: ParquetLayout, fit: Fit, root: Path) -> None:
        super().__init__(name, layout, fit)
        self.root = root.absolute()

    @cached_property
    def content(self) -> str:
        return fingerprint(self.root, [path.relative_to(self.root).as_posix() for path in self._files()])

    def about(self) -> dict[str, str | int]:
        return {"root": str(self.root), "fit": self.fit}

    def count(self) -> int:
        """Looks into every file: one that is none of parquet's is named, and a missing one is told of."""
        for part in self.layout.parts:
            _warn_of_missing(self._part(part))
        return sum(_rows_in(path) for path in self._files())

    def rows(self, part: str, cache_dir: str) -> Any:
        from datasets import load_dataset

        files = [str(path) for path in self._part(part)]
        return load_dataset("parquet", data_files=files, split="train", streaming=True, cache_dir=cache_dir)

    def pictures(self) -> Iterator[Picture]:
        from pyarrow import ArrowException

        try:
            yield from super().pictures()
        except (ArrowException, OSError) as error:
            if isinstance(error, OSError) and error.errno in {*FULL, *PASSING}:  # the machine's trouble, not the file's
                raise
            raise UserError(f"data.root: a parquet file below {str(self.root)!r} is damaged: {error}") from error

    def _files(self) -> list[Path]:
        return [path for part in self.layout.parts for path in self._part(part)]

    def _part(self, part: str) -> list[Path]:
        files = sorted(self.root.rglob(f"{part}-*.parquet"))
        if not files:
            raise UserError(
                f"data.root: no {part}-*.parquet below {str(self.root)!r}; "
                f"it should be a clone of the data set {self.layout.repository}"
            )
        return files


def _warn_of_missing(files: list[Path]) -> None:
    """Their names say how many they should be: train-00000-of-00072.parquet."""
    named = re.search(r"-of-0*(\d+)\.parquet$", files[0].name)
    if named and len(files) < int(named[1]):
        log.warning("only %d of %s files like %s are here", len(files), named[1], files[0])


def _rows_in(path: Path) -> int:
    from pyarrow import ArrowException, parquet

    try:
        return int(parquet.read_metadata(path).num_rows)
    except (ArrowException, OSError) as error:
        hint = " (a git-lfs pointer? `git lfs pull`)" if path.stat().st_size < 1000 else ""
        raise UserError(f"data.root: {str(path)!r} cannot be read{hint}: {error}") from error
