"""What all methods are given: every content in every style, as squares."""

from os import fsencode
from pathlib import Path
from typing import Any

from torch import Tensor

from atelier.cli.scoring.galleries import gallery_at
from atelier.cli.scoring.transfers import read_square
from atelier.data.gallery import Gallery
from atelier.errors import UserError
from atelier.failures import tell
from atelier.files import LONGEST_NAME
from atelier.metrics.style.triples import match


class Grid:
    """Contents and styles by their files' stems: uint8 (1, 3, size, size), the whole picture with another aspect.

    A picture that cannot be read, or whose name is too long for what would be made of it, is told and left out, as if
    it were not in its folder. Raises UserError for what is no folder of pictures, where none of them can be used, and
    for names that `atelier score` would not tell apart in the stylised files.
    """

    def __init__(self, content: Path, style: Path, size: int) -> None:
        self.size = size
        self._galleries = {"content": gallery_at(content, "--content"), "style": gallery_at(style, "--style")}
        self.left_out: list[str] = []
        """What is wrong with each picture that is."""
        self._leave_out_long_names()
        self.contents, self.styles = (self._squares(gallery) for gallery in self._galleries.values())
        self._refuse_ambiguous()
        self.style_files = {Path(name).stem: name for name in self._galleries["style"].names}
        """Each style's file, by its stem."""

    def card(self) -> dict[str, Any]:
        """What must be alike for two boards to compare."""
        return {
            "resize": f"all to {self.size} x {self.size}, Lanczos",
            **{f"{name}_key": gallery.key for name, gallery in self._galleries.items()},
            "contents": [*self.contents],
            "styles": [*self.styles],
        }

    @property
    def roots(self) -> dict[str, str]:
        return {name: str(gallery.root) for name, gallery in self._galleries.items()}

    def _leave_out_long_names(self) -> None:
        """The longest, until all that are left have files' names with each other."""
        galleries = [*self._galleries.values()]
        while all(gallery.names for gallery in galleries):
            longest = [max(gallery.names, key=_stem_length) for gallery in galleries]
            if len(fsencode(file_name(*(Path(name).stem for name in longest)))) <= LONGEST_NAME:
                return
            gallery, name = max(zip(galleries, longest, strict=True), key=lambda pair: _stem_length(pair[1]))
            gallery.names.remove(name)
            reason = "its name is too long for what would be made of it"
            self._leave_out(f"{gallery.option}: {gallery.root / name} cannot be used ({reason})")

    def _leave_out(self, fault: str) -> None:
        self.left_out.append(fault)
        tell(fault)

    def _refuse_ambiguous(self) -> None:
        contents, styles = ([gallery.root / name for name in gallery.names] for gallery in self._galleries.values())
        pairs = [(content, style) for content in contents for style in styles]
        files = [Path(file_name(content.stem, style.stem)) for content, style in pairs]
        for (content, style), found in zip(pairs, match(contents, styles, files), strict=True):
            if found[:2] != (content, style):
                raise UserError(
                    f"{found.stylised} could be {content.name} in {style.name}, or {found.content.name} in "
                    f"{found.style.name}: rename one of them"
                )

    def _squares(self, gallery: Gallery) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        for name in gallery.names:
            try:
                found[name] = read_square(gallery.root / name, gallery.option, self.size)
            except UserError as error:
                self._leave_out(str(error))
        if not found:
            raise UserError(f"{gallery.option}: none of the pictures in {str(gallery.root)!r} can be used")
        gallery.names = [*found]  # its key is that of these alone
        return {Path(name).stem: pixels for name, pixels in found.items()}


def file_name(content: str, style: str) -> str:
    """As `atelier score` reads it (`metrics.style.triples`)."""
    return f"{content}_stylized_{style}.png"


def _stem_length(name: str) -> int:
    """In bytes, as file systems count."""
    return len(fsencode(Path(name).stem))
