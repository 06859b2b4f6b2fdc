"""Change the live generation: sync, put, remove and forget, each under the lock and in one commit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from indexer.article import Article
from indexer.config import Config
from indexer.engine import Batch, digest_items, encode_article
from indexer.errors import IndexDamaged, IndexOutdated, InvalidArticle
from indexer.fields import convert_fields
from indexer.readers import describe_limits
from indexer.results import SyncReport, add_counts
from indexer.store import generations
from indexer.store.build import (
    BuildPlan,
    add_api_article,
    build,
    current_time,
    measure_seconds,
    rebuild_without,
)
from indexer.store.lock import lock_for_writing
from indexer.store.reader import Today, check_format, open_snapshot
from indexer.store.source_paths import SourcePath, find_source, refuse_overlaps, resolve_sources
from indexer.sync import Catalog, Listing, Progress, Silence, SyncOptions, carry_aliases, list_source
from indexer.sync import catalog as catalogs
from indexer.sync.apply import NullSink, Sink, sync_sources


@measure_seconds
def sync(
    config: Config,
    today: Today,
    sources: Iterable[SourcePath],
    *,
    dry_run: bool,
    allow_mass_delete: bool,
    progress: Progress | None,
    stop: Callable[[], bool] | None,
) -> SyncReport:
    """See `Index.sync`."""
    given = list(sources)
    report = SyncReport(dry_run=dry_run)
    options = SyncOptions(config, today(), progress or Silence(), stop, allow_mass_delete)

    def list_all(known: Collection[str]) -> dict[Path, Listing]:
        roots = resolve_sources(config, given, known)
        return {root: list_source(config.source_at(root), is_known=str(root) in known) for root in roots}

    def update(listings: dict[Path, Listing], catalog: Catalog, sink: Sink) -> None:
        refuse_overlaps(listings, catalog)
        sync_sources(listings, catalog, sink, report, options)

    if dry_run:
        catalog = _load_for_dry_run(config)
        update(list_all(catalog.sources), catalog, NullSink())
    else:
        with lock_for_writing(config.index, config.lock_timeout):
            if not generations.exists(config.index):
                plan = BuildPlan(resolve_sources(config, given))
                build(config, today, plan, report, options.progress, stop=stop)
            else:
                _check_options(config)
                listings = list_all(catalogs.load_summary(*generations.live_commit(config.index)).sources)
                if not _is_unchanged(config, listings, report):
                    with _change(config, report) as (catalog, batch):
                        update(listings, catalog, batch)
    return report


@measure_seconds
def put(config: Config, today: Today, articles: Iterable[Article]) -> SyncReport:
    """See `Index.put`."""
    report = SyncReport()
    # Checked for all articles before the first is written.
    given = {
        article_id: convert_fields(article, config.fields)
        for article_id, article in _by_id(articles, report).items()
    }
    with lock_for_writing(config.index, config.lock_timeout):
        if not generations.exists(config.index):
            plan = BuildPlan([], new_articles=tuple(given.values()))
            build(config, today, plan, report, Silence())
        else:
            with _change(config, report) as (catalog, batch):
                _refuse_ids_of_files(given, catalog, "change the file, or choose another id")
                for article in given.values():
                    _put_article(article, catalog, batch, report)
    return report


@measure_seconds
def remove(config: Config, article_ids: Iterable[str]) -> SyncReport:
    """See `Index.remove`."""
    report = SyncReport()
    ids = dict.fromkeys(_check_ids(article_ids))
    with (
        lock_for_writing(config.index, config.lock_timeout),
        _change(config, report) as (catalog, batch),
    ):
        _refuse_ids_of_files(ids, catalog, "remove the file and sync instead")
        for article_id in ids:
            if catalog.api_articles.pop(article_id, None):
                batch.remove(article_id)
                report.record("remove", article_id, "", "it was removed by id")
            else:
                report.unchanged += 1
    return report


@measure_seconds
def forget(config: Config, today: Today, source: SourcePath) -> SyncReport:
    """See `Index.forget`."""
    report = SyncReport()
    with lock_for_writing(config.index, config.lock_timeout):
        try:
            with _change(config, report) as (catalog, batch):
                before = catalog.contents()
                name = find_source(config, source, catalog)
                catalog.skipped.pop(name, None)
                catalog.readings.pop(name, None)
                for path, entry in catalog.sources.pop(name).items():
                    for article_id in entry.articles:
                        batch.remove(article_id)
                        report.record("remove", article_id, path, "its source is forgotten")
                carry_aliases(before, catalog.aliases, catalog, catalog.owners())
        except (IndexOutdated, IndexDamaged):
            # This generation cannot be changed, but the other sources may bring back the rest.
            report = rebuild_without(config, today, source)
    return report


def _load_for_dry_run(config: Config) -> Catalog:
    generations.refuse_foreign_files(config.index)
    if not generations.exists(config.index):
        return Catalog()
    _check_options(config)
    return catalogs.load(*generations.live_commit(config.index))


def _check_options(config: Config) -> None:
    if check_format(generations.live_folder(config.index)).fingerprint != config.fingerprint():
        raise IndexOutdated(
            f"the index in {config.index} was made with other fields, language, day_first or timezone",
            "run `nutgraf rebuild`, or set them back",
        )


def _is_unchanged(config: Config, listings: dict[Path, Listing], report: SyncReport) -> bool:
    """Whether the sources are as they were, without loading the whole catalog; if so, fill the report."""
    # A damaged index must not pass for unchanged.
    open_snapshot(generations.live_folder(config.index))
    hints = catalogs.load_hints(*generations.live_commit(config.index))
    file_limits = describe_limits(config.max_file_mb * 2**20)
    for root, listing in listings.items():
        known = hints.get(str(root))
        if (
            known is None
            or listing.failures
            or not known.match(listing.files, file_limits, config.source_at(root).fingerprint)
        ):
            return False
        if known.kinds_not_read != listing.kinds_not_read:
            return False
    for root, listing in listings.items():
        known = hints[str(root)]
        report.files += len(listing.files)
        report.unchanged += known.articles
        report.failed += known.failures
        add_counts(report.kinds_not_read, listing.kinds_not_read)
        add_counts(report.kinds_not_read, known.not_read)
    return True


@contextmanager
def _change(config: Config, report: SyncReport) -> Iterator[tuple[Catalog, Batch]]:
    """Yield a catalog and a batch to change; both are committed together at the end of the block."""
    _check_options(config)
    snapshot = open_snapshot(generations.live_folder(config.index))
    folder = snapshot.folder
    with catalogs.pause_gc():
        catalog = catalogs.load(folder, snapshot.commit)
        before = catalog.without_articles()

    def save(commit: int) -> None:
        catalog.committed = current_time()
        catalogs.save(folder, commit, catalog)

    with Batch(snapshot, config.language, save, config.max_memory_mb * 2**20, fields=config.fields) as batch:
        yield catalog, batch
    if not report.changes and catalog.without_articles() != before:
        # Without a changed article there is no commit, but the stamps of the files have to be saved.
        save(snapshot.commit)


def _put_article(article: Article, catalog: Catalog, batch: Batch, report: SyncReport) -> None:
    known, items = catalog.api_articles.get(article.id), encode_article(article)
    if known and known[0] == digest_items(items):
        report.unchanged += 1
        return
    if known:
        batch.remove(article.id)
    add_api_article(article, items, catalog, batch)
    if known:
        report.record("change", article.id, "", "replaced through the API")
    else:
        report.record("add", article.id, "", "added through the API")


def _by_id(articles: Iterable[Article], report: SyncReport) -> dict[str, Article]:
    """Return the articles by id; the last of an id counts, and the report counts the earlier ones, too."""
    if isinstance(articles, (Article, str, bytes, Mapping)) or not isinstance(articles, Iterable):
        raise InvalidArticle(
            f"put needs a list of articles, not {type(articles).__name__}: put([Article(…), …])"
        )
    given: dict[str, Article] = {}
    for number, article in enumerate(articles, 1):
        if not isinstance(article, Article):
            raise InvalidArticle(
                f"number {number} must be an Article, not {type(article).__name__}: make one with "
                "Article(id=…, title=…, paragraphs=[…])"
            )
        if article.id in given:
            report.record("change", article.id, "", "a later article has the same id")
        given[article.id] = article
    return given


def _check_ids(article_ids: Iterable[str]) -> list[str]:
    if isinstance(article_ids, (str, bytes)) or not isinstance(article_ids, Iterable):
        found = "one string" if isinstance(article_ids, str) else type(article_ids).__name__
        raise InvalidArticle(f"ids: must be a list of ids, not {found}")
    ids = list(article_ids)
    for article_id in ids:
        if not isinstance(article_id, str):
            raise InvalidArticle(f"ids: an id must be text, not {article_id!r}")
    return ids


def _refuse_ids_of_files(article_ids: Iterable[str], catalog: Catalog, advice: str) -> None:
    owners = catalog.owners()
    for article_id in article_ids:
        source, path = owners.get(article_id, ("", ""))
        if source:
            raise InvalidArticle(f"the id {article_id!r} belongs to {path} in {source}: {advice}")
