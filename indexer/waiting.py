"""What was read of a task, until all of it is there: much of it waits on the disk."""

from __future__ import annotations

from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import Any
from weakref import finalize

from indexer import messages
from indexer.errors import StorageFailed
from indexer.intake import Batch
from indexer.regular import no_room

IN_MEMORY = 1 << 24
"""Bytes of text of a task that wait in memory; what comes after them, in a file without a name."""


class Waiting:
    """The batches of a task, in order. Raises StorageFailed where the disk does not take them."""

    def __init__(self) -> None:
        self._kept: list[Batch] = []
        self._file: Any = None
        self._filed = 0
        self.size = 0
        """Bytes of text that wait in memory."""

    def add(self, batch: Batch) -> None:
        """Let another batch wait."""
        size = batch[1].size
        if self._file is None and (not self._kept or self.size + size <= IN_MEMORY):
            self._kept.append(batch)
            self.size += size
            return
        try:
            if self._file is None:
                self._file = TemporaryFile()  # noqa: SIM115 - it goes with this
                # Not by way of its buffer: what the disk did not take would be tried once more.
                finalize(self, self._file.raw.close)
            messages.send(self._file, batch)
        except OSError as error:
            raise _no_room(error) from error
        self._filed += 1

    def take(self) -> Iterator[Batch]:
        """All of them, once: none is held any longer when the next is given."""
        self._kept.reverse()
        while self._kept:
            yield self._kept.pop()
        for number in range(self._filed):
            yield self._read(is_first=not number)

    def _read(self, *, is_first: bool) -> Batch:
        try:
            if is_first:
                self._file.seek(0)
            batch: Batch = messages.receive(self._file)
        except OSError as error:
            raise _no_room(error) from error
        return batch


def _no_room(error: OSError) -> StorageFailed:
    return no_room("what was read of a large file waits for the rest of it", error)
