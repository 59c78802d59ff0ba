"""What became of many pictures, one by one: a single one that fails does not spoil the others."""

import errno
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch

from atelier.cli.pictures.places import place_of
from atelier.data.pictures import BrokenPicture
from atelier.errors import Interrupted, RunError, UserError
from atelier.failures import one_line, tell
from atelier.wording import counted


class Tally:
    def __init__(self) -> None:
        self.made: Counter[str] = Counter()
        """By kinds."""
        self.failed = self.numbered = 0
        self._elsewhere = False

    @contextmanager
    def attempt(self, name: object, kind: str = "picture") -> Iterator[None]:
        """Around the making of one of a kind: what is known to go wrong is told in a line that begins with its name."""
        self._elsewhere = False
        try:
            yield
            self.made[kind] += 1
            self.numbered += self._elsewhere
        except (BrokenPicture, UserError, RunError, torch.OutOfMemoryError) as error:
            self._fail(name, one_line(error))
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:  # but the folder's fault or the disk's, which is that of all pictures
                raise
            self._fail(name, "its name is too long for what would be made of it")

    @contextmanager
    def interruptible(self, folder: Path) -> Iterator[None]:
        """Around the making of all, into a folder: Ctrl-C raises Interrupted, which tells what was made until then."""
        try:
            yield
        except KeyboardInterrupt as interruption:
            raise Interrupted(f"interrupted: {self.told(folder)}") from interruption

    def leave_out(self, fault: UserError) -> None:
        """What there is no name for, but what is wrong with it."""
        self.failed += 1
        tell(one_line(fault))

    def place(self, path: Path, note: Mapping[str, object]) -> Path:
        """Where the picture with this note goes that would be `path`: nothing that was there before is lost."""
        found = place_of(path, note)
        self._elsewhere = found != path
        return found

    def _fail(self, name: object, reason: str) -> None:
        self.failed += 1
        tell(f"{name}: {reason}")

    def told(self, folder: Path) -> str:
        counts = self.made or {"picture": 0}
        made = " and ".join(counted(count, kind) for kind, count in counts.items())
        parts = [f"{made} in {folder}"]
        if self.numbered:
            parts.append(f"{self.numbered} numbered, for there were others of the name")
        if self.failed:
            parts.append(f"{self.failed} failed")
        return ", ".join(parts)
