"""What a pixel cache knows of its pictures besides their pixels."""

import hashlib
import logging
from pathlib import Path

import numpy as np

from atelier.data.rendering import Broken
from atelier.data.sources import Rendered
from atelier.errors import UserError

log = logging.getLogger(__name__)

_UNLABELLED = "unknown"
"""The class of pictures that lack a label which others have."""

_NAMED = 5
"""Broken pictures named in a message; what is written beside the pixels names all."""


class RowsBuilder:
    """What is known of the pictures that were rendered, in order; and those that could not be."""

    def __init__(self) -> None:
        self.broken: list[Broken] = []
        self._digests: list[bytes] = []
        self._held_out: list[bool] = []
        self._labels: list[dict[str, str]] = []

    def __len__(self) -> int:
        return len(self._digests)

    def add(self, rendered: Rendered) -> bytes:
        """Returns the digest of its pixels."""
        digest = hashlib.blake2b(rendered.pixels.tobytes(), digest_size=16).digest()
        self._digests.append(digest)
        self._held_out.append(rendered.held_out)
        self._labels.append(rendered.labels)
        return digest

    def refuse_none(self, key: str) -> None:
        """Raises UserError, which begins with the `key`, where no picture can be used."""
        if not len(self):
            raise UserError(f"{key}: none of the {len(self.broken)} pictures can be used ({self._named_broken()})")

    def tell_broken(self, name: str, where: object) -> None:
        """Warn of broken pictures of the collection `name`, if there are any; all are named in `where`."""
        if self.broken:
            total = len(self) + len(self.broken)
            log.warning(
                "%s: %d of %d pictures are broken and left out (%s); all are named in %s",
                name, len(self.broken), total, self._named_broken(), where,
            )  # fmt: skip

    def _named_broken(self) -> str:
        shown = "; ".join(f"{broken.name}: {broken.reason}" for broken in self.broken[:_NAMED])
        return shown + (f"; and {len(self.broken) - _NAMED} more" if len(self.broken) > _NAMED else "")

    def save(self, path: Path) -> dict[str, list[str]]:
        """Write the arrays as a .npz. Returns the classes' names, as `arrays` does."""
        classes, arrays = self.arrays()
        with path.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]  # numpy's stub takes one for its own flag, allow_pickle
        return classes

    def arrays(self) -> tuple[dict[str, list[str]], dict[str, np.ndarray]]:
        """The classes' names of each label column, and what is known of the pictures, by name.

        The classes are those that have a picture, for one without pictures cannot be learnt.
        """
        columns = sorted({column for labels in self._labels for column in labels})
        encoded = {column: self._encode(column) for column in columns}
        arrays = {f"label.{column}": codes for column, (_, codes) in encoded.items()}
        arrays["digests"] = np.frombuffer(b"".join(self._digests), np.uint8).reshape(-1, 16)
        arrays["held_out"] = np.array(self._held_out, bool)
        return {column: names for column, (names, _) in encoded.items()}, arrays

    def _encode(self, column: str) -> tuple[list[str], np.ndarray]:
        given = [labels.get(column, _UNLABELLED) for labels in self._labels]
        names = sorted(set(given), key=_number_or_text)
        place = {name: number for number, name in enumerate(names)}
        return names, np.array([place[name] for name in given], np.int64)


def _number_or_text(name: str) -> tuple[bool, int, str]:
    """Sorts 9 before 10."""
    return (False, int(name), name) if name.isdecimal() else (True, 0, name)
