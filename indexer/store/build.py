"""Build a whole generation beside the live one, check it, and only then switch to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import ParamSpec

from indexer.article import Article
from indexer.config import Config
from indexer.engine import Batch, Snapshot, digest_items, encode_article
from indexer.errors import RUN_DOCTOR, IndexDamaged, format_count
from indexer.results import SyncReport
from indexer.search.search import finds_itself
from indexer.store import generations
from indexer.store.lock import lock_for_writing
from indexer.store.progress import RecordedProgress
from indexer.store.reader import (
    Today,
    load_newest_catalog,
    open_generation,
    open_snapshot,
    stored_versions,
)
from indexer.store.source_paths import (
    SourcePath,
    available_sources,
    find_source,
    refuse_overlaps,
    resolve_sources,
)
from indexer.sync import Catalog, Progress, Silence, SyncOptions, carry_aliases, list_source, refuse_shrunk
from indexer.sync import catalog as catalogs
from indexer.sync.apply import sync_sources

REBUILD = "`nutgraf rebuild --allow-mass-delete`"
_TESTED_ARTICLES = 5
P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class BuildPlan:
    """The input of a new generation: sources, articles that it keeps, and articles that are new."""

    roots: list[Path]
    previous: Catalog = field(default_factory=Catalog)
    """What the generation before it knew of the sources; they must not have lost too much since."""
    kept_ids: tuple[str, ...] = ()
    """The articles added through the API to keep, each from the first of `snapshots` that can read it."""
    snapshots: tuple[Snapshot, ...] = ()
    new_articles: tuple[Article, ...] = ()
    missing_sources: tuple[str, ...] = ()
    """The sources in `previous` that are skipped because they cannot be opened."""
    keep: tuple[Path, ...] = ()
    """The generations to keep beside the new one; empty for the live one."""
    allow_mass_delete: bool = False
    override: str | None = None
    """How an error says to allow a mass delete, if not as in a sync."""


def measure_seconds(write: Callable[P, SyncReport]) -> Callable[P, SyncReport]:
    """Decorate a function that writes, so that its report has the seconds that it took."""

    @wraps(write)
    def run(*given: P.args, **options: P.kwargs) -> SyncReport:
        began = time.perf_counter()
        report = write(*given, **options)
        report.seconds = round(time.perf_counter() - began, 3)
        return report

    return run


@measure_seconds
def rebuild(
    config: Config,
    today: Today,
    sources: Iterable[SourcePath],
    *,
    allow_mass_delete: bool,
    progress: Progress | None,
) -> SyncReport:
    """See `Index.rebuild`."""
    report = SyncReport()
    with lock_for_writing(config.index, config.lock_timeout):
        exists = generations.exists(config.index)
        previous, snapshots = load_previous(config.index) if exists else (Catalog(), ())
        roots, missing = available_sources(
            previous, REBUILD, allow_missing=allow_mass_delete, can_forget=True
        )
        added = list(sources)
        if added or not exists:
            roots = sorted({*roots, *resolve_sources(config, added)})
        plan = BuildPlan(
            roots,
            previous,
            tuple(previous.api_articles),
            snapshots,
            missing_sources=missing,
            allow_mass_delete=allow_mass_delete,
        )
        build(config, today, plan, report, progress or Silence())
    return report


def rebuild_without(config: Config, today: Today, source: SourcePath) -> SyncReport:
    """Rebuild the index without one source, for `forget` where the live generation cannot be changed.

    The caller holds the lock. Raises as `build` does, and SourceMissing if the index has no such source.
    """
    previous, snapshots = load_previous(config.index)
    forgotten = previous.sources.pop(find_source(config, source, previous))
    roots, _ = available_sources(previous, REBUILD)
    built = SyncReport()
    plan = BuildPlan(roots, previous, tuple(previous.api_articles), snapshots, override=f"run {REBUILD}")
    build(config, today, plan, built, Silence())
    report = SyncReport(failed=built.failed)
    for path, entry in forgotten.items():
        for article_id in entry.articles:
            report.record("remove", article_id, path, "its source is forgotten")
    return report


def load_previous(root: Path) -> tuple[Catalog, tuple[Snapshot, ...]]:
    """Return the catalog of the live generation, and its snapshot if it has articles added through the API.

    Raises IndexDamaged if a rebuild from the sources would lose articles.
    """
    folder = generations.live_folder(root)
    catalog = load_newest_catalog(folder)
    if not catalog.api_articles:
        return catalog, ()
    try:
        return catalog, (open_snapshot(folder),)
    except IndexDamaged as error:
        articles = format_count(len(catalog.api_articles), "article")
        raise IndexDamaged(
            f"{folder} cannot be opened, and has {articles} added through the API, which are in no source",
            f"{RUN_DOCTOR}, which takes them from the previous generation, and keeps the damaged one",
        ) from error


def build(
    config: Config,
    today: Today,
    plan: BuildPlan,
    report: SyncReport,
    progress: Progress,
    *,
    stop: Callable[[], bool] | None = None,
) -> None:
    """Build, check and publish a generation; the caller holds the lock.

    The live generation stays if this fails. Raises SourceMissing, SourceShrunk or IndexDamaged.
    """
    refuse_overlaps(plan.roots, Catalog())
    with RecordedProgress(config.index, progress, report) as recorded:
        listings = {root: list_source(config.source_at(root)) for root in plan.roots}
        folder = generations.create_generation(config)
        catalog = Catalog(committed=current_time())
        with Batch(
            Snapshot(folder),
            config.language,
            lambda commit: catalogs.save(folder, commit, catalog),
            config.max_memory_mb * 2**20,
            fields=config.fields,
        ) as batch:
            for article_id in plan.kept_ids:
                article = _read_kept(plan, article_id)
                add_api_article(article, encode_article(article), catalog, batch)
            for article in plan.new_articles:
                add_api_article(article, encode_article(article), catalog, batch)
                report.record("add", article.id, "", "added through the API")
            sync_sources(listings, catalog, batch, report, SyncOptions(config, today(), recorded, stop))
            before = plan.previous.contents()
            carry_aliases(before, plan.previous.aliases, catalog, catalog.owners())
            if not plan.allow_mass_delete:
                refuse_shrunk(before, catalog, listings, plan.override)
            _report_missing_sources(plan, catalog, report)
        if generations.last_commit(folder) == 0:
            # A batch without articles makes no commit, but the sources have to be remembered.
            catalogs.save(folder, 0, catalog)
        _check(folder, config, today, catalog)
        generations.publish_generation(config.index, folder, plan.keep)


def add_api_article(article: Article, items: list[bytes], catalog: Catalog, batch: Batch) -> None:
    """Index an article added through the API and enter it in the catalog; `items` are its encoded fields."""
    catalog.api_articles[article.id] = (digest_items(items), batch.add(article, items))


def current_time() -> str:
    """Return the time for a commit: ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _read_kept(plan: BuildPlan, article_id: str) -> Article:
    for article in stored_versions(plan.snapshots, article_id):
        return article
    raise IndexDamaged(
        f"the article {article_id!r}, which is in no source, cannot be read; the index was not changed",
        f"{RUN_DOCTOR}, which keeps what can be read",
    )


def _report_missing_sources(plan: BuildPlan, catalog: Catalog, report: SyncReport) -> None:
    owners = catalog.owners() if plan.missing_sources else {}
    for source in plan.missing_sources:
        report.without.append(source)
        for path, entry in plan.previous.sources[source].items():
            for article_id in entry.articles:
                if article_id not in owners:
                    report.record("remove", article_id, path, "its source is missing")


def _check(folder: Path, config: Config, today: Today, catalog: Catalog) -> None:
    """Open the new generation, count its articles, and search for some of them by their own words."""
    opened = open_generation(folder, config, today)
    snapshot, expected = opened.snapshot, len(catalog.owners())
    if snapshot.articles != expected:
        raise IndexDamaged(
            f"the new index has {format_count(snapshot.articles, 'article')} instead of {expected:,}; "
            "the old index stays in use"
        )
    tested = min(_TESTED_ARTICLES, expected)
    for number in (index * expected // tested for index in range(tested)):
        if not finds_itself(snapshot, opened.search_settings, number):
            raise IndexDamaged(
                f"searching the new index for words of {snapshot.info(number).id!r} does not find it; "
                "the old index stays in use"
            )
