"""Where a Whoosh index lives: a folder whose files are on the disk before anything points at them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from whoosh.filedb.filestore import FileStorage
from whoosh.filedb.structfile import StructFile


class DurableStorage(FileStorage):
    """Whoosh's folder storage, with what Whoosh leaves out: every file and every rename is synced.

    A table of contents is renamed into place only after the files that it names are on the disk, and old
    files are removed only after the rename is, so a commit that returned outlives a power cut.
    """

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        super().__init__(str(path), readonly=readonly)

    def create_file(self, name: str, excl: bool = False, mode: str = "wb", **kwargs: Any) -> StructFile:
        """A new file that is synced when it is closed."""
        file: StructFile = super().create_file(name, excl=excl, mode=mode, onclose=_sync, **kwargs)
        return file

    def rename_file(self, oldname: str, newname: str, safe: bool = False) -> None:
        """Rename atomically, and sync the folder."""
        folder = Path(self.folder)
        if safe and (folder / newname).exists():
            raise FileExistsError(folder / newname)
        (folder / oldname).replace(folder / newname)
        sync_folder(folder)


def _sync(file: StructFile) -> None:
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on the disk; a no-op where folders cannot be opened."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_durably(path: Path, data: bytes) -> None:
    """Replace a file's content at once: readers see the old or the new, and the new outlives a power cut."""
    temporary = path.with_name(path.name + ".new")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_folder(path.parent)
