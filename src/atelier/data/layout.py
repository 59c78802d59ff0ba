"""Names in the pixel cache, for those who write, read and clear it."""

import shutil
from pathlib import Path

from filelock import Timeout

from atelier.files import lock_of

LAYOUT = 1
"""Raised whenever the files change their meaning. Part of every key: older caches are never opened."""

PIXELS, ROWS, MANIFEST = "pixels.npy", "rows.npz", "manifest.json"

UNFINISHED = ".building"
"""Ends the name of a folder that is being built, or was when its process died."""


def remove_dead_builds(parent: Path) -> None:
    """Remove what builds left in `parent` whose process was killed."""
    for unfinished in parent.glob(f"*{UNFINISHED}"):
        try:
            with lock_of(unfinished.with_name(unfinished.name.removesuffix(UNFINISHED))).acquire(timeout=0):
                shutil.rmtree(unfinished, ignore_errors=True)
        except Timeout:
            pass  # alive
