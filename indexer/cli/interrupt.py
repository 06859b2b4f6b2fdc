"""Ctrl-C, once: finish what was begun and keep it. Twice, or where nothing is read yet: stop at once."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interruption:
    """Whether somebody wants an end, for work that asks between two steps."""

    def __init__(self) -> None:
        self._is_asked = self._is_wanted = False

    def __call__(self) -> bool:
        """Whether to stop; the first call marks the work as one that can stop gracefully."""
        self._is_asked = True
        return self._is_wanted

    def on_signal(self, _number: int, _frame: FrameType | None) -> None:
        """Request a stop; raises KeyboardInterrupt on a repeat, or if the work never asked."""
        if self._is_wanted or not self._is_asked:
            raise KeyboardInterrupt
        self._is_wanted = True
        # Not through a buffer, which may just be written to.
        sys.stderr.flush()
        print("nutgraf: keeping what was read; Ctrl-C once more to keep nothing of it", file=sys.stderr)


@contextmanager
def interruption() -> Iterator[Interruption]:
    """Handle Ctrl-C so for as long as the block lasts; in other threads than the main one, not at all."""
    found = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield found
        return
    before = signal.signal(signal.SIGINT, found.on_signal)
    try:
        yield found
    finally:
        signal.signal(signal.SIGINT, before)
