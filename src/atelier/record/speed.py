"""How fast a run is."""

from collections import deque
from time import monotonic

LOOKS = 60
"""The speed is that of so many looks: the last 15 seconds of a bar, the last half hour of a log's lines."""


class Speed:
    """Images a second over the last looks, without pauses, and how long is left to wait, with them."""

    def __init__(self, images: int, step: int) -> None:
        self._began, self._first_step = monotonic(), step
        self._paused_at: float | None = None
        self._pauses = 0.0
        self._looks = deque([(self._began, images)], maxlen=LOOKS)

    def pause(self) -> None:
        self._paused_at = monotonic()

    def go_on(self) -> None:
        if self._paused_at is not None:
            self._pauses += monotonic() - self._paused_at
            self._paused_at = None

    def images_per_second(self, images: int) -> float:
        """Look at the count of images. Looks are best some tenths of a second apart, or further."""
        now = (self._paused_at or monotonic()) - self._pauses
        if now > self._looks[-1][0] and images > self._looks[-1][1]:
            self._looks.append((now, images))
        (then, before), (now, after) = self._looks[0], self._looks[-1]
        return (after - before) / (now - then) if now > then else 0.0

    def seconds_left(self, step: int, last_step: int) -> float | None:
        """At the pace so far, pauses included. None before the first step and where no last one is ahead."""
        done = step - self._first_step
        if done <= 0 or step >= last_step:
            return None
        return (monotonic() - self._began) * (last_step - step) / done
