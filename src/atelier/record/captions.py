"""Words in pictures."""

from PIL import ImageDraw, ImageFont


def caption(draw: ImageDraw.ImageDraw, middle: tuple[int, int], text: str, width: int, size: int = 15) -> None:
    """Write a line of `size` pixels around a point; what is wider than `width` pixels is cut short."""
    font = ImageFont.load_default(size)
    while len(text) > 1 and draw.textlength(text, font) > width:
        text = f"{text.rstrip('…')[:-1]}…"
    draw.text(middle, text, "black", font, anchor="mm")
