"""The library's face: open an index, bring it up to date, search it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import date
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from indexer.article import Article
from indexer.config import Config, load_config
from indexer.errors import IndexDamaged
from indexer.files.fork_safe import Lock
from indexer.results import ArticleInfo, Building, Hits, MarkedArticle, Page, Status, Suggestion
from indexer.search.search import mark_article, number_of, search
from indexer.store import generations
from indexer.store.progress import current_build
from indexer.store.reader import OpenIndex, open_before, open_live, status_of

if TYPE_CHECKING:
    from indexer.engine import Snapshot
    from indexer.results import Diagnosis, QuoteCheck, Verification
    from indexer.search.request import SearchSettings
    from indexer.sync import Progress, SyncReport

T = TypeVar("T")


def open_index(index: str | os.PathLike[str] | Config | None = None, **options: Any) -> Index:
    """The index in a folder (default: as configured), whether it has been made yet or not.

    `options` are those of Config, by name. Raises ConfigError for one that is unknown.
    """
    if isinstance(index, Config):
        return Index(index.with_options(options, "open_index"))
    if index is not None:
        options["index"] = index
    return Index(load_config(**options))


class Index:
    """An archive of articles that can be searched, safe to share between threads and with other processes.

    Reading shows the last commit, and never half of one; writing takes the index's lock, commits once and
    returns when the commit is on the disk.
    """

    def __init__(self, config: Config, today: Callable[[], date] | None = None) -> None:
        self.config = config
        self._today = today or config.today
        self._lock = Lock()
        self._open: tuple[OpenIndex, tuple[int, ...] | None] | None = None
        """What was opened last, and the traces of its commit; replaced as one, so that it can be read so."""

    # Reading

    def search(
        self,
        query: str,
        *,
        after: str | None = None,
        before: str | None = None,
        source: str | Iterable[str] | None = None,
        site: str | Iterable[str] | None = None,
        language: str | Iterable[str] | None = None,
        undated: bool = False,
        sort: str = "relevance",
        half_life: float | None = None,
        limit: int | None = None,
        offset: int = 0,
        cursor: str | None = None,
        facets: str | Iterable[str] | None = None,
        timeline: bool | str | None = None,
        fold: bool = True,
        seconds: float | None = None,
        explain: bool = False,
    ) -> Page:
        """One page of the articles that match a query; any string is one.

        `after` and `before` are dates such as 2021, 2021-11 or 2021-11-05: articles from the first moment of
        the one up to, but without, the first moment of the other. `source`, `site` and `language` keep to
        articles that have one of the values (a site has its subdomains, a language its regions), `undated` to
        those without a date; with any of these, an empty query finds everything that is left.

        `sort` is relevance, newest, oldest or title. With `half_life`, scores halve with every so many days
        by which an article is older than the newest of the index (without a date: as old as the median).

        `cursor` is that of the page before: this one begins after its last hit, wherever that stands by now,
        and costs no more than the first. `offset` and `limit` together go no deeper than 10,000 hits.

        With `fold`, near-duplicates are one hit, which names the others; they count all the same.

        `facets` names what to count over all hits: year, month, day, source, site, language. `timeline` is
        day, week, month or year, or True for the one that fits. See `Page`.

        `seconds` is the time that it may take (default: `query_seconds` of the configuration, at most 60);
        when it is up, the page says that it is cut. With `explain`, the page has a receipt and each hit an
        explanation of its score.

        Raises InvalidRequest for arguments that have no meaning, IndexMissing or IndexDamaged.
        """
        return self._from(
            search,
            query,
            after=after,
            before=before,
            source=source,
            site=site,
            language=language,
            undated=undated,
            sort=sort,
            half_life=half_life,
            limit=self.config.page_size if limit is None else limit,
            offset=offset,
            cursor=cursor,
            facets=facets,
            timeline=timeline,
            fold=fold,
            seconds=seconds,
            explain=explain,
        )

    def suggest(self, prefix: str, limit: int = 8) -> tuple[Suggestion, ...]:
        """At most `limit` queries that a text may become while it is typed; any string is one.

        Words that begin as its last one does and stand in the articles that match the others, phrases that
        go on so, titles; each finds something. Raises IndexMissing or IndexDamaged.
        """
        # Here, for a process that only searches needs none of it.
        from indexer.search.suggest import suggest

        return self._from(suggest, prefix, limit)

    def article(self, article_id: str) -> Article:
        """The whole article with this id; raises ArticleMissing."""

        def read(snapshot: Snapshot, how: SearchSettings) -> Article:
            return snapshot.article(number_of(snapshot, article_id))

        return self._from(read)

    def marked(self, article_id: str, query: str = "") -> MarkedArticle:
        """The whole article with this id, and what a query matches in it; raises ArticleMissing."""
        return self._from(
            lambda snapshot, how: mark_article(snapshot, how, number_of(snapshot, article_id), query)
        )

    def similar(self, article_id: str, limit: int = 10) -> Hits:
        """The articles that are most like the one with this id, best first.

        It is not among them, nor are its near-duplicates, which `duplicates` gives; near-duplicates of each
        other are one hit. What is marked are the words that they share. It takes no longer than a query may;
        when the time is up, the hits say that they are cut. Raises ArticleMissing, and InvalidRequest for a
        limit that has no meaning.
        """
        from indexer.search.similar import similar

        return self._from(
            lambda snapshot, how: similar(snapshot, how, number_of(snapshot, article_id), limit)
        )

    def duplicates(self, article_id: str) -> tuple[ArticleInfo, ...]:
        """The articles that say the same as the one with this id, newest first; raises ArticleMissing."""
        from indexer.search.similar import duplicates

        return self._from(lambda snapshot, how: duplicates(snapshot, number_of(snapshot, article_id)))

    def verify_quote(self, text: str, article_id: str | None = None) -> QuoteCheck:
        """Whether an article says these words, anywhere in the index or in the one with this id.

        Exactly, nearly (and what is different, word by word) or not; with the paragraph that says so, or that
        comes closest. A quotation stands within one paragraph. It takes no longer than a query may; when the
        time is up, the finding says that it is cut. Raises ArticleMissing, and InvalidRequest for a text
        without words or of more than 4,000 characters.
        """
        # Here, for a process that only searches needs none of it.
        from indexer.search.quotes import verify_quote

        return self._from(
            lambda snapshot, how: verify_quote(
                snapshot, how, text, None if article_id is None else number_of(snapshot, article_id)
            )
        )

    def revision(self) -> str:
        """A short name of what is searched now: another one after every commit and every rebuild.

        Its generation, the number of its commit and what no other index has, though it be made anew at the
        same place; dots between them. Raises IndexMissing or IndexDamaged.
        """
        snapshot = self._reading().snapshot
        newest = next(reversed(snapshot.views()), "")
        return f"{snapshot.folder.name}.{snapshot.commit}.{newest}"

    def status(self) -> Status:
        """What the index holds; raises IndexMissing or IndexDamaged."""
        return status_of(self._reading())

    def verify(self) -> Status:
        """Read the whole index, compare it with its checksums and its parts with each other.

        Returns what it holds. Raises IndexDamaged, naming the file and the place, when anything was altered
        or is missing.
        """
        from indexer.store.diagnose import check

        check(generations.live_folder(self.config.index), self.config, self._today)
        return self.status()

    def manifest(self, progress: Progress | None = None) -> Verification:
        """Read the whole index, and all its sources anew, index its articles anew, and name what differs.

        Raises IndexDamaged, naming the file and the place, when the index itself is not as it was written.
        """
        from indexer.store.verify import verify_sources

        return verify_sources(self.config, self._today, progress)

    def doctor(
        self, *, fix: bool = False, allow_mass_delete: bool = False, progress: Progress | None = None
    ) -> Diagnosis:
        """What is wrong with the index, and what will mend it; with `fix`, what can be mended is.

        To mend is to go over to the newest generation that is whole, and to make the index anew from its
        sources, with the articles that apps put in. The only copy of anything stays where it is. Raises, with
        `fix`, IndexLocked, IndexDamaged when nothing can be done and, unless `allow_mass_delete`,
        SourceShrunk, and SourceMissing when a source is gone, which is done without then.
        """
        if fix:
            from indexer.store.repair import repair

            return repair(self.config, self._today, progress, allow_mass_delete=allow_mass_delete)
        from indexer.store.diagnose import diagnose

        return diagnose(self.config, self._today)

    @property
    def path(self) -> str:
        """The folder of the live generation: a Whoosh index that `whoosh.index.open_dir` opens."""
        return str(generations.live_folder(self.config.index))

    @property
    def exists(self) -> bool:
        """Whether there is an index yet."""
        return generations.exists(self.config.index)

    @property
    def damage(self) -> str | None:
        """What is wrong with the live generation, while the one before it answers; None when all is well.

        As far as reading has met it; `verify` looks everywhere. Raises IndexMissing or IndexDamaged.
        """
        return self._reading().damage

    def progress(self) -> Building | None:
        """How far a build of the whole index is, by whichever process; None when none goes on.

        Searches are answered meanwhile, where there is an index from before.
        """
        return current_build(self.config.index)

    # Writing

    def sync(
        self,
        *sources: str | os.PathLike[str],
        dry_run: bool = False,
        allow_mass_delete: bool = False,
        progress: Progress | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> SyncReport:
        """Add, change and remove articles until the index says what its sources say, in one commit.

        `sources` are folders or files (default: those of the configuration). Files that cannot be read are in
        the report with the reason. A source that has lost all of its articles, or more than half of them and
        more than ten, is rather not mounted, and so is a folder in it that is there, empty, and had more than
        ten: SourceShrunk, unless `allow_mass_delete`.

        `stop` is asked before each file is begun: when it says True, what was read is committed, nothing is
        removed, and the report is `interrupted`. Raises SourceMissing, SourceShrunk, IndexLocked,
        IndexOutdated.
        """
        # Here, as below: a process that only reads needs none of it.
        from indexer.store import update
        from indexer.sync import never

        return update.sync(
            self.config,
            self._today,
            sources,
            dry_run=dry_run,
            allow_mass_delete=allow_mass_delete,
            progress=progress,
            stop=stop or never,
        )

    def put(self, articles: Iterable[Article]) -> SyncReport:
        """Put articles in, in one commit; one with an id that is there already takes its place.

        Any iterable will do, a generator too. Of several with one id the last is kept; each is counted in the
        report. Whatever is raised on the way, by the iterable as well, nothing is put in: InvalidArticle for
        what is no Article and for an id that belongs to a source's file, IndexLocked, IndexOutdated.
        """
        from indexer.store import update

        return update.put(self.config, self._today, articles)

    def remove(self, article_ids: Iterable[str]) -> SyncReport:
        """Take out articles that were put in, in one commit; ids that are not there count as unchanged.

        Raises InvalidArticle when an id is no text, or belongs to a source's file, which would bring it back.
        """
        from indexer.store import update

        return update.remove(self.config, article_ids)

    def forget(self, source: str | os.PathLike[str]) -> SyncReport:
        """Do without a source from now on: its articles are removed, in one commit.

        Its files are not touched, and need not be there any more. Where nothing can be changed in the index
        (it is of an older format, made with other options, damaged), it is made anew from its other sources:
        then it raises as `rebuild` does. Raises SourceMissing when it is no source of the index.
        """
        from indexer.store import update

        return update.forget(self.config, self._today, source)

    def rebuild(
        self,
        *sources: str | os.PathLike[str],
        allow_mass_delete: bool = False,
        progress: Progress | None = None,
    ) -> SyncReport:
        """Make a new generation beside the live one from all sources, check it, and go over to it at once.

        `sources` are added to those that the index has. Articles that an app put in are carried over. The
        generation before is kept. Raises, unless `allow_mass_delete`, SourceShrunk, and SourceMissing where
        the index has a source that is gone, which is done without then: see `SyncReport.without`. Raises
        IndexLocked, and IndexDamaged when the live generation is broken so that something would be lost.
        Whatever is raised, the live one stays.
        """
        from indexer.store import build

        return build.rebuild(
            self.config, self._today, sources, allow_mass_delete=allow_mass_delete, progress=progress
        )

    # Life

    def __reduce__(self) -> tuple[Any, ...]:
        # Another process opens the index by itself: what is open here cannot be sent there.
        return Index, (self.config, self._today)

    def close(self) -> None:
        """Let go of the files; the index may be used again afterwards."""
        with self._lock:
            self._open = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Within

    def _reading(self) -> OpenIndex:
        opened = self._open
        traces = generations.pointer_state(self.config.index, opened[0].place[0] if opened else None)
        if opened and traces is not None and opened[1] == traces:
            return opened[0]
        with self._lock:
            before = self._open[0] if self._open else None
            reading = open_live(self.config.index, self.config, self._today, before)
            self._open = (reading, traces)
            return reading

    def _from(self, read: Callable[..., T], *given: Any, **options: Any) -> T:
        """What is read from the last commit - or, where that shows damage, from the generation before."""
        reading = self._reading()
        try:
            reading.snapshot.check_sizes()
            return read(reading.snapshot, reading.how, *given, **options)
        except IndexDamaged as damage:
            if reading.damage:
                raise
            with self._lock:
                older = open_before(self.config.index, reading.place, self.config, self._today, damage)
                traces = generations.pointer_state(self.config.index, reading.place[0])
                self._open = (older, traces)
        return read(older.snapshot, older.how, *given, **options)
