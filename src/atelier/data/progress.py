"""A bar for work that takes longer than one likes to wait in the dark."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

T = TypeVar("T")


def watched(items: Iterable[T], doing: str, total: int | None) -> Iterator[T]:
    """The items, and a bar on the error stream while they last, if that is a terminal."""
    with _bar() as progress:
        yield from progress.track(items, total=total, description=doing)


@contextmanager
def bar(doing: str, total: int) -> Iterator[Callable[[], None]]:
    """The same for work that is no list: what it yields is called after each part of it."""
    with _bar() as progress:
        task = progress.add_task(doing, total=total)
        yield lambda: progress.advance(task)


def _bar() -> Progress:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
