"""Numbers on the command line: lists of them, ranges, and bytes."""

import re
from collections.abc import Iterator

from atelier.errors import UserError

LAST_SEED = 2**63 - 1
"""Larger ones torch does not take, or they would draw what a smaller one does, where each draw mixes the seed."""

LAST_SEED_OF_TORCH = 2**32 - 1
"""Where torch is given the seed as it is: of larger ones its generator on a CPU keeps no more bits."""


def numbers(option: str, text: str, least: int) -> list[int]:
    """`3,17,5`: at least so many numbers, none below 0. Raises UserError."""
    try:
        found = [int(word) for word in text.split(",")]
    except ValueError:
        found = []
    if len(found) < least or min(found, default=0) < 0:
        raise UserError(f"{option}: must be {least} or more numbers such as 3,17, got {text!r}")
    return found


def ranges(option: str, text: str, end: int) -> list[int]:
    """`0-3,6`: numbers below `end`, in order, both ends of a range among them. Raises UserError."""
    try:
        return sorted({number for word in text.split(",") for number in _range(word, end)})
    except ValueError as error:
        wanted = f"numbers from 0 to {end - 1} such as 0-{end // 2}"
        raise UserError(f"{option}: must be {wanted}, got {text!r}") from error


def bytes_of(text: str) -> int:
    """Of `4GiB`, `500MB` or a plain number. Raises UserError."""
    units = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
    number = text.rstrip("BbGgIiKkMm ")
    unit = text[len(number) :].strip().upper()
    try:
        found = float(number) * units[unit]
    except (ValueError, KeyError):
        found = 0
    if not 1 <= found < float("inf"):
        raise UserError(f"--max-memory: must be like 4GiB or 500MB, got {text!r}")
    return int(found)


def _range(word: str, end: int) -> Iterator[int]:
    """Raises ValueError for a word that says none, or one that is not all below `end`."""
    if not (ends := re.fullmatch(r" *(\d+) *(?:- *(\d+) *)?", word)):
        raise ValueError
    first, last = int(ends[1]), int(ends[2] or ends[1])
    if not first <= last < end:
        raise ValueError
    yield from range(first, last + 1)
