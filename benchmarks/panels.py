"""Small charts drawn with Pillow, side by side in one PNG: enough for docs/, and no dependency."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from atelier.files import replacing

WIDTH, HEIGHT, SHARPNESS = 300, 230, 2
LEFT, TOP, RIGHT, BOTTOM = 44, 30, 12, 26
INK, GREY, FAINT = "#1f2937", "#6b7280", "#e5e7eb"
HUES = ("#bc4749", "#2a9d8f", "#6a4c93", "#f59e0b")


@dataclass(frozen=True)
class Panel:
    """Lines over the same named steps; every value above 0, since the vertical axis is logarithmic."""

    title: str
    steps: Sequence[str]
    lines: Mapping[str, Sequence[float]]


def save(panels: Sequence[Panel], path: Path, columns: int = 3) -> None:
    """All panels share one vertical axis and one legend, at the foot."""
    values = [value for panel in panels for line in panel.lines.values() for value in line]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    rows = math.ceil(len(panels) / columns)
    sheet = Image.new("RGB", (columns * WIDTH * SHARPNESS, (rows * HEIGHT + 30) * SHARPNESS), "white")
    for number, panel in enumerate(panels):
        row, column = divmod(number, columns)
        sheet.paste(_chart(panel, low, high), (column * WIDTH * SHARPNESS, row * HEIGHT * SHARPNESS))
    pen = ImageDraw.Draw(sheet)
    for number, name in enumerate(panels[0].lines):
        _text(pen, LEFT + 150 * number, rows * HEIGHT + 14, name, HUES[number], "lm")
    with replacing(path) as partial:
        sheet.quantize(64).save(partial, "PNG", optimize=True)


def _chart(panel: Panel, low: int, high: int) -> Image.Image:
    image = Image.new("RGB", (WIDTH * SHARPNESS, HEIGHT * SHARPNESS), "white")
    pen = ImageDraw.Draw(image)

    def across(step: int) -> float:
        return LEFT + 10 + (WIDTH - LEFT - RIGHT - 20) * step / (len(panel.steps) - 1)

    def up(exponent: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (exponent - low) / (high - low)

    _text(pen, LEFT, TOP / 2, panel.title, INK, "lm", 13)
    for exponent in range(low, high + 1):
        _line(pen, [(LEFT, up(exponent)), (WIDTH - RIGHT, up(exponent))], FAINT, 1)
        _text(pen, LEFT - 5, up(exponent), f"{10.0**exponent:g}", GREY, "rm")
    for number, step in enumerate(panel.steps):
        _text(pen, across(number), HEIGHT - BOTTOM + 10, step, GREY, "mm")
    for line, hue in zip(panel.lines.values(), HUES, strict=False):
        points = [(across(step), up(math.log10(value))) for step, value in enumerate(line)]
        _line(pen, points, hue, 2)
        for x, y in points:
            pen.ellipse([(p * SHARPNESS) for p in (x - 2.5, y - 2.5, x + 2.5, y + 2.5)], fill=hue)
    return image


def _line(pen: ImageDraw.ImageDraw, points: list[tuple[float, float]], hue: str, width: int) -> None:
    pen.line([(x * SHARPNESS, y * SHARPNESS) for x, y in points], fill=hue, width=width * SHARPNESS, joint="curve")


def _text(pen: ImageDraw.ImageDraw, x: float, y: float, text: str, hue: str, anchor: str, size: int = 11) -> None:
    font = ImageFont.load_default(size * SHARPNESS)
    pen.text((x * SHARPNESS, y * SHARPNESS), text, fill=hue, font=font, anchor=anchor)
