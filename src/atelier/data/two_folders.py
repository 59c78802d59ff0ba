"""Pairs as two folders: pictures of the same name belong together, whatever their formats."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from atelier.data import origins
from atelier.data.folder import picture_names
from atelier.data.joined import Joined, join
from atelier.errors import UserError

_NAMED = 3
"""Pictures named in a message."""


@dataclass(frozen=True)
class TwoFolders:
    """`data.content` and `data.target`, of which a/1.jpg and a/1.png are a pair."""

    content: Path
    target: Path

    def joined(self, size: int) -> Joined:
        """Every picture's middle square at size x size.

        Raises UserError where a picture has no partner, or two, and where no pair is whole.
        """
        self._refuse_unpaired()
        contents, targets = (
            origins.files(name, folder).cached(size, named=True)
            for name, folder in (("content", self.content), ("target", self.target))
        )
        joined = join(contents, targets, _pair)
        if not joined.names:
            raise UserError(f"data.target: there are {joined.left_out} pairs, and each has a broken picture")
        return joined

    def _refuse_unpaired(self) -> None:
        contents, targets = _by_pair("data.content", self.content), _by_pair("data.target", self.target)
        without, superfluous = contents.keys() - targets.keys(), targets.keys() - contents.keys()
        if len(without) == len(contents):
            raise UserError(
                "data.target: no picture is called like one of data.content, suffixes aside: "
                f"{_some(targets.values())} against {_some(contents.values())}"
            )
        lonely = [
            f"{len(pairs)} of {len(pictures)} pictures in data.{name} have no partner: "
            f"{_some(pictures[pair] for pair in pairs)}"
            for name, pictures, pairs in (("content", contents, without), ("target", targets, superfluous))
            if pairs
        ]
        if lonely:
            raise UserError(
                f"data.target: names must be those of data.content, suffixes aside, but {'; '.join(lonely)}"
            )


def _by_pair(key: str, folder: Path) -> dict[str, str]:
    """The pictures' names, by the pair to which each belongs."""
    found: dict[str, str] = {}
    for name in picture_names(folder, key):
        other = found.setdefault(_pair(name), name)
        if other != name:
            raise UserError(f"{key}: {other!r} and {name!r} differ in nothing but their suffix, which does not pair")
    return found


def _pair(name: str) -> str:
    return PurePosixPath(name).with_suffix("").as_posix()


def _some(names: Iterable[str]) -> str:
    """The first few, and how many there are."""
    everything = sorted(names)
    more = f", … ({len(everything)} in all)" if len(everything) > _NAMED else ""
    return ", ".join(everything[:_NAMED]) + more
