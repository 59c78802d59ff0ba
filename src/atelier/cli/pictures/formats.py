"""What a picture that a command makes is saved as."""

from pathlib import Path

from atelier.errors import UserError
from atelier.wording import listed

FORMATS = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")

LOSSLESS = (".png", ".tif", ".tiff")
"""Those of them, as `artwork.write` writes them, whose pixels come back as they were."""


def suffix_of(word: str) -> str:
    """The suffix that `--format` names, with its dot. Raises UserError for one that cannot be written."""
    suffix = f".{word.lower().lstrip('.')}"
    if suffix not in FORMATS:
        raise UserError(f"--format: must be one of {listed(name[1:] for name in FORMATS)}, got {word!r}")
    return suffix


def own_suffix(path: Path, choices: tuple[str, ...] = FORMATS) -> str:
    """The picture's own where it is among the choices, or else PNG's."""
    return path.suffix.lower() if path.suffix.lower() in choices else ".png"
