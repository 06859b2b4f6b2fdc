"""Candidates of the cluster as a window in memory, judged by the statistics of all articles.

A `View` is the part of an index that a reader sees: the articles of one commit, or what a restriction leaves
of them. The articles of some hits become a `Window`. The first evaluation there finds which terms it needs
the counts of; they are counted at once, and remembered; then it is evaluated again (`View.judge`).
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np

from indexer.engine import (
    Collection,
    CountedTerm,
    EncodedArticle,
    LanguageStatistics,
    TermCounts,
    TermSet,
    TimedOut,
    Values,
    ViewInMemory,
    Window,
    WindowMaker,
    analyze_text,
    normalize_pattern,
    shorten_sources,
)
from indexer.files.fork_safe import lazy
from indexer.opensearch import mapping
from indexer.opensearch.cluster import Cluster, SearchTimedOut
from indexer.opensearch.documents import read_article
from indexer.opensearch.dsl import EVERYTHING, Dsl, match_all, match_any
from indexer.opensearch.filters import translate_inexact
from indexer.opensearch.mapping import CAPITALS, STEMS, TEXT, WORDS, list_text_fields
from indexer.opensearch.rows import Pattern, Wanted
from indexer.opensearch.term_queries import LeafReader
from indexer.opensearch.vocabulary import ClusterVocabulary, WordMemory
from indexer.query import DateRange, Query
from indexer.results import Form
from indexer.text.analyzer import get_analyzer, strip_tag

T = TypeVar("T")
Hit = Mapping[str, Any]
"""A hit of the cluster, with its source."""
_Key = tuple[Any, ...]
_MAX_ROUNDS = 3
"""Evaluations of a window: what the first one does not know is known in the second, or nearly all of it."""
_MAX_REMEMBERED = 4096  # counts of terms
_MAX_WINDOWS, _MAX_WINDOW_BYTES = 16, 64 * 2**20
"""Windows that are kept, and the bytes of text that all of them have at most."""
_LEAST_SECONDS = 0.05
"""The shortest time limit that the cluster is given: a millisecond would be up before it begins."""
WINDOW_SECONDS = 0.25
"""The time that a window has at least, unless less was asked for."""
_MANY = 100_000
"""With more articles than this, counts that need not be exact are estimated."""
_MAX_WORDS = 100  # whose occurrences are counted one by one
_MAX_LANGUAGES, _MAX_SOURCES = 1000, 10_000
_DAY = 86400
_COUNT_OCCURRENCES = """
double all = 0;
for (prefix in params.prefixes) {
    double stems = 0, words = 0;
    for (term in params.stems) { stems += termFreq(prefix + params.stem_field, term); }
    for (term in params.words) { words += termFreq(prefix + params.word_field, term); }
    all += Math.max(stems, words);
}
return Math.max(all, 1);
"""
_MIDDLE = "(doc['date_start'].value + doc['date_end'].value) / 2.0"


class Translate(Protocol):
    """Gives the query for a node of a query tree, which depends on the whole tree.

    Two translations with the same `key` give the same.
    """

    @property
    def key(self) -> Hashable: ...
    def __call__(self, node: Query) -> Dsl: ...


class _Counted(NamedTuple):
    """How many articles of each language have a term, and how often it stands there, None if unknown."""

    articles: Values
    occurrences: Values | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of all articles of a view.

    `languages` has how many articles are in each language, the most common first; `sources` are the sources
    as they are stored. `first` and `last` are the earliest and the latest start of a date, in seconds since
    1970, None without dates.
    """

    statistics: LanguageStatistics
    languages: Mapping[str, int]
    sources: Sequence[str]
    undated: int
    first: int | None
    last: int | None

    @property
    def articles(self) -> int:
        """How many articles there are."""
        return int(self.statistics.articles.sum())


