"""A progress bar for a terminal: files, megabytes, rate and time left; or articles and time left."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


@contextmanager
def show_progress(unit: str = "files") -> Iterator[Bar | None]:
    """Give a progress bar on standard error if that is a terminal, else None; of files it shows the bytes."""
    if not sys.stderr.isatty():
        yield None
        return
    # Imported here because rich is slow to import, and only terminals need it.
    from rich import progress
    from rich.console import Console

    with progress.Progress(
        progress.TextColumn(f"{{task.fields[files]:,}}/{{task.fields[of]:,}} {unit}"),
        progress.BarColumn(),
        *([progress.DownloadColumn(), progress.TransferSpeedColumn()] if unit == "files" else []),
        progress.TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as shown:
        yield Bar(shown)


class Bar:
    """Shows the progress of a sync, and of the next one in its place."""

    def __init__(self, shown: Progress) -> None:
        self._shown = shown
        self._task: TaskID | None = None
        self._files = 0

    def start(self, files: int, size: int) -> None:
        """Begin: `files` files with `size` bytes in all will be read."""
        self.clear()
        self._shown.start()
        self._task, self._files = self._shown.add_task("", total=size, files=0, of=files), 0

    def advance(self, size: int) -> None:
        """Count one more file, of `size` bytes."""
        self._files += 1
        if self._task is not None:
            self._shown.update(self._task, advance=size, files=self._files)

    def clear(self) -> None:
        """Show nothing until the next start."""
        if self._task is not None:
            self._shown.stop()
            self._shown.remove_task(self._task)
            self._task = None
