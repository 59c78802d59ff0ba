"""Folders of pictures as `atelier score` and `atelier leaderboard` take them."""

from pathlib import Path

from atelier.data.gallery import Gallery
from atelier.errors import UserError
from atelier.run_folder import CONFIG

NAMED = "name a folder of pictures"
SAMPLED = "`atelier sample` writes its images into a folder"
STYLISED = "`atelier stylize` writes its pictures into a folder"


def gallery_at(root: Path, option: str, instead: str = NAMED) -> Gallery:
    """Raises UserError as `Gallery` does, and for a run folder, whose pictures are sheets of many; `instead` is what
    there is to do with one.
    """
    if (root / CONFIG).is_file():
        raise UserError(f"{option}: {str(root)!r} is a run folder; {instead}")
    return Gallery(root, option)
