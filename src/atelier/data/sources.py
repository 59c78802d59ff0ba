"""Where pictures come from.

A source says which there are, and under which key their pixels are cached. It is asked for the pictures
themselves only when that cache must be built.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np

from atelier.data.pictures import Fit, decode


class Rendered(NamedTuple):
    pixels: np.ndarray
    """uint8 (size, size, 3)"""
    labels: dict[str, str]
    """The name of its class, by label column."""
    held_out: bool = False
    """Whether the collection itself says that this picture is for validation."""


class Picture(Protocol):
    """One picture, not decoded yet. It pickles: worker processes render it."""

    @property
    def name(self) -> str:
        """What a person would look for when it is broken."""

    def render(self, size: int) -> Rendered:
        """Raises BrokenPicture."""


class Source(Protocol):
    @property
    def name(self) -> str:
        """One word, for messages and for the name of the cache folder."""

    def key(self) -> str:
        """Names the content and how it is rendered: another key whenever other pixels could come out."""

    def about(self) -> dict[str, str | int]:
        """What to tell a person who looks into the cache folder."""

    def count(self) -> int | None:
        """How many pictures, broken ones included; None where nobody knows before they are read."""

    def pictures(self) -> Iterator[Picture]:
        """In an order of their own, always the same."""


@dataclass(frozen=True)
class Encoded:
    """A picture in the bytes of some image format."""

    name: str
    data: bytes = field(repr=False)
    fit: Fit
    labels: dict[str, str]
    held_out: bool = False

    def render(self, size: int) -> Rendered:
        return Rendered(decode(self.data, size, self.fit), self.labels, self.held_out)
