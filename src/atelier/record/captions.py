"""Words in pictures."""

import unicodedata
from functools import lru_cache
from pathlib import Path

import matplotlib
from PIL import ImageDraw, ImageFont

UNWRITABLE = "\N{REPLACEMENT CHARACTER}"


def caption(draw: ImageDraw.ImageDraw, middle: tuple[int, int], text: str, width: int, size: int = 14) -> None:
    """Write a line of `size` pixels around a point; what is wider than `width` pixels is cut short."""
    text, font = line(text), _font(size)
    while len(text) > 1 and draw.textlength(text, font) > width:
        text = f"{text.rstrip('…')[:-1]}…"
    draw.text(middle, text, "black", font, anchor="mm")


def line(text: str) -> str:
    """As it can be written: names of files may hold line ends, control characters, and letters apart from their accents
    (those of macOS do)."""
    return "".join(map(_writable, unicodedata.normalize("NFC", text)))


def _writable(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() else UNWRITABLE


@lru_cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """Matplotlib's, since Pillow's own has no letters but those of English."""
    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), size)
