"""The time limit of a query, and the turns that queries take.

The limit is checked between array operations, without signals. Two queries that run in threads of one process
compete for the interpreter after every array operation, and both finish later than if one had run after the
other; a short query beside a long one suffers most. So they take turns whenever the limit is checked.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType

Clock = Callable[[], float]
"""A monotonic clock, in seconds."""
SHORT = 0.007
"""Seconds within which most queries finish; a query that has run for longer yields to younger ones."""
PATIENCE = 0.003
"""Seconds that a new query waits at most for the queries that are running."""


class Turn:
    """A query's share of the interpreter, used as a context while the query runs.

    On entry a query waits until the running queries are done or have paused: for `patience` seconds at most,
    and for no longer than half of its time limit (`seconds`). A query that has run for longer than SHORT
    pauses in `give_way()` until younger queries are done or have run for SHORT themselves. It never pauses
    for longer than it works, so that many short queries cannot starve it. A query does not wait for those of
    its own thread, which are part of it.
    """

    def __init__(
        self,
        seconds: float = float("inf"),
        *,
        patience: float = PATIENCE,
        clock: Clock = time.perf_counter,
    ) -> None:
        self.paused = 0.0
        """Seconds that it has paused so far."""
        self._patience = min(patience, seconds / 2)
        self._clock = clock
        self._thread = threading.get_ident()
        self._start = clock()
        self._is_waiting = True
        # Set while the query pauses, and for good when it is done.
        self._idle = threading.Event()

    def __enter__(self) -> Turn:
        _running[id(self)] = self
        end = self._start + self._patience
        try:
            for other in self._others():
                other._idle.wait(max(end - self._clock(), 0))
        except BaseException:
            self.__exit__(None, None, None)
            raise
        self._start = self._clock()
        self._is_waiting = False
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A process that was forked meanwhile has cleared the table.
        _running.pop(id(self), None)
        self._idle.set()

    def give_way(self) -> None:
        """Pause if this query has run for long and younger ones are waiting."""
        # A single query, the usual case, asks for nothing more; nor does one that is not used as a context.
        if len(_running) > 1 and not self._is_waiting:
            self._pause()

    @contextmanager
    def wait(self) -> Iterator[None]:
        """Let other queries run while this one waits for what is not computed in this process."""
        before = self._clock()
        self._idle.set()
        try:
            yield
        finally:
            self._idle.clear()
            # Waiting is no work, after which the query would have to yield to younger ones.
            self._start += self._clock() - before

    def _pause(self) -> None:
        now = self._clock()
        while now - self._start - self.paused >= SHORT and self.paused < (now - self._start) / 2:
            youngest = max(self._others(), key=lambda other: other._start, default=None)
            if youngest is None:
                return
            left = SHORT if youngest._is_waiting else youngest._start + SHORT - now
            if left <= 0:
                return
            self._idle.set()
            youngest._idle.wait(left)
            self._idle.clear()
            then, now = now, self._clock()
            self.paused += now - then

    def _others(self) -> list[Turn]:
        return [other for other in list(_running.values()) if other._thread != self._thread]


# Entries are added and removed in single steps, which need no lock.
_running: dict[int, Turn] = {}
# A forked process does not have the other threads, nor their queries.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_running.clear)


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

    @property
    def left(self) -> float:
        """The seconds until it passes; 0 or less when it has passed."""
        return self._end - self._clock()

    def wait(self) -> AbstractContextManager[None]:
        """Let other queries run while this one waits for what is not computed in this process."""
        return self._turn.wait()

    def is_over(self) -> bool:
        self._turn.give_way()
        return self._clock() >= self._end

    def check(self) -> None:
        """Raise TimedOut if the deadline has passed."""
        if self.is_over():
            raise TimedOut


NO_DEADLINE = Deadline(float("inf"))
"""No deadline."""
