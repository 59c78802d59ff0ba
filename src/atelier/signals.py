"""Ctrl-C, SIGTERM and what clusters send, from the first moment of a run to its last."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import Any, Self

from atelier.errors import StoppedAtOnce

TOLD = frozenset(getattr(signal, name) for name in ("SIGUSR1", "SIGUSR2") if hasattr(signal, name))
"""What clusters send some time before they end a job: SLURM by `#SBATCH --signal=USR1@90`, and submitit. Windows has
neither."""

NUMBERS = (signal.SIGINT, signal.SIGTERM, *sorted(TOLD))

WORD = b"finishing the step, then saving; once more stops at once\n"

heard: set[int] = set()
"""Every signal that this process has received: whoever ends it may want to know why."""


class Signals:
    """While entered, a signal raises Interrupted; while training (`patient`), the first one leaves a note only.

    What comes within `echo` seconds of the first is the same one by another way. Where `aloud`, its sender is told that
    it was heard. Python runs handlers in its main thread; in any other one, entering does nothing.
    """

    def __init__(self, numbers: Sequence[int] = NUMBERS, echo: float = 0.0, aloud: bool = False) -> None:
        self.numbers, self.echo, self.aloud = numbers, echo, aloud
        self.received = False
        self.patient = False
        self._first = 0.0  # when it was received
        self._former: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._former = {number: signal.getsignal(number) for number in self.numbers}
            self.take()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def take(self) -> None:
        """Handle the signals here, whoever has taken them since."""
        for number in self._former:
            signal.signal(number, self._receive)

    @contextmanager
    def passed_on(self, receive: Callable[[int, FrameType | None], None]) -> Iterator[None]:
        """Meanwhile another receives them."""

        def hear(number: int, frame: FrameType | None) -> None:
            heard.add(number)
            receive(number, frame)
            self._answer()

        for number in self._former:
            signal.signal(number, hear)
        try:
            yield
        finally:
            self.take()

    def _receive(self, number: int, frame: FrameType | None) -> None:
        heard.add(number)
        if self.received and time.monotonic() - self._first < self.echo:
            return
        if self.received or not self.patient:
            raise StoppedAtOnce("stopped at once")
        self.received, self._first = True, time.monotonic()
        self._answer()

    def _answer(self) -> None:
        """Once; past Python's own buffers, in the middle of which a handler may be called."""
        if self.aloud:
            self.aloud = False
            with suppress(OSError):  # nobody listens
                os.write(2, WORD)
