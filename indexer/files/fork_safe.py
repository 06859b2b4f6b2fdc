"""Locks that are safe to use after a fork.

A fork copies only the thread that calls it, so a lock that another thread holds is never released in the
child. Every lock here is replaced by a new one in the child. What it guards is always replaced in one step,
so the child finds it whole.
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
    """A lock that is free in a forked process, whoever held it in the one that forked."""

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
        """Take it if it is free; returns whether it was."""
        return self._lock.acquire(blocking=False)

    def release(self) -> None:
        """Let it go."""
        self._lock.release()

    def renew(self) -> None:
        """Be free, in a process with no other thread."""
        self._lock = threading.Lock()


class lazy(Generic[Value]):  # noqa: N801  (used as property is)
    """A property that is worked out once for each instance.

    Unlike `functools.cached_property` before Python 3.12 it takes no lock, which would be one for all
    instances of a class, and would stay taken in a process that is forked meanwhile. Threads that come at
    once work it out each, and all get what the first one made.
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


# Not everywhere is there a fork.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_locks)
