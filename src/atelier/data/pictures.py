"""Any picture people have -> square 8-bit RGB. Without torch: worker processes must start quickly."""

import io
import warnings
from collections.abc import Callable
from typing import Literal, TypeVar

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from atelier.wording import first_line

Found = TypeVar("Found")

Fit = Literal["crop", "pad", "squash"]
"""How a picture becomes square: its centre, the whole on a plain ground, or the whole with another aspect."""

VERSION = 1
"""Raised whenever the same file would give other pixels, so that caches made before are not used."""

PIXEL_LIMIT = 178_956_970
"""Larger pictures are refused as decompression bombs: Pillow's own limit, which others may have moved."""

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "PPM", "JPEG2000", "AVIF")
"""No others are tried: a stranger's picture should not reach Pillow's odd readers (EPS starts a program)."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_LYING = (5, 6, 7, 8)
"""Orientations whose width is the height of what is upright."""


class BrokenPicture(Exception):  # noqa: N818  # what was found, always caught and told in other words
    """These bytes are no picture that can be used; the text is the reason in a few words."""


def decode(data: bytes, size: int, fit: Fit) -> np.ndarray:
    """uint8 (size, size, 3): transparency on white, an animation's first frame, colour profiles ignored.

    Raises BrokenPicture for whatever is wrong with the bytes.
    """

    def shrink(picture: Image.Image) -> None:
        picture.draft(None, _enough(*picture.size, size, fit))

    return _decode(data, shrink, lambda picture: _FITS[fit](rgb(picture), size))


def decode_whole(data: bytes, as_rgb: Callable[[Image.Image], Image.Image] | None = None) -> np.ndarray:
    """uint8 (height, width, 3) of the picture's own size; otherwise as `decode`, unless others make its colours RGB."""
    return _decode(data, lambda picture: None, as_rgb or rgb)


def decode_colours(data: bytes, as_rgb: Callable[[Image.Image], Image.Image] | None = None) -> np.ndarray:
    """The same of a picture's own colours, which in `decode_whole` are mixed with white where it is transparent."""
    return _decode(data, lambda picture: None, as_rgb or colours)


def decode_opacity(data: bytes) -> np.ndarray:
    """uint8 (height, width): 0 where the picture of `decode_whole` is transparent, 255 where it is not."""
    return _decode(data, lambda picture: None, _opacity)


def inspect(data: bytes, look: Callable[[Image.Image], Found]) -> Found:
    """What `look` finds in the opened picture, whose pixels need not be decoded. Raises BrokenPicture."""
    if not data:
        raise BrokenPicture("empty file")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of bombs and odd metadata: judged here, not printed
        try:
            with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
                if picture.width * picture.height > PIXEL_LIMIT:
                    raise Image.DecompressionBombError
                return look(picture)
        except Exception as error:  # Pillow's readers raise nearly every kind: OSError, SyntaxError, struct.error…
            raise BrokenPicture(_reason(error)) from error


def _decode(
    data: bytes, before: Callable[[Image.Image], None], after: Callable[[Image.Image], Image.Image]
) -> np.ndarray:
    """`before` acts on the opened picture, `after` on the decoded one, before it is turned upright."""

    def upright(picture: Image.Image) -> np.ndarray:
        before(picture)
        picture.load()  # which turns a TIFF upright, and takes the note of it away
        turn = _TURNS.get(orientation(picture))
        rendered = after(picture)
        return np.asarray(rendered if turn is None else rendered.transpose(turn))

    return inspect(data, upright)


def _enough(width: int, height: int, size: int, fit: Fit) -> tuple[int, int]:
    """The least resolution to decode a JPEG at: twice the target, so that Lanczos does the antialiasing."""
    side = max(width, height) if fit == "pad" else min(width, height)
    scale = min(1.0, 2 * size / side)
    if fit == "squash":
        return min(width, 2 * size), min(height, 2 * size)
    return max(1, round(width * scale)), max(1, round(height * scale))


def sides(data: bytes) -> tuple[int, int]:
    """Height and width of what `decode_whole` returns, without decoding. Raises BrokenPicture."""

    def look(picture: Image.Image) -> tuple[int, int]:
        lies = orientation(picture) in _LYING and picture.format != "TIFF"  # whose size is that of what is upright
        return picture.size if lies else picture.size[::-1]

    return inspect(data, look)


def orientation(picture: Image.Image) -> int:
    """EXIF's number, from 1 for upright."""
    try:
        return int(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # damaged metadata do not make a damaged picture
        return 1


def rgb(picture: Image.Image) -> Image.Image:
    """8 bits a channel of a picture of any mode, on white where it is transparent."""
    if picture.mode == "F" or picture.mode.startswith("I"):
        return Image.fromarray(_eight_bits(np.asarray(picture))).convert("RGB")
    if picture.has_transparency_data:
        coloured = picture.convert("RGBA")
        ground = Image.new("RGBA", coloured.size, "white")
        return Image.alpha_composite(ground, coloured).convert("RGB")
    return picture.convert("RGB")


def colours(picture: Image.Image) -> Image.Image:
    """The same, but what is transparent as if it were not: exactly as the file has it, where that is of 8 bits."""
    if picture.mode == "F" or picture.mode.startswith("I") or not picture.has_transparency_data:
        return rgb(picture)
    return picture.convert("RGBA").convert("RGB")  # which leaves the opacity out


def _opacity(picture: Image.Image) -> Image.Image:
    if picture.has_transparency_data and not picture.mode.startswith("I"):  # whose transparent grey `rgb` shows, too
        return picture.convert("RGBA").getchannel("A")
    return Image.new("L", picture.size, 255)


def _eight_bits(grey: np.ndarray) -> np.ndarray:
    """Deep or float grey -> uint8. White is the least of the usual white levels that holds every value."""
    levels: tuple[float, ...] = (65535.0,)  # whole numbers: 16 bits, however dark the picture is
    if grey.dtype.kind == "f":
        grey = np.nan_to_num(grey, posinf=0, neginf=0)
        levels = (1.0, 255.0, 65535.0)
    peak = float(grey.max())
    white = next((level for level in levels if peak <= level), peak)
    return np.rint(grey.clip(0) * (255.0 / white)).astype(np.uint8)


def crop(picture: Image.Image, size: int) -> Image.Image:
    """Its middle."""
    side = min(picture.size)
    left, top = (picture.width - side) / 2, (picture.height - side) / 2
    box = (left, top, left + side, top + side)
    return picture.resize((size, size), Image.Resampling.LANCZOS, box=box)


def _squash(picture: Image.Image, size: int) -> Image.Image:
    return picture.resize((size, size), Image.Resampling.LANCZOS)


def _pad(picture: Image.Image, size: int) -> Image.Image:
    """On the picture's mean colour: the square's is the same, and there are no white bars to be learnt."""
    scale = size / max(picture.size)
    width, height = (max(1, round(side * scale)) for side in picture.size)
    whole = picture.resize((width, height), Image.Resampling.LANCZOS)
    red, green, blue = np.rint(np.asarray(whole).mean((0, 1))).astype(int).tolist()
    square = Image.new("RGB", (size, size), (red, green, blue))
    square.paste(whole, ((size - width) // 2, (size - height) // 2))
    return square


_FITS = {"crop": crop, "pad": _pad, "squash": _squash}


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "not an image"
    if isinstance(error, Image.DecompressionBombError):
        return f"decompression bomb: more than {PIXEL_LIMIT:,} pixels"
    text = first_line(error)
    return "truncated" if "truncated" in text.lower() else text
