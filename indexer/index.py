"""The facade of the library: open an index, bring it up to date, search it."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from indexer.article import Article
from indexer.config import Config, load_config
from indexer.errors import IndexBuilding, IndexDamaged, NutgrafError
from indexer.fields import FieldType
from indexer.files.fork_safe import Lock
from indexer.results import ArticleInfo, Building, Hits, MarkedArticle, Page, Status, Suggestion
from indexer.search.request import Restriction, SearchRequest, Values, make_restriction
from indexer.search.search import find_number, mark_article, search
from indexer.store import generations
from indexer.store.progress import read_progress
from indexer.store.reader import (
    OpenIndex,
    RestrictionCache,
    check_restriction,
    open_live,
    open_previous,
    status_of,
)

if TYPE_CHECKING:
    from indexer.results import Diagnosis, QuoteCheck, SyncReport, Verification
    from indexer.sync import Progress

T = TypeVar("T")


def open_index(index: str | os.PathLike[str] | Config | None = None, **options: Any) -> Index:
    """Return the index in a folder (default: as configured), which need not exist yet.

    `options` are those of Config, by name. Raises ConfigError for one that is unknown.
    """
    if isinstance(index, Config):
        return Index(index.with_options(options))
    if index is not None:
        options["index"] = index
    return Index(load_config(**options))


class IndexReader(ABC):
    """The reading methods of an index, for all its articles or for those that pass a restriction.

    Each read answers from the last commit. Readers are safe to share between threads.
    """

    config: Config

    def search(
        self,
        query: str = "",
        *,
        since: str | date | None = None,
        until: str | date | None = None,
        sort: str = "relevance",
        half_life: float | None = None,
        limit: int | None = None,
        offset: int = 0,
        cursor: str | None = None,
        facets: Values = None,
        timeline: bool | str | None = None,
        collapse: bool = True,
        seconds: float | None = None,
        explain: bool = False,
        prefix: bool = False,
        filters: Mapping[str, Any] | None = None,
        **more_filters: Values | bool,
    ) -> Page:
        """Return one page of the articles that match a query; any string is a query.

        `since` and `until` are dates such as 2021, 2021-11 or 2021-11-05, or a `date`, both included:
        until="2021-11" finds all of November. The filters are `source`, `site` (with its subdomains),
        `language` (with its regions), `author` (also by a part of the name), `section`, `tag` and
        `publisher`, each a value or several of which any will do (an empty list finds nothing), and
        `undated=True` for articles without a date. `filter` is a filter in the syntax of queries, such as
        "tag:sea -section:sport", or several which all must hold. With dates or filters, an empty query finds
        everything that passes them.

        `filters` are the same by name, and those of custom fields: {"desk": ["world", "sport"],
        "edition": {"min": 3, "max": 7}, "embargo": {"min": "2024-05"}, "breaking": True}.

        `sort` is relevance, newest, oldest or title. `half_life` is the number of days of age by which a
        score halves; age is counted from the newest article of the index (without a date: the median age).

        `limit` is the number of hits (default: `page_size` of the configuration). `cursor` is that of the
        page before: this page starts after its last hit, wherever that is now, and costs no more than the
        first. `offset` and `limit` together go no deeper than 10,000 hits.

        With `prefix`, the last word is still being typed, unless a space follows it: it also stands for the
        words that begin with it, partial matches follow only if no article matches, and no other spelling is
        offered.

        With `collapse`, near-duplicates are one hit, which names the others; the counts include all of them.

        `facets` names what to count over all hits: year, month, day, source, site, language, author, section,
        tag, publisher, and custom fields that are declared with `facet = true`. `timeline` is day,
        week, month or year, or True for the one that fits. See `Page`.

        `seconds` is the time limit (default: `query_seconds` of the configuration, at most 60); when it is
        reached, the page has `timed_out`. With `explain`, the page has an explanation of the query and each
        hit one of its score.

        Raises InvalidRequest, which names the keyword, for a value that has no meaning, TypeError for an
        unknown keyword, IndexMissing or IndexDamaged.
        """
        return self.run(
            SearchRequest.from_keywords(
                query,
                since=since,
                until=until,
                sort=sort,
                half_life=half_life,
                limit=limit,
                offset=offset,
                cursor=cursor,
                facets=facets,
                timeline=timeline,
                collapse=collapse,
                seconds=seconds,
                explain=explain,
                prefix=prefix,
                filters=filters,
                **more_filters,
            )
        )

    def run(self, request: SearchRequest) -> Page:
        """Return the page of a request that was made before, as `search` does; raises what that raises."""
        return self._read(search, request)

    def suggest(self, prefix: str, limit: int = 8) -> tuple[Suggestion, ...]:
        """At most `limit` queries that a text may become while it is typed; any string is one.

        They are completions of the last word that occur in articles matching the other words, phrases that
        continue the text, and titles; each one finds something. Raises IndexMissing or IndexDamaged.
        """
        from indexer.search.suggest import suggest

        return self._read(suggest, prefix, limit)

    def resolve_id(self, article_id: str) -> str:
        """Return the id of the article that every method finds by this one; raises ArticleMissing.

        It is another id if the article had this one before its file was renamed, or if the article is a line
        of a JSON Lines file that states this one, and no other does.
        """
        found: str = self._read_article(lambda snapshot, _, number: snapshot.id_of(number), article_id)
        return found

    def get_article(self, article_id: str) -> Article:
        """Return the whole article with this id; raises ArticleMissing."""
        found: Article = self._read_article(lambda snapshot, _, number: snapshot.article(number), article_id)
        return found

    def articles(self) -> Iterator[Article]:
        """Return an iterator over all articles, each whole, in the order of their ids.

        They are those of the last commit when this is called, whatever is written meanwhile, and are read
        one by one: the memory that this takes does not grow with their texts. Raises IndexMissing; and
        IndexDamaged, also from the iterator, when it meets a damaged part.
        """
        return self._read(lambda snapshot, _: map(snapshot.article, snapshot.iter_by_id()))

    def mark_article(self, article_id: str, query: str = "", *, prefix: bool = False) -> MarkedArticle:
        """Return the whole article with this id, and what a query matches in it; raises ArticleMissing.

        With `prefix`, the last word of the query is still being typed, as in `search`.
        """
        return self._read_article(mark_article, article_id, SearchRequest(query, prefix=prefix))

    def find_similar(self, article_id: str, limit: int = 10) -> Hits:
        """Return the articles that are most similar to the one with this id, the most similar first.

        Its near-duplicates are not among them (see `find_duplicates`), and near-duplicates of each other are
        one hit. The words that they share are highlighted. It has the time of a query; the hits have
        `timed_out` if that was up. Raises ArticleMissing, and InvalidRequest for an invalid limit.
        """
        from indexer.search.similar import find_similar

        return self._read_article(find_similar, article_id, limit)

    def find_duplicates(self, article_id: str) -> tuple[ArticleInfo, ...]:
        """Return the near-duplicates of the article with this id, newest first; raises ArticleMissing."""
        from indexer.search.similar import find_duplicates

        return self._read_article(lambda snapshot, _, number: find_duplicates(snapshot, number), article_id)

    def verify_quote(self, text: str, article_id: str | None = None) -> QuoteCheck:
        """Return whether an article, any or the one with this id, contains a quotation.

        The answer is exact, near (with the differences, word by word) or absent, and has the paragraph that
        contains the quotation or comes closest to it; an exact one may stand across paragraph breaks. It has
        the time of a query; the result has `timed_out` if that was up. Raises ArticleMissing, and
        InvalidRequest for a text without words or of more than 4,000 characters.
        """
        from indexer.search.quotes import verify_quote

        return self._read(
            lambda snapshot, settings: verify_quote(
                snapshot,
                settings,
                text,
                None if article_id is None else find_number(snapshot, settings, article_id),
            )
        )

    def get_revision(self) -> str:
        """Return a short name of the current snapshot, which changes with every commit and every rebuild.

        It consists of the generation, the number of the commit and a random name, with dots between them; an
        index that is created again in the same folder has another one. Raises IndexMissing or IndexDamaged.
        """
        snapshot = self._open_last_commit().snapshot
        newest = next(reversed(snapshot.views()), "")
        return f"{snapshot.folder.name}.{snapshot.commit}.{newest}"

    def get_status(self) -> Status:
        """Return what the index holds; raises IndexMissing or IndexDamaged."""
        return status_of(self._open_last_commit())

    @property
    def exists(self) -> bool:
        """Whether there is an index yet."""
        return generations.exists(self.config.index)

    @property
    def fields(self) -> Mapping[str, FieldType]:
        """The custom fields that the index was made with; raises IndexMissing or IndexDamaged."""
        return self._open_last_commit().search_settings.fields

    @property
    def damage(self) -> str | None:
        """The damage of the live generation, if the previous one is searched instead; else None.

        It is only the damage that reads have met so far; `verify` reads everything. Raises IndexMissing or
        IndexDamaged.
        """
        return self._open_last_commit().damage

    @abstractmethod
    def _open_last_commit(self) -> OpenIndex:
        """Open the last commit; raises IndexMissing or IndexDamaged."""

    @abstractmethod
    def _open_previous(self, opened: OpenIndex, damage: IndexDamaged) -> OpenIndex:
        """Open the generation before an opened one, which is damaged; raises `damage` if it cannot."""

    def _read_article(self, read: Callable[..., T], article_id: str, *given: Any) -> T:
        """Call `read` with the snapshot, the settings and the number of an article; raises ArticleMissing."""
        return self._read(
            lambda snapshot, settings: read(
                snapshot, settings, find_number(snapshot, settings, article_id), *given
            )
        )

    def _read(self, read: Callable[..., T], *given: Any) -> T:
        """Call `read` with the snapshot and the settings of a commit; see `_read_commit`."""
        return self._read_commit(lambda opened: read(opened.snapshot, opened.search_settings, *given))

    def _read_commit(self, read: Callable[[OpenIndex], T]) -> T:
        """Read from the last commit; if that turns out to be damaged, from the previous generation."""
        opened = self._open_last_commit()
        try:
            opened.snapshot.check_sizes()
            return read(opened)
        except IndexDamaged as damage:
            if opened.damage:
                raise
            previous = self._open_previous(opened, damage)
        return read(previous)


class RestrictedIndex(IndexReader):
    """The articles of an index that pass some filters; made by `Index.restricted`.

    Every answer is that of an index of these articles alone: what it finds, counts, suggests and scores, and
    what it says of an article that it does not have. `get_status` names no files that could not be read, and
    gives no size.
    """

    def __init__(self, index: Index, restriction: Restriction) -> None:
        self.config = index.config
        self._index = index
        self._restriction = restriction

    def get_revision(self) -> str:
        """Return what `Index.get_revision` returns, with a name of the restriction at its end."""
        return f"{self._index.get_revision()}.{self._restriction.digest}"

    def _open_last_commit(self) -> OpenIndex:
        try:
            return self._index._open_restricted(self._restriction)
        except IndexBuilding:
            # How far the build is would tell how many articles there will be.
            raise IndexBuilding("the first index is being built", "try again when it is done") from None

    def _open_previous(self, opened: OpenIndex, damage: IndexDamaged) -> OpenIndex:
        self._index._open_previous(opened, damage)
        return self._open_last_commit()


class Index(IndexReader):
    """An archive of articles that can be searched, safe to share between threads and with other processes.

    A read answers from the last commit. A write takes the lock of the index, commits once, and returns when
    the commit is on the disk.
    """

    def __init__(self, config: Config, today: Callable[[], date] | None = None) -> None:
        self.config = config
        self._today = today or config.today
        self._lock = Lock()
        self._restricted = RestrictionCache()
        self._cached: tuple[OpenIndex, tuple[int, ...] | None] | None = None
        """The commit that was opened last, and the pointer state then: a tuple, read without a lock."""

    def restricted(self, filters: Mapping[str, Values | bool]) -> RestrictedIndex:
        """Return a read-only view that has only the articles that pass some filters, for a user's rights.

        The filters are those of `search`, and hold together with those of each search. An empty list shows
        nothing; no filters show everything. Raises InvalidRequest for an unknown filter, for one without a
        value, and for a value that has no meaning.
        """
        restriction = make_restriction(filters, self.config.fields)
        check_restriction(restriction, self.config, self._today)
        return RestrictedIndex(self, restriction)

    def verify(self, *, deep: bool = False, progress: Progress | None = None) -> Verification:
        """Read the whole index, and compare it with its checksums and its parts with each other.

        With `deep`, also read all sources again, index their articles again, and name what differs. Returns
        what was compared; without `deep`, there are no differences in it. Raises IndexDamaged, naming the
        file and the place in it, if the index was altered or something is missing.
        """
        from indexer.store.verify import verify

        return verify(self.config, self._today, progress, deep=deep)

    def diagnose(self) -> Diagnosis:
        """Return the problems of the index, and how to repair each; nothing is changed."""
        from indexer.store.diagnose import diagnose

        return diagnose(self.config, self._today)

    def repair(self, *, allow_mass_delete: bool = False, progress: Progress | None = None) -> Diagnosis:
        """Repair what can be repaired; returns the remaining problems, and what was done.

        A damaged pointer is switched to the newest intact generation. An index that is damaged, outdated or
        was made with other options is rebuilt from its sources, with the articles added through the API;
        searches are answered meanwhile. The only copy of anything is kept. Raises IndexLocked; IndexDamaged
        if nothing can be done; and, unless `allow_mass_delete`, SourceMissing or SourceShrunk if a source of
        a rebuild is missing or shrunk. With `allow_mass_delete`, missing sources are skipped.
        """
        from indexer.store.repair import repair

        return repair(self.config, self._today, progress, allow_mass_delete=allow_mass_delete)

    @property
    def path(self) -> str:
        """The folder of the live generation: a Whoosh index that `whoosh.index.open_dir` opens."""
        return str(generations.live_folder(self.config.index))

    def get_progress(self) -> Building | None:
        """Return how far a build of the whole index is, by any process; None if there is no build.

        Searches are answered meanwhile from the live generation, if there is one.
        """
        return read_progress(self.config.index)

    # Writing

    def sync(
        self,
        *sources: str | os.PathLike[str],
        dry_run: bool = False,
        allow_mass_delete: bool = False,
        progress: Progress | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> SyncReport:
        """Add, change and remove articles until the index agrees with its sources, in one commit.

        `sources` are folders or files (default: those of the index and the configuration). Files that cannot
        be read are in the report with the reason. With `dry_run`, nothing is written.

        Raises SourceShrunk, unless `allow_mass_delete`, if a source lost all of its articles, or more than
        half of them and more than ten, or if an empty folder in it had more than ten: its disk is probably
        not mounted. Also raises SourceMissing, IndexLocked and IndexOutdated.

        `stop` is called before each file is read: once it returns True, what was read is committed, nothing
        is removed, and the report is `interrupted`.
        """
        # Imported here, as below, because a process that only reads needs none of it.
        from indexer.store import update

        return update.sync(
            self.config,
            self._today,
            sources,
            dry_run=dry_run,
            allow_mass_delete=allow_mass_delete,
            progress=progress,
            stop=stop,
        )

    def watch(
        self,
        *sources: str | os.PathLike[str],
        poll: float | None = None,
        progress: Progress | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> Iterator[SyncReport | NutgrafError]:
        """Sync the sources, and then again whenever they change; yields what each batch did.

        `sources` are as in `sync`; without any, those that the index gets or loses meanwhile count too. What
        changes within half a second, or within five while there is no end of changes, is one batch and one
        commit. An error is yielded, not raised: a missing or shrunk source waits for the next change or for
        its return (the others are synced), anything else is tried again after a pause. A change during a
        batch is in the next one. Once an hour all sources are synced in any case.

        `poll` is a number of seconds: the sources are then listed that often, for file systems that do not
        report changes, such as network shares. Ends when `stop` returns True, which is called every half
        second; a batch that is being read is then committed in part, and its report is `interrupted`.

        Raises ConfigError unless watchfiles is installed (`nutgraf[watch]`), SourceMissing for a source that
        is neither there nor in the index, and IndexDamaged.
        """
        from indexer.store import watch

        return watch.watch(self.config, self._today, sources, poll=poll, progress=progress, stop=stop)

    def put(self, articles: Iterable[Article]) -> SyncReport:
        """Add articles, in one commit; each replaces the article with the same id.

        Any iterable will do, a generator too. If several have one id, the last is kept, and the report counts
        each. If anything is raised, by the iterable as well, none is added: InvalidArticle for anything but
        an Article and for an id that belongs to a source's file, IndexLocked, IndexOutdated.
        """
        from indexer.store import update

        return update.put(self.config, self._today, articles)

    def remove(self, article_ids: Iterable[str]) -> SyncReport:
        """Remove articles that were added with `put`, in one commit; unknown ids count as unchanged.

        Raises InvalidArticle if an id is not text, or belongs to a source's file, which would bring it back.
        """
        from indexer.store import update

        return update.remove(self.config, article_ids)

    def forget(self, source: str | os.PathLike[str]) -> SyncReport:
        """Remove a source from the index, with its articles, in one commit.

        Its files are not touched, and may be missing. If the index cannot be changed (it has an older format,
        other options, or damage), it is rebuilt from its other sources, and this raises as `rebuild` does.
        Raises SourceMissing if the index has no such source.
        """
        from indexer.store import update

        return update.forget(self.config, self._today, source)

    def rebuild(
        self,
        *sources: str | os.PathLike[str],
        allow_mass_delete: bool = False,
        progress: Progress | None = None,
    ) -> SyncReport:
        """Build a new generation beside the live one from all sources, check it, and switch to it.

        `sources` are added to those that the index has. Articles added through the API are kept. The
        previous generation is kept. Raises, unless `allow_mass_delete`, SourceShrunk, and SourceMissing if a
        source of the index is missing; with it, missing sources are skipped (see `SyncReport.without`).
        Raises IndexLocked, and IndexDamaged if the live generation is so damaged that something would be
        lost. If anything is raised, the live generation stays.
        """
        from indexer.store import build

        return build.rebuild(
            self.config, self._today, sources, allow_mass_delete=allow_mass_delete, progress=progress
        )

    # Closing

    def __reduce__(self) -> tuple[Any, ...]:
        # Another process opens the index by itself: open files cannot be pickled.
        return Index, (self.config, self._today)

    def close(self) -> None:
        """Close the files; the next read opens them again."""
        with self._lock:
            self._cached = None
        self._restricted.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open_last_commit(self) -> OpenIndex:
        cached = self._cached
        state = generations.pointer_state(self.config.index, cached[0].live[0] if cached else None)
        if cached and state is not None and cached[1] == state:
            return cached[0]
        with self._lock:
            before = self._cached[0] if self._cached else None
            opened = open_live(self.config.index, self.config, self._today, before)
            self._cached = (opened, state)
            return opened

    def _open_restricted(self, restriction: Restriction) -> OpenIndex:
        """Open the part of a commit that a restriction leaves; see `_read_commit`."""
        return self._read_commit(lambda opened: self._restricted.restrict(opened, restriction))

    def _open_previous(self, opened: OpenIndex, damage: IndexDamaged) -> OpenIndex:
        with self._lock:
            previous = open_previous(self.config.index, opened.live, self.config, self._today, damage)
            state = generations.pointer_state(self.config.index, opened.live[0])
            self._cached = (previous, state)
        return previous
