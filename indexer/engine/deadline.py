"""The time that a query may take: asked for between array operations, never by a signal."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from types import TracebackType

Clock = Callable[[], float]
"""Seconds from some moment on, never running backwards."""
SHORT = 0.007
"""Seconds that most queries are done in; one that takes longer lets those go first that do not."""
PATIENCE = 0.003
"""Seconds that a query waits at most, as it begins, for another to be done or to rest."""


class TimeIsUp(Exception):
    """The deadline has passed; whoever catches this answers with what is known."""


class Deadline:
    """The moment at which a query has to be done, `seconds` from now on.

    As a context it is known to those of other threads, and they take turns: of two that work together each
    waits for the interpreter after every array operation, and both are done later than one after the other.
    A query that begins waits for the one that works, but not for long. One that has worked for long rests,
    when its deadline is looked at, until the queries that came after it are done, or long themselves. It
    rests for as long as it works, at most: many short queries cannot keep a long one from its share.
    """

    def __init__(self, seconds: float, clock: Clock = time.perf_counter) -> None:
        self.seconds = seconds
        self._clock = clock
        self._end = clock() + seconds
        self._began = time.perf_counter()
        self._rested = 0.0
        self._is_new = True
        self._thread = threading.get_ident()
        # Whether it is done, or rests.
        self._quiet = threading.Event()

    def __enter__(self) -> Deadline:
        _running[id(self)] = self
        last = self._began + min(PATIENCE, self.seconds / 2)
        try:
            for other in self._others():
                other._quiet.wait(max(last - time.perf_counter(), 0))
        except BaseException:
            self.__exit__(None, None, None)
            raise
        self._began = time.perf_counter()
        self._is_new = False
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # In a process that was forked meanwhile it is gone already.
        _running.pop(id(self), None)
        self._quiet.set()

    def is_over(self) -> bool:
        """Whether it has passed."""
        # Of a single query, the usual case, nothing more is asked; nor of what was never begun.
        if len(_running) > 1 and not self._is_new:
            self._make_room()
        return self._clock() >= self._end

    def check(self) -> None:
        """Raise TimeIsUp when it has passed."""
        if self.is_over():
            raise TimeIsUp

    def _make_room(self) -> None:
        now = time.perf_counter()
        while now - self._began - self._rested >= SHORT and self._rested < (now - self._began) / 2:
            youngest = max(self._others(), key=lambda other: other._began, default=None)
            if youngest is None:
                return
            left = SHORT if youngest._is_new else youngest._began + SHORT - now
            if left <= 0:
                return
            self._quiet.set()
            youngest._quiet.wait(left)
            self._quiet.clear()
            then, now = now, time.perf_counter()
            self._rested += now - then

    def _others(self) -> list[Deadline]:
        return [other for other in list(_running.values()) if other._thread != self._thread]


# Changed in single steps, which need no lock.
_running: dict[int, Deadline] = {}
# The other threads, and with them their queries, are not there in a forked process.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_running.clear)
NEVER = Deadline(float("inf"))
"""For whoever is not waited for."""
