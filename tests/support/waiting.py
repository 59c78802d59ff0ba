"""Waiting for what other processes bring about: as long as it takes, and not for ever."""

import time


def until(holds, what="another process", within=200.0):
    """Return as soon as it holds. What never does fails the test; how long it took is nobody's concern."""
    latest = time.monotonic() + within
    while not holds():
        assert time.monotonic() < latest, f"waited {within:.0f} s for {what}"
        time.sleep(0.1)  # between two looks: a busy loop would take the processor from what is waited for
