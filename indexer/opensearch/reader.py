"""One commit of an index on a cluster, or what a restriction leaves of it, open for reading.

Every method works alike: the cluster finds candidates, they become a window, and the function of
`indexer.search` that answers for the embedded engine answers for the window.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from indexer.article import Article
from indexer.config import Config
from indexer.engine import WindowMaker, analyze_text, decode_article
from indexer.errors import ArticleMissing, IndexMissing, IndexUnavailable, format_count
from indexer.fields import FieldType, use_weights
from indexer.files.names import printable_path
from indexer.limits import HITS
from indexer.opensearch import mapping
from indexer.opensearch.cluster import Cluster
from indexer.opensearch.collection import judge, open_window
from indexer.opensearch.commits import CommitState
from indexer.opensearch.documents import list_bands, read_article, read_id
from indexer.opensearch.dsl import EVERYTHING, Dsl, match_all, match_any
from indexer.opensearch.filters import FilterContext, translate_filters
from indexer.opensearch.mapping import STEMS, TEXT, TITLE, list_text_fields, make_id_key
from indexer.opensearch.pages import search_cluster
from indexer.opensearch.point_in_time import ArticlesMissing, PointInTime
from indexer.opensearch.rows import Wanted
from indexer.opensearch.term_queries import LeafReader
from indexer.opensearch.view import Hit, TimeLimit, View
from indexer.query import NoteCode, make_note
from indexer.reports import Status
from indexer.results import ArticleInfo, Hits, MarkedArticle, Page, Suggestion
from indexer.search.filters import parse_filters
from indexer.search.request import Restriction, SearchRequest, check_limit, check_text
from indexer.search.search import mark_article
from indexer.search.settings import SearchSettings
from indexer.store.reader import Today, configured_settings
from indexer.text.analyzer import get_analyzer
from indexer.text.synonyms import read_synonyms

if TYPE_CHECKING:
    from indexer.results import QuoteCheck

_BATCH = 100  # articles that are read at a time
_MOST_DUPLICATES = 200
_SIMILAR = 50
"""The fewest candidates among which similar articles are chosen."""
_QUOTED = 50
"""Candidates for a quotation: articles with its words in a row, and others that share most of them."""
_MAX_WORDS = 200
"""Words of a quotation that are searched for."""
_TITLE_WEIGHT = 3.0


def open_reader(cluster: Cluster, commit: CommitState, config: Config, today: Today) -> ClusterReader:
    """Open a commit for reading; raises ArticlesMissing if the cluster does not show just its articles."""
    pointer = commit.pointer
    point = PointInTime(cluster, commit.index, pointer.articles, pointer.contents)
    try:
        return _open_reader(point, commit, config, today)
    except BaseException:
        point.close()
        raise


def _open_reader(point: PointInTime, commit: CommitState, config: Config, today: Today) -> ClusterReader:
    settings, summary = commit.settings, commit.summary
    fields = use_weights(settings.fields, config.fields)
    view = View(
        point,
        (point.articles,),
        settings.language,
        _get_window_maker(settings.language, tuple(sorted(fields.items()))),
        tuple(sorted(name for name, kind in fields.items() if kind.type == "text")),
        commit.number,
    )
    search_settings = replace(
        configured_settings(config, today),
        languages=tuple(view.facts.languages) or (settings.language,),
        language=settings.language,
        synonyms=read_synonyms(config.synonyms) if config.synonyms else None,
        aliases=summary.aliases,
        fields=fields,
        sources=frozenset((*config.named_sources, *summary.labels.values())),
    )
    # The name of the index may have dots.
    generation = commit.index.rpartition("-")[2]
    revision = f"{generation}.{commit.number}.{commit.pointer.catalog}"
    return ClusterReader(view, commit, search_settings, revision)


@dataclass(frozen=True, slots=True)
class ClusterReader:
    """A commit open for reading; it never changes, and is safe to share between threads.

    Its methods return and raise what those of `IndexReader` with the same names do.
    """

    view: View
    commit: CommitState
    search_settings: SearchSettings
    revision: str
    damage: str | None = None

    @property
    def fields(self) -> Mapping[str, FieldType]:
        return self.search_settings.fields

    @property
    def has_vectors(self) -> bool:
        return False

    def restrict(self, restriction: Restriction) -> ClusterReader:
        """What is left of the commit for readers who see only the articles that pass some filters."""
        settings = self.search_settings
        context = FilterContext(self.view.facts.sources, self.view.exists)
        filters = translate_filters(parse_filters(settings, restriction.filters), context)
        view = self.view.restrict(match_all(filters)) if filters else self.view
        settings = replace(
            settings,
            languages=tuple(view.facts.languages) or (settings.language,),
            # The name of a hidden source must mean no more than one that does not exist.
            sources=frozenset(name for name in view.facts.sources if name in settings.sources),
            restriction=restriction.digest,
        )
        return ClusterReader(view, self.commit, settings, f"{self.revision}.{restriction.digest}")

    def search(self, request: SearchRequest) -> Page:
        return search_cluster(self.view, self.search_settings, request)

    def can_use_meaning(self, _request: SearchRequest) -> bool:
        return False

    def suggest(self, prefix: str, limit: int) -> tuple[Suggestion, ...]:
        from indexer.opensearch.suggestions import suggest_from_sample

        return suggest_from_sample(self.view, self.search_settings, prefix, limit)

    def resolve_id(self, article_id: str) -> str:
        return read_id(self._find(article_id)["_source"])

    def get_article(self, article_id: str) -> Article:
        return _decode(self._find(article_id))

    def articles(self) -> Iterator[Article]:
        body = {
            "size": _BATCH,
            "query": self.view.select(EVERYTHING),
            "sort": [mapping.ID],
            "track_total_hits": False,
        }
        # Of its own, since the reader may be closed before all are read.
        point = self.view.point.copy()

        def read() -> Iterator[Any]:
            left = self.view.facts.articles
            with point:
                (answer,) = point.search(body)
                yield None
                hits = answer["hits"]["hits"]
                while hits:
                    yield from map(_decode, hits)
                    left -= len(hits)
                    try:
                        (following,) = point.search({**body, "search_after": hits[-1]["sort"]})
                    except (IndexMissing, ArticlesMissing):
                        break
                    hits = following["hits"]["hits"]
            if left:
                raise IndexUnavailable(
                    f"{point.cluster.address} was changed while all its articles were read, and "
                    f"{format_count(left, 'article')} of the commit that was read could not be read",
                    "read them again",
                )

        articles = read()
        # The first request is made now, so that it raises what it raises here; and a generator that has begun
        # closes the point in time even if nobody reads on.
        next(articles)
        return articles

    def mark_article(self, article_id: str, request: SearchRequest) -> MarkedArticle:
        hit = self._find(article_id)
        view = self.view.limit_time(TimeLimit(self.search_settings.seconds))
        return judge(view, [hit], lambda window: mark_article(window, self.search_settings, 0, request))

    def find_similar(self, article_id: str, limit: int) -> Hits:
        from indexer.search.similar import find_heaviest_terms, find_similar

        check_limit("limit", limit)
        hit = self._find(article_id)
        article, language = _decode(hit), hit["_source"][mapping.LANGUAGE]
        time_limit = TimeLimit(self.search_settings.seconds)
        view = self.view.limit_time(time_limit)
        alone = open_window(view, [hit])
        rough = view.count_stems(alone.list_stems())
        heaviest = judge(view, [hit], lambda window: find_heaviest_terms(window, article, language), rough)
        asked: list[Dsl] = [
            {"term": {f"{prefix}.{STEMS}": {"value": stem, "boost": weight * boost}}}
            for stem, boost in heaviest
            for prefix in list_text_fields("text", self.view.text_names)
            for weight in (_TITLE_WEIGHT if prefix == TITLE else 1.0,)
        ]
        size = min(max(2 * limit, _SIMILAR), HITS)
        hits = _find_best(view, asked, size, without=hit["_source"][mapping.ID])
        found = judge(
            view, [hit, *hits], lambda window: find_similar(window, self.search_settings, 0, limit), rough
        )
        if found.timed_out or not time_limit.timed_out:
            return found
        values = {"seconds": time_limit.seconds, "looked_up": len(heaviest)}
        note = make_note(NoteCode.SIMILAR_TIMED_OUT, values)
        return Hits(found, (*found.notes, note), timed_out=True)

    def find_duplicates(self, article_id: str) -> tuple[ArticleInfo, ...]:
        from indexer.search.similar import find_duplicates

        hit = self._find(article_id)
        bands = list_bands(open_window(self.view, [hit]).sketches[0])
        asked: list[Dsl] = [{"term": {mapping.BANDS: band}} for band in bands]
        # Without a time limit, as in the embedded engine: nothing could tell that some are missing.
        others = _find_best(self.view, asked, _MOST_DUPLICATES, without=hit["_source"][mapping.ID])
        return judge(self.view, [hit, *others], lambda window: find_duplicates(window, 0))

    def verify_quote(self, text: str, article_id: str | None) -> QuoteCheck:
        from indexer.search.quotes import verify_quote

        if article_id is not None:
            hit = self._find(article_id)
            return judge(self.view, [hit], lambda window: verify_quote(window, self.search_settings, text, 0))
        limit = TimeLimit(self.search_settings.seconds)
        view = self.view.limit_time(limit)
        hits = self._find_quoted(view, text) if isinstance(text, str) else []
        check = judge(view, hits, lambda window: verify_quote(window, self.search_settings, text))
        if check.timed_out or not limit.timed_out:
            return check
        note = make_note(NoteCode.QUOTE_TIMED_OUT, {"seconds": limit.seconds})
        return msgspec.structs.replace(check, notes=(*check.notes, note), timed_out=True)

    def embed_texts(self, texts: Sequence[str]) -> NoReturn:
        self._refuse_meaning()

    def find_nearest(self, vector: Any, limit: int, request: SearchRequest) -> NoReturn:
        self._refuse_meaning()

    def get_status(self) -> Status:
        facts, summary, settings = self.view.facts, self.commit.summary, self.commit.settings
        is_restricted = bool(self.search_settings.restriction)
        names = {*facts.sources}
        return Status(
            path=str(self.view.point.cluster.address),
            generation=self.commit.index,
            articles=facts.articles,
            paragraphs=int(facts.statistics.paragraphs.sum()),
            undated=facts.undated,
            first=_write_day(facts.first),
            last=_write_day(facts.last),
            # The size of the index would tell how much is hidden.
            size=0 if is_restricted else self.view.point.cluster.measure(self.commit.index),
            committed=summary.committed,
            languages=dict(facts.languages),
            sources=tuple(
                printable_path(source)
                for source in summary.sources
                if not is_restricted or summary.label(source) in names
            ),
            failures=() if is_restricted else summary.failures,
            kinds_not_read={} if is_restricted else summary.kinds_not_read,
            libraries=settings.libraries,
            library_changes=settings.library_changes(),
            fields=dict(self.fields),
        )

    def _refuse_meaning(self) -> NoReturn:
        """Raise ConfigError, since no vectors are kept on a cluster."""
        # Imported here, because it imports what opens models.
        from indexer.store.model import make_cluster_error

        raise make_cluster_error(self.view.point.cluster.address)

    def _find(self, article_id: str) -> Hit:
        """The hit of the article that has an id, or had it before, or of the one record that states it."""
        check_text("id", article_id)
        given = [article_id, *filter(None, [self.search_settings.aliases.get(article_id)])]
        for name in given:
            if hits := self._find_by(mapping.ID, make_id_key(name), 1):
                return hits[0]
        records = self._find_by(mapping.RECORD, make_id_key(article_id), 4) if article_id else []
        if len(records) == 1:
            return records[0]
        problem = f"no article with the id {article_id!r}"
        if records:
            some = ", ".join(read_id(record["_source"]) for record in records[:3])
            count = self.view.count_all({"term": {mapping.RECORD: make_id_key(article_id)}})
            problem = f"{count:,} records state the id {article_id!r}: give the whole id of one ({some})"
        raise ArticleMissing(problem)

    def _find_by(self, field: str, value: str, size: int) -> Sequence[Hit]:
        query = self.view.select({"term": {field: value}})
        body = {"size": size, "query": query, "sort": [mapping.ID], "track_total_hits": False}
        (answer,) = self.view.search(body)
        hits: Sequence[Hit] = answer["hits"]["hits"]
        return hits

    def _find_quoted(self, view: View, text: str) -> list[Hit]:
        """Candidates for a quotation: those with its words in a row, oldest first, and those most alike."""
        analyzers = tuple(dict.fromkeys(map(get_analyzer, self.search_settings.languages)))
        leaves = LeafReader(view.facts.statistics.languages, view.count, view.text_names)
        # A search must not have too many terms: the first words of a long quotation will do.
        words = text.split()[: _MAX_WORDS // max(len(analyzers), 1)]
        phrase = leaves.match_wanted("paragraph", [Wanted(analyze_text(" ".join(words), 1, analyzers))])
        stems = dict.fromkeys(stem for own in analyzers for stem in own.analyze(text)[0])
        pieces = [{"term": {f"{TEXT}.{STEMS}": stem}} for stem in [*stems][:_MAX_WORDS]]
        oldest = {mapping.DATE_START: {"order": "asc", "missing": "_last"}}
        bodies = [
            {
                "size": _QUOTED,
                "query": view.select(phrase),
                "sort": [oldest, mapping.ID],
                "track_total_hits": False,
            },
            {
                "size": _QUOTED,
                "query": {"bool": {"filter": [view.select(EVERYTHING), match_any(pieces)], "should": pieces}},
                "track_total_hits": False,
            },
        ]
        if not pieces:
            return []
        answers = view.search(*bodies)
        return [*{hit["_id"]: hit for answer in answers for hit in answer["hits"]["hits"]}.values()]


@lru_cache(maxsize=4)
def _get_window_maker(language: str, fields: tuple[tuple[str, FieldType], ...]) -> WindowMaker:
    """The window maker for these options, shared by successive commits: words are not analysed again."""
    return WindowMaker(language, dict(fields))


def _find_best(view: View, asked: Sequence[Dsl], size: int, without: str) -> Sequence[Hit]:
    """The best of the articles that match any of some queries, but not the one with an id."""
    if not asked:
        return []
    query = {
        "bool": {
            "should": [*asked],
            "minimum_should_match": 1,
            "filter": [view.select(EVERYTHING)],
            "must_not": [{"term": {mapping.ID: without}}],
        }
    }
    body = {"size": size, "query": query, "sort": ["_score", mapping.ID], "track_total_hits": False}
    (answer,) = view.search(body)
    hits: Sequence[Hit] = answer["hits"]["hits"]
    return hits


def _decode(hit: Hit) -> Article:
    return decode_article(read_article(hit["_source"])[0])


def _write_day(moment: int | None) -> str | None:
    if moment is None:
        return None
    return (datetime(1970, 1, 1) + timedelta(seconds=moment)).date().isoformat()
