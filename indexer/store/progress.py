"""How far a build is, for other processes: a small file in the index's folder while a build goes on.

A build does not fail if the file cannot be written, and a file that a crash left is ignored. Readers cannot
try the writer's lock instead: trying a lock means holding it for a moment, in which a writer is refused.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import msgspec

from indexer.files.names import NEW, PROGRESS
from indexer.files.regular import create_regular, open_regular, translate_read_errors
from indexer.reports import Building

if TYPE_CHECKING:
    from indexer.reports import SyncReport
    from indexer.sync import Progress

PAUSE = 0.5
"""Seconds between two updates of the file."""
STALE_LOCAL, STALE_REMOTE = 3600.0, 120.0
"""Seconds without an update after which a build on this machine, or on another one, counts as dead.

A local build is also checked by its process id, but another process may have that number by now.
"""
_MAX_LENGTH = 4096


class _Record(msgspec.Struct):
    pid: int
    host: str
    building: Building


class RecordedProgress:
    """Progress that is passed on, and recorded in the index folder `root` while the block lasts."""

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
        self._started = time.time()
        self._last_write = -PAUSE

    def start(self, files: int, size: int) -> None:
        """Begin: `files` files with `size` bytes in all will be read."""
        self._of_files, self._of_size = files, size
        self._write()
        self._progress.start(files, size)

    def advance(self, size: int) -> None:
        """Count one more file, of `size` bytes."""
        self._files += 1
        self._size += size
        if self._clock() - self._last_write >= PAUSE or self._files == self._of_files:
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
        self._last_write = self._clock()
        building = Building(
            self._files, self._of_files, self._size, self._of_size, self._report.added, self._started
        )
        record = _Record(os.getpid(), _get_host(), building)
        # Not synced: after a power cut there is no build to report.
        temporary = self._path.with_name(PROGRESS + NEW)
        with suppress(OSError):
            with create_regular(temporary) as file:
                file.write(msgspec.json.encode(record))
            temporary.replace(self._path)


def read_progress(root: Path) -> Building | None:
    """Return the progress of the build in an index folder; None if there is none. Raises StorageFailed."""
    path = root / PROGRESS
    try:
        with translate_read_errors(path), open_regular(path) as file:
            age = time.time() - os.fstat(file.fileno()).st_mtime
            record = msgspec.json.decode(file.read(_MAX_LENGTH), type=_Record)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    is_local = record.host == _get_host()
    if age > (STALE_LOCAL if is_local else STALE_REMOTE) or (is_local and not _is_running(record.pid)):
        return None
    return record.building


def _is_running(pid: int) -> bool:
    """Whether a process with this number may exist."""
    # Only POSIX has signal 0, which is not delivered. Zero and negative numbers are process groups.
    if os.name != "posix" or pid <= 0:
        return pid > 0
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # It exists and belongs to another user.
    return True


def _get_host() -> str:
    # Imported here, since most searches find no build.
    import socket

    return socket.gethostname()
