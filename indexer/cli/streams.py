"""The standard streams of a command: what it does when one is closed, full, or read by nobody any more."""

from __future__ import annotations

import io
import os
import select
import sys
from typing import TYPE_CHECKING, TextIO

from indexer.errors import StorageFailed

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class ReaderGone(Exception):
    """Whoever read standard output has seen enough."""


def prepare() -> None:
    """Make standard streams that say what is wrong with them.

    A closed one is opened on the null device: else the next file that is opened, perhaps of the index, would
    get its descriptor. Errors of standard output are raised as StorageFailed or ReaderGone, those of standard
    error are ignored.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            # The lowest that is free is the one that is closed. Workers are to have it, too.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    sys.stdout = _careful(sys.stdout, _Output(1, "wb", closefd=False))
    sys.stderr = _careful(sys.stderr, _Complaints(2, "wb", closefd=False))


def _careful(stream: TextIO | None, raw: _Stream) -> TextIO:
    """A stream like another one, but for what it is written through."""
    if stream is not None and os.name == "nt" and stream.isatty():
        return stream  # a console there is no file
    return io.TextIOWrapper(
        raw,
        encoding=stream.encoding if stream else "utf-8",
        errors=stream.errors if stream else None,
        line_buffering=raw.isatty() or raw.fileno() == 2,
    )


class _Stream(io.FileIO):
    """Writes all that it is given, as a stream with a buffer does."""

    def write(self, data: ReadableBuffer, /) -> int:
        """Write everything; raises OSError."""
        rest = memoryview(data).cast("B")
        size = len(rest)
        while rest:
            count = super().write(rest)
            if count is None:
                # Another process has made the stream non-blocking: wait until it can be written.
                select.select([], [self], [])
            else:
                rest = rest[count:]
        return size


class _Output(_Stream):
    def write(self, data: ReadableBuffer, /) -> int:
        """Write everything; raises StorageFailed and ReaderGone."""
        try:
            return super().write(data)
        except BrokenPipeError:
            raise ReaderGone from None
        except OSError as error:
            raise StorageFailed(
                f"standard output cannot be written ({error.strerror or error}): what was printed is not "
                "whole; make room, or print elsewhere"
            ) from error


class _Complaints(_Stream):
    def write(self, data: ReadableBuffer, /) -> int:
        """Write what can be written."""
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes
