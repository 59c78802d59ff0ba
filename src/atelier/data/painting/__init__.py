"""Paintings drawn by code: labelled, of any size, the same for everyone, and nothing to download.

They stand in for a collection of art where there is none: in the default experiment, in tests, and in the
training of the embedded network (docs/embedded.md).
"""

from typing import NamedTuple

import numpy as np
from PIL import Image

from atelier.data.painting.abstract import action_painting, colour_field, op_art, suprematism
from atelier.data.painting.cubism import cubism
from atelier.data.painting.easel import Array, Easel
from atelier.data.painting.scenes import impressionism, pointillism, seascape

VERSION = 1
"""Goes up whenever any painting changes: caches of paintings are keyed by it."""

_PAINTERS = (
    colour_field,
    pointillism,
    impressionism,
    cubism,
    suprematism,
    action_painting,
    seascape,
    op_art,
)
STYLES: tuple[str, ...] = tuple(painter.__name__ for painter in _PAINTERS)

_COLOURS = {  # from dark to light
    "harbour": ("#264653", "#2a9d8f", "#e76f51", "#f4a261", "#e9c46a"),
    "night": ("#0b132b", "#1c2541", "#3a506b", "#5bc0be", "#f0f3bd"),
    "embers": ("#1f2937", "#7f1d1d", "#b91c1c", "#f59e0b", "#fde68a"),
    "dusk": ("#2b2145", "#6a4c93", "#b185db", "#f4acb7", "#ffe5d9"),
    "orchard": ("#386641", "#bc4749", "#6a994e", "#a7c957", "#f2e8cf"),
}
PALETTES: tuple[str, ...] = tuple(_COLOURS)


class Painting(NamedTuple):
    pixels: Array
    """uint8 (size, size, 3), RGB."""
    style: int
    """Place in STYLES."""
    palette: int
    """Place in PALETTES."""


def paint(index: int, size: int, seed: int = 0, style: int | None = None) -> Painting:
    """Painting number `index` of the endless collection `seed`; both at least 0.

    The palette falls by chance, and so does the style unless its place is given. At another size it is the
    same picture. Another machine paints the same pixels, but for the last bit of its sines and cosines,
    which almost never shows.
    """
    rng = np.random.default_rng((seed, index))
    drawn, palette = int(rng.integers(len(STYLES))), int(rng.integers(len(PALETTES)))
    chosen = drawn if style is None else style
    scale = max(2, -(-_LEAST_CANVAS // size))
    easel = Easel(size * scale, rng, _palette(palette))
    canvas = _PAINTERS[chosen](easel)
    image = Image.fromarray(canvas.clip(0, 255).astype(np.uint8)).reduce(scale)
    return Painting(np.asarray(image), chosen, palette)


_LEAST_CANVAS = 128  # pixels: on a smaller one the thinnest lines would be rounded to another width


def _palette(number: int) -> Array:
    """float32 (5, 3)."""
    return np.array([list(bytes.fromhex(colour[1:])) for colour in _COLOURS[PALETTES[number]]], np.float32)
