"""Pretrained weights of others: which there are, where they are kept, and how they are had.

    from atelier import weights
    path = weights.fetch("inception")

Kept in `$ATELIER_WEIGHTS`, or in the cache folder. A file put there by hand is as good as a downloaded one: what
counts is its checksum.
"""

import os
from pathlib import Path

from atelier.errors import UserError
from atelier.files import cache_root, sha256
from atelier.weights.table import PUBLISHED, Pretrained
from atelier.weights.transfer import download

__all__ = ["PUBLISHED", "Pretrained", "fetch", "folder", "path_of", "published", "verify"]


def folder() -> Path:
    """Where all weights are kept. It need not exist."""
    return Path(os.environ.get("ATELIER_WEIGHTS") or cache_root() / "weights")


def published(name: str) -> Pretrained:
    """What its publisher says of a file. The names are those of `PUBLISHED`."""
    return PUBLISHED[name]


def path_of(name: str) -> Path:
    """Where a file is kept, be it there or not."""
    return folder() / published(name).file


def fetch(name: str) -> Path:
    """Where a file lies, downloaded unless it was before, its checksum seen to be right.

    It is hashed every time, since nothing else tells a wrong file: a second or two per gigabyte. Raises UserError
    where it can neither be found nor downloaded, and where it is not the published one.
    """
    path = path_of(name)
    if not path.is_file():
        download(published(name), path)
    return verify(name)


def verify(name: str) -> Path:
    """Where a file lies. Raises UserError where it does not, and where it is not the published one."""
    path = path_of(name)
    if not path.is_file():
        raise UserError(f"{name}: not at {path}; `atelier weights fetch {name}` downloads it")
    found, expected = sha256(path), published(name).sha256
    if found != expected:
        raise UserError(
            f"{name}: {path} is not the published file: its sha256 is {found}, and should be {expected}; "
            f"remove it, and `atelier weights fetch {name}` downloads it anew"
        )
    return path
