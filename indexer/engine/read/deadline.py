"""The time limit of a query: it is checked between array operations, without signals."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType

from indexer.engine.read.turns import Turn

Clock = Callable[[], float]
"""A monotonic clock, in seconds."""


class TimedOut(Exception):
    """The deadline has passed; the caller answers with what has been found until then."""


class Deadline:
    """The moment by which a query must be done, `seconds` from now.

    As a context manager it marks the query as running: it then takes turns with the queries of other threads
    whenever the deadline is checked.
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
        """Whether the deadline has passed."""
        self._turn.give_way()
        return self._clock() >= self._end

    def check(self) -> None:
        """Raise TimedOut if the deadline has passed."""
        if self.is_over():
            raise TimedOut


NO_DEADLINE = Deadline(float("inf"))
"""No deadline."""
