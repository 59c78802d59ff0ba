"""Ctrl-C, SIGTERM and what clusters send, from the first moment of a run to its last."""

import errno
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import Any, Self

from atelier.errors import StoppedAtOnce
from atelier.files import let_go

TOLD = frozenset(getattr(signal, name) for name in ("SIGUSR1", "SIGUSR2") if hasattr(signal, name))
"""What clusters send some time before they end a job: SLURM by `#SBATCH --signal=USR1@90`, and submitit. Windows has
neither."""

HANG_UP = getattr(signal, "SIGHUP", None)
"""What a terminal sends that is closed, or whose connection broke, often twice. Windows has none."""

NUMBERS = (signal.SIGINT, signal.SIGTERM, *sorted(TOLD), *([HANG_UP] if HANG_UP else []))

WORD = b"finishing the step, then saving; once more stops at once\n"

heard: set[int] = set()
"""Every signal that this process has received: whoever ends it may want to know why."""


class Signals:
    """While entered, a signal raises Interrupted; while training (`patient`), the first one leaves a note only.

    A signal within `echo` seconds of the first counts as the same one, arriving by another route; so does a second
    SIGHUP. SIGHUP stays ignored where it was before, as under `nohup`. With `aloud`, standard error says that a signal
    was heard. Outside of the main thread, where Python runs no handlers, entering does nothing.
    """

    def __init__(self, numbers: Sequence[int] = NUMBERS, echo: float = 0.0, aloud: bool = False) -> None:
        self.numbers, self.echo, self.aloud = numbers, echo, aloud
        self.received = False
        self.patient = False
        self._first = 0.0  # when it was received
        self._hung_up = False
        self._former: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            former = {number: signal.getsignal(number) for number in self.numbers}
            self._former = {
                number: handler for number, handler in former.items() if (number, handler) != (HANG_UP, signal.SIG_IGN)
            }
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
            if self._is_repeated(number):
                return
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
        if self._is_repeated(number):
            return
        heard.add(number)
        if self.received and time.monotonic() - self._first < self.echo:
            return
        if self.received or not self.patient:
            raise StoppedAtOnce("stopped at once")
        self.received, self._first = True, time.monotonic()
        self._answer()

    def _is_repeated(self, number: int) -> bool:
        """Whether the terminal hangs up where that is known, or one has stopped the run before closing it."""
        _forget_terminal()  # at any signal, for replicas hear of it by another
        repeated = number == HANG_UP and (self._hung_up or self.received)
        self._hung_up |= number == HANG_UP
        return repeated

    def _answer(self) -> None:
        """Once; past Python's own buffers, in the middle of which a handler may be called."""
        if self.aloud:
            self.aloud = False
            with suppress(OSError):  # nobody listens
                os.write(2, WORD)


def _forget_terminal() -> None:
    """Let go what is written to one that is gone: it would raise, and the run would end by that before it has saved."""
    for output in (1, 2):
        try:
            os.write(output, b"")
        except OSError as error:
            if error.errno != errno.EIO:
                continue
            let_go(output)
