"""Locks that are safe to use after a fork.

A fork copies only the thread that calls it, so a lock that another thread holds is never released in the
child. Therefore every lock here is replaced by a new one in the child. The data that a lock guards must be
replaced in one step, so that it is consistent in the child.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, overload
from weakref import WeakSet

Value = TypeVar("Value")


class Lock:
    """A lock that is free in a forked process, even if a thread held it during the fork."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        _locks.add(self)

    def __enter__(self) -> Self:
        self._lock.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

    def acquire_now(self) -> bool:
        """Acquire the lock if it is free; return whether it was."""
        return self._lock.acquire(blocking=False)

    def release(self) -> None:
        """Release the lock."""
        self._lock.release()

    def renew(self) -> None:
        """Make the lock free; for a process without other threads."""
        self._lock = threading.Lock()


class lazy(Generic[Value]):  # noqa: N801  (used as property is)
    """A property that is computed once for each instance.

    Before Python 3.12, `functools.cached_property` acquires a lock that all instances of a class share, and
    that stays acquired in a process that is forked meanwhile. This takes none: threads that arrive at the
    same time each compute the value, and all of them get the first one that is stored.
    """

    def __init__(self, make: Callable[[Any], Value]) -> None:
        self._make = make
        self._name = make.__name__
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...

    @overload
    def __get__(self, instance: object, owner: type) -> Value: ...

    def __get__(self, instance: object | None, owner: type) -> Self | Value:
        if instance is None:
            return self
        made: Value = instance.__dict__.setdefault(self._name, self._make(instance))
        return made


_locks: WeakSet[Lock] = WeakSet()


def _renew_locks() -> None:
    for lock in list(_locks):
        lock.renew()


# Windows has no fork.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_locks)
