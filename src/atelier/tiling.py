"""A picture cut into tiles that are looked at one by one, each with enough around it to see what the whole would."""

from collections.abc import Iterator
from typing import NamedTuple

from torch import Tensor


class Span(NamedTuple):
    """Along one side of the picture, in pixels."""

    start: int
    stop: int
    """Where the tile itself begins and ends; together the tiles cover the picture once."""
    first: int
    last: int
    """Where what is looked at begins and ends: the tile and its margin, where the picture has one."""


class Tile(NamedTuple):
    rows: Span
    columns: Span

    def window(self, images: Tensor) -> Tensor:
        """The tile with its margin, of images (B, C, H, W)."""
        return images[..., self.rows.first : self.rows.last, self.columns.first : self.columns.last]

    def own(self, images: Tensor, stride: int = 1) -> Tensor:
        """The tile itself, of a whole picture or of activations that are `stride` times smaller: a view."""
        rows, columns = (slice(span.start // stride, span.stop // stride) for span in self)
        return images[..., rows, columns]

    def trimmed(self, activations: Tensor, stride: int = 1) -> Tensor:
        """What of the activations of a window belongs to the tile itself; they are `stride` times smaller."""
        rows, columns = (
            slice((span.start - span.first) // stride, (span.stop - span.first) // stride) for span in self
        )
        return activations[..., rows, columns]


def tiles(height: int, width: int, side: int | None, margin: int, stride: int) -> list[Tile]:
    """Tiles of `side` pixels or less, margins of `margin` or more; None: the whole picture is one tile.

    All begin at multiples of `stride`, of which height and width are multiples too, so that poolings fall into step.
    """
    rows, columns = ([*_spans(length, side or length, margin, stride)] for length in (height, width))
    return [Tile(row, column) for row in rows for column in columns]


def _spans(length: int, side: int, margin: int, stride: int) -> Iterator[Span]:
    if length % stride or side % stride:
        raise ValueError(f"length and side must be multiples of {stride}, got {length} and {side}")
    around = -(-margin // stride) * stride
    for start in range(0, length, side):
        stop = min(start + side, length)
        yield Span(start, stop, max(0, start - around), min(length, stop + around))
