"""What a command has made before, which lies among its contents where its folder does."""

from contextlib import suppress
from pathlib import Path

from atelier.cli.pictures.contact_sheet import sheet_beside
from atelier.data.pictures import BrokenPicture
from atelier.failures import tell
from atelier.files import real
from atelier.stylize.provenance import read_note
from atelier.wording import counted


class Outputs:
    """Of a command that puts pictures into `out`; `root` has all its folders that nobody named, or is the one named."""

    def __init__(self, out: Path, root: Path) -> None:
        self.root = root
        self._out, self._sheet = real(out), sheet_beside(out)
        self._folders = {self._out, real(root)}
        self._met: set[Path] = set()

    def among(self, picture: Path, searched: Path) -> bool:
        """Whether a picture that was found in a folder is one of them.

        Those are that say so in their notes. Who names a folder below that of what comes out wants what is there.
        """
        place, top = real(picture), real(searched)
        met = place == self._sheet or self._lies_in(place, top)
        self._met |= {place} if met else set()
        return met

    def tell(self, key: str) -> None:
        """How many were met, if any were; the `key` is what names the folders that were searched."""
        if self._met:
            count = counted(len(self._met), "picture")
            tell(f"{key}: left out what was made before, in {self.root} or beside it: {count}")

    def _lies_in(self, place: Path, top: Path) -> bool:
        if top == self._out:
            return place.parent == top and _is_made(place)
        lies_in = any(top in folder.parents and folder in place.parents for folder in self._folders)
        return lies_in and _is_made(place)


def _is_made(picture: Path) -> bool:
    with suppress(BrokenPicture, OSError):  # which is told in its turn
        return "atelier" in read_note(picture)
    return False
