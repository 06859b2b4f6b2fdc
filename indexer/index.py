"""The facade of the library: open an index, bring it up to date, search it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from indexer.address import is_service
from indexer.article import Article
from indexer.config import Config, load_config
from indexer.engines import Engine, EngineReader, open_engine
from indexer.errors import ConfigError, ModelFailed, NutgrafError
from indexer.fields import FieldType
from indexer.reports import Building, Status
from indexer.results import ArticleInfo, Hits, MarkedArticle, Page, Suggestion
from indexer.search.request import Restriction, SearchRequest, Values, make_restriction
from indexer.store.reader import check_restriction

if TYPE_CHECKING:
    from indexer.reports import Diagnosis, EmbedReport, SyncReport, Verification
    from indexer.results import QuoteCheck
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


class IndexReader:
    """The reading methods of an index, for all its articles or for those that pass a restriction.

    Each read answers from the last commit. Readers are safe to share between threads.
    """

    config: Config
    _engine: Engine
    _restriction: Restriction | None = None

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
        meaning: float | None = None,
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

        `meaning` is how much the meaning of the query counts beside its words, from 0 (not at all) to 1
        (default: `meaning` of the configuration), when hits are sorted by relevance. It needs a model and the
        vectors that `embed` makes, and counts for queries of plain words only. Hits that are found by their
        meaning alone have `by_meaning` and follow the full matches; no count but that of the page has them.

        `seconds` is the time limit (default: `query_seconds` of the configuration, at most 60); when it is
        reached, the page has `timed_out`. With `explain`, the page has an explanation of the query and each
        hit one of its score.

        Raises InvalidRequest, which names the keyword, for a value that has no meaning, TypeError for an
        unknown keyword, IndexMissing or IndexDamaged; ModelFailed for a cursor of a page to which the meaning
        has added, while the model fails.
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
                meaning=meaning,
                filters=filters,
                **more_filters,
            )
        )

    def run(self, request: SearchRequest) -> Page:
        """Return the page of a request that was made before, as `search` does; raises what that raises."""
        return self._read(lambda reader: reader.search(request))

    def suggest(self, prefix: str, limit: int = 8) -> tuple[Suggestion, ...]:
        """At most `limit` queries that a text may become while it is typed; any string is one.

        They are completions of the last word that occur in articles matching the other words, phrases that
        continue the text, and titles; each one finds something. Raises IndexMissing or IndexDamaged.
        """
        return self._read(lambda reader: reader.suggest(prefix, limit))

    def resolve_id(self, article_id: str) -> str:
        """Return the id of the article that every method finds by this one; raises ArticleMissing.

        It is another id if the article had this one before its file was renamed, or if the article is a line
        of a JSON Lines file that states this one, and no other does.
        """
        return self._read(lambda reader: reader.resolve_id(article_id))

    def get_article(self, article_id: str) -> Article:
        """Return the whole article with this id; raises ArticleMissing."""
        return self._read(lambda reader: reader.get_article(article_id))

    def articles(self) -> Iterator[Article]:
        """Return an iterator over all articles, each whole, in the order of their ids.

        They are those of the last commit when this is called, whatever is written meanwhile, and are read
        one by one: the memory that this takes does not grow with their texts. Raises IndexMissing; and
        IndexDamaged, also from the iterator, when it meets a damaged part.
        """
        return self._read(lambda reader: reader.articles())

    def mark_article(self, article_id: str, query: str = "", *, prefix: bool = False) -> MarkedArticle:
        """Return the whole article with this id, and what a query matches in it; raises ArticleMissing.

        With `prefix`, the last word of the query is still being typed, as in `search`.
        """
        request = SearchRequest(query, prefix=prefix)
        return self._read(lambda reader: reader.mark_article(article_id, request))

    def find_similar(self, article_id: str, limit: int = 10) -> Hits:
        """Return the articles that are most similar to the one with this id, the most similar first.

        Its near-duplicates are not among them (see `find_duplicates`), and near-duplicates of each other are
        one hit. The words that they share are highlighted. Where the article has vectors, its meaning counts
        as in `search`. It has the time of a query; the hits have `timed_out` if that was up. Raises
        ArticleMissing, and InvalidRequest for an invalid limit.
        """
        return self._read(lambda reader: reader.find_similar(article_id, limit))

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors that the model of the configuration makes of texts.

        They are the rows of an array (float32), in the order of the texts; the length of each is 1, or 0 if
        the model knows nothing in the text. Raises ConfigError without a model or a library that it needs,
        ModelFailed if it fails, and InvalidRequest for anything but texts.
        """
        return self._read(lambda reader: reader.embed_texts(texts))

    def nearest(
        self,
        vector: Sequence[float] | NDArray[Any],
        limit: int = 10,
        *,
        filters: Mapping[str, Any] | None = None,
    ) -> Hits:
        """Return the articles with a paragraph whose vector is nearest to this one, the nearest first.

        Each hit has that paragraph as its passage, and the cosine of the two vectors as its score.
        Near-duplicates are one hit. `filters` are those of `search`, by name. The vectors are those of the
        model of the configuration, or of the only model that the index has some of; a note says if there are
        none. Raises InvalidRequest for a vector of another number of dimensions, or without a direction, and
        ConfigError if the index has vectors of several models, of which none is in the configuration.
        """
        request = SearchRequest.from_keywords("", filters=filters)
        return self._read(lambda reader: reader.find_nearest(vector, limit, request))

    def find_duplicates(self, article_id: str) -> tuple[ArticleInfo, ...]:
        """Return the near-duplicates of the article with this id, newest first; raises ArticleMissing."""
        return self._read(lambda reader: reader.find_duplicates(article_id))

    def verify_quote(self, text: str, article_id: str | None = None) -> QuoteCheck:
        """Return whether an article, any or the one with this id, contains a quotation.

        The answer is exact, near (with the differences, word by word) or absent, and has the paragraph that
        contains the quotation or comes closest to it; an exact one may stand across paragraph breaks. It has
        the time of a query; the result has `timed_out` if that was up. Raises ArticleMissing, and
        InvalidRequest for a text without words or of more than 4,000 characters.
        """
        return self._read(lambda reader: reader.verify_quote(text, article_id))

    def can_use_meaning(self, query: str, *, prefix: bool = False) -> bool:
        """Return whether articles can be found by the meaning of a query, when sorted by relevance.

        So it is if the query has plain words only, and there are a model and vectors: where this is False,
        the `meaning` of a search changes nothing. With `prefix`, the last word is still being typed, as in
        `search`. Raises IndexMissing or IndexDamaged.
        """
        request = SearchRequest(query, prefix=prefix)
        return self._read(lambda reader: reader.can_use_meaning(request))

    def load_model(self) -> None:
        """Load the model by which articles are found by their meaning, if there is one, and return then.

        Without this, the first search loads it, and answers by words, with a note, if that takes too long.
        Of a service, nothing is loaded. If the model fails, nothing is raised: the searches say so. Raises
        IndexMissing or IndexDamaged.
        """
        if not is_service(self.config.model) and self._read(lambda reader: reader.has_vectors):
            with suppress(ConfigError, ModelFailed):
                self.embed_texts([])

    def get_revision(self) -> str:
        """Return a short name of the current snapshot, which changes with every commit and every rebuild.

        It consists of the generation, the number of the commit and a random name, with dots between them; an
        index that is created again in the same folder has another one. Raises IndexMissing or IndexDamaged.
        """
        return self._read(lambda reader: reader.revision)

    def get_status(self) -> Status:
        """Return what the index holds; raises IndexMissing or IndexDamaged."""
        return self._read(lambda reader: reader.get_status())

    @property
    def exists(self) -> bool:
        """Whether there is an index yet."""
        return self._engine.exists

    @property
    def fields(self) -> Mapping[str, FieldType]:
        """The custom fields that the index was made with; raises IndexMissing or IndexDamaged."""
        return self._read(lambda reader: reader.fields)

    @property
    def damage(self) -> str | None:
        """The damage of the live generation, if the previous one is searched instead; else None.

        It is only the damage that reads have met so far; `verify` reads everything. Raises IndexMissing or
        IndexDamaged.
        """
        return self._read(lambda reader: reader.damage)

    def _read(self, read: Callable[[EngineReader], T]) -> T:
        """Call `read` with the last commit, or with what the restriction leaves of it."""
        return self._engine.read(read, self._restriction)


