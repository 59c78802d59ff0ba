"""Where a network's weights come from."""

from functools import cached_property
from pathlib import Path

from atelier import weights
from atelier.files import sha256


class WeightsFile:
    """One's `own` file, or for None the one that `atelier.weights` knows as `published`.

    Raises ValueError where there is no such file.
    """

    def __init__(self, own: str | None, published: str | None) -> None:
        if own is not None and not Path(own).is_file():
            raise ValueError(f"weights: no such file: {own!r}")
        self._own, self._published = own, published

    @property
    def path(self) -> Path:
        """Where the weights are, or will be once fetched."""
        if self._own is not None:
            return Path(self._own)
        assert self._published is not None  # where there is none, one's own must be given
        return weights.path_of(self._published)

    def fetch(self) -> None:
        """See that they are on disk, downloading them if need be. Raises UserError where they cannot be had."""
        if self._own is None and self._published is not None:
            weights.fetch(self._published)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file."""
        return sha256(self.path)
