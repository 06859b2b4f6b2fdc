"""Durable writes: a file is synced to the disk before anything refers to it.

All files of an index are written, renamed and removed here. Errors of the system become StorageFailed; a file
of the index that is missing or not a regular file becomes IndexDamaged.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from indexer.errors import RUN_DOCTOR, IndexDamaged, StorageFailed
from indexer.files.names import NEW
from indexer.files.regular import create_regular, open_regular, translate_read_errors

_ADVICE = {
    errno.ENOSPC: "free space",
    errno.EDQUOT: "free space",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "raise the system's limit of open files",
    errno.EACCES: "give the user who runs this permission to write there",
    errno.EPERM: "give the user who runs this permission to write there",
    errno.EROFS: "mount it writable",
}


@contextmanager
def translate_write_errors(path: Path) -> Iterator[None]:
    """Raise StorageFailed for an OSError while the block writes `path`."""
    try:
        yield
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0, "check the disk")
        raise StorageFailed(
            f"{path} cannot be written ({error.strerror or error}): nothing that was committed is lost; "
            f"{advice} and try again"
        ) from error


@contextmanager
def translate_index_errors(path: Path) -> Iterator[None]:
    """Raise IndexDamaged if `path` is missing or not a regular file while the block reads it.

    Raises StorageFailed for any other error of the system.
    """
    try:
        with translate_read_errors(path):
            yield
    except OSError as error:
        raise IndexDamaged(f"{path} cannot be read ({error.strerror or error})", RUN_DOCTOR) from error


def read_index_file(path: Path) -> bytes:
    """Return the content of a file of an index. Raises IndexDamaged or StorageFailed."""
    with translate_index_errors(path), open_regular(path) as file:
        return file.read()


def folder_size(folder: Path) -> int:
    """Return the size in bytes of all files of a folder. Raises StorageFailed."""
    total = 0
    # A commit may remove files meanwhile, and a rebuild may remove the folder.
    with suppress(FileNotFoundError), translate_read_errors(folder):
        for file in folder.iterdir():
            with suppress(FileNotFoundError):
                total += file.lstat().st_size
    return total


def write_new(path: Path, pieces: Iterable[bytes | memoryview]) -> None:
    """Write a new file and sync its content; if that fails, the file is removed.

    Its name is durable only after the next `sync_folder`.
    """
    try:
        # Unbuffered: closing a file with a buffer would retry a write that has failed.
        with translate_write_errors(path), create_regular(path) as file:
            for piece in pieces:
                rest = memoryview(piece)
                while rest:
                    rest = rest[file.write(rest) :]
            os.fsync(file.fileno())
    except BaseException:
        discard(path)
        raise


def write_durably(path: Path, pieces: Iterable[bytes | memoryview]) -> None:
    """Replace a file atomically: readers see the old or the new content, and the new one is durable."""
    temporary = path.with_name(path.name + NEW)
    write_new(temporary, pieces)
    try:
        rename(temporary, path)
    except BaseException:
        discard(temporary)
        raise


def rename(path: Path, other: Path) -> None:
    """Rename a file or a folder atomically, inside its folder; the new name is durable."""
    with translate_write_errors(other):
        path.replace(other)
    sync_folder(other.parent)


def make_folder(path: Path) -> None:
    """Make a folder and its missing parents; their names are durable. Raises OSError."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for folder in reversed(missing):
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Sync the entries of a folder to the disk; does nothing where folders cannot be synced."""
    if os.name == "nt":
        return  # where a folder cannot be opened
    with translate_write_errors(folder):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            # Some file systems cannot sync a folder.
            if error.errno != errno.EINVAL:
                raise
        finally:
            os.close(descriptor)


def discard(path: Path) -> None:
    """Remove a file, or a folder with its content; errors are ignored, since a later clean-up tries again."""
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
