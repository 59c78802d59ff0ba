"""Ctrl-C and SIGTERM, from the first moment of a run to its last."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

from atelier.errors import Interrupted


class Signals:
    """While entered, a signal raises Interrupted; while training (`patient`), the first one leaves a note only.

    Python runs handlers in its main thread; in any other one, entering does nothing.
    """

    NUMBERS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.received = False
        self.patient = False
        self._former: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._former = {number: signal.getsignal(number) for number in self.NUMBERS}
            self.take()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def take(self) -> None:
        """Handle the signals here, whoever has taken them since."""
        for number in self._former:
            signal.signal(number, self._receive)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.received or not self.patient:
            raise Interrupted("stopped at once")
        self.received = True
