"""The options of one sync, and the progress that it reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from indexer.config import Config
from indexer.readers import Details, ReadOptions
from indexer.sources import Source


class Progress(Protocol):
    """Follows a sync while it reads files."""

    def start(self, files: int, size: int) -> None:
        """Reading begins, of `files` files with `size` bytes together."""

    def advance(self, size: int) -> None:
        """One more file is done, of `size` bytes."""


class Silence:
    """Progress that shows nothing."""

    def start(self, files: int, size: int) -> None:
        """Show nothing."""

    def advance(self, size: int) -> None:
        """Show nothing."""


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """How a sync reads its sources, and what it may remove.

    `config` has the options of reading: the number of worker processes, the limits, the language. As soon as
    `stop` returns true, no further file is read: the files read so far are indexed, and nothing is removed.
    """

    config: Config
    today: date
    progress: Progress
    stop: Callable[[], bool] | None = None
    allow_mass_delete: bool = False

    def read_options(self, source: Source) -> ReadOptions:
        """Return how the files of a source are read: by its own options or the general ones."""
        config = self.config
        stated = Details(
            language=source.language, section=source.section, tags=source.tags, publisher=source.publisher
        )
        return ReadOptions(
            day_first=config.day_first if source.day_first is None else source.day_first,
            timezone=source.timezone or config.timezone,
            today=self.today,
            max_bytes=config.max_file_mb * 2**20,
            fields=config.fields,
            record=source.record,
            defaults=None if stated == Details() else stated,
            url=source.url,
        )
