"""A bar over work on many pictures, each in several parts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Progress:
    """Moves a bar on by `advance`, by as many parts of each picture as were announced, whatever becomes of it."""

    def __init__(self, advance: Callable[[], None]) -> None:
        self._advance, self._left = advance, 0

    @contextmanager
    def over(self, parts: int) -> Iterator[None]:
        """Around the work on one picture. Parts that did not come, of one that failed, count as done at its end."""
        self._left = parts
        yield
        while self._left:
            self.advance()

    def advance(self) -> None:
        """By one part, unless all are done: a clip can have more frames than it says."""
        if self._left:
            self._left -= 1
            self._advance()
