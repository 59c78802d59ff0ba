"""Moving pictures, as WebP or GIF."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atelier.cli import writable as place
from atelier.errors import UserError
from atelier.files import replacing
from atelier.wording import listed

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".webp", ".gif")


def refuse_other_suffixes(out: Path) -> None:
    if out.suffix.lower() not in SUFFIXES or out.is_dir():
        raise UserError(f"--out: must be a file that ends in one of {listed(SUFFIXES)}, got {str(out)!r}")


def refuse_another(out: Path, is_own: Callable[[Mapping[str, Any]], bool]) -> None:
    """Raise UserError where a moving picture would be written over what is not the command's own, by its note, which
    may be empty; and where nothing can be written.
    """
    place.refuse_unwritable(out.parent)
    place.refuse_another(out, lambda path: is_own(_read_note(path)))


def save(frames: Sequence["Image"], out: Path, milliseconds: Sequence[int], note: Mapping[str, object]) -> None:
    """Write frames of one size, each shown for its time, over and over.

    The note is kept as JSON: a WebP's EXIF description, a GIF's comment.
    """
    from PIL import ExifTags, Image

    kind, text = out.suffix.lower().removeprefix("."), json.dumps(note)
    first, *others = [_dithered(frame) for frame in frames] if kind == "gif" else frames
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = text
    extra = {"comment": text} if kind == "gif" else {"exif": exif, "quality": 85}
    with replacing(out) as partial:
        first.save(partial, kind, save_all=True, append_images=others, duration=[*milliseconds], loop=0, **extra)


def _read_note(path: Path) -> dict[str, Any]:
    """Raises BrokenPicture and OSError."""
    from atelier.data import pictures
    from atelier.stylize.provenance import note_of

    return note_of(pictures.inspect(path.read_bytes(), _description))


def _description(picture: "Image") -> str | bytes | None:
    from PIL import ExifTags

    text = picture.info.get("comment", picture.getexif().get(ExifTags.Base.ImageDescription))
    return text if isinstance(text, str | bytes) else None


def _dithered(frame: "Image") -> "Image":
    """In the 256 colours of a GIF. Pillow's own conversion does not dither, which leaves edges in soft colours."""
    return frame.quantize(palette=frame.quantize(256))
