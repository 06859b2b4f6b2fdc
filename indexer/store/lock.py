"""The writer's lock: a locked file, and a note beside it that says who holds the lock."""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from indexer.errors import IndexDamaged, IndexLocked, IndexMissing, OutOfMemory
from indexer.files.names import HOLDER, LOCK
from indexer.files.regular import check_regular, create_regular, open_regular
from indexer.files.storage import make_folder, translate_index_errors, translate_write_errors
from indexer.store.generations import refuse_foreign_files, remove_old_generations


@contextmanager
def lock_for_writing(root: Path, timeout: float) -> Iterator[None]:
    """Hold the lock of the index in `root`, which is created if missing; waits up to `timeout` seconds.

    Old generations are removed at both ends of the block. Readers are not held up. Raises IndexLocked, naming
    the holder, IndexMissing if the folder belongs to something else, StorageFailed and OutOfMemory.
    """
    from filelock import FileLock, Timeout

    refuse_foreign_files(root)
    with translate_write_errors(root):
        try:
            make_folder(root)
        except (FileExistsError, NotADirectoryError) as error:
            raise IndexMissing(f"{root} is a file", "choose a folder for the index") from error
    lock = FileLock(_lock_path(root), timeout=timeout)
    with translate_write_errors(root / LOCK):
        try:
            lock.acquire()
        except Timeout:
            raise IndexLocked(
                f"the index in {root} is being written by {describe_holder(root)}; waited {timeout:g} s for "
                "it: try again later, or wait longer with --lock-timeout"
            ) from None
    try:
        remove_old_generations(root)
        _write_holder(root)
        yield
    except MemoryError as error:
        raise OutOfMemory(
            "memory ran out, and nothing was committed: free some, or use less with --max-memory or --jobs"
        ) from error
    finally:
        try:
            remove_old_generations(root)
        finally:
            lock.release()


@contextmanager
def try_lock(root: Path) -> Iterator[bool]:
    """Yield whether no writer is active; if so, none can start during the block, which should be short.

    Raises IndexDamaged if the lock is not a regular file, and StorageFailed.
    """
    path = _lock_path(root)
    with ExitStack() as held:
        with translate_index_errors(path):
            is_idle = not path.exists() or _try_acquire(path, held)
        yield is_idle


def recorded_holder(root: Path) -> str | None:
    """Return who recorded holding the lock, perhaps before a crash; None if there is no record."""
    return describe_holder(root) if os.path.lexists(root / HOLDER) else None


def describe_holder(root: Path) -> str:
    """Return who holds the lock, or "another process" if that cannot be read."""
    try:
        with open_regular(root / HOLDER) as file:
            holder = json.load(file)
        return f"process {holder['pid']} on {holder['host']} ({holder['command']}) since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


def _lock_path(root: Path) -> Path:
    path = root / LOCK
    try:
        check_regular(path)
    except OSError as error:
        raise IndexDamaged(f"{path} cannot be locked ({error.strerror})", "move that away") from error
    return path


def _try_acquire(path: Path, held: ExitStack) -> bool:
    from filelock import FileLock, Timeout

    try:
        held.enter_context(FileLock(path, timeout=0))
    except Timeout:
        return False
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        # Without permission to lock the file, only the note tells whether there is a writer.
        return recorded_holder(path.parent) is None
    return True


def _write_holder(root: Path) -> None:
    holder = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join([Path(word).name for word in sys.argv[:1]] + sys.argv[1:])[:200],
    }
    # The note only serves messages: a writer works without it.
    with suppress(OSError), create_regular(root / HOLDER) as file:
        file.write(json.dumps(holder).encode())