class TimeLimit:
    """The time that a request has: `seconds` from now.

    `timed_out` says that it was up before all was done, so that something may be missing; `error` is what a
    search has raised that was not answered at all.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.timed_out = False
        self.error: SearchTimedOut | None = None
        self._started = time.perf_counter()

    @property
    def passed(self) -> float:
        """The seconds that have passed."""
        return time.perf_counter() - self._started

    @property
    def left(self) -> float:
        """The seconds that are left, less than 0 when the time is up."""
        return self.seconds - self.passed

    def check(self) -> None:
        """Raise TimedOut if something may be missing."""
        if self.timed_out:
            raise TimedOut


class WindowMemory:
    """The segments of the last windows, by the ids of their hits: as many as have little text together."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, ...], tuple[ViewInMemory, int]] = {}

    def get(self, ids: tuple[str, ...]) -> ViewInMemory | None:
        kept = self._kept.get(ids)
        return kept and kept[0]

    def add(self, ids: tuple[str, ...], segment: ViewInMemory, size: int) -> None:
        """Keep a segment with so many bytes of text, unless it has too many."""
        if size > _MAX_WINDOW_BYTES:
            return
        kept = [*self._kept.values()]
        if len(kept) >= _MAX_WINDOWS or size + sum(own for _, own in kept) > _MAX_WINDOW_BYTES:
            self._kept.clear()
        self._kept[ids] = segment, size


