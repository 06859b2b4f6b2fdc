"""Durable writes: a file is on the disk before anything points at it, and survives a power cut.

Every file of an index is written and removed here; Whoosh only reads. Raises StorageFailed when the system
refuses to write or to read; a file that cannot be removed now is removed by a later try. A file that is
missing or not a regular file is IndexDamaged.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from indexer.errors import IndexDamaged, StorageFailed
from indexer.files.names import NEW
from indexer.files.regular import create_regular, open_regular, readable

_ADVICE = {
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room",
    errno.EMFILE: "let a process open more files (ulimit -n)",
    errno.ENFILE: "let the system open more files",
    errno.EACCES: "let whoever runs this write there",
    errno.EPERM: "let whoever runs this write there",
    errno.EROFS: "mount it to be written to",
}


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Say what the system refuses meanwhile, by raising StorageFailed: `path` is what was to be written."""
    try:
        yield
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0, "see to the disk")
        raise StorageFailed(
            f"{path} cannot be written ({error.strerror or error}): nothing that was committed is lost; "
            f"{advice} and try again"
        ) from error


@contextmanager
def stored(path: Path) -> Iterator[None]:
    """Read what an index consists of: raises IndexDamaged where `path` is not there, or no file.

    Raises StorageFailed where the system refuses to read it for now.
    """
    try:
        with readable(path):
            yield
    except OSError as error:
        raise IndexDamaged(
            f"{path} cannot be read ({error.strerror or error}): run `nutgraf doctor --fix`"
        ) from error


def read_stored(path: Path) -> bytes:
    """The content of a file of an index; raises IndexDamaged or StorageFailed."""
    with stored(path), open_regular(path) as file:
        return file.read()


def size_of(folder: Path) -> int:
    """The bytes of all files of a folder, as far as they are still there; raises StorageFailed."""
    total = 0
    # A commit may take files away meanwhile, and two rebuilds the folder.
    with suppress(FileNotFoundError), readable(folder):
        for file in folder.iterdir():
            with suppress(FileNotFoundError):
                total += file.lstat().st_size
    return total


def write_new(path: Path, pieces: Iterable[bytes | memoryview]) -> None:
    """Write a new file and sync its content; nothing is left of it when that fails.

    Its name is on the disk after the next `sync_folder`.
    """
    try:
        # Without a buffer: what it cannot write it would try to write once more when the file is closed.
        with storing(path), create_regular(path) as file:
            for piece in pieces:
                rest = memoryview(piece)
                while rest:
                    rest = rest[file.write(rest) :]
            os.fsync(file.fileno())
    except BaseException:
        discard(path)
        raise


def write_durably(path: Path, data: bytes) -> None:
    """Replace a file's content at once: readers see the old or the new, and the new outlives a power cut."""
    temporary = path.with_name(path.name + NEW)
    write_new(temporary, [data])
    try:
        rename(temporary, path)
    except BaseException:
        discard(temporary)
        raise


def rename(path: Path, other: Path) -> None:
    """Give a file, or a folder, another name in its folder, at once; the name is on the disk afterwards."""
    with storing(other):
        path.replace(other)
    sync_folder(other.parent)


def make_folder(path: Path) -> None:
    """Make a folder, and those that it lies in; their names are on the disk afterwards. Raises OSError."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for folder in reversed(missing):
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Sync the entries of a folder to the disk; does nothing where folders cannot be synced."""
    if os.name == "nt":
        return  # there a folder cannot be opened
    with storing(folder):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            # What some file systems say when there is no such thing for a folder.
            if error.errno != errno.EINVAL:
                raise
        finally:
            os.close(descriptor)


def discard(path: Path) -> None:
    """Remove a file, or a folder with all that is in it, as far as the system lets it."""
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
