"""Ctrl-C, and SIGTERM if asked for: the first finishes gracefully, the second stops at once.

So does the first, if it comes before the work has asked whether to stop.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 130
"""The exit code of a command that was interrupted."""


class StopRequest:
    """Whether the user has asked to stop; called by the work between two steps."""

    def __init__(self, message: str) -> None:
        self.number: int | None = None
        """The signal by which the stop was requested."""
        self._message = message
        self._is_polled = False

    def __call__(self) -> bool:
        """Whether to stop. The first call shows that the work can stop gracefully."""
        self._is_polled = True
        return self.number is not None

    def on_signal(self, number: int, _frame: FrameType | None) -> None:
        """Request a stop; raises KeyboardInterrupt on a repeat, or if the work never asked."""
        if self.number is not None or not self._is_polled:
            raise KeyboardInterrupt
        self.number = number
        # The signal may interrupt a write to the buffer, so that it is not used here.
        sys.stderr.flush()
        print(f"nutgraf: {self._message}", file=sys.stderr)


@contextmanager
def stop_on_interrupt(
    *others: signal.Signals, message: str = "keeping what was read; press Ctrl-C again to discard it"
) -> Iterator[StopRequest]:
    """Turn Ctrl-C, and other signals, into a StopRequest during the block, which prints a message.

    Only the main thread can handle signals.
    """
    request = StopRequest(message)
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    previous = {number: signal.signal(number, request.on_signal) for number in (signal.SIGINT, *others)}
    try:
        yield request
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
