"""What `atelier stylize` is to work on."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from atelier.data.folder import picture_names
from atelier.errors import UserError

CLIPS = (".mp4", ".m4v", ".mov", ".mkv")


class Content(NamedTuple):
    path: Path
    name: str
    """What its stylised pictures are called after."""

    @property
    def is_clip(self) -> bool:
        return self.path.suffix.lower() in CLIPS


def contents(paths: Sequence[Path]) -> list[Content]:
    """All files, and all pictures in all folders and below; not yet read. Raises UserError."""
    found = [content for path in paths for content in _contents(path)]
    names: dict[str, Content] = {}
    for content in found:
        if (other := names.setdefault(content.name, content)) is not content:
            raise UserError(f"--content: {other.path} and {content.path} would come out under one name")
    return found


def _contents(path: Path) -> list[Content]:
    if path.is_dir():
        names = picture_names(path, "--content")
        return [Content(path / name, Path(name).with_suffix("").as_posix().replace("/", "-")) for name in names]
    if not path.exists():
        raise UserError(f"--content: no such file or folder: {str(path)!r}")
    return [Content(path, path.stem)]
