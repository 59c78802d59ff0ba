"""A collection by its name on the hub. Its content is named by the revision, which changes with any file."""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Any

from atelier.data.parquet import Parquet
from atelier.data.sources import Picture
from atelier.errors import UserError
from atelier.files import cache_root, write_text
from atelier.wording import first_line

log = logging.getLogger(__name__)


class Hub(Parquet):
    @cached_property
    def content(self) -> str:
        """The newest revision; without a network the one seen last, whose pixels may be in the cache."""
        from huggingface_hub import HfApi

        memo = cache_root() / "fingerprints" / f"{self.layout.repository.replace('/', '--')}.txt"
        try:
            with self._reached():
                revision = str(HfApi().dataset_info(self.layout.repository, timeout=20).sha)
        except UserError as error:
            if not memo.exists():
                raise
            revision = memo.read_text()
            name, reason = self.layout.repository, first_line(error.__cause__ or error)
            log.warning(
                "%s: the hub does not say its newest revision (%s); the last one seen is %s", name, reason, revision
            )
            return revision
        with suppress(OSError):
            write_text(memo, revision)
        return revision

    def about(self) -> dict[str, str | int]:
        return {"hub": self.layout.repository, "revision": self.content, "fit": self.fit}

    def count(self) -> int | None:
        """What the collection's page says. Files are not fetched to count."""
        from datasets import load_dataset_builder

        with tempfile.TemporaryDirectory() as nothing_kept, self._reached():
            page = load_dataset_builder(self.layout.repository, revision=self.content, cache_dir=nothing_kept).info
        if not page.splits:
            return None
        return sum(page.splits[part].num_examples or 0 for part in self.layout.parts) or None

    def rows(self, part: str, cache_dir: str) -> Any:
        from datasets import load_dataset

        repository, revision = self.layout.repository, self.content
        return load_dataset(repository, split=part, revision=revision, streaming=True, cache_dir=cache_dir)

    def pictures(self) -> Iterator[Picture]:
        with self._reached():
            yield from super().pictures()

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except UserError:
            raise
        except Exception as error:  # refused, offline mode, a proxy's page: every library has its own kinds
            name = self.layout.repository
            raise UserError(
                f"data.root: {name} cannot be read from the hub ({first_line(error)}). Where there is a network, "
                f"`hf download {name} --repo-type dataset --local-dir DIR`; then data.root=DIR. "
                "data=procedural needs no download"
            ) from error
