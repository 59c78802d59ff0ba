"""What `--style` says: which styles each content is given."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from atelier.cli.numbers import LAST_SEED
from atelier.cli.pictures.contents import joined_names
from atelier.cli.styling.styles import FileStyle, GeneratedStyle, LearnedStyle, Recipe, StyleSource
from atelier.data.folder import picture_names
from atelier.data.pictures import BrokenPicture
from atelier.errors import UserError
from atelier.failures import one_line, tell
from atelier.wording import did_you_mean, listed

GENERATOR = "gan:"
FORM = "'gan:RUN?seed=7&index=0&label=…&truncation=0.7'"  # in quotes: ? and & are the shell's own
ESCAPED = "a label's & as %26 and its % as %25"  # a + is itself, which in an address is a space


def recipes(words: Sequence[str], learned: Sequence[str] | None, files: Sequence[str] = ()) -> list[Recipe]:
    """What the `--style` options ask for: each picture of a folder in turn, or else all of them mixed.

    `learned` are the styles of a network that takes no others, from `files` where these are known. Raises UserError.
    """
    if learned is not None:
        return _of_learned(words, learned, files or learned)
    if not words:
        raise UserError("--style: must be given: a picture, a folder of them, or 'gan:RUN?seed=7'")
    if len(words) == 1 and Path(words[0]).is_dir():
        return [Recipe([style], [1.0]) for style in _styles_in(Path(words[0]))]
    parts = [_weighted(word) for word in words]
    return [Recipe([_style(name) for name, _ in parts], [weight for _, weight in parts])]


def _styles_in(folder: Path) -> list[FileStyle]:
    files = picture_names(folder, "--style")
    return [FileStyle(folder / file, name) for file, name in zip(files, joined_names(files), strict=True)]


def _of_learned(words: Sequence[str], learned: Sequence[str], files: Sequence[str]) -> list[Recipe]:
    if not words:
        return [Recipe([LearnedStyle(name, number)], [1.0]) for number, name in enumerate(learned)]
    parts = [_weighted(word) for word in words]
    return [Recipe([_learned(word, learned, files) for word, _ in parts], [weight for _, weight in parts])]


def _learned(word: str, learned: Sequence[str], files: Sequence[str]) -> LearnedStyle:
    """By its name, or by the file that it may have been learned from, which is of its name; this is told."""
    if word in learned:
        return LearnedStyle(word, learned.index(word))
    found = _learned_from(Path(word), learned, files)
    if not found:
        raise UserError(
            f"--style: this network has learned {listed(learned)}, and takes no others; got {word!r}"
            f"{did_you_mean(Path(word).stem, learned)}"
        )
    if len(found) > 1:
        raise UserError(f"--style: {word!r} could be any of {listed(style.name for style in found)}: name one of them")
    tell(f"--style: {word} stands for the learned style {found[0].name}, and is not looked at")
    return found[0]


def _learned_from(file: Path, learned: Sequence[str], files: Sequence[str]) -> list[LearnedStyle]:
    """The styles of files of this name, or else of its stem."""
    if not file.is_file():
        return []
    known = [
        (LearnedStyle(name, number), Path(own)) for number, (name, own) in enumerate(zip(learned, files, strict=True))
    ]
    same = [style for style, own in known if own.name == file.name]
    return same or [style for style, own in known if file.stem in (style.name, own.stem)]


def _weighted(word: str) -> tuple[str, float]:
    """`PATH:WEIGHT`; without a weight it is 1, and so is all of a path that happens to end like one."""
    name, colon, text = word.rpartition(":")
    if not colon or f"{name}:" == GENERATOR or Path(word).exists():
        return word, 1.0
    try:
        weight = float(text)
    except ValueError:
        return word, 1.0
    if not 0 < weight < float("inf"):
        raise UserError(f"--style: a weight must be a finite number above 0, got {text} in {word!r}")
    return name, weight


def _style(word: str) -> StyleSource:
    if word.startswith(GENERATOR):
        return _generated(word)
    path = Path(word)
    if path.is_dir():
        raise UserError(f"--style: a folder is for each of its pictures in turn, and cannot be mixed: {word!r}")
    if not path.is_file():
        raise UserError(f"--style: no such file: {word!r}")
    return FileStyle(path, path.stem)


def _generated(word: str) -> StyleSource:
    run, _, query = word.removeprefix(GENERATOR).partition("?")
    makers: dict[str, Callable[[str], Any]] = {"seed": _seed, "index": _index, "label": str, "truncation": float}
    chosen: dict[str, Any] = {}
    for part in query.split("&") if query else []:
        key, _, text = part.partition("=")
        if key in chosen:
            raise UserError(f"--style: {key} is given twice in {word!r}")
        try:
            chosen[key] = makers[key](unquote(text))
        except (KeyError, ValueError) as error:
            raise UserError(f"--style: must be like {FORM}, {ESCAPED}, got {part} in {word!r}") from error
    style = GeneratedStyle(Path(run), **chosen)
    try:
        style.picture()  # what is no generator's run is refused before anything slow
    except (BrokenPicture, UserError) as error:
        raise UserError(f"--style: {word}: {one_line(error)}") from error
    return style


def _seed(text: str) -> int:
    if (seed := int(text)) not in range(LAST_SEED + 1):
        raise ValueError
    return seed


def _index(text: str) -> int:
    if not text.isdecimal():
        raise ValueError
    return int(text)
