"""Build a whole index: from its sources, the articles that it keeps and new ones, or from another index."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from indexer.article import Article
from indexer.config import Config
from indexer.engine import EncodedArticle, Snapshot, decode_article, digest_items, encode_article
from indexer.errors import RUN_DOCTOR, IndexDamaged
from indexer.reports import SyncReport
from indexer.store.generations import VERSIONS
from indexer.store.source_paths import refuse_overlaps
from indexer.store.verify import list_digests
from indexer.sync import Catalog, Listing, Progress, SyncOptions, carry_aliases, list_source, refuse_shrunk
from indexer.sync.apply import Sink, sync_sources


class Changes(Sink, Protocol):
    """Removals and additions of articles, which become one commit."""

    def add(
        self,
        article: Article,
        items: list[bytes] | None = None,
        source: str | None = None,
        language: str | None = None,
    ) -> str:
        """Add an article whose id is free, and return the language that it was analyzed in.

        `items`, `source` and `language` are as in `Gatherer.add`.
        """


@dataclass(frozen=True, slots=True)
class IndexContents:
    """Everything that an index has: its catalog, and the articles in it, which are read one by one.

    `place` names the index in errors, `versions` are those of the program that built it. An index in a folder
    has a `snapshot`, from which the vectors are copied.
    """

    place: str
    catalog: Catalog
    articles: Iterable[EncodedArticle]
    versions: Mapping[str, int]
    snapshot: Snapshot | None = None


@dataclass(frozen=True, slots=True)
class BuildPlan:
    """The input of a new generation: sources, articles that it keeps, and articles that are new."""

    roots: list[Path]
    previous: Catalog = field(default_factory=Catalog)
    """What the generation before it knew of the sources; they must not have lost too much since."""
    kept: Iterable[Article] = ()
    """The articles added through the API to keep."""
    new_articles: tuple[Article, ...] = ()
    missing_sources: tuple[str, ...] = ()
    """The sources in `previous` that are skipped because they cannot be opened."""
    allow_mass_delete: bool = False
    override: str | None = None
    """How an error says to allow a mass delete, if not as in a sync."""
    contents: IndexContents | None = None
    """The index to copy; there is nothing else in the plan then."""

    @property
    def versions(self) -> dict[str, int]:
        """Those of the programs that read the articles and analyze them; see `generations.VERSIONS`."""
        if self.contents is None:
            return VERSIONS
        return VERSIONS | {"extractor": self.contents.versions.get("extractor", 0)}


def list_sources(config: Config, plan: BuildPlan) -> dict[Path, Listing]:
    """List the files of the sources of a plan; raises SourceMissing."""
    refuse_overlaps(plan.roots, Catalog())
    return {root: list_source(config.source_at(root)) for root in plan.roots}


def fill(
    plan: BuildPlan,
    listings: Mapping[Path, Listing],
    catalog: Catalog,
    changes: Changes,
    report: SyncReport,
    options: SyncOptions,
) -> None:
    """Add all articles of a plan, whose sources are listed, to an empty index and its empty catalog.

    Raises SourceShrunk, and what reading the articles to keep or to copy raises.
    """
    if plan.contents is not None:
        _copy(plan.contents, catalog, changes, report, options.progress)
        return
    for article in plan.kept:
        add_api_article(article, encode_article(article), catalog, changes)
    for article in plan.new_articles:
        add_api_article(article, encode_article(article), catalog, changes)
        report.record("add", article.id, "", "added through the API")
    sync_sources(listings, catalog, changes, report, options)
    before = plan.previous.contents()
    carry_aliases(before, plan.previous.aliases, catalog, catalog.owners())
    if not plan.allow_mass_delete:
        refuse_shrunk(before, catalog, listings, plan.override)
    _report_missing_sources(plan, catalog, report)


def add_api_article(article: Article, items: list[bytes], catalog: Catalog, changes: Changes) -> None:
    """Index an article added through the API and enter it in the catalog; `items` are its encoded fields."""
    catalog.api_articles[article.id] = (digest_items(items), changes.add(article, items))


def current_time() -> str:
    """Return the time for a commit: ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _copy(
    contents: IndexContents, catalog: Catalog, changes: Changes, report: SyncReport, progress: Progress
) -> None:
    """Add all articles of another index, and take over its catalog.

    Raises IndexDamaged unless they are the articles that its catalog names.
    """
    expected = list_digests(contents.catalog)
    progress.start(len(expected), len(expected))
    for items, source, language in contents.articles:
        article = decode_article(items)
        digest, label = expected.pop(article.id, ("", b""))
        if label != source.encode() or digest != digest_items([*items, label] if label else items):
            raise IndexDamaged(
                f"{contents.place} and its catalog disagree about the article {article.id!r}; nothing was "
                "copied",
                RUN_DOCTOR,
            )
        changes.add(article, items, source or None, language)
        report.added += 1
        progress.advance(1)
    if expected:
        raise IndexDamaged(
            f"{contents.place} lacks the article {min(expected)!r} of its catalog; nothing was copied",
            RUN_DOCTOR,
        )
    report.files = sum(map(len, contents.catalog.sources.values()))
    for name in {*Catalog.__struct_fields__} - {"committed"}:
        setattr(catalog, name, getattr(contents.catalog, name))


def _report_missing_sources(plan: BuildPlan, catalog: Catalog, report: SyncReport) -> None:
    owners = catalog.owners() if plan.missing_sources else {}
    for source in plan.missing_sources:
        report.without.append(source)
        for path, entry in plan.previous.sources[source].items():
            for article_id in entry.articles:
                if article_id not in owners:
                    report.record("remove", article_id, path, "its source is missing")
