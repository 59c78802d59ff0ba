"""What a set of files holds, as a short text. A file that has not been touched is not read a second time."""

import contextlib
import hashlib
import json
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from atelier.data.progress import watched
from atelier.files import PASSING, cache_root, replacing

_SETTLED_NS = 2_000_000_000
"""A file that was changed less than this before it was read is not remembered: the clocks of file systems tick in
milliseconds, or in seconds, and a second change within one tick would leave its times as they are."""


def fingerprint(root: Path, names: Sequence[str]) -> str:
    """32 hex digits that depend on the files' names below `root` and every byte in them, on nothing else."""
    memo = _Memo(root.absolute())
    with ThreadPoolExecutor() as pool:
        digests = list(watched(pool.map(memo.digest, names), f"looking at {root.name}", len(names)))
    memo.save(names)
    return digest_of([*names, *digests])


def digest_of(texts: Iterable[str]) -> str:
    """32 hex digits of a sequence of texts. Where one ends and the next begins makes a difference."""
    digest = hashlib.blake2b(digest_size=16)
    for text in texts:
        encoded = text.encode("utf-8", "surrogateescape")
        digest.update(len(encoded).to_bytes(8, "little") + encoded)
    return digest.hexdigest()


def key_of_pixels(size: int, digests: np.ndarray) -> str:
    """32 hex digits that name pictures of size x size, in their order, wherever they came from: by the `digests` of
    their pixels, uint8 (N, 16)."""
    return hashlib.blake2b(f"{size}:".encode() + digests.tobytes(), digest_size=16).hexdigest()


class _Memo:
    """The digests found last time, by name, each with the stamp that its file had."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._path = cache_root() / "fingerprints" / f"{digest_of([str(root)])[:16]}.json"
        self._found: dict[str, list[str]] = {}
        self._known: dict[str, list[str]] = self._load()

    def digest(self, name: str) -> str:
        """The digest of the file's bytes; or why it cannot be read, so that the key changes when it can."""
        try:
            stamp, settled = _stamp(self.root / name)
            if self._known.get(name, [""])[0] == stamp:
                return self._known[name][1]
            with (self.root / name).open("rb") as file:
                digest = hashlib.file_digest(file, "blake2b").hexdigest()
        except OSError as error:
            if error.errno in PASSING:
                raise
            return f"unreadable: {error.strerror}"
        if settled:
            self._found[name] = [stamp, digest]
        return digest

    def save(self, names: Sequence[str]) -> None:
        if not self._found:
            return
        remembered = {name: self._known[name] for name in names if name in self._known} | self._found
        with (
            contextlib.suppress(OSError),
            replacing(self._path) as partial,
        ):  # without it, files are read again
            partial.write_text(json.dumps(remembered))

    def _load(self) -> dict[str, list[str]]:
        try:
            known = json.loads(self._path.read_text())
            return {name: [str(stamp), str(digest)] for name, (stamp, digest) in known.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}


def _stamp(path: Path) -> tuple[str, bool]:
    """Size, times and inode: unchanged where the file is. And whether the last change is long enough ago."""
    now = time.time_ns()
    status = path.stat()
    stamp = f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}"
    return stamp, max(status.st_mtime_ns, status.st_ctime_ns) < now - _SETTLED_NS
