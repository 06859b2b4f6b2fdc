"""Change an index: sync, put, remove, forget, rebuild and copy, each under the lock and in one commit.

What is done is the same in a folder and on a cluster: these functions ask a `WritableIndex`, of which there
is one for each.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from functools import wraps
from pathlib import Path
from typing import ParamSpec, Protocol

from indexer.article import Article
from indexer.config import Config
from indexer.engine import digest_items, encode_article
from indexer.errors import (
    CopyRefused,
    IndexDamaged,
    IndexOutdated,
    InvalidArticle,
    InvalidRequest,
    format_count,
)
from indexer.fields import convert_fields
from indexer.readers import describe_limits
from indexer.reports import SyncReport, add_counts
from indexer.store.build import BuildPlan, Changes, IndexContents, add_api_article
from indexer.store.reader import Today
from indexer.store.source_paths import (
    SourcePath,
    available_sources,
    find_source,
    refuse_overlaps,
    resolve_sources,
)
from indexer.sync import Catalog, Listing, Progress, Silence, SyncOptions, carry_aliases, list_source
from indexer.sync.apply import NullSink, Sink, sync_sources
from indexer.sync.catalog import Hints
from indexer.sync.guards import MAX_COUNT, MAX_SHARE

REBUILD = "`nutgraf rebuild --allow-mass-delete`"
P = ParamSpec("P")


class WritableIndex(Protocol):
    """An index that can be changed; but for `exists`, `commit` and `load_catalog`, under its lock only."""

    config: Config
    today: Today

    @property
    def exists(self) -> bool:
        """Whether there is an index, damaged or not."""

    @property
    def commit(self) -> tuple[str, int] | None:
        """The live generation and the number of its last commit; None if there is no index."""

    def lock(self) -> AbstractContextManager[None]:
        """Hold the lock of the index for the time of a block. Raises IndexLocked, naming the holder."""

    def check_options(self) -> None:
        """Raise IndexOutdated if the index was made with other options, or in another format."""

    def load_sources(self) -> tuple[str, ...]:
        """Return the sources of the last commit."""

    def load_hints(self) -> dict[str, Hints]:
        """Return the hints of the last commit; raises IndexDamaged, as a damaged index is not unchanged."""

    def load_catalog(self) -> Catalog:
        """Return the catalog of the last commit; an empty one if there is no index.

        Raises IndexOutdated as `check_options` does, and IndexMissing if there can be no index.
        """

    def change(self, report: SyncReport) -> AbstractContextManager[tuple[Catalog, Changes]]:
        """Give a catalog and changes, which are committed together at the end of the block.

        Nothing is, if the block raises. `report` tells whether an article has changed.
        """

    def load_previous(self) -> tuple[Catalog, Iterable[Article]]:
        """Return the catalog of the live generation, and its articles that were added through the API.

        Raises IndexDamaged if a rebuild from the sources would lose articles.
        """

    def load_contents(self) -> IndexContents:
        """Return everything that the last commit has.

        Raises IndexMissing, IndexDamaged, and IndexOutdated as `check_options` does.
        """

    def build(
        self,
        plan: BuildPlan,
        report: SyncReport,
        progress: Progress,
        *,
        stop: Callable[[], bool] | None = None,
    ) -> None:
        """Build a generation beside the live one, check it, and only then switch to it.

        The live generation stays if this fails. Raises SourceMissing, SourceShrunk or IndexDamaged.
        """


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
def sync(
    index: WritableIndex,
    sources: Iterable[SourcePath],
    *,
    dry_run: bool,
    allow_mass_delete: bool,
    progress: Progress | None,
    stop: Callable[[], bool] | None,
) -> SyncReport:
    """See `Index.sync`."""
    config, given = index.config, list(sources)
    report = SyncReport(dry_run=dry_run)
    options = SyncOptions(config, index.today(), progress or Silence(), stop, allow_mass_delete)

    def list_all(known: Collection[str]) -> dict[Path, Listing]:
        roots = resolve_sources(config, given, known)
        return {root: list_source(config.source_at(root), is_known=str(root) in known) for root in roots}

    def update(listings: dict[Path, Listing], catalog: Catalog, sink: Sink) -> None:
        refuse_overlaps(listings, catalog)
        sync_sources(listings, catalog, sink, report, options)

    if dry_run:
        catalog = index.load_catalog()
        update(list_all(catalog.sources), catalog, NullSink())
    else:
        with index.lock():
            if not index.exists:
                plan = BuildPlan(resolve_sources(config, given))
                index.build(plan, report, options.progress, stop=stop)
            else:
                index.check_options()
                listings = list_all(index.load_sources())
                if not _is_unchanged(config, listings, index.load_hints(), report):
                    with index.change(report) as (catalog, changes):
                        update(listings, catalog, changes)
    return report


@measure_seconds
def put(index: WritableIndex, articles: Iterable[Article]) -> SyncReport:
    """See `Index.put`."""
    report = SyncReport()
    # Checked for all articles before the first is written.
    given = {
        article_id: convert_fields(article, index.config.fields)
        for article_id, article in _by_id(articles, report).items()
    }
    with index.lock():
        if not index.exists:
            index.build(BuildPlan([], new_articles=tuple(given.values())), report, Silence())
        else:
            with index.change(report) as (catalog, changes):
                _refuse_ids_of_files(given, catalog, "change the file, or choose another id")
                for article in given.values():
                    _put_article(article, catalog, changes, report)
    return report


@measure_seconds
def remove(index: WritableIndex, article_ids: Iterable[str]) -> SyncReport:
    """See `Index.remove`."""
    report = SyncReport()
    ids = dict.fromkeys(_check_ids(article_ids))
    with index.lock(), index.change(report) as (catalog, changes):
        _refuse_ids_of_files(ids, catalog, "remove the file and sync instead")
        for article_id in ids:
            if catalog.api_articles.pop(article_id, None):
                changes.remove(article_id)
                report.record("remove", article_id, "", "it was removed by id")
            else:
                report.unchanged += 1
    return report


@measure_seconds
def forget(index: WritableIndex, source: SourcePath) -> SyncReport:
    """See `Index.forget`."""
    report = SyncReport()
    with index.lock():
        try:
            with index.change(report) as (catalog, changes):
                before = catalog.contents()
                name = find_source(index.config, source, catalog)
                catalog.skipped.pop(name, None)
                catalog.readings.pop(name, None)
                for path, entry in catalog.sources.pop(name).items():
                    for article_id in entry.articles:
                        changes.remove(article_id)
                        report.record("remove", article_id, path, "its source is forgotten")
                carry_aliases(before, catalog.aliases, catalog, catalog.owners())
        except (IndexOutdated, IndexDamaged):
            # This generation cannot be changed, but the other sources may bring back the rest.
            report = _rebuild_without(index, source)
    return report


@measure_seconds
def rebuild(
    index: WritableIndex,
    sources: Iterable[SourcePath],
    *,
    allow_mass_delete: bool,
    progress: Progress | None,
) -> SyncReport:
    """See `Index.rebuild`."""
    report = SyncReport()
    with index.lock():
        exists = index.exists
        previous, kept = index.load_previous() if exists else (Catalog(), ())
        roots, missing = available_sources(
            previous, REBUILD, allow_missing=allow_mass_delete, can_forget=True
        )
        added = list(sources)
        if added or not exists:
            roots = sorted({*roots, *resolve_sources(index.config, added)})
        plan = BuildPlan(roots, previous, kept, missing_sources=missing, allow_mass_delete=allow_mass_delete)
        index.build(plan, report, progress or Silence())
    return report


@measure_seconds
def copy(index: WritableIndex, to: WritableIndex, *, replace: bool, progress: Progress | None) -> SyncReport:
    """See `Index.copy`."""
    report = SyncReport()
    if _place(index.config) == _place(to.config):
        raise InvalidRequest("must be another place than that of the index", "to")
    if index.config.fingerprint() != to.config.fingerprint():
        raise InvalidRequest("must be opened with the same fields, language, day_first and timezone", "to")
    # A lock would make a missing index.
    index.check_options()
    with index.lock(), to.lock():
        contents = index.load_contents()
        if to.exists and not replace:
            _refuse_other_index(to, contents.catalog)
        to.build(BuildPlan([], contents=contents), report, progress or Silence())
    return report


def _place(config: Config) -> object:
    cluster = config.cluster
    return (cluster.url, cluster.name) if cluster else config.index.resolve()


def _refuse_other_index(to: WritableIndex, catalog: Catalog) -> None:
    """Raise CopyRefused if an index is not one that a copy with this catalog may replace."""
    advice = "copy to another place, or replace it"
    try:
        owners = to.load_catalog().owners()
    except (IndexDamaged, IndexOutdated) as error:
        raise CopyRefused(f"{error.problem}; nothing was copied", advice) from error
    lost = len(owners.keys() - catalog.owners().keys())
    if lost and (lost == len(owners) or (lost > MAX_COUNT and lost > MAX_SHARE * len(owners))):
        raise CopyRefused(
            f"{to.config.cluster or to.config.index} has an index with other articles: "
            f"{format_count(lost, 'article')} of its {len(owners):,} would be removed; nothing was copied",
            advice,
        )


def _rebuild_without(index: WritableIndex, source: SourcePath) -> SyncReport:
    """Rebuild the index without one source, for `forget` where the live generation cannot be changed.

    The caller holds the lock. Raises as `build` does, and SourceMissing if the index has no such source.
    """
    previous, kept = index.load_previous()
    forgotten = previous.sources.pop(find_source(index.config, source, previous))
    roots, _ = available_sources(previous, REBUILD)
    built = SyncReport()
    index.build(BuildPlan(roots, previous, kept, override=f"run {REBUILD}"), built, Silence())
    report = SyncReport(failed=built.failed)
    for path, entry in forgotten.items():
        for article_id in entry.articles:
            report.record("remove", article_id, path, "its source is forgotten")
    return report


def _is_unchanged(
    config: Config, listings: dict[Path, Listing], hints: Mapping[str, Hints], report: SyncReport
) -> bool:
    """Whether the sources are as they were, without loading the whole catalog; if so, fill the report."""
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


def _put_article(article: Article, catalog: Catalog, changes: Changes, report: SyncReport) -> None:
    known, items = catalog.api_articles.get(article.id), encode_article(article)
    if known and known[0] == digest_items(items):
        report.unchanged += 1
        return
    if known:
        changes.remove(article.id)
    add_api_article(article, items, catalog, changes)
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
