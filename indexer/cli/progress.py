"""A progress bar for a terminal: files, megabytes, rate and time left."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from types import TracebackType
from typing import Any, Self


def show_progress() -> Any:
    """Return a context manager that gives a progress bar on a terminal, and None elsewhere."""
    return Bar() if sys.stderr.isatty() else nullcontext(None)


class Bar:
    """A bar on standard error that shows the progress of a sync; used as a context manager."""

    def __init__(self) -> None:
        # Imported here because rich is slow to import, and only terminals need it.
        from rich import progress
        from rich.console import Console

        self._bar = progress.Progress(
            progress.TextColumn("{task.fields[files]:,}/{task.fields[of]:,} files"),
            progress.BarColumn(),
            progress.DownloadColumn(),
            progress.TransferSpeedColumn(),
            progress.TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task: progress.TaskID | None = None
        self._files = 0

    def start(self, files: int, size: int) -> None:
        """Begin: `files` files with `size` bytes in all will be read."""
        self._task = self._bar.add_task("", total=size, files=0, of=files)

    def advance(self, size: int) -> None:
        """Count one more file, of `size` bytes."""
        self._files += 1
        if self._task is not None:
            self._bar.update(self._task, advance=size, files=self._files)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
