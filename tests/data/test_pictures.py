"""Any picture people have becomes RGB of the right colours, or is broken for a reason that is told."""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from atelier.data.pictures import BrokenPicture, decode, decode_whole, sides

RED, WHITE = (255, 0, 0), (255, 255, 255)


def encoded(picture, kind="PNG", **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def noise(width=64, height=48):
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8))


def colour(data, size=8):
    """The mean colour of a plain picture."""
    pixels = decode(data, size, "squash")
    assert pixels.shape == (size, size, 3)
    assert pixels.dtype == np.uint8
    return tuple(np.rint(pixels.mean((0, 1))).astype(int))


def near(got, wanted, by):
    return np.abs(np.subtract(got, wanted)).max() <= by


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "PPM", "JPEG2000"])
def test_formats(kind):
    assert near(colour(encoded(Image.new("RGB", (40, 30), (200, 40, 90)), kind)), (200, 40, 90), 3)


@pytest.mark.parametrize(
    ("picture", "wanted"),
    [
        (Image.new("L", (9, 9), 77), (77, 77, 77)),
        (Image.new("1", (9, 9), 1), WHITE),
        (Image.new("LA", (9, 9), (10, 0)), WHITE),
        (Image.new("LA", (9, 9), (10, 255)), (10, 10, 10)),
        (Image.new("RGBA", (9, 9), (255, 0, 0, 255)), RED),
        (Image.new("RGBA", (9, 9), (255, 0, 0, 0)), WHITE),
        (Image.new("RGBA", (9, 9), (0, 0, 0, 127)), (128, 128, 128)),
        (Image.new("P", (9, 9), 3), (3, 3, 3)),
    ],
    ids=lambda value: getattr(value, "mode", ""),
)
def test_modes(picture, wanted):
    if picture.mode == "P":
        picture.putpalette([level for level in range(256) for _ in range(3)])
    assert near(colour(encoded(picture)), wanted, 1)


def test_palette_with_transparency_lies_on_white():
    picture = Image.new("P", (8, 8), 0)
    picture.putpalette([255, 0, 0, 0, 0, 255])
    assert colour(encoded(picture, transparency=0)) == WHITE
    assert colour(encoded(picture, transparency=1)) == RED
    assert colour(encoded(picture, transparency=bytes([128, 255]))) == (255, 127, 127)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_not_clipped(kind):
    ramp = np.linspace(0, 65535, 64).astype(np.uint16).reshape(1, 64).repeat(64, 0)
    pixels = decode(encoded(Image.fromarray(ramp), kind), 64, "squash")
    wanted = np.linspace(0, 255, 64)
    assert np.abs(pixels[0, :, 0] - wanted).max() <= 1


def test_a_dark_sixteen_bit_picture_stays_dark():
    assert near(colour(encoded(Image.fromarray(np.full((9, 9), 200, np.uint16)))), (1, 1, 1), 0)


@pytest.mark.parametrize(("level", "wanted"), [(0.5, 128), (1.0, 255), (100.0, 100), (6553.5, 26), (-3.0, 0)])
def test_float_tiff(level, wanted):
    assert near(colour(encoded(Image.fromarray(np.full((9, 9), level, np.float32)), "TIFF")), [wanted] * 3, 1)


def test_float_tiff_with_holes():
    values = np.full((8, 8), 0.5, np.float32)
    values[0] = np.nan
    values[1] = np.inf
    pixels = decode(encoded(Image.fromarray(values), "TIFF"), 8, "squash")
    assert pixels[-1, -1].tolist() == [128, 128, 128]
    assert pixels[0, 0].tolist() == [0, 0, 0]


