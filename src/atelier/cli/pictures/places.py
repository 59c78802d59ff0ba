"""Where what a command makes is put: over nothing but itself."""

import json
from collections.abc import Mapping
from itertools import chain, count
from pathlib import Path
from typing import Any

from atelier.cli.pictures.contents import CLIPS
from atelier.data.pictures import BrokenPicture
from atelier.errors import UserError
from atelier.notes import texts
from atelier.stylize import clips
from atelier.stylize.provenance import read_chunks, read_note


def place_of(path: Path, note: Mapping[str, object]) -> Path:
    """`path`; or, where another picture has that name, the first of `photo-1.png`, `photo-2.png` … that is free.

    A picture or clip whose note is the very same is this one, made once more, and is written over. Two commands at
    once in one folder do not see each other.
    """
    own = json.loads(json.dumps(note, default=str))
    choices = chain([path], (path.with_stem(f"{path.stem}-{number}") for number in count(1)))
    return next(choice for choice in choices if not choice.exists() or _note_in(choice) == own)


def refuse_others(notes: Mapping[Path, Mapping[str, object]]) -> None:
    """Raise UserError where one of the pictures with these notes would be written over what is not this very picture.

    So the same command, made again, writes over what it made, wherever its run has been moved meanwhile.
    """
    for path, note in notes.items():
        if path.exists() and _but_run(_chunks_in(path)) != _but_run(texts(note)):
            raise UserError(f"--out: {path} is another picture, which would be lost: name another folder")


def _but_run(chunks: Mapping[str, str] | None) -> dict[str, str]:
    return {key: text for key, text in (chunks or {}).items() if key != "run"}


def _chunks_in(path: Path) -> dict[str, str] | None:
    try:
        return read_chunks(path)
    except (BrokenPicture, OSError):
        return None


def _note_in(path: Path) -> dict[str, Any] | None:
    try:
        return clips.read_note(path) if path.suffix.lower() in CLIPS else read_note(path)
    except (BrokenPicture, UserError, OSError):
        return None
