"""Pictures as an artist hands them in and wants them back: whole, upright, with their colour profile and cut-out."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from atelier.data import pictures
from atelier.data.pictures import BrokenPicture
from atelier.errors import UserError
from atelier.files import replacing
from atelier.stylize import provenance

SMALLEST = 16
"""Pixels a side: what the encoders' four poolings leave one activation of."""

_KINDS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF"}
_QUALITY: dict[str, dict[str, Any]] = {
    "PNG": {},
    "JPEG": {"quality": 95, "subsampling": 0},  # brush strokes are edges of colour, which 4:2:0 would smear
    "WEBP": {"quality": 90},
    "TIFF": {"compression": "tiff_deflate"},
}


@dataclass(frozen=True)
class Artwork:
    pixels: Tensor
    """uint8 (3, H, W), upright, on white where it is transparent; in the colours of the profile, not converted."""
    profile: bytes | None = None
    """The ICC profile of these RGB values; None: sRGB, or unknown."""
    opacity: Tensor | None = None
    """uint8 (H, W), 0 where the picture is transparent; None where all of it is opaque."""


def read(path: Path) -> Artwork:
    """Any picture people have. Raises BrokenPicture, also for less than 16 pixels a side and unreadable files.

    Of what else the file says (camera, place, date) nothing is kept: a stylised picture is another picture.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BrokenPicture(error.strerror or str(error)) from error
    profile, transparent = pictures.inspect(data, lambda picture: (_rgb_profile(picture), _transparent(picture)))
    pixels = torch.from_numpy(pictures.decode_whole(data).copy()).permute(2, 0, 1)
    height, width = pixels.shape[1:]
    if min(height, width) < SMALLEST:
        raise BrokenPicture(f"too small: {width} x {height}, at least {SMALLEST} pixels a side are needed")
    return Artwork(pixels.contiguous(), profile, _opacity(data) if transparent else None)


def is_animated(path: Path) -> bool:
    """Whether the file has several frames or pages, of which `read` takes the first. Raises BrokenPicture, OSError."""
    return pictures.inspect(path.read_bytes(), _animated)


def write(path: Path, pixels: Tensor, artwork: Artwork, note: Mapping[str, object]) -> None:
    """Write uint8 (3, H, W), of any size, as what `artwork` was: in its colour profile, with its cut-out.

    The suffix chooses the format; a JPEG knows no transparency and is put on white. The note's entries are what JSON
    has words for, and `read_note` reads them back. Raises UserError for another suffix than PNG's, JPEG's, WebP's and
    TIFF's, or a size the format cannot have.
    """
    kind = _kind(path)
    if pixels.dtype != torch.uint8 or pixels.dim() != 3 or len(pixels) != 3:
        raise ValueError(f"pixels must be uint8 (3, H, W), got {pixels.dtype} {tuple(pixels.shape)}")
    picture = _image(pixels)
    if artwork.opacity is not None:
        picture = _cut_out(picture, artwork.opacity, kind)
    options = {**_QUALITY[kind], **provenance.options(kind, note)}
    if artwork.profile is not None:
        options["icc_profile"] = artwork.profile
    with replacing(path) as partial:
        try:
            picture.save(partial, kind, **options)
        except (OSError, ValueError) as error:  # 65,535 pixels a side at most in a JPEG, 16,383 in a WebP
            if isinstance(error, OSError) and error.errno is not None:  # the system's, as of a full disk; not Pillow's
                raise
            raise UserError(f"{path}: {kind} cannot hold {picture.width} x {picture.height} ({error})") from error


def resized(pixels: Tensor, size: int) -> Tensor:
    """uint8 (3, H, W) -> its longer side `size` pixels, up or down by Lanczos, its aspect kept."""
    height, width = pixels.shape[1:]
    if max(height, width) == size:
        return pixels
    scale = size / max(height, width)
    target = max(1, round(width * scale)), max(1, round(height * scale))
    return _pixels(_image(pixels).resize(target, Image.Resampling.LANCZOS))


def _kind(path: Path) -> str:
    try:
        return _KINDS[path.suffix.lower()]
    except KeyError:
        raise UserError(f"{path}: a picture's name must end in one of {', '.join(sorted(_KINDS))}") from None


def _cut_out(picture: Image.Image, opacity: Tensor, kind: str) -> Image.Image:
    alpha = Image.fromarray(opacity.cpu().numpy()).resize(picture.size, Image.Resampling.LANCZOS)
    if kind == "JPEG":
        return Image.composite(picture, Image.new("RGB", picture.size, "white"), alpha)
    picture.putalpha(alpha)
    return picture


def _rgb_profile(picture: Image.Image) -> bytes | None:
    """A profile of CMYK or grey does not describe the RGB that the picture is decoded to (ICC.1, 7.2: the header)."""
    profile = picture.info.get("icc_profile") or b""
    return profile if profile[16:20] == b"RGB " and profile[36:40] == b"acsp" else None


def _animated(picture: Image.Image) -> bool:
    """The further pictures in a camera's JPEG, an MPO, are previews."""
    return picture.format != "MPO" and getattr(picture, "is_animated", False)


def _opacity(data: bytes) -> Tensor | None:
    opacity = torch.from_numpy(pictures.decode_opacity(data).copy())
    return opacity if int(opacity.min()) < 255 else None


def _transparent(picture: Image.Image) -> bool:
    return picture.has_transparency_data


def _image(pixels: Tensor) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(pixels.permute(1, 2, 0).cpu().numpy()))


def _pixels(picture: Image.Image) -> Tensor:
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous()
