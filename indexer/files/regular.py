"""Opens regular files and nothing else; tells what the system refuses for now from what is wrong with a file.

A pipe that nobody writes to must not be waited for, a device not be touched, a link not be followed to where
somebody else can put another file.
"""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, FileIO
from pathlib import Path

from indexer.errors import StorageFailed

CAREFULLY = 0
"""Flags for opening: never wait for the other end of a pipe, never acquire a controlling terminal."""
for _name in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY"):
    CAREFULLY |= getattr(os, _name, 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a link",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
# Errors of the file itself: missing, or not a regular file. All others are the system's, perhaps temporary.
_OF_THE_FILE = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENXIO}
_EXHAUSTION = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}
_ADVICE = {
    errno.EMFILE: "let a process open more files (ulimit -n)",
    errno.ENFILE: "let the system open more files",
    errno.ENOMEM: "free some memory",
    errno.EACCES: "let whoever runs this read it",
    errno.EPERM: "let whoever runs this read it",
}


class NotRegular(OSError):
    """Something else is in the place of a file; `strerror` says what."""


def open_regular(path: Path, *, links: bool = False) -> BufferedReader:
    """Open a regular file for reading, without waiting for anything; `links` to files are as good.

    Raises NotRegular, or another OSError.
    """
    return os.fdopen(_opened(path, os.O_RDONLY, links=links), "rb")


def create_regular(path: Path) -> FileIO:
    """Open a regular file for writing, unbuffered, new or emptied; raises NotRegular, also for a link."""
    descriptor = _opened(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, links=False)
    return os.fdopen(descriptor, "wb", buffering=0)


@contextmanager
def readable(path: Path, *, if_exhausted: bool = False) -> Iterator[None]:
    """Raise StorageFailed when the system refuses, within the block, to read the file at `path`.

    A missing or non-regular file stays an OSError. With `if_exhausted`, only running out of file descriptors
    or memory becomes StorageFailed.
    """
    try:
        yield
    except MemoryError as error:
        raise _refused(path, errno.ENOMEM, os.strerror(errno.ENOMEM)) from error
    except OSError as error:
        if isinstance(error, NotRegular) or error.errno in _OF_THE_FILE:
            raise
        if if_exhausted and error.errno not in _EXHAUSTION:
            raise
        raise _refused(path, error.errno or 0, error.strerror or str(error)) from error


def check_regular(path: Path) -> None:
    """Raise NotRegular if `path` is a link or no regular file; for files that other libraries open."""
    with readable(path):
        if kind := _other_kind(path, links=False):
            raise _not_regular(path, kind)


def no_room(what: str, error: OSError) -> StorageFailed:
    """Return the error for temporary files that cannot be written; `what` says what they are for."""
    try:
        folder = tempfile.gettempdir()
    except OSError:
        folder = "a folder for temporary files"
    return StorageFailed(
        f"{folder} cannot be written to ({error.strerror or error}), where {what}: make room there, or name "
        "another folder with TMPDIR, and try again"
    )


def _opened(path: Path, flags: int, *, links: bool) -> int:
    try:
        descriptor = os.open(path, flags | CAREFULLY | (0 if links else _NO_LINK), 0o666)
    except OSError as error:
        # What is no file may refuse to be opened with a reason of its own.
        if kind := _other_kind(path, links=links):
            raise _not_regular(path, kind) from error
        raise
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise _not_regular(path, _kind(mode))
    return descriptor


def _other_kind(path: Path, *, links: bool) -> str:
    """What is in the place of a file; nothing when that is a file, or cannot be told."""
    try:
        mode = path.stat(follow_symlinks=links).st_mode
    except OSError:
        return ""
    return "" if stat.S_ISREG(mode) else _kind(mode)


def _kind(mode: int) -> str:
    return _KINDS.get(stat.S_IFMT(mode), "something else")


def _not_regular(path: Path, kind: str) -> NotRegular:
    return NotRegular(errno.EINVAL, f"a regular file is wanted, {kind} is in its place", str(path))


def _refused(path: Path, code: int, reason: str) -> StorageFailed:
    advice = _ADVICE.get(code, "see to the disk")
    return StorageFailed(
        f"{path} cannot be read now ({reason}): that is not taken for damage; {advice} and try again"
    )
