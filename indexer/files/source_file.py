"""Opens the files of a source: only regular files inside of it, each as it is at one moment."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from indexer.errors import UnreadableDocument
from indexer.files.regular import OPEN_FLAGS

LEADS_OUT = "the link leads out of the source"
"""Why a link is not followed: the reason of a failure, when a source is listed or read."""

_READ_FLAGS = os.O_RDONLY | OPEN_FLAGS
_CAN_OPEN_AT = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")
_ATTEMPTS = 3


def source_folder(root: Path) -> str:
    """Return the folder that the paths of a source's files are below; the source itself may be a file."""
    return str(root.parent if root.is_file() else root)


def open_file(folder: str, path: str) -> BufferedReader:
    """Open a regular file of a source for reading; `path` is its path below the folder, with slashes.

    The file is in the folder even if one of those between is replaced by a link meanwhile. Raises OSError.
    """
    if not _CAN_OPEN_AT:
        return _check_regular(os.open(f"{folder}/{path}", _READ_FLAGS))
    try:
        return _check_regular(_open_below(folder, path.split("/")))
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENOTDIR):
            raise
    # There is a link on the path. Resolve it, and open the result without following any link.
    real = Path(os.path.realpath(f"{folder}/{path}"))
    if not real.is_relative_to(folder):
        raise OSError(errno.EXDEV, LEADS_OUT)
    return _check_regular(_open_below(folder, real.relative_to(folder).parts))


def read_whole(folder: str, path: str, max_bytes: int) -> bytes:
    """Return the bytes of a regular file of a source, as they are at one moment; see `open_file`.

    Raises UnreadableDocument for more than `max_bytes`, and OSError if the file cannot be read or changes
    during every attempt.
    """
    for _ in range(_ATTEMPTS):
        with open_file(folder, path) as opened:
            before = os.fstat(opened.fileno())
            if before.st_size > max_bytes:
                raise _too_large(before.st_size, max_bytes)
            data = opened.read(max_bytes + 1)
            if len(data) > max_bytes:
                raise _too_large(len(data), max_bytes)
            if len(data) == before.st_size and _times(before) == _times(os.fstat(opened.fileno())):
                return data
    raise OSError(errno.EAGAIN, "it changes while it is read")


@contextmanager
def open_unchanging(folder: str, path: str) -> Iterator[BufferedReader]:
    """Open a regular file for reading in the block; raises OSError if it changes meanwhile."""
    with open_file(folder, path) as opened:
        before = os.fstat(opened.fileno())
        yield opened
        after = os.fstat(opened.fileno())
        if (before.st_size, _times(before)) != (after.st_size, _times(after)):
            raise OSError(errno.EAGAIN, "it changes while it is read")


def _open_below(root: str, parts: Sequence[str]) -> int:
    """Return a descriptor of the file at the end of a path below a folder, without following links."""
    at = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for number, name in enumerate(parts, 1):
        kind = _READ_FLAGS if number == len(parts) else os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        try:
            below = os.open(name, kind | os.O_NOFOLLOW, dir_fd=at)
        finally:
            os.close(at)
        at = below
    return at


def _check_regular(descriptor: int) -> BufferedReader:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "is not a regular file")
    return os.fdopen(descriptor, "rb")


def _times(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _too_large(size: int, max_bytes: int) -> UnreadableDocument:
    return UnreadableDocument(
        f"larger than {max_bytes // 2**20} MB ({size / 2**20:.1f} MB): split it, or raise max_file_mb"
    )
