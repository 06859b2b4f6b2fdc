"""Threads that go on computing when the caller has no more time to wait."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def start_thread(name: str, compute: Callable[[], T], *, is_daemon: bool = False) -> Future[T]:
    """Compute something in a thread with this name; the future gets what it returns or raises.

    The process does not end before the thread does, unless that is a daemon. Raises RuntimeError if no thread
    can be started.
    """
    result: Future[T] = Future()

    def work() -> None:
        try:
            result.set_result(compute())
        except BaseException as error:  # noqa: BLE001  (raised by those who wait)
            result.set_exception(error)

    threading.Thread(target=work, name=name, daemon=is_daemon).start()
    return result
