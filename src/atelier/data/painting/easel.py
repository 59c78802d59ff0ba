"""What every style paints with: one painting's colours and chance, and brushes that work in unit coordinates.

They run from 0 to 1, x to the right and y downwards, so a style never meets a pixel and paints the same
picture at every size.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Array = NDArray[Any]
TAU = 2 * np.pi


@dataclass(frozen=True)
class Easel:
    side: int
    """Pixels of the canvas, which is larger than the painting that is made of it."""
    rng: np.random.Generator
    colours: Array
    """The palette, float32 (5, 3) in [0, 255], from dark to light."""

    def between(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def count(self, least: int, most: int) -> int:
        """A whole number; both ends may come up."""
        return int(self.rng.integers(least, most + 1))

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def shuffled(self) -> Array:
        return self.rng.permutation(self.colours)

    def tint(self, colour: Array, spread: float = 8.0) -> Array:
        """The colour as mixed once more by hand: each channel off by up to `spread` levels."""
        return colour + self.rng.uniform(-spread, spread, colour.shape)

    def grid(self) -> tuple[Array, Array]:
        """x (1, side) and y (side, 1) of the pixels' centres."""
        centres = (np.arange(self.side, dtype=np.float32) + 0.5) / self.side
        return centres[None, :], centres[:, None]

    def cloud(self, cells: int) -> Array:
        """Smooth noise in [0, 1], float32 (side, side), with about `cells` lumps along a side."""
        coarse = self.rng.random((cells + 1, cells + 1)).astype(np.float32)
        fine = Image.fromarray(coarse).resize((self.side, self.side), Image.Resampling.BICUBIC)
        return np.asarray(fine).clip(0, 1)

    def pen(self, ground: Array) -> "Pen":
        return Pen(self.side, ground)

    def pen_on(self, pixels: Array) -> "Pen":
        """Goes on with a canvas that was painted as an array."""
        pen = Pen(self.side, np.zeros(3))
        pen.image.paste(Image.fromarray(pixels.clip(0, 255).astype(np.uint8)))
        return pen


class Pen:
    """Pillow's drawing in unit coordinates and float colours."""

    def __init__(self, side: int, ground: Array) -> None:
        self.side = side
        self.image = Image.new("RGB", (side, side), _ink(ground))
        self.draw = ImageDraw.Draw(self.image)

    def disc(self, centre: Array, radius: float, colour: Array) -> None:
        box = self._at(np.concatenate([centre - radius, centre + radius]))
        self.draw.ellipse(box, fill=_ink(colour))

    def polygon(self, points: Array, colour: Array) -> None:
        self.draw.polygon(self._at(points), fill=_ink(colour))

    def line(self, points: Array, width: float, colour: Array) -> None:
        """At least one canvas pixel wide."""
        thickness = max(1, round(width * self.side))
        self.draw.line(self._at(points), fill=_ink(colour), width=thickness, joint="curve")

    def pixels(self) -> Array:
        return np.asarray(self.image)

    def _at(self, points: Array) -> list[float]:
        return (points * self.side).ravel().tolist()


def blend(below: Array, above: Array, cover: Array | float) -> Array:
    """Colours `above` laid over `below`, both (..., 3); `cover` (...) in [0, 1] says how thickly."""
    thickness = np.asarray(cover)[..., None]
    return below + (above - below) * thickness


def plateau(position: Array, start: float, stop: float, softness: float) -> Array:
    """1 between `start` and `stop`, 0 outside, passing linearly over `softness` to either side of each."""
    inside = np.minimum(position - start, stop - position)
    return (0.5 + inside / (2 * softness)).clip(0, 1)


def turned(points: Array, angle: float) -> Array:
    """Points (n, 2) turned about the origin by an angle in radians."""
    cos, sin = np.cos(angle), np.sin(angle)
    return points @ np.array([[cos, sin], [-sin, cos]])


def _ink(colour: Iterable[float]) -> tuple[int, int, int]:
    red, green, blue = (min(255, max(0, round(float(channel)))) for channel in colour)
    return red, green, blue
