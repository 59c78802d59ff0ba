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
    path, file = path_of(name), published(name)
    if not path.is_file() and not file.joined:
        download(file, path)
    return verify(name)


def verify(name: str) -> Path:
    """Where a file lies. Raises UserError where it does not, and where it is not the published one."""
    path, file = path_of(name), published(name)
    if not path.is_file():
        raise UserError(f"{name}: not at {path}; {file.way}")
    if (found := sha256(path)) != file.sha256:
        wanted = "the file that Atelier was tried with" if file.joined else "the published file"
        raise UserError(
            f"{name}: {path} is not {wanted}: its sha256 is {found}, and should be {file.sha256}; "
            f"remove it, and {file.way} anew"
        )
    return path
