"""Processes that help with data, and the signals that are not for them."""

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


@contextmanager
def deaf_children(numbers: Sequence[int]) -> Iterator[None]:
    """A process started in here does not hear these signals, from its first moment on: the parent does, and ends it."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    former = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


def obey_parent(number: int) -> None:
    """What worker `number` begins with: it ends on SIGTERM from the parent, though deaf to all others'.

    That is how `multiprocessing` ends whom it then waits for.
    """
    if not hasattr(signal, "sigwaitinfo"):  # macOS, Windows
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        return

    def listen() -> None:
        while signal.sigwaitinfo([signal.SIGTERM]).si_pid != os.getppid():
            pass
        os._exit(0)

    threading.Thread(target=listen, daemon=True, name="obey-parent").start()
