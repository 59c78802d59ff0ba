"""What the command line says of a way of stylising, and what becomes of it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from atelier.stylize.method import Method


class Settings(NamedTuple):
    """What the command line says of the method itself."""

    memory: int
    encoder: str | None = None
    weights: Path | None = None
    steps: int | None = None
    checkpoint: Path | None = None
    distance: str | None = None
    style_weight: float | None = None
    variation_weight: float | None = None
    told: Callable[..., None] = lambda *_: None
    """Called after each step of a method that has steps."""


class Chosen(NamedTuple):
    method: Method
    note: dict[str, Any]
    """What a picture's record says of it."""
    learned: Sequence[str] | None = None
    """Names of the styles that it has learned, where it takes no others."""
    learned_from: Sequence[str] = ()
    """The file of each of those, as its folder had it."""
    steps: int = 0
    """To one picture, each of which is told; 0: it is done in one go."""
    draws: bool = False
    """Whether anything of a picture may be drawn by chance."""
