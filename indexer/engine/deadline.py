"""The time that a query may take: asked for between array operations, never by a signal."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], float]
"""Seconds from some moment on, never running backwards."""


class TimeIsUp(Exception):
    """The deadline has passed; whoever catches this answers with what is known."""


class Deadline:
    """The moment at which a query has to be done, `seconds` from now on."""

    def __init__(self, seconds: float, clock: Clock = time.perf_counter) -> None:
        self.seconds = seconds
        self._clock = clock
        self._end = clock() + seconds

    def is_over(self) -> bool:
        """Whether it has passed."""
        return self._clock() >= self._end

    def check(self) -> None:
        """Raise TimeIsUp when it has passed."""
        if self.is_over():
            raise TimeIsUp


NEVER = Deadline(float("inf"))
"""For whoever is not waited for."""