@dataclass(eq=False)
class View:
    """The articles of an index of the cluster that pass some filters; safe to share between threads.

    `language` is the configured one, `text_names` are the fields of custom texts. The filters must hold for
    as long as the view is used. Within a `limit` of time (see `within`), counts may be too low, which are not
    remembered then; without one, they are exact.
    """

    cluster: Cluster
    index: str
    filters: Sequence[Dsl]
    language: str
    maker: WindowMaker
    text_names: tuple[str, ...] = ()
    commit: int = 0
    is_restricted: bool = False
    limit: TimeLimit | None = None
    window_bytes: int = 2**24
    """About the most text of a window of a page; what is left of its candidates makes another one."""
    _counts: dict[_Key, _Counted] = field(default_factory=dict)
    _words: WordMemory = field(default_factory=WordMemory)
    _exist: dict[str, bool] = field(default_factory=dict)
    _languages: dict[str, dict[str, int]] = field(default_factory=dict)
    _ages: dict[str, float | None] = field(default_factory=dict)
    _windows: WindowMemory = field(default_factory=WindowMemory)

    def narrow(self, query: Dsl) -> View:
        """The part of it that passes another filter."""
        return View(
            self.cluster,
            self.index,
            (*self.filters, query),
            self.language,
            self.maker,
            self.text_names,
            self.commit,
            is_restricted=True,
            # What it sees of them is the same.
            _windows=self._windows,
        )

    def within(self, limit: TimeLimit) -> View:
        """The same for a request with a time limit; what it remembers is shared."""
        # What all articles have in common is read before, and once.
        assert self.source_texts is not None
        limited = copy.copy(self)
        limited.limit = limit
        return limited

    def select(self, query: Dsl, *more: Dsl) -> Dsl:
        """A query for the articles of the view that match, without scores."""
        return match_all([*self.filters, query, *more])

    def search(self, *bodies: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The answers to some searches; each has a `query` already that `select` has made.

        Within a limit, an answer may have `timed_out`, which the limit has then as well; if there is none,
        SearchTimedOut is raised.
        """
        limit = self.limit
        if limit is not None and limit.error is not None:
            # One answer that does not come is waited for, but not several.
            raise limit.error
        seconds = None if limit is None else max(limit.left, _LEAST_SECONDS)
        try:
            if len(bodies) == 1:
                answers = [self.cluster.search(self.index, bodies[0], seconds=seconds)]
            else:
                answers = self.cluster.msearch(self.index, bodies, seconds=seconds)
        except SearchTimedOut as error:
            if limit is not None:
                limit.timed_out, limit.error = True, error
            raise
        if limit is not None and not all(map(_is_whole, answers)):
            limit.timed_out = True
        return [*answers]

    def count(self, queries: Sequence[Dsl]) -> list[dict[str, int]]:
        """How many articles in each base language match each of some queries; remembered."""
        every = {json.dumps(query): query for query in queries}
        known = {key: counts for key in every if (counts := self._languages.get(key)) is not None}
        new = [key for key in every if key not in known]
        answers = self.search(*(_count_by_language(self.select(every[key])) for key in new)) if new else ()
        found = {
            key: {bucket["key"]: bucket["doc_count"] for bucket in answer["aggregations"]["bases"]["buckets"]}
            for key, answer in zip(new, answers, strict=True)
        }
        whole = {key: found[key] for key, answer in zip(new, answers, strict=True) if _is_whole(answer)}
        if len(self._languages) + len(whole) > _MAX_REMEMBERED:
            self._languages.clear()
        self._languages |= whole
        known |= found
        return [known[json.dumps(query)] for query in queries]

    def exists(self, query: Dsl) -> bool:
        """Whether any article matches a query; remembered."""
        key = json.dumps(query)
        known = self._exist.get(key)
        if known is None:
            body = {"size": 0, "query": self.select(query), "track_total_hits": 1, "terminate_after": 1}
            (answer,) = self.search(body)
            known = answer["hits"]["total"]["value"] > 0
            if not (known or _is_whole(answer)):
                return False
            if len(self._exist) >= _MAX_REMEMBERED:
                self._exist.clear()
            self._exist[key] = known
        return known

    def count_all(self, query: Dsl) -> int:
        """How many articles match a query."""
        (answer,) = self.search({"size": 0, "query": self.select(query), "track_total_hits": True})
        return int(answer["hits"]["total"]["value"])

    def count_each(self, queries: Sequence[Dsl]) -> list[int]:
        """How many articles match each of some queries. Raises TimedOut."""
        bodies = [{"size": 0, "query": self.select(query), "track_total_hits": True} for query in queries]
        answers = self.search(*bodies)
        if not all(map(_is_whole, answers)):
            raise TimedOut
        return [int(answer["hits"]["total"]["value"]) for answer in answers]

    def count_stems(self, stems: Sequence[str]) -> dict[str, Values]:
        """How many articles have each of many stems in their texts, as if all were in each language.

        Of a view with many articles and no restriction, superseded ones count as well, and only paragraphs:
        that takes no more than looking the stems up. There are no counts when the time is up.
        """
        if not stems:
            return {}
        is_rough = not self.is_restricted and self.facts.articles > _MANY
        prefixes = [TEXT] if is_rough else list_text_fields("text", self.text_names)[1:]
        filters = {
            str(number): match_any({"terms": {f"{prefix}.{STEMS}": [stem]}} for prefix in prefixes)
            for number, stem in enumerate(stems)
        }
        query = EVERYTHING if is_rough else self.select(EVERYTHING)
        aggregation = {"stems": {"filters": {"filters": filters}}}
        body = {"size": 0, "track_total_hits": False, "query": query, "aggs": aggregation}
        try:
            (answer,) = self.search(body)
        except SearchTimedOut:
            return {}
        if not _is_whole(answer):
            return {}
        buckets = answer["aggregations"]["stems"]["buckets"]
        width = len(self.facts.statistics.languages)
        return {
            stem: np.full(width, float(buckets[str(number)]["doc_count"]))
            for number, stem in enumerate(stems)
        }

    @lazy
    def facts(self) -> Facts:
        """What is known of all articles."""
        sums = {
            name: {"sum": {"field": name}}
            for name in (mapping.TITLE_TERMS, mapping.TEXT_TERMS, mapping.PARAGRAPHS)
        }
        start = {"field": mapping.DATE_START}
        aggregations = {
            "bases": {"terms": {"field": mapping.BASE, "size": _MAX_LANGUAGES}, "aggs": sums},
            "languages": {"terms": {"field": mapping.LANGUAGE, "size": _MAX_LANGUAGES}},
            "sources": {"terms": {"field": f"{mapping.NAMES}.source", "size": _MAX_SOURCES}},
            "undated": {"missing": start},
            "first": {"min": start},
            "last": {"max": start},
        }
        (answer,) = self.search({"size": 0, "query": self.select(EVERYTHING), "aggs": aggregations})
        found = answer["aggregations"]
        counts = {bucket["key"]: bucket["doc_count"] for bucket in found["languages"]["buckets"]}
        return Facts(
            _read_statistics(found["bases"]["buckets"]),
            dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
            [bucket["key"] for bucket in found["sources"]["buckets"]],
            found["undated"]["doc_count"],
            *(
                None if found[name]["value"] is None else int(found[name]["value"])
                for name in ("first", "last")
            ),
        )

    @property
    def newest(self) -> float | None:
        """The middle of the newest date, in seconds since 1970; None without dates, or if time is up."""
        return self._measure_middles("newest", {"max": {"script": _MIDDLE}}, lambda found: found["value"])

    @property
    def median_age(self) -> float:
        """The median age of the dated articles in days, from the newest; 0 if none, or if time is up."""
        how = {"script": _MIDDLE, "percents": [50], "keyed": False, "tdigest": {"compression": 1000}}
        middle = self._measure_middles(
            "median", {"percentiles": how}, lambda found: found["values"][0]["value"]
        )
        newest = self.newest
        return 0.0 if middle is None or newest is None else (newest - middle) / _DAY

    def _measure_middles(
        self, name: str, aggregation: Mapping[str, Any], read: Callable[[Mapping[str, Any]], Any]
    ) -> float | None:
        """A measure of the middles of all dates, None if there is none or time is up; remembered by name."""
        if name in self._ages:
            return self._ages[name]
        query = self.select({"exists": {"field": mapping.DATE_START}})
        (answer,) = self.search({"size": 0, "query": query, "aggs": {"middle": aggregation}})
        if not _is_whole(answer):
            return None
        value = read(answer["aggregations"]["middle"])
        measured = self._ages[name] = None if value is None else float(value)
        return measured

    @lazy
    def source_texts(self) -> dict[str, str]:
        """The text to show for each source, by its name as it is stored; see `shorten_sources`."""
        names = sorted(self.facts.sources)
        return dict(zip(names, shorten_sources(names), strict=True))

    def judge(
        self,
        hits: Sequence[Hit],
        read: Callable[[Window], T],
        rough: Mapping[str, Values] | None = None,
        rounds: int = _MAX_ROUNDS,
    ) -> T:
        """What `read` returns for a window with the articles of some hits; for `rough`, see `count_stems`.

        It is called until all counts that it asks for are known, but no more than `rounds` times.
        """
        window = self.open_window(hits, rough=rough)
        found = read(window)
        for _ in range(rounds - 1):
            if not window.collection.count_missing():
                break
            window = window.renew()
            found = read(window)
        return found

    def open_window(
        self,
        hits: Sequence[Hit],
        translate: Translate | None = None,
        rough: Mapping[str, Values] | None = None,
        max_bytes: int | None = None,
    ) -> Window:
        """A window with the articles of some hits; for `translate`, see `ClusterCollection`.

        When the time is up, or the window has more than `max_bytes` of text, the last articles are missing.
        """
        segment = self._make_segment(hits, max_bytes) if hits else None
        return Window(segment, ClusterCollection(self, translate, rough))

    def _make_segment(self, hits: Sequence[Hit], max_bytes: int | None) -> ViewInMemory:
        key = tuple(hit["_id"] for hit in hits)
        # Without a lock: two threads may make the same.
        if (kept := self._windows.get(key)) is not None:
            return kept
        made = size = 0

        def read() -> Iterator[EncodedArticle]:
            nonlocal made, size
            for hit in self._in_time(hits):
                article = _read_hit(hit["_source"])
                made += 1
                size += sum(map(len, article.items))
                yield article
                if max_bytes is not None and size > max_bytes:
                    return

        segment = self.maker.make(read())
        self._windows.add(key[:made], segment, size)
        return segment

    def _in_time(self, hits: Sequence[Hit]) -> Iterator[Hit]:
        """The first hit, and those that follow until the time is up: articles may be as long as books."""
        limit = self.limit
        # What the cluster has found in time is worth a little more.
        end = None if limit is None else limit.passed + max(limit.left, min(WINDOW_SECONDS, limit.seconds))
        for number, hit in enumerate(hits):
            if number and limit is not None and end is not None and limit.passed > end:
                limit.timed_out = True
                return
            yield hit


class ClusterCollection(Collection):
    """The articles of a view, of which the cluster counts what a window needs to know.

    `translate` gives the query for a node of a query tree; without it, nodes are not counted. `rough` has
    the counts of some stems that need not be exact.
    """

    def __init__(
        self, view: View, translate: Translate | None = None, rough: Mapping[str, Values] | None = None
    ) -> None:
        self._view, self._translate, self._rough = view, translate, rough or {}
        self.statistics, self.language, self.commit = view.facts.statistics, view.language, view.commit
        self._analyzers = tuple(dict.fromkeys(map(get_analyzer, view.facts.languages)))
        self._leaves = LeafReader(self.statistics.languages, view.count, view.text_names)
        self._missing: dict[_Key, dict[str, Any]] = {}

    def count_term(self, term: CountedTerm, form: Form, found: TermCounts) -> TermCounts:
        key = "term", term.field, form, "" if term.term_set != TermSet() else term.label, term.term_set
        counted = self._recall(key, lambda: self._ask_term(term, form))
        if counted is None:
            return found
        articles, occurrences = counted
        if occurrences is None:
            # The best articles are in the window: in the others, a phrase or pattern hardly stands twice.
            occurrences = found.occurrences + np.maximum(articles - found.articles, 0.0)
        return TermCounts(articles, occurrences)

    def count_written(self, term: CountedTerm, found: Values) -> Values:
        return self._count_articles(("written", term.field, term.term_set), found, lambda: self._match(term))

    def count_both(self, terms: Sequence[CountedTerm], found: Values) -> Values:
        key = "both", *((term.field, term.term_set) for term in terms)

        def match() -> Dsl | None:
            queries = [query for term in terms if (query := self._match(term)) is not None]
            return match_all(queries) if len(queries) == len(terms) else None

        return self._count_articles(key, found, match)

    def count_phrase(self, stems: Sequence[str], found: Values) -> Values:
        terms = TermSet(phrases=frozenset([(tuple(stems), 1)]))
        if len(stems) == 1 and stems[0] in self._rough:
            return self._rough[stems[0]]
        if len(stems) == 1:
            terms = TermSet(stems=frozenset(stems))
        return self._count_articles(
            ("phrase", *stems), found, lambda: self._leaves.match_wanted("text", [Wanted(terms)])
        )

    def count_node(self, node: Query, found: int) -> int:
        if self._translate is None:
            return found
        translate = self._translate
        key = "node", node, translate.key
        counted = self._count_articles(key, np.array([found]), lambda: translate(node))
        return int(counted.sum())

    def count_inexact(self, node: DateRange) -> int:
        return int(
            self._count_articles(("inexact", node), np.zeros(1), lambda: translate_inexact(node)).sum()
        )

    def measure_ages(self) -> tuple[float | None, float | None]:
        return self._view.newest, self._view.median_age

    def name_sources(self, uris: Sequence[str]) -> list[str]:
        texts = self._view.source_texts
        return [texts.get(uri, uri) for uri in uris]

    @lazy
    def vocabulary(self) -> ClusterVocabulary:
        return ClusterVocabulary(self._view._words)

    def count_missing(self) -> bool:
        """Count what is missing; return whether anything was, and was counted in time."""
        missing, self._missing = self._missing, {}
        words = [*self.vocabulary.make_searches(self._view.select, self._match_words)]
        if not missing and not words:
            return False
        known = self._view._counts
        if len(known) >= _MAX_REMEMBERED:
            known.clear()
        try:
            answers = self._view.search(*missing.values(), *(body for _, body in words))
        except SearchTimedOut:
            return False
        for key, answer in zip(missing, answers, strict=False):
            if _is_whole(answer):
                known[key] = self._read(answer["aggregations"]["bases"]["buckets"])
        for (kind, _), answer in zip(words, answers[len(missing) :], strict=True):
            if _is_whole(answer):
                self.vocabulary.learn(kind, answer)
        return any(map(_is_whole, answers))

    def _match_words(self, words: Sequence[str]) -> Dsl:
        return self._leaves.match_wanted("text", [Wanted(TermSet(words=frozenset(words)))])

    def _recall(self, key: _Key, ask: Callable[[], dict[str, Any] | None]) -> _Counted | None:
        """The counts that are known under a key; None if none are, which are missing then."""
        known = self._view._counts.get(key)
        if known is None and key not in self._missing and (body := ask()) is not None:
            self._missing[key] = body
        return known

    def _count_articles(self, key: _Key, found: Values, match: Callable[[], Dsl | None]) -> Values:
        def ask() -> dict[str, Any] | None:
            query = match()
            return None if query is None else _count_by_language(self._view.select(query))

        counted = self._recall(key, ask)
        return found if counted is None else counted.articles

    def _ask_term(self, term: CountedTerm, form: Form) -> dict[str, Any] | None:
        """The search that counts a term, and its occurrences if it has no phrases; None if nothing can."""
        query = self._match(term, form)
        if query is None:
            return None
        parameters = self._list_occurring(term, form)
        if parameters is None:
            return _count_by_language(self._view.select(query))
        script = {"source": _COUNT_OCCURRENCES, "params": parameters}
        scored = {"script_score": {"query": query, "script": script}}
        body = _count_by_language({"bool": {"must": [scored], "filter": [self._view.select(EVERYTHING)]}})
        body["aggs"]["bases"]["aggs"] = {"occurrences": {"sum": {"script": {"source": "_score"}}}}
        return body

    def _match(self, term: CountedTerm, form: Form = "any") -> Dsl | None:
        """The articles that have a term, None if the cluster cannot tell."""
        terms: TermSet = term.term_set
        text = term.label.removeprefix("=")
        if form == "in capitals":
            return self._leaves.match_capitals(term.field, text, self._analyzers)
        if form == "as typed":
            return self._leaves.match_wanted(term.field, [self._want_written(text)])
        if terms.nears or terms == TermSet():
            return None
        wanted = Wanted(terms)
        if terms.words and not terms.stems and "*" in text:
            # In a window, a pattern stands for the words that are there. The label of a term is its pattern
            # as typed (`TermReader._expand`).
            wanted = Wanted(patterns=frozenset([_read_pattern(text)]))
        return self._leaves.match_wanted(term.field, [wanted])

    def _list_occurring(self, term: CountedTerm, form: Form) -> dict[str, Any] | None:
        """What occurs where a term does, as parameters of the script that counts occurrences."""
        terms: TermSet = term.term_set
        stems, words, word_field = terms.stems, terms.words, WORDS
        if form in ("as typed", "in capitals"):
            wanted = self._want_written(term.label.removeprefix("=")).terms
            stems, words, terms = frozenset(), wanted.words, wanted
            word_field = WORDS if form == "as typed" else CAPITALS
        # Of a pattern, only the words in the window are known.
        if terms.phrases or terms.exact or terms.characters or len(words) > _MAX_WORDS:
            return None
        return {
            "prefixes": [f"{name}." for name in list_text_fields(term.field, self._view.text_names)],
            "stem_field": STEMS,
            "stems": sorted(stems),
            "word_field": word_field,
            "words": sorted(set(map(strip_tag, words))),
        }

    def _want_written(self, text: str) -> Wanted:
        return Wanted(analyze_text(text, 1, self._analyzers, exact=True))

    def _read(self, buckets: Sequence[Mapping[str, Any]]) -> _Counted:
        """The counts in an answer."""
        languages = self.statistics.languages
        articles = {bucket["key"]: float(bucket["doc_count"]) for bucket in buckets}
        occurrences = {b["key"]: b["occurrences"]["value"] for b in buckets if "occurrences" in b}
        rows = [np.array([own.get(name, 0.0) for name in languages]) for own in (articles, occurrences)]
        return _Counted(rows[0], rows[1] if occurrences or not buckets else None)


def _is_whole(answer: Mapping[str, Any]) -> bool:
    """Whether the time limit has not cut an answer short."""
    return not answer.get("timed_out")


def _read_hit(source: Mapping[str, Any]) -> EncodedArticle:
    items, uri = read_article(source)
    return EncodedArticle(items, uri or "", source[mapping.LANGUAGE])


def _read_pattern(text: str) -> Pattern:
    pattern = normalize_pattern(text)
    head = pattern.removesuffix("*")
    return Pattern("wildcard", pattern) if "*" in head or "?" in head else Pattern("prefix", head)


def _count_by_language(query: Dsl) -> dict[str, Any]:
    """A search that counts the articles in each base language that match a query."""
    return {
        "size": 0,
        "track_total_hits": False,
        "query": query,
        "aggs": {"bases": {"terms": {"field": mapping.BASE, "size": _MAX_LANGUAGES}}},
    }


def _read_statistics(buckets: Sequence[Mapping[str, Any]]) -> LanguageStatistics:
    """The statistics of each base language, from sums of its articles."""
    ordered = sorted(buckets, key=lambda bucket: bucket["key"])
    languages = tuple(bucket["key"] for bucket in ordered) or ("",)
    articles = np.array([bucket["doc_count"] for bucket in ordered] or [0], np.int64)

    def add_up(name: str) -> Values:
        return np.array([bucket[name]["value"] for bucket in ordered] or [0], np.float64)

    averages = {
        stored: add_up(name) / np.maximum(articles, 1)
        for stored, name in (("title", mapping.TITLE_TERMS), ("paragraph", mapping.TEXT_TERMS))
    }
    return LanguageStatistics(
        languages,
        np.empty(0, np.int64),
        articles,
        add_up(mapping.PARAGRAPHS).astype(np.int64),
        {field: np.where(own > 0, own, 1.0) for field, own in averages.items()},
    )