class RestrictedIndex(IndexReader):
    """The articles of an index that pass some filters; made by `Index.restricted`.

    Every answer is that of an index of these articles alone: what it finds, counts, suggests and scores, and
    what it says of an article that it does not have. `get_status` names no files that could not be read, and
    gives no size.
    """

    def __init__(self, index: Index, restriction: Restriction) -> None:
        self.config = index.config
        self._index = index
        self._engine = index._engine
        self._restriction = restriction

    def __reduce__(self) -> tuple[Any, ...]:
        # See `Index.__reduce__`.
        return RestrictedIndex, (self._index, self._restriction)


class Index(IndexReader):
    """An archive of articles that can be searched, safe to share between threads and with other processes.

    A read answers from the last commit. A write takes the lock of the index, commits once, and returns when
    the commit is on the disk.
    """

    def __init__(self, config: Config, today: Callable[[], date] | None = None) -> None:
        self.config = config
        self._today = today or config.today
        self._engine = open_engine(config, self._today)

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
        what was compared; without `deep`, there are no differences in it but vectors that were altered, since
        these can be made again. Raises IndexDamaged, naming the file and the place in it, if anything else
        was altered or is missing.
        """
        return self._engine.verify(deep=deep, progress=progress)

    def diagnose(self) -> Diagnosis:
        """Return the problems of the index, and how to repair each; nothing is changed.

        The model of the configuration is given a word to try it, also if it is a service.
        """
        return self._engine.diagnose()

    def repair(self, *, allow_mass_delete: bool = False, progress: Progress | None = None) -> Diagnosis:
        """Repair what can be repaired; returns the remaining problems, and what was done.

        A damaged pointer is switched to the newest intact generation. An index that is damaged, outdated or
        was made with other options is rebuilt from its sources, with the articles added through the API;
        searches are answered meanwhile. The only copy of anything is kept. Raises IndexLocked; IndexDamaged
        if nothing can be done; and, unless `allow_mass_delete`, SourceMissing or SourceShrunk if a source of
        a rebuild is missing or shrunk. With `allow_mass_delete`, missing sources are skipped.
        """
        return self._engine.repair(allow_mass_delete=allow_mass_delete, progress=progress)

    @property
    def path(self) -> str:
        """The folder of the live generation: a Whoosh index that `whoosh.index.open_dir` opens."""
        return self._engine.path

    def get_progress(self) -> Building | None:
        """Return how far a build of the whole index is, by any process; None if there is no build.

        Searches are answered meanwhile from the live generation, if there is one.
        """
        return self._engine.get_progress()

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
            self._engine.open_for_writing(),
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

        index = self._engine.open_for_writing()
        return watch.watch(index, sources, poll=poll, progress=progress, stop=stop)

    def put(self, articles: Iterable[Article]) -> SyncReport:
        """Add articles, in one commit; each replaces the article with the same id.

        Any iterable will do, a generator too. If several have one id, the last is kept, and the report counts
        each. If anything is raised, by the iterable as well, none is added: InvalidArticle for anything but
        an Article and for an id that belongs to a source's file, IndexLocked, IndexOutdated.
        """
        from indexer.store import update

        return update.put(self._engine.open_for_writing(), articles)

    def remove(self, article_ids: Iterable[str]) -> SyncReport:
        """Remove articles that were added with `put`, in one commit; unknown ids count as unchanged.

        Raises InvalidArticle if an id is not text, or belongs to a source's file, which would bring it back.
        """
        from indexer.store import update

        return update.remove(self._engine.open_for_writing(), article_ids)

    def forget(self, source: str | os.PathLike[str]) -> SyncReport:
        """Remove a source from the index, with its articles, in one commit.

        Its files are not touched, and may be missing. If the index cannot be changed (it has an older format,
        other options, or damage), it is rebuilt from its other sources, and this raises as `rebuild` does.
        Raises SourceMissing if the index has no such source.
        """
        from indexer.store import update

        return update.forget(self._engine.open_for_writing(), source)

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
        from indexer.store import update

        index = self._engine.open_for_writing()
        return update.rebuild(index, sources, allow_mass_delete=allow_mass_delete, progress=progress)

    def copy(self, to: Index, *, replace: bool = False, progress: Progress | None = None) -> SyncReport:
        """Copy this index, as it is, to a place of another one: a folder or a cluster.

        All articles are copied as they are stored, with what is known of their sources, which are not read: a
        sync there finds nothing changed. From a folder to a folder, they keep their vectors. They become a
        new generation, which is checked and then switched to; until then, searches are answered from the
        index that is there. Nobody can write to either index meanwhile. The report counts the articles and
        does not list them; `progress` counts articles, too.

        Raises CopyRefused, unless `replace`, if `to` has an index that was made with other options, is
        damaged, or would lose all of its articles, or more than half of them and more than ten.
        Raises InvalidRequest if `to` is this index, or was opened with other options that change what is
        stored; IndexMissing, IndexOutdated or IndexLocked; and IndexDamaged if an article cannot be read. If
        anything is raised, the index that is there stays.
        """
        from indexer.store import update

        index, other = self._engine.open_for_writing(), to._engine.open_for_writing()
        return update.copy(index, other, replace=replace, progress=progress)

    def embed(
        self, *, progress: Progress | None = None, stop: Callable[[], bool] | None = None
    ) -> EmbedReport:
        """Make a vector of each paragraph that has none of the configured model, to be found by its meaning.

        If the model is a service, it gets all texts of the archive. A text that it refuses, such as one that
        is too long, is found by its words alone. A text that has a vector anywhere in this generation or the
        previous one is not embedded again. The lock of the index is held only to write, in a commit about
        every half minute. Others can write to the index meanwhile, and what they add is embedded as well.
        `progress` counts paragraphs, and starts again when there are more of them than there were.

        `stop` is called between batches, and while a service works on one: once it returns True, what was
        embedded is committed, and the report is `interrupted`. A batch that takes the service two more
        seconds is discarded. If the model fails meanwhile, what was embedded is committed, too, and the
        report has the `failure`. The next call goes on with the rest.

        Raises ConfigError if there is no model in the configuration, or it cannot be opened, or the index is
        on a cluster; ModelFailed if it cannot be loaded; IndexMissing, IndexDamaged and IndexOutdated. Raises
        IndexLocked if another writer does not let this one write for as long as embedding what is to be
        written has taken, and for at least `lock_timeout`.
        """
        return self._engine.embed(progress=progress, stop=stop)

    # Closing

    def __reduce__(self) -> tuple[Any, ...]:
        # Another process opens the index by itself: open files cannot be pickled.
        return Index, (self.config, self._today)

    def close(self) -> None:
        """Close the files; the next read opens them again."""
        self._engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
