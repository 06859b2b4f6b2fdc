"""Ctrl-C: the first one finishes gracefully; the second, or one before anything was read, stops at once."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequest:
    """Whether the user has asked to stop; called by the work between two steps."""

    def __init__(self) -> None:
        self._is_polled = self._is_requested = False

    def __call__(self) -> bool:
        """Whether to stop. The first call shows that the work can stop gracefully."""
        self._is_polled = True
        return self._is_requested

    def on_signal(self, _number: int, _frame: FrameType | None) -> None:
        """Request a stop; raises KeyboardInterrupt on a repeat, or if the work never asked."""
        if self._is_requested or not self._is_polled:
            raise KeyboardInterrupt
        self._is_requested = True
        # The signal may interrupt a write to the buffer, so that it is not used here.
        sys.stderr.flush()
        print("nutgraf: keeping what was read; press Ctrl-C again to discard it", file=sys.stderr)


@contextmanager
def stop_on_interrupt() -> Iterator[StopRequest]:
    """Turn Ctrl-C into a StopRequest during the block; only the main thread can handle signals."""
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    previous = signal.signal(signal.SIGINT, request.on_signal)
    try:
        yield request
    finally:
        signal.signal(signal.SIGINT, previous)
