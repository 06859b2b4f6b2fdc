"""A progress bar for a terminal: files, megabytes, rate and time left."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich import progress
from rich.console import Console


class Bar:
    """A bar on standard error that shows a sync as it goes on; used as a context manager."""

    def __init__(self) -> None:
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
        """So many files, of so many bytes, are about to be read."""
        self._task = self._bar.add_task("", total=size, files=0, of=files)

    def advance(self, size: int) -> None:
        """One more file, of so many bytes, is done."""
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