def test_cmyk():
    ink = Image.new("CMYK", (16, 16), (0, 255, 255, 0))  # magenta and yellow: red
    assert near(colour(encoded(ink, "TIFF")), RED, 2)
    jpeg = encoded(ink, "JPEG")
    assert b"Adobe" in jpeg  # stored inverted, as Photoshop does
    assert near(colour(jpeg), RED, 4)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation(kind, orientation):
    """Turned upright, the dark corner is where Pillow's own transposition puts it."""
    from PIL import ImageOps

    picture = Image.new("RGB", (32, 32), WHITE)
    picture.paste(RED, (0, 0, 16, 8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(picture, kind, exif=exif)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    assert np.abs(decode(data, 32, "crop").astype(int) - np.asarray(upright).astype(int)).mean() < 2


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_sides_are_those_of_what_is_upright(kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(noise(64, 48), kind, exif=exif)
    assert sides(data) == decode_whole(data).shape[:2]


def test_damaged_metadata_do_no_harm():
    assert near(colour(encoded(Image.new("RGB", (20, 20), RED), "JPEG", exif=b"Exif\0\0nonsense")), RED, 3)
    assert near(colour(encoded(Image.new("RGB", (20, 20), RED), icc_profile=b"nonsense")), RED, 0)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_an_animation_is_its_first_frame(kind):
    first, second = Image.new("RGB", (16, 16), RED), Image.new("RGB", (16, 16), (0, 0, 255))
    data = encoded(first, kind, save_all=True, append_images=[second], duration=100)
    assert near(colour(data), RED, 3)


@pytest.mark.parametrize("fit", ["crop", "pad", "squash"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (33, 70), (640, 480)])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_any_shape(fit, shape, kind):
    assert decode(encoded(Image.new("RGB", shape, RED), kind), 16, fit).shape == (16, 16, 3)


def test_how_a_picture_becomes_square():
    bars = Image.new("RGB", (96, 32), (0, 0, 0))
    bars.paste(WHITE, (32, 0, 64, 32))  # the middle third
    data = encoded(bars)
    assert decode(data, 32, "crop").min() > 250
    squashed = decode(data, 96, "squash")
    assert (squashed[:, 40:56] > 250).all()
    assert (squashed[:, :24] < 5).all()
    padded = decode(data, 96, "pad")
    assert near(padded[:30].reshape(-1, 3).mean(0), (85, 85, 85), 1)  # the picture's mean
    assert (padded[40:56, 40:56] > 250).all()


@pytest.mark.parametrize("fit", ["crop", "pad", "squash"])
def test_reduced_decoding_costs_no_quality(fit):
    """A large JPEG, decoded at a fraction of its size, differs from the full decoding by a level or so."""
    smooth = noise(12, 9).resize((1200, 900), Image.Resampling.BICUBIC)
    jpeg = encoded(smooth, "JPEG", quality=95)
    whole = encoded(Image.open(io.BytesIO(jpeg)))
    difference = decode(jpeg, 64, fit).astype(int) - decode(whole, 64, fit).astype(int)
    assert np.abs(difference).mean() < 1.5


def bomb(width, height):
    """A PNG of a few bytes that claims to be huge."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"0")) + chunk(b"IEND", b"")


BROKEN = {
    "empty": (b"", "empty file"),
    "text": (b"hello, I am a text", "not an image"),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "not an image"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not an image"),
    "half a JPEG": (encoded(noise(), "JPEG")[:900], "truncated"),
    "half a PNG": (encoded(noise(), "PNG")[:900], "truncated"),
    "half a GIF": (encoded(noise(), "GIF")[:900], "truncated"),
    "half a PNG header": (encoded(noise(), "PNG")[:20], "truncated"),
    "half a TIFF": (encoded(noise(), "TIFF")[:400], "truncated"),
    "half a WebP": (encoded(noise(), "WEBP")[:100], "could not create decoder"),
    "half a JPEG 2000": (encoded(noise(), "JPEG2000")[:400], "broken data stream"),
    "bomb": (bomb(20_000, 10_000), "decompression bomb: more than 178,956,970 pixels"),
    "Pillow warns": (bomb(10_000, 10_000), "truncated"),
}


@pytest.mark.parametrize(("data", "reason"), BROKEN.values(), ids=BROKEN)
def test_broken(data, reason):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(BrokenPicture, match=reason) as broken:
            decode(data, 16, "crop")
    assert str(broken.value)
    assert "\n" not in str(broken.value)


def test_a_limit_lifted_elsewhere_still_holds(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    with pytest.raises(BrokenPicture, match="decompression bomb"):
        decode(bomb(20_000, 10_000), 16, "crop")
