"""Which content and which style a stylised file was made of, by its name."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from atelier.errors import UserError

RULE = (
    "stylised files are named CONTENT_stylized_STYLE or CONTENT_STYLE after files of the two other folders, or else "
    "all three folders hold the same names"
)
JOINTS = ("_stylized_", "_")


class Triple(NamedTuple):
    content: Path
    style: Path
    stylised: Path


def match(content: Sequence[Path], style: Sequence[Path], stylised: Sequence[Path]) -> list[Triple]:
    """A triple for each stylised file, in their order; extensions do not matter.

    Where a name can be read in two ways, `_stylized_` goes before `_`, then the longest content. Raises UserError that
    names the first file without a match, or two files of one folder with one name.
    """
    contents, styles, fakes = (_by_stem(paths) for paths in (content, style, stylised))
    parents = {stem: next(_parents(stem, contents, styles), None) for stem in fakes}
    if None in parents.values() and contents.keys() == styles.keys() == fakes.keys():
        return [Triple(contents[stem], styles[stem], fake) for stem, fake in fakes.items()]
    triples = []
    for stem, found in parents.items():
        if found is None:
            raise UserError(f"{fakes[stem]} has no content and style: {RULE}")
        triples.append(Triple(contents[found[0]], styles[found[1]], fakes[stem]))
    return triples


def _parents(stem: str, contents: dict[str, Path], styles: dict[str, Path]) -> Iterator[tuple[str, str]]:
    """Ways to read a name as those of a content and a style, the best first."""
    for joint in JOINTS:
        end = len(stem)
        while (end := stem.rfind(joint, 0, end)) >= 0:
            names = stem[:end], stem[end + len(joint) :]
            if names[0] in contents and names[1] in styles:
                yield names
            end += len(joint) - 1  # joints may overlap, as in a__b


def _by_stem(paths: Sequence[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in paths:
        if path.stem in found:
            raise UserError(f"{path} and {found[path.stem]} have one name, and names say which pictures go together")
        found[path.stem] = path
    return found
