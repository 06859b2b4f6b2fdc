"""The time limit of a query: checked between array operations, without signals."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType

from indexer.engine.read.turns import Turn

Clock = Callable[[], float]
"""Seconds from some moment on, never running backwards."""


class TimedOut(Exception):
    """The deadline has passed; whoever catches this answers with what is known."""


class Deadline:
    """The moment at which a query has to be done, `seconds` from now on.

    As a context it is a running query, which takes turns with those of other threads whenever its deadline is
    checked.
    """

    def __init__(self, seconds: float, clock: Clock = time.perf_counter) -> None:
        self.seconds = seconds
        self._clock = clock
        self._end = clock() + seconds
        self._turn = Turn(seconds)

    def __enter__(self) -> Deadline:
        self._turn.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._turn.__exit__(kind, error, trace)

    def is_over(self) -> bool:
        """Whether it has passed."""
        self._turn.give_way()
        return self._clock() >= self._end

    def check(self) -> None:
        """Raise TimeIsUp when it has passed."""
        if self.is_over():
            raise TimedOut


NO_DEADLINE = Deadline(float("inf"))
"""No deadline."""
