"""Open the files of a source: none outside of it, regular files only, and each as it was at one moment."""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

from indexer.errors import UnreadableDocument
from indexer.files.regular import CAREFULLY

LEADS_OUT = "the link leads out of the source"
"""Why a link is not followed: said when a source is listed, and for a link that was put there since."""

_READ = os.O_RDONLY | CAREFULLY
_CAN_STEP = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")
_TRIES = 3


def file_of(root: Path, path: str) -> Path:
    """Where a file of a source lies, which may be the source itself."""
    return root if root.is_file() else root / path


def open_file(file: Path, path: str) -> BufferedReader:
    """Open a regular file of a source for reading; `path` is its path below the source.

    Whatever is put in the place of one of its folders meanwhile, what is opened lies in the source. Raises
    OSError.
    """
    steps = Path(path).parts
    root = file.parents[len(steps) - 1]
    if not _CAN_STEP:
        return _checked(os.open(file, _READ))
    try:
        return _checked(_step_down(root, steps))
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENOTDIR):
            raise
    # There is a link on the way. Where it leads to is looked up, and then gone to without following any.
    real = Path(os.path.realpath(file))
    if not real.is_relative_to(root):
        raise OSError(errno.EXDEV, LEADS_OUT)
    return _checked(_step_down(root, real.relative_to(root).parts))


def read_whole(file: Path, path: str, most: int) -> bytes:
    """The bytes of a regular file, as they were at one moment; `path` is its path below the source.

    Raises UnreadableDocument for more than `most` bytes, and OSError if the file cannot be read or changes
    during every attempt.
    """
    for _ in range(_TRIES):
        with open_file(file, path) as opened:
            before = os.fstat(opened.fileno())
            if before.st_size > most:
                raise _too_large(before.st_size, most)
            data = opened.read(most + 1)
            if len(data) > most:
                raise _too_large(len(data), most)
            if len(data) == before.st_size and _times(before) == _times(os.fstat(opened.fileno())):
                return data
    raise OSError(errno.EAGAIN, "it changes while it is read")


def _step_down(root: Path, steps: tuple[str, ...]) -> int:
    """A descriptor of what lies some steps below a folder, none of which is a link."""
    at = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for number, name in enumerate(steps, 1):
        kind = _READ if number == len(steps) else os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        try:
            below = os.open(name, kind | os.O_NOFOLLOW, dir_fd=at)
        finally:
            os.close(at)
        at = below
    return at


def _checked(descriptor: int) -> BufferedReader:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no regular file")
    return os.fdopen(descriptor, "rb")


def _times(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _too_large(size: int, most: int) -> UnreadableDocument:
    return UnreadableDocument(
        f"at most {most // 2**20} MB are wanted, it has {size / 2**20:.1f}: split it, or raise max_file_mb"
    )
