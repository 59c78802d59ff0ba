"""Colour profiles: a picture's own numbers into those of sRGB, which networks have learned from, and back."""

import io
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

from atelier.data import pictures

SRGB = 1
"""Levels of 255 that a profile may lead away from sRGB and be sRGB by another maker, whose numbers are left alone."""

_MODES = {b"RGB ": "RGB", b"CMYK": "CMYK", b"GRAY": "L"}
_INTENT, _FLAGS = ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Flags.BLACKPOINTCOMPENSATION
_LATTICE = (15 * np.indices((18, 18, 18)).transpose(1, 2, 3, 0)).reshape(18, -1, 3).astype(np.uint8)


class Profile:
    """Of RGB, CMYK or grey. Raises ValueError for what is none, or one that cannot be used."""

    def __init__(self, data: bytes) -> None:
        self.mode = mode_of(data)
        if self.mode is None:
            raise ValueError("no profile of RGB, CMYK or grey")
        srgb = ImageCms.createProfile("sRGB")
        try:
            own = ImageCms.ImageCmsProfile(io.BytesIO(data))
            self._to_srgb = ImageCms.buildTransform(own, srgb, self.mode, "RGB", _INTENT, _FLAGS)
            if self.mode == "RGB":  # of which alone pictures are written
                self._from_srgb = ImageCms.buildTransform(srgb, own, "RGB", "RGB", _INTENT, _FLAGS)
        except (ImageCms.PyCMSError, OSError) as error:
            raise ValueError("a broken profile") from error

    @property
    def is_srgb(self) -> bool:
        if self.mode != "RGB":
            return False
        found = np.asarray(self.to_srgb(Image.fromarray(_LATTICE))).astype(int)
        return int(np.abs(found - _LATTICE).max()) <= SRGB

    def to_srgb(self, picture: Image.Image) -> Image.Image:
        """Of a picture of the profile's own mode; out of reach, the nearest colour that sRGB has."""
        return _applied(self._to_srgb, picture)

    def from_srgb(self, picture: Image.Image) -> Image.Image:
        """And back, of RGB."""
        return _applied(self._from_srgb, picture)

    def rgb(self, picture: Image.Image, as_rgb: Callable[[Image.Image], Image.Image] = pictures.rgb) -> Image.Image:
        """Of a decoded picture of whatever mode, on white where it is transparent unless `as_rgb` leaves it; a profile
        of another mode's numbers says nothing of it."""
        plain = as_rgb(picture)
        if self.mode == "CMYK":
            return self.to_srgb(picture) if picture.mode == "CMYK" else plain
        if self.mode == "L":
            return self.to_srgb(plain.getchannel(0)) if Image.getmodebase(picture.mode) == "L" else plain
        return self.to_srgb(plain)


def mode_of(data: bytes) -> str | None:
    """Pillow's mode of the numbers that a profile describes (ICC.1, 7.2: the header); None for what is no profile."""
    return _MODES.get(data[16:20]) if data[36:40] == b"acsp" else None


@lru_cache(8)  # the pictures of one camera
def foreign(data: bytes) -> Profile | None:
    """The profile by which numbers must be changed to be sRGB's; None where they need not, or nobody knows how."""
    try:
        profile = Profile(data)
    except ValueError:
        return None
    return None if profile.is_srgb else profile


def _applied(transform: ImageCms.ImageCmsTransform, picture: Image.Image) -> Image.Image:
    changed = ImageCms.applyTransform(picture, transform)
    assert changed is not None  # as it is not done in place
    return changed
