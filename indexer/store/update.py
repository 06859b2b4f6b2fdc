"""What changes an index: sync, put, remove and forget, each under the lock and in one commit."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from indexer import allowance
from indexer.article import Article
from indexer.config import Config
from indexer.engine import Batch, Chunk, digest_items, encode_article
from indexer.errors import IndexDamaged, IndexOutdated, InvalidArticle
from indexer.store import generations
from indexer.store.build import (
    Carried,
    Source,
    Today,
    apart_from_others,
    build,
    chosen_roots,
    now,
    rebuild_without,
    run_sync,
    source_named,
)
from indexer.store.reader import check_format, open_snapshot
from indexer.sync import Catalog, Listing, Progress, Silence, SyncReport, list_source
from indexer.sync import catalog as catalogs


def sync(
    config: Config,
    today: Today,
    sources: Iterable[Source],
    *,
    dry_run: bool,
    allow_mass_delete: bool,
    progress: Progress | None,
    stop: Callable[[], bool],
) -> SyncReport:
    """See `Index.sync`."""
    began = time.perf_counter()
    roots = chosen_roots(config, sources)
    report = SyncReport(dry_run=dry_run)
    watch = progress or Silence()
    if dry_run:
        catalog = Catalog()
        generations.refuse_foreign_files(config.index)
        if generations.exists(config.index):
            _check_options(config)
            catalog = catalogs.load(*generations.locate(config.index))
        apart_from_others(roots, catalog)
        listings = _list_sources(roots, catalog.sources)
        run_sync(
            config,
            today,
            listings,
            catalog,
            _Nowhere(),
            report,
            watch,
            stop=stop,
            allow_mass_delete=allow_mass_delete,
        )
    else:
        with generations.lock_for_writing(config.index, config.lock_timeout):
            if not generations.exists(config.index):
                build(config, today, roots, Carried(), report, watch, stop=stop)
            else:
                _check_options(config)
                known = catalogs.load_summary(*generations.locate(config.index)).sources
                listings = _list_sources(roots, known)
                if not _is_unchanged(config, listings, report):
                    with _change(config, report) as (catalog, batch):
                        apart_from_others(roots, catalog)
                        run_sync(
                            config,
                            today,
                            listings,
                            catalog,
                            batch,
                            report,
                            watch,
                            stop=stop,
                            allow_mass_delete=allow_mass_delete,
                        )
    report.seconds = time.perf_counter() - began
    return report


def put(config: Config, today: Today, articles: Iterable[Article]) -> SyncReport:
    """See `Index.put`."""
    began = time.perf_counter()
    report = SyncReport()
    given = _by_id(articles, report)
    with generations.lock_for_writing(config.index, config.lock_timeout):
        if not generations.exists(config.index):
            # One commit here, too: nobody sees an index without them.
            build(config, today, [], Carried(given=tuple(given.values())), report, Silence())
            report.seconds = time.perf_counter() - began
            return report
        with _change(config, report) as (catalog, batch):
            # All of them first: nothing is written before it is known that everything can be.
            _not_from_files(given, catalog, "change the file, or choose another id")
            for article in given.values():
                items = encode_article(article)
                mark = digest_items(items)
                known = catalog.api_articles.get(article.id)
                if known and known[0] == mark:
                    report.unchanged += 1
                    continue
                if known:
                    batch.remove(article.id)
                catalog.api_articles[article.id] = (mark, batch.add(article, items))
                report.record("change" if known else "add", article.id, "", "it was put in")
    report.seconds = time.perf_counter() - began
    return report


def remove(config: Config, article_ids: Iterable[str]) -> SyncReport:
    """See `Index.remove`."""
    began = time.perf_counter()
    report = SyncReport()
    names = dict.fromkeys(_ids(article_ids))
    with (
        generations.lock_for_writing(config.index, config.lock_timeout),
        _change(config, report) as (catalog, batch),
    ):
        _not_from_files(names, catalog, "remove the file and sync instead")
        for name in names:
            if catalog.api_articles.pop(name, None):
                batch.remove(name)
                report.record("remove", name, "", "it was taken out")
            else:
                report.unchanged += 1
    report.seconds = time.perf_counter() - began
    return report


def forget(config: Config, today: Today, source: Source) -> SyncReport:
    """See `Index.forget`."""
    began = time.perf_counter()
    report = SyncReport()
    with generations.lock_for_writing(config.index, config.lock_timeout):
        try:
            with _change(config, report) as (catalog, batch):
                for path, entry in catalog.sources.pop(source_named(source, catalog)).items():
                    for name in entry.articles:
                        batch.remove(name)
                        report.record("remove", name, path, "its source is forgotten")
        except (IndexOutdated, IndexDamaged):
            # Nothing can be changed in it; the other sources may bring back all the rest.
            report = rebuild_without(config, today, source)
    report.seconds = time.perf_counter() - began
    return report


def _check_options(config: Config) -> None:
    if check_format(generations.locate(config.index)[0]).fingerprint != config.fingerprint():
        raise IndexOutdated(
            f"the index in {config.index} was made with another language, day_first or timezone: "
            "run `nutgraf rebuild`, or set them back"
        )


def _list_sources(roots: Iterable[Path], known: Container[str]) -> dict[Path, Listing]:
    return {root: list_source(root, is_known=str(root) in known) for root in roots}


def _is_unchanged(config: Config, listings: dict[Path, Listing], report: SyncReport) -> bool:
    """Whether the sources are as they were; tells it without reading all that is known of them."""
    # A damaged index is not up to date, whatever its catalog says.
    open_snapshot(generations.live_folder(config.index))
    hints = catalogs.load_hints(*generations.locate(config.index))
    limits = allowance.limits(config.max_file_mb * 2**20)
    for root, listing in listings.items():
        known = hints.get(str(root))
        if known is None or listing.failures or not known.match(listing.files, limits):
            return False
    for root, listing in listings.items():
        known = hints[str(root)]
        report.files += len(listing.files)
        report.unchanged += known.articles
        report.failed += known.failures
    return True


@contextmanager
def _change(config: Config, report: SyncReport) -> Iterator[tuple[Catalog, Batch]]:
    """A catalog and a batch to change; both become durable and visible together."""
    _check_options(config)
    snapshot = open_snapshot(generations.live_folder(config.index))
    folder = snapshot.folder
    catalog = catalogs.load(folder, snapshot.commit)
    before = catalog.without_articles()

    def save(commit: int) -> None:
        catalog.committed = now()
        catalogs.save(folder, commit, catalog)

    with Batch(snapshot, config.language, save, config.max_memory_mb * 2**20) as batch:
        yield catalog, batch
    if not report.changes and catalog.without_articles() != before:
        # No article changed, but what is known of the files did.
        save(snapshot.commit)


def _by_id(articles: Iterable[Article], report: SyncReport) -> dict[str, Article]:
    """What is to be put in. Of one id the last counts, and the report tells it as if each had been put."""
    if isinstance(articles, (Article, str, bytes, Mapping)) or not isinstance(articles, Iterable):
        raise InvalidArticle(
            f"a list of articles is wanted, {type(articles).__name__} was found: put([Article(…), …])"
        )
    given: dict[str, Article] = {}
    for number, article in enumerate(articles, 1):
        if not isinstance(article, Article):
            raise InvalidArticle(
                f"number {number}: an Article is wanted, {type(article).__name__} was found: make one of it "
                "with Article(id=…, title=…, paragraphs=[…])"
            )
        if article.id in given:
            report.record("change", article.id, "", "another with this id came after it")
        given[article.id] = article
    return given


def _ids(article_ids: Iterable[str]) -> list[str]:
    if isinstance(article_ids, (str, bytes)) or not isinstance(article_ids, Iterable):
        found = "one string" if isinstance(article_ids, str) else type(article_ids).__name__
        raise InvalidArticle(f"ids: a list of ids is wanted, {found} was found")
    ids = list(article_ids)
    for name in ids:
        if not isinstance(name, str):
            raise InvalidArticle(f"ids: text is wanted, {name!r} was found")
    return ids


class _Nowhere:
    """Where a dry run's changes go."""

    def remove(self, article_id: str) -> None:
        """Remove nothing."""

    def take(self, chunk: Chunk, numbers: array[int]) -> None:
        """Add nothing."""


def _not_from_files(names: Iterable[str], catalog: Catalog, advice: str) -> None:
    owners = catalog.owners()
    for name in names:
        source, path = owners.get(name, ("", ""))
        if source:
            raise InvalidArticle(f"id: {name!r} belongs to {path} in {source}: {advice}")
