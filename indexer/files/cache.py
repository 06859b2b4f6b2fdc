"""The cache: a folder of the user for what takes long to compute, and is computed again where it is missing.

It is only for data that depends on nothing but the versions of libraries. Nothing in it belongs to an index.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def find_cache() -> Path:
    """Return the folder of the cache, which need not exist."""
    # Imported here, since few commands need it.
    from platformdirs import user_cache_path

    return user_cache_path("nutgraf", appauthor=False)


def keep(path: Path, write: Callable[[Path], object]) -> None:
    """Put a file or folder into the cache, which `write` makes at the path that it is given.

    It gets its name when it is whole and on the disk. Where the cache cannot be written, nothing is kept.
    """
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=path.parent, ignore_cleanup_errors=True) as new:
            made = Path(new, path.name)
            write(made)
            for file in made.iterdir() if made.is_dir() else [made]:
                with file.open("rb") as opened:
                    os.fsync(opened.fileno())
            # For a folder, this fails if another process was faster.
            made.rename(path)


def clear_cache() -> int:
    """Remove the cache; returns how many bytes it took. Raises OSError."""
    folder = find_cache()
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)
    return size
