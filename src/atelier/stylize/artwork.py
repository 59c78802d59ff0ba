"""Pictures as an artist hands them in and wants them back: whole, upright, with their colour profile and cut-out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
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
from atelier.stylize import profiles, provenance

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
    """uint8 (3, H, W), upright, on white where it is transparent; in sRGB."""
    profile: bytes | None = None
    """The ICC profile of the file's RGB values, to write others by; None: sRGB, or unknown."""
    opacity: Tensor | None = None
    """uint8 (H, W), 0 where the picture is transparent; None where all of it is opaque."""
    stored: Tensor | None = None
    """The same pixels as the file has them, by its profile and without the white; None: these are no other numbers."""


def read(path: Path) -> Artwork:
    """Any picture people have. Raises BrokenPicture, also for less than 16 pixels a side and unreadable files.

    A profile of RGB, CMYK or grey leads to sRGB; one that cannot be used is kept, and its numbers are taken for sRGB's.
    Of what else the file says (camera, place, date) nothing is kept: a stylised picture is another picture.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BrokenPicture(error.strerror or str(error)) from error
    profile, transparent = pictures.inspect(data, lambda picture: (_profile(picture), _transparent(picture)))
    foreign = profiles.foreign(profile)
    pixels = _decoded(data, None if foreign is None else foreign.rgb)
    height, width = pixels.shape[1:]
    if min(height, width) < SMALLEST:
        raise BrokenPicture(f"too small: {width} x {height}, at least {SMALLEST} pixels a side are needed")
    of_rgb = profiles.mode_of(profile) == "RGB"  # or it does not describe what the picture has become
    opacity = _opacity(data) if transparent else None
    stored = None
    if opacity is not None or (foreign is not None and of_rgb):
        stored = _colours(data, None if of_rgb else foreign)
    return Artwork(pixels, profile if of_rgb else None, opacity, stored)


def is_animated(path: Path) -> bool:
    """Whether the file has several frames or pages, of which `read` takes the first. Raises BrokenPicture, OSError."""
    return pictures.inspect(path.read_bytes(), _animated)


def write(path: Path, pixels: Tensor, artwork: Artwork, note: Mapping[str, object], kept: Tensor | None = None) -> None:
    """Write sRGB, uint8 (3, H, W), of any size, as what `artwork` was: in its colour profile, with its cut-out.

    Where `kept`, bool (1, H, W), pixels are those of the artwork, and so they are of a picture that is wholly as it
    was: they become the very numbers that the file had, which the way to sRGB and back would not bring. Others are
    what gives these pixels on white, and where nothing is to be seen, what the file had.

    The suffix chooses the format; a JPEG knows no transparency and is put on white. The note's entries are what JSON
    has words for, and `read_note` reads them back. Raises UserError for another suffix than PNG's, JPEG's, WebP's and
    TIFF's, or a size the format cannot have.
    """
    kind = _kind(path)
    if pixels.dtype != torch.uint8 or pixels.dim() != 3 or len(pixels) != 3:
        raise ValueError(f"pixels must be uint8 (3, H, W), got {pixels.dtype} {tuple(pixels.shape)}")
    picture = _image(_as_stored(pixels, artwork, kept))
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


def on_white(pixels: Tensor, artwork: Artwork) -> Tensor:
    """sRGB, uint8 (3, H, W), of any size, as a picture with the artwork's cut-out looks on paper."""
    if artwork.opacity is None:
        return pixels
    white = 255 - _opacity_at(pixels, artwork.opacity)
    return torch.maximum(pixels, white.to(pixels.device))  # which shines through, whatever the colour


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
    alpha = _alpha(opacity, picture.size)
    if kind == "JPEG":
        return _whitened(picture, alpha)
    picture.putalpha(alpha)
    return picture


def _whitened(picture: Image.Image, alpha: Image.Image) -> Image.Image:
    return Image.composite(picture, Image.new("RGB", picture.size, "white"), alpha)


def _alpha(opacity: Tensor, size: tuple[int, int]) -> Image.Image:
    return Image.fromarray(opacity.cpu().numpy()).resize(size, Image.Resampling.LANCZOS)


def _opacity_at(pixels: Tensor, opacity: Tensor) -> Tensor:
    """uint8 (H, W), of the size of pixels (3, H, W)."""
    height, width = pixels.shape[1:]
    return torch.from_numpy(np.array(_alpha(opacity, (width, height))))


def _as_stored(pixels: Tensor, artwork: Artwork, kept: Tensor | None) -> Tensor:
    """The numbers that the artwork's profile has for sRGB's, without the white that shines through them."""
    if artwork.stored is None:
        return pixels
    if torch.equal(pixels.cpu(), artwork.pixels):
        return artwork.stored
    foreign = profiles.foreign(artwork.profile or b"")
    found = pixels.cpu() if foreign is None else _pixels(foreign.from_srgb(_image(pixels)))
    if artwork.opacity is not None:
        found = _without_white(found, artwork.stored, _opacity_at(pixels, artwork.opacity))
    return found if kept is None else torch.where(kept.cpu(), artwork.stored, found)


def _without_white(pixels: Tensor, stored: Tensor, opacity: Tensor) -> Tensor:
    """The colours that on white, of this opacity (H, W), are nearest to the pixels; the stored ones where it is 0."""
    if stored.shape != pixels.shape:
        stored = _pixels(_image(stored).resize((pixels.shape[2], pixels.shape[1]), Image.Resampling.LANCZOS))
    found = torch.where(opacity == 0, stored, pixels)
    sheer = (opacity > 0) & (opacity < 255)
    share = opacity[sheer].float() / 255
    mixed = pixels[:, sheer].float()  # share * colour + (1 - share) * 255
    found[:, sheer] = ((mixed - 255 * (1 - share)) / share).round_().clamp_(0, 255).to(torch.uint8)
    return found


def _decoded(data: bytes, as_rgb: Callable[[Image.Image], Image.Image] | None = None) -> Tensor:
    return torch.from_numpy(pictures.decode_whole(data, as_rgb).copy()).permute(2, 0, 1).contiguous()


def _colours(data: bytes, foreign: profiles.Profile | None) -> Tensor:
    """The file's own; in sRGB where they are by a `foreign` profile that is not kept."""
    as_rgb = None if foreign is None else partial(foreign.rgb, as_rgb=pictures.colours)
    return torch.from_numpy(pictures.decode_colours(data, as_rgb).copy()).permute(2, 0, 1).contiguous()


def _profile(picture: Image.Image) -> bytes:
    return picture.info.get("icc_profile") or b""


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
