"""The files that a command is to work on."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain, count
from pathlib import Path
from typing import NamedTuple

from atelier.data import pictures
from atelier.data.folder import SUFFIXES, picture_names
from atelier.data.pictures import BrokenPicture
from atelier.errors import UserError
from atelier.failures import tell
from atelier.files import real, sha256
from atelier.stylize import artwork, clips
from atelier.wording import listed

CLIPS = (".mp4", ".m4v", ".mov", ".mkv")

OTHER_CLIPS = (".3gp", ".avi", ".flv", ".m2ts", ".mpeg", ".mpg", ".ogv", ".webm", ".wmv")
"""Those that people may have, and that are not read."""


class Content(NamedTuple):
    path: Path
    name: str
    """What the pictures made of it are called after."""
    own: str
    """The same without a number: what a mask of it is called."""

    @property
    def is_clip(self) -> bool:
        return self.path.suffix.lower() in CLIPS

    @property
    def kind(self) -> str:
        return "clip" if self.is_clip else "picture"


def identity(path: Path) -> dict[str, str]:
    """What the note of a picture says of a file it was made of: its name, and what it held."""
    return {"file": path.name, "sha256": sha256(path)}


def contents(
    paths: Sequence[Path],
    key: str = "--content",
    left_out: Callable[[UserError], None] = lambda _: None,
    is_output: Callable[[Path, Path], bool] = lambda *_: False,
) -> list[Content]:
    """All files, and all pictures in all folders and below, once each; not yet read. Of one name, they are numbered.

    What is wrong with a path that has none is handed to `left_out`. `is_output` says whether a picture in a folder is
    what came out before, which is no content. Raises UserError, which names the `key`, where none has any.
    """
    found: list[Content] = []
    faults: list[UserError] = []
    for path in paths:
        try:
            found += _but_outputs(path, contents_of(path, key), is_output)
        except UserError as error:
            faults.append(error)
    if not found:
        nothing_new = UserError(f"{key}: no pictures in {str(paths[0])!r} but those that came out before")
        raise [*faults, nothing_new][0]
    for fault in faults:
        left_out(fault)
    different: dict[Path, Content] = {}
    for content in found:
        different.setdefault(real(content.path), content)
    names = numbered([content.name for content in different.values()])
    return [content._replace(name=name) for content, name in zip(different.values(), names, strict=True)]


def contents_of(path: Path, key: str) -> list[Content]:
    """A file, or all pictures in a folder and below. Raises UserError that names the `key`."""
    if path.is_dir():
        names = picture_names(path, key)
        return [Content(path / name, joined_name(name), joined_name(name)) for name in names]
    if not path.exists():
        raise UserError(f"{key}: no such file or folder: {str(path)!r}")
    if not path.is_file():  # a pipe or a device, from which one would read for ever
        raise UserError(f"{key}: neither a file nor a folder: {str(path)!r}")
    return [Content(path, path.stem, path.stem)]


def _but_outputs(path: Path, found: list[Content], is_output: Callable[[Path, Path], bool]) -> list[Content]:
    if not path.is_dir():
        return found  # which somebody named
    return [content for content in found if not is_output(content.path, path)]


def joined_name(file: str) -> str:
    """`2020-spain-beach` of 2020/spain/beach.jpg, a file's path in a folder with "/"; only pictures lose a suffix."""
    path = Path(file)
    return (path.with_suffix("") if path.suffix.lower() in SUFFIXES else path).as_posix().replace("/", "-")


def joined_names(files: Sequence[str]) -> list[str]:
    """The name of each file, numbered."""
    return numbered([joined_name(file) for file in files])


def numbered(names: Sequence[str]) -> list[str]:
    """All different: `candy`, and `candy-1` where there is one before it."""
    found: dict[str, None] = {}
    choices: dict[str, Iterator[str]] = {}
    for name in names:
        own = choices.setdefault(name, chain([name], map(f"{name}-{{}}".format, count(1))))
        found[next(choice for choice in own if choice not in found)] = None
    return [*found]


def largest(found: Sequence[Content], size: int | None) -> tuple[int, int] | None:
    """Height and width of the picture of most pixels, its longer side `size` where that is given; None: not known."""
    sizes = [known for content in found if not content.is_clip and (known := _size(content.path))]
    if size is not None:
        sizes = [
            (round(size * height / max(height, width)), round(size * width / max(height, width)))
            for height, width in sizes
        ]
    return max(sizes, key=lambda sides: sides[0] * sides[1], default=None)


def tell_of_animations(paths: Iterable[Path]) -> None:
    """Each picture that is the first of several in its file, once."""
    for path in dict.fromkeys(paths):
        with suppress(BrokenPicture, OSError):  # which is told in its turn
            if artwork.is_animated(path):
                tell(f"{path}: has several frames or pages, of which the first is taken")


def refuse_other_clip(path: Path) -> None:
    """Raise BrokenPicture for a clip of a format that is not read, which is no broken picture."""
    if path.suffix.lower() in OTHER_CLIPS:
        raise BrokenPicture(f"no clip that can be read, which must be one of {listed(name[1:] for name in CLIPS)}")


def frame_count(content: Content) -> int:
    """1 of a picture, and of a clip that says nothing or cannot be read, which is told in its turn."""
    try:
        return clips.length_of(content.path) if content.is_clip else 1
    except BrokenPicture:
        return 1


def _size(path: Path) -> tuple[int, int] | None:
    try:
        return pictures.sides(path.read_bytes())
    except (BrokenPicture, OSError):  # which is told in its turn
        return None
