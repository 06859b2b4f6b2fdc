"""Standard streams of a command that are closed, full, or no longer read by anybody."""

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
    """The program that read standard output has closed it, as `head` does."""


class OutputFailed(StorageFailed):
    """Standard output cannot be written."""


def prepare_streams() -> None:
    """Replace the standard streams by ones that report their errors.

    A closed stream is opened on the null device: otherwise the next file to be opened, perhaps one of the
    index, would get its descriptor. Errors of standard output are raised as OutputFailed or ReaderGone, those
    of standard error are ignored.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            # The system assigns the lowest free descriptor, which is the closed one. Workers inherit it.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    sys.stdout = _replace_stream(sys.stdout, _Output(1, "wb", closefd=False))
    sys.stderr = _replace_stream(sys.stderr, _Messages(2, "wb", closefd=False))


def _replace_stream(stream: TextIO | None, raw: _Stream) -> TextIO:
    """Return a text stream with the encoding of another one, which writes to `raw`."""
    if stream is not None and os.name == "nt" and stream.isatty():
        return stream  # A Windows console is not written through its file descriptor.
    return io.TextIOWrapper(
        raw,
        encoding=stream.encoding if stream else "utf-8",
        errors=stream.errors if stream else None,
        line_buffering=raw.isatty() or raw.fileno() == 2,
    )


class _Stream(io.FileIO):
    """A raw stream that writes everything it is given, as a buffered one does."""

    def write(self, data: ReadableBuffer, /) -> int:
        """Write everything; raises OSError."""
        rest = memoryview(data).cast("B")
        size = len(rest)
        while rest:
            count = super().write(rest)
            if count is None:
                # Another process has made the stream non-blocking: wait until it is writable.
                select.select([], [self], [])
            else:
                rest = rest[count:]
        return size


class _Output(_Stream):
    def write(self, data: ReadableBuffer, /) -> int:
        """Write everything; raises OutputFailed and ReaderGone."""
        try:
            return super().write(data)
        except BrokenPipeError:
            raise ReaderGone from None
        except OSError as error:
            raise OutputFailed(
                f"standard output cannot be written ({error.strerror or error}): the output is "
                "incomplete; free space, or write it elsewhere"
            ) from error


class _Messages(_Stream):
    def write(self, data: ReadableBuffer, /) -> int:
        """Write what can be written; errors are ignored."""
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes
