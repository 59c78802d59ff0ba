"""Lists of numbers on the command line."""

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
        pairs = [(word.partition("-")[0], word.rpartition("-")[2]) for word in text.split(",")]
        found = {number for first, last in pairs for number in range(int(first), min(int(last), end) + 1)}
    except ValueError:
        found = set()
    if not found or max(found) >= end:
        raise UserError(f"{option}: must be numbers from 0 to {end - 1} such as 0-{end // 2}, got {text!r}")
    return sorted(found)
