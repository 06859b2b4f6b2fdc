"""The index in a folder, as something that can be changed: see `WritableIndex`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from indexer.article import Article
from indexer.config import Config
from indexer.engine import Batch, EncodedArticle, Snapshot, carry_vectors
from indexer.errors import (
    RUN_DOCTOR,
    IndexDamaged,
    IndexMissing,
    IndexOutdated,
    StorageFailed,
    format_count,
)
from indexer.reports import SyncReport
from indexer.search.search import finds_itself
from indexer.store import generations
from indexer.store.build import BuildPlan, IndexContents, current_time, fill, list_sources
from indexer.store.lock import lock_for_writing
from indexer.store.progress import RecordedProgress
from indexer.store.reader import (
    Today,
    check_format,
    load_newest_catalog,
    open_generation,
    open_snapshot,
    stored_versions,
)
from indexer.sync import Catalog, Progress, SyncOptions
from indexer.sync import catalog as catalogs
from indexer.sync.catalog import Hints

_TESTED_ARTICLES = 5


class WritableFolder:
    """The live generation in the folder of the configuration; a `WritableIndex`."""

    def __init__(self, config: Config, today: Today) -> None:
        self.config, self.today = config, today

    @property
    def exists(self) -> bool:
        """Whether there is an index, damaged or not."""
        return generations.exists(self.config.index)

    @property
    def commit(self) -> tuple[str, int] | None:
        """The live generation and the number of its last commit; None if there is no index."""
        if not self.exists:
            return None
        folder, commit = generations.live_commit(self.config.index)
        return str(folder), commit

    def lock(self) -> AbstractContextManager[None]:
        """See `lock_for_writing`."""
        return lock_for_writing(self.config.index, self.config.lock_timeout)

    def check_options(self) -> None:
        """Raise IndexOutdated if the index was made with other options, or in another format."""
        folder = generations.live_folder(self.config.index)
        if check_format(folder).fingerprint != self.config.fingerprint():
            raise IndexOutdated(
                f"the index in {self.config.index} was made with other fields, language, day_first or "
                "timezone",
                "run `nutgraf rebuild`, or set them back",
            )

    def load_sources(self) -> tuple[str, ...]:
        """Return the sources of the last commit."""
        return catalogs.load_summary(*generations.live_commit(self.config.index)).sources

    def load_hints(self) -> dict[str, Hints]:
        """Return the hints of the last commit; raises IndexDamaged, as a damaged index is not unchanged."""
        open_snapshot(generations.live_folder(self.config.index))
        return catalogs.load_hints(*generations.live_commit(self.config.index))

    def load_catalog(self) -> Catalog:
        """Return the catalog of the last commit; an empty one if there is no index. Takes no lock."""
        generations.refuse_foreign_files(self.config.index)
        if not self.exists:
            return Catalog()
        self.check_options()
        return catalogs.load(*generations.live_commit(self.config.index))

    @contextmanager
    def change(self, report: SyncReport) -> Iterator[tuple[Catalog, Batch]]:
        """Yield a catalog and a batch to change; both are committed together at the end of the block."""
        self.check_options()
        snapshot = open_snapshot(generations.live_folder(self.config.index))
        folder = snapshot.folder
        with catalogs.pause_gc():
            catalog = catalogs.load(folder, snapshot.commit)
            before = catalog.without_articles()

        def save(commit: int) -> None:
            catalog.committed = current_time()
            catalogs.save(folder, commit, catalog)

        config = self.config
        memory = config.max_memory_mb * 2**20
        with Batch(snapshot, config.language, save, memory, fields=config.fields) as batch:
            yield catalog, batch
        if not report.changes and catalog.without_articles() != before:
            # Without a changed article there is no commit, but the stamps of the files have to be saved.
            save(snapshot.commit)

    def load_previous(self) -> tuple[Catalog, Iterable[Article]]:
        """Return the catalog of the live generation, and its articles that were added through the API.

        Raises IndexDamaged if a rebuild from the sources would lose articles.
        """
        folder = generations.live_folder(self.config.index)
        catalog = load_newest_catalog(folder)
        if not catalog.api_articles:
            return catalog, ()
        try:
            snapshot = open_snapshot(folder)
        except IndexDamaged as error:
            articles = format_count(len(catalog.api_articles), "article")
            raise IndexDamaged(
                f"{folder} cannot be opened, and has {articles} added through the API, which are in no "
                "source",
                f"{RUN_DOCTOR}, which takes them from the previous generation, and keeps the damaged one",
            ) from error
        return catalog, read_kept((*catalog.api_articles,), (snapshot,))

    def load_contents(self) -> IndexContents:
        """Return everything that the last commit has; raises IndexOutdated as `check_options` does."""
        self.check_options()
        snapshot = open_snapshot(generations.live_folder(self.config.index))
        folder = snapshot.folder
        articles = (
            EncodedArticle(snapshot.items(number), uri, snapshot.language(number))
            for number, uri in enumerate(snapshot.source_uris())
        )
        versions = generations.read_settings(folder).versions
        catalog = catalogs.load(folder, snapshot.commit)
        return IndexContents(str(folder), catalog, articles, versions, snapshot)

    def build(
        self,
        plan: BuildPlan,
        report: SyncReport,
        progress: Progress,
        *,
        stop: Callable[[], bool] | None = None,
        keep: tuple[Path, ...] = (),
    ) -> None:
        """Build a generation beside the live one, check it, and only then switch to it.

        `keep` are the generations to keep beside it; empty for the live one. A text that has a vector in the
        index that is copied, or in another generation, keeps it. The live generation stays if this fails.
        Raises SourceMissing, SourceShrunk or IndexDamaged.
        """
        config = self.config
        listings = list_sources(config, plan)
        catalog = Catalog(committed=current_time())
        with RecordedProgress(config.index, progress, report) as recorded:
            folder = generations.create_generation(config, plan.versions)
            with Batch(
                Snapshot(folder),
                config.language,
                lambda commit: catalogs.save(folder, commit, catalog),
                config.max_memory_mb * 2**20,
                fields=config.fields,
            ) as batch:
                options = SyncOptions(config, self.today(), recorded, stop)
                fill(plan, listings, catalog, batch, report, options)
            if generations.last_commit(folder) == 0:
                # A batch without articles makes no commit, but the sources have to be remembered.
                catalogs.save(folder, 0, catalog)
            contents = plan.contents
            sources = [contents.snapshot] if contents and contents.snapshot else self._open_generations()
            carry_vectors(open_snapshot(folder), sources)
            self._check(folder, catalog)
            generations.publish_generation(config.index, folder, keep)

    def _open_generations(self) -> list[Snapshot]:
        """Return the last commits of the finished generations that can be read, the newest first."""
        root, found = self.config.index, []
        for name in reversed(generations.finished_generations(root)):
            with suppress(IndexDamaged, IndexMissing, IndexOutdated, StorageFailed):
                check_format(root / name)
                found.append(open_snapshot(root / name))
        return found

    def _check(self, folder: Path, catalog: Catalog) -> None:
        """Open the new generation, count its articles, and search for some of them by their own words."""
        opened = open_generation(folder, self.config, self.today)
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


def read_kept(article_ids: Iterable[str], snapshots: tuple[Snapshot, ...]) -> Iterator[Article]:
    """Yield some articles, each from the first of the snapshots that can read it; raises IndexDamaged."""
    for article_id in article_ids:
        article = next(stored_versions(snapshots, article_id), None)
        if article is None:
            raise IndexDamaged(
                f"the article {article_id!r}, which is in no source, cannot be read; the index was not "
                "changed",
                f"{RUN_DOCTOR}, which keeps what can be read",
            )
        yield article
