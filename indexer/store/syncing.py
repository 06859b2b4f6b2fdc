"""Changes of the catalog and of a batch that building, updating and verifying a generation have in common."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from indexer.article import Article
from indexer.config import Config
from indexer.engine import Batch, Chunk, digest_items
from indexer.readers import ReadOptions
from indexer.results import Progress, SyncReport, never
from indexer.store.reader import Today
from indexer.sync import Catalog, Listing
from indexer.sync.apply import Sink, sync_sources


def run_sync(
    config: Config,
    today: Today,
    listings: Mapping[Path, Listing],
    catalog: Catalog,
    sink: Sink,
    report: SyncReport,
    progress: Progress,
    *,
    stop: Callable[[], bool] = never,
    allow_mass_delete: bool = False,
) -> None:
    """Sync as configured; see `sync_sources`."""
    options = ReadOptions(
        day_first=config.day_first,
        timezone=config.timezone,
        today=today(),
        max_bytes=config.max_file_mb * 2**20,
    )
    sync_sources(
        listings,
        catalog,
        sink,
        options,
        config.language,
        report,
        progress,
        config.jobs,
        stop=stop,
        allow_mass_delete=allow_mass_delete,
    )


class NullSink:
    """A sink that drops all changes, for a sync of which only the catalog and the report are wanted."""

    def remove(self, article_id: str) -> None:
        """Remove nothing."""

    def take(self, chunk: Chunk, numbers: array[int]) -> None:
        """Add nothing."""


def add_api_article(article: Article, items: list[bytes], catalog: Catalog, batch: Batch) -> None:
    """Index an article added through the API and enter it in the catalog; `items` are its encoded fields."""
    catalog.api_articles[article.id] = (digest_items(items), batch.add(article, items))


def current_time() -> str:
    """Return the time for a commit: ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")
