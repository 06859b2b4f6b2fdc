"""Opens regular files only, and separates temporary errors of the system from a missing or wrong file.

Opening a pipe could wait for ever, opening a device could change it, and a link could lead to another's file.
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

OPEN_FLAGS = 0
"""Flags for opening a file: never wait for the other end of a pipe or acquire a controlling terminal."""
for _name in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY"):
    OPEN_FLAGS |= getattr(os, _name, 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a link",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
# Errors of the file itself: missing, or not a regular file. Any other may be temporary.
_FILE_ERRORS = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENXIO}
_EXHAUSTION = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}
_ADVICE = {
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "raise the system's limit of open files",
    errno.ENOMEM: "free some memory",
    errno.EACCES: "give the user who runs this permission to read it",
    errno.EPERM: "give the user who runs this permission to read it",
}


class NotRegular(OSError):
    """A path is not that of a regular file; `strerror` says what it is."""


def open_regular(path: Path, *, links: bool = False) -> BufferedReader:
    """Open a regular file for reading, without waiting; with `links`, also through a symbolic link.

    Raises NotRegular, or another OSError.
    """
    return os.fdopen(_open(path, os.O_RDONLY, links=links), "rb")


def create_regular(path: Path) -> FileIO:
    """Create or truncate a regular file for unbuffered writing. Raises NotRegular, also for a link."""
    descriptor = _open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, links=False)
    return os.fdopen(descriptor, "wb", buffering=0)


@contextmanager
def translate_read_errors(path: Path, *, if_exhausted: bool = False) -> Iterator[None]:
    """Raise StorageFailed for an error of the system while the block reads the file at `path`.

    A missing or non-regular file remains an OSError. With `if_exhausted`, only a lack of file descriptors or
    memory becomes StorageFailed.
    """
    try:
        yield
    except MemoryError as error:
        raise _read_error(path, errno.ENOMEM, os.strerror(errno.ENOMEM)) from error
    except OSError as error:
        if isinstance(error, NotRegular) or error.errno in _FILE_ERRORS:
            raise
        if if_exhausted and error.errno not in _EXHAUSTION:
            raise
        raise _read_error(path, error.errno or 0, error.strerror or str(error)) from error


def check_regular(path: Path) -> None:
    """Raise NotRegular unless `path` is a regular file and not a link; for files that libraries open."""
    with translate_read_errors(path):
        if kind := _irregular_kind(path, links=False):
            raise _not_regular(path, kind)


def no_space_error(use: str, error: OSError) -> StorageFailed:
    """Return the error for a temporary file that cannot be written; the clause `use` says what it is for."""
    try:
        folder = tempfile.gettempdir()
    except OSError:
        folder = "a folder for temporary files"
    return StorageFailed(
        f"{folder} cannot be written to ({error.strerror or error}), {use}: free space there, or set "
        "TMPDIR to another folder, and try again"
    )


def _open(path: Path, flags: int, *, links: bool) -> int:
    try:
        descriptor = os.open(path, flags | OPEN_FLAGS | (0 if links else _NO_LINK), 0o666)
    except OSError as error:
        # Opening a socket or a link fails with an error that does not say what it is.
        if kind := _irregular_kind(path, links=links):
            raise _not_regular(path, kind) from error
        raise
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise _not_regular(path, _kind(mode))
    return descriptor


def _irregular_kind(path: Path, *, links: bool) -> str:
    """Return what is at `path` if it is not a regular file; empty if it is one or cannot be read."""
    try:
        mode = path.stat(follow_symlinks=links).st_mode
    except OSError:
        return ""
    return "" if stat.S_ISREG(mode) else _kind(mode)


def _kind(mode: int) -> str:
    return _KINDS.get(stat.S_IFMT(mode), "something else")


def _not_regular(path: Path, kind: str) -> NotRegular:
    return NotRegular(errno.EINVAL, f"it is {kind}, not a regular file", str(path))


def _read_error(path: Path, code: int, reason: str) -> StorageFailed:
    advice = _ADVICE.get(code, "check the disk")
    return StorageFailed(f"{path} cannot be read now ({reason}). It may be intact: {advice} and try again")
