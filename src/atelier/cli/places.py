"""Where what a command makes is put: over nothing but itself."""

import json
from collections.abc import Mapping
from contextlib import suppress
from itertools import chain, count
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from atelier.cli.contents import CLIPS
from atelier.data.pictures import BrokenPicture
from atelier.errors import UserError
from atelier.stylize import clips
from atelier.stylize.provenance import read_note


def place_of(path: Path, note: Mapping[str, object]) -> Path:
    """`path`; or, where another picture has that name, the first of `photo-1.png`, `photo-2.png` … that is free.

    A picture or clip whose note is the very same is this one, made once more, and is written over. Two commands at
    once in one folder do not see each other.
    """
    own = json.loads(json.dumps(note, default=str))
    choices = chain([path], (path.with_stem(f"{path.stem}-{number}") for number in count(1)))
    return next(choice for choice in choices if not choice.exists() or _note_in(choice) == own)


def refuse_unwritable(folder: Path, why: str = "") -> None:
    """Raise UserError, which names `--out`, where nothing can be put into a folder, be it there or yet to be made.

    It is tried, since nothing else tells beforehand, and nothing of the attempt is left. `why` something would be put
    there, where it is not what was asked for.
    """
    absent: list[Path] = []
    try:
        if folder.exists() and not folder.is_dir():
            raise UserError(f"--out: must be a folder, and {str(folder)!r} is none")
        absent = [place for place in (folder, *folder.parents) if not place.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        # although its parents are there by now: /proc and its like take no folders
        reason = "no folder can be made there" if isinstance(error, FileNotFoundError) else error.strerror
        because = f"{why}, and " if why else ""
        raise UserError(f"--out: {because}nothing can be written to {str(folder)!r} ({reason})") from error
    finally:
        for place in absent:
            with suppress(OSError):
                place.rmdir()


def _note_in(path: Path) -> dict[str, Any] | None:
    try:
        return clips.read_note(path) if path.suffix.lower() in CLIPS else read_note(path)
    except (BrokenPicture, UserError, OSError):
        return None
