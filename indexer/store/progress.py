"""How far a build is, for whoever waits for it: a small file in the index's folder while one goes on.

It is a courtesy: a build does not fail when it cannot be written, and what a crash leaves of it is not
believed. Readers cannot ask the writer's lock instead, for to try a lock is to hold it for a moment.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import msgspec

from indexer.files.names import NEW, PROGRESS
from indexer.files.regular import create_regular, open_regular, translate_read_errors
from indexer.results import Building

if TYPE_CHECKING:
    from indexer.sync import Progress, SyncReport

# Seconds between two writings, and without one after which a build counts as dead: where its process can be
# looked for, another may have its number; where it cannot, only silence tells.
PAUSE = 0.5
SILENCE_HERE, SILENCE_ELSEWHERE = 3600.0, 120.0
# The largest such file that is read.
_LENGTH = 4096


class _Record(msgspec.Struct):
    pid: int
    host: str
    building: Building


class RecordedProgress:
    """Progress that is handed on, and recorded in the folder `root` for as long as the block lasts."""

    def __init__(
        self,
        root: Path,
        progress: Progress,
        report: SyncReport,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = root / PROGRESS
        self._progress, self._report, self._clock = progress, report, clock
        self._files = self._of_files = self._size = self._of_size = 0
        self._since = time.time()
        self._written = -PAUSE

    def start(self, files: int, size: int) -> None:
        """So many files, of so many bytes, are about to be read."""
        self._of_files, self._of_size = files, size
        self._write()
        self._progress.start(files, size)

    def advance(self, size: int) -> None:
        """One more file, of so many bytes, is done."""
        self._files += 1
        self._size += size
        if self._clock() - self._written >= PAUSE or self._files == self._of_files:
            self._write()
        self._progress.advance(size)

    def __enter__(self) -> Self:
        self._write()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _write(self) -> None:
        self._written = self._clock()
        building = Building(
            self._files, self._of_files, self._size, self._of_size, self._report.added, self._since
        )
        record = _Record(os.getpid(), socket.gethostname(), building)
        # Not synced: after a power cut there is no build to tell of.
        temporary = self._path.with_name(PROGRESS + NEW)
        with suppress(OSError):
            with create_regular(temporary) as file:
                file.write(msgspec.json.encode(record))
            temporary.replace(self._path)


def current_build(root: Path) -> Building | None:
    """The build that goes on in the folder of an index, if one does; raises StorageFailed."""
    path = root / PROGRESS
    try:
        with translate_read_errors(path), open_regular(path) as file:
            age = time.time() - os.fstat(file.fileno()).st_mtime
            record = msgspec.json.decode(file.read(_LENGTH), type=_Record)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    here = record.host == socket.gethostname()
    if age > (SILENCE_HERE if here else SILENCE_ELSEWHERE) or (here and not _runs(record.pid)):
        return None
    return record.building


def _runs(pid: int) -> bool:
    """Whether there is a process with this number; where that cannot be asked, there may be."""
    # Elsewhere than on POSIX, signal 0 is not a question. Zero and below are groups, and no writer's.
    if os.name != "posix" or pid <= 0:
        return pid > 0
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # it runs, and belongs to somebody else
    return True
