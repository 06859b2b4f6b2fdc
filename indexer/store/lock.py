"""The writer's lock: a file that is locked, and a note beside it that says by whom."""

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

from indexer.errors import IndexDamaged
from indexer.files.names import HOLDER, LOCK
from indexer.files.regular import check_regular, create_regular, open_regular
from indexer.files.storage import translate_index_errors


def take_lock(root: Path) -> Path:
    """The file that is locked; raises IndexDamaged when something else is in its place."""
    path = root / LOCK
    try:
        check_regular(path)
    except OSError as error:
        raise IndexDamaged(f"{path} cannot be locked ({error.strerror}): move that away") from error
    return path


@contextmanager
def is_free(root: Path) -> Iterator[bool]:
    """Whether nobody writes; if so, nobody begins to while the block lasts, which should be short.

    Raises IndexDamaged when what is to be locked is no file, and StorageFailed.
    """
    path = take_lock(root)
    with ExitStack() as held:
        with translate_index_errors(path):
            is_idle = not path.exists() or _take(path, held)
        yield is_idle


def _take(path: Path, held: ExitStack) -> bool:
    # Here, for a process that only reads needs no lock.
    from filelock import FileLock, Timeout

    try:
        held.enter_context(FileLock(path, timeout=0))
    except Timeout:
        return False
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        # Who may not write here can only go by who has signed.
        return read_signature(path.parent) is None
    return True


def sign_lock(root: Path) -> None:
    """Say who holds the lock: a courtesy, for which nobody fails who could do without."""
    words = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join([Path(word).name for word in sys.argv[:1]] + sys.argv[1:])[:200],
    }
    with suppress(OSError), create_regular(root / HOLDER) as file:
        file.write(json.dumps(words).encode())


def read_signature(root: Path) -> str | None:
    """Who has signed as the writer; None when nobody has."""
    return lock_holder(root) if os.path.lexists(root / HOLDER) else None


def lock_holder(root: Path) -> str:
    """Who holds the lock, as far as that was said."""
    try:
        with open_regular(root / HOLDER) as file:
            words = json.load(file)
        return f"process {words['pid']} on {words['host']} ({words['command']}) since {words['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
