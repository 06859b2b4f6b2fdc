"""The articles of an index of the cluster that a reader sees, and what is asked of the cluster about them.

A `View` has the articles of one commit, or those of them that a restriction leaves. It counts them and
remembers the counts, which never change; and it reads the articles of hits into a segment in memory.
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from indexer.engine import (
    EncodedArticle,
    LanguageStatistics,
    TimedOut,
    Values,
    ViewInMemory,
    WindowMaker,
    shorten_sources,
)
from indexer.files.fork_safe import lazy
from indexer.opensearch import mapping
from indexer.opensearch.documents import read_encoded
from indexer.opensearch.dsl import EVERYTHING, Dsl, match_all, match_any
from indexer.opensearch.failures import Json, SearchTimedOut
from indexer.opensearch.mapping import STEMS, TEXT, list_text_fields
from indexer.opensearch.point_in_time import PointInTime
from indexer.opensearch.vocabulary import WordMemory, remember

Hit = Mapping[str, Any]
"""A hit of the cluster, with its source."""
CountKey = tuple[Any, ...]
"""What a `TermCount` counts."""
_MAX_WINDOWS, _MAX_WINDOW_BYTES = 16, 64 * 2**20
"""The most windows that are kept, and the most bytes of text that they have together."""
_MIN_SECONDS = 0.05
"""The shortest time limit that the cluster is given: one millisecond would be over before it begins."""
WINDOW_SECONDS = 0.25
"""The least time that there is for making a window, unless the whole request has less."""
_MANY = 100_000
"""With more articles than this, counts that need not be exact are estimated."""
_MAX_STEMS = 2**15
"""The most stems of which the counts are remembered."""
_MAX_LANGUAGES, _MAX_SOURCES = 1000, 10_000
_DAY = 86400
_MIDDLE = "(doc['date_start'].value + doc['date_end'].value) / 2.0"


class TermCount(NamedTuple):
    """How many articles of each base language have a term, and how often it occurs in them.

    `occurrences` is None if that is unknown.
    """

    articles: Values
    occurrences: Values | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of all articles of a view.

    `languages` gives how many articles are in each language, the most common first; `sources` are the sources
    as they are stored; `undated` is how many articles have no date. `first` and `last` are the earliest and
    the latest start of a date, in seconds since 1970, None without dates.
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

    `timed_out` says that the time was up before all was done, so that something may be missing; `error` is
    what a search has raised that was not answered at all.
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
    """The segments of the last windows, by the ids of their hits.

    All are forgotten when another one would make them too many, or their text too long.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[str, ...], tuple[ViewInMemory, int]] = {}

    def get(self, ids: tuple[str, ...]) -> ViewInMemory | None:
        kept = self._kept.get(ids)
        return kept and kept[0]

    def add(self, ids: tuple[str, ...], segment: ViewInMemory, size: int) -> None:
        """Keep a segment, whose text has `size` bytes, unless that alone is too much."""
        if size > _MAX_WINDOW_BYTES:
            return
        kept = [*self._kept.values()]
        if len(kept) >= _MAX_WINDOWS or size + sum(own for _, own in kept) > _MAX_WINDOW_BYTES:
            self._kept.clear()
        self._kept[ids] = segment, size


@dataclass(eq=False)
class View:
    """The articles of an index of the cluster that pass some filters; safe to share between threads.

    Which articles pass must not change while the view is used. `language` is the configured one, `text_names`
    are the fields of custom texts. Without a `limit` of time, counts are exact. With one (see `limit_time`),
    they may be too low, and those are not remembered.
    """

    point: PointInTime
    filters: Sequence[Dsl]
    language: str
    maker: WindowMaker
    text_names: tuple[str, ...] = ()
    commit: int = 0
    is_restricted: bool = False
    limit: TimeLimit | None = None
    window_bytes: int = 2**24
    """About how much text a window of a page has at most; the other candidates make another window."""
    term_counts: dict[CountKey, TermCount] = field(default_factory=dict)
    """The counts that are remembered."""
    words: WordMemory = field(default_factory=WordMemory)
    """The words that are remembered."""
    _stems: dict[str, float] = field(default_factory=dict)
    """How many articles have each of the stems that `count_stems` has counted."""
    _exist: dict[str, bool] = field(default_factory=dict)
    _languages: dict[str, dict[str, int]] = field(default_factory=dict)
    _ages: dict[str, float | None] = field(default_factory=dict)
    _windows: WindowMemory = field(default_factory=WindowMemory)

    def restrict(self, query: Dsl) -> View:
        """The view of the articles that also match a query."""
        return View(
            self.point,
            (*self.filters, query),
            self.language,
            self.maker,
            self.text_names,
            self.commit,
            is_restricted=True,
            # The same hits make the same window in both views.
            _windows=self._windows,
        )

    def limit_time(self, limit: TimeLimit) -> View:
        """The same view for a request with a time limit; what the two remember is shared."""
        # Reads the facts now, which a copy would read again for each request.
        assert self.source_texts is not None
        limited = copy.copy(self)
        limited.limit = limit
        return limited

    def select(self, query: Dsl, *more: Dsl) -> Dsl:
        """A query for the articles of the view that match, without scores."""
        return match_all([*self.filters, query, *more])

    def search(self, *bodies: Mapping[str, Any]) -> list[Json]:
        """The answers to some searches, whose queries `select` has made.

        With a time limit, an answer may have `timed_out`; then the limit is marked as timed out, too. Raises
        SearchTimedOut if there is no answer.
        """
        limit = self.limit
        if limit is not None and limit.error is not None:
            # One answer that does not come is waited for, but not several.
            raise limit.error
        seconds = None if limit is None else max(limit.left, _MIN_SECONDS)
        try:
            answers = self.point.search(*bodies, seconds=seconds)
        except SearchTimedOut as error:
            if limit is not None:
                limit.timed_out, limit.error = True, error
            raise
        if limit is not None and not all(map(is_whole, answers)):
            limit.timed_out = True
        return answers

    def count(self, queries: Sequence[Dsl]) -> list[dict[str, int]]:
        """How many articles in each base language match each of some queries; remembered."""
        every = {json.dumps(query): query for query in queries}
        known = {key: counts for key in every if (counts := self._languages.get(key)) is not None}
        new = [key for key in every if key not in known]
        answers = self.search(*(count_by_language(self.select(every[key])) for key in new)) if new else ()
        found = {
            key: {bucket["key"]: bucket["doc_count"] for bucket in answer["aggregations"]["bases"]["buckets"]}
            for key, answer in zip(new, answers, strict=True)
        }
        whole = {key: found[key] for key, answer in zip(new, answers, strict=True) if is_whole(answer)}
        remember(self._languages, whole)
        known |= found
        return [known[json.dumps(query)] for query in queries]

    def exists(self, query: Dsl) -> bool:
        """Whether any article matches a query; remembered."""
        key = json.dumps(query)
        known = self._exist.get(key)
        if known is None:
            body = {"size": 0, "query": self.select(query), "track_total_hits": 1, "terminate_after": 1}
            (answer,) = self.search(body)
            known = read_total(answer) > 0
            if not (known or is_whole(answer)):
                return False
            remember(self._exist, {key: known})
        return known

    def count_all(self, query: Dsl, *more: Dsl) -> int:
        """How many articles match all of some queries."""
        (answer,) = self.search(self._count_hits(query, *more))
        return read_total(answer)

    def count_each(self, queries: Sequence[Dsl]) -> list[int]:
        """How many articles match each of some queries. Raises TimedOut."""
        answers = self.search(*map(self._count_hits, queries))
        if not all(map(is_whole, answers)):
            raise TimedOut
        return [*map(read_total, answers)]

    def _count_hits(self, query: Dsl, *more: Dsl) -> dict[str, Any]:
        """The search that counts the articles that match all of some queries."""
        return {"size": 0, "query": self.select(query, *more), "track_total_hits": True}

    def count_stems(self, stems: Sequence[str]) -> dict[str, Values]:
        """How many articles have each of some stems in their texts, as if all were in each language.

        Each array has the same number (float64) for all base languages. In a large view that is not
        restricted, the counts are rough: only paragraphs count, and removed articles count as well, so that
        the cluster only has to look the stems up. Returns nothing when the time is up.
        """
        known = {stem: count for stem in stems if (count := self._stems.get(stem)) is not None}
        if new := [stem for stem in stems if stem not in known]:
            counted = self._count_new_stems(new)
            if counted is None:
                return {}
            remember(self._stems, counted, _MAX_STEMS)
            known |= counted
        width = len(self.facts.statistics.languages)
        return {stem: np.full(width, count) for stem, count in known.items()}

    def _count_new_stems(self, stems: Sequence[str]) -> dict[str, float] | None:
        """The counts of `count_stems` from the cluster; None when the time is up."""
        is_rough = not self.is_restricted and self.facts.articles > _MANY
        prefixes = [TEXT] if is_rough else list_text_fields("text", self.text_names)[1:]
        filters = [
            match_any({"terms": {f"{prefix}.{STEMS}": [stem]}} for prefix in prefixes) for stem in stems
        ]
        # The cluster compares each article that it finds with each stem: with the common stems remembered,
        # those that have any of the others are few.
        found = match_any(filters)
        aggregation = {"filters": {"filters": {str(number): one for number, one in enumerate(filters)}}}
        try:
            (answer,) = self.search(
                {
                    "size": 0,
                    "track_total_hits": False,
                    "query": found if is_rough else self.select(found),
                    "aggs": {"stems": aggregation},
                }
            )
        except SearchTimedOut:
            return None
        if not is_whole(answer):
            return None
        buckets = answer["aggregations"]["stems"]["buckets"]
        return {stem: float(buckets[str(number)]["doc_count"]) for number, stem in enumerate(stems)}

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
        """The middle of the newest date, in seconds since 1970; None without dates, or when time is up."""
        return self._measure_middles("newest", {"max": {"script": _MIDDLE}}, lambda found: found["value"])

    @property
    def median_age(self) -> float:
        """The median age of the dated articles in days, from the newest; 0 if none, or when time is up."""
        how = {"script": _MIDDLE, "percents": [50], "keyed": False, "tdigest": {"compression": 1000}}
        middle = self._measure_middles(
            "median", {"percentiles": how}, lambda found: found["values"][0]["value"]
        )
        newest = self.newest
        return 0.0 if middle is None or newest is None else (newest - middle) / _DAY

    def _measure_middles(
        self, name: str, aggregation: Mapping[str, Any], read: Callable[[Mapping[str, Any]], Any]
    ) -> float | None:
        """A measure of the middles of all dates, remembered by name; None without dates or time."""
        if name in self._ages:
            return self._ages[name]
        query = self.select({"exists": {"field": mapping.DATE_START}})
        (answer,) = self.search({"size": 0, "query": query, "aggs": {"middle": aggregation}})
        if not is_whole(answer):
            return None
        value = read(answer["aggregations"]["middle"])
        measured = self._ages[name] = None if value is None else float(value)
        return measured

    @lazy
    def source_texts(self) -> dict[str, str]:
        """The text to show for each source, by its name as it is stored; see `shorten_sources`."""
        names = sorted(self.facts.sources)
        return dict(zip(names, shorten_sources(names), strict=True))

    def make_segment(self, hits: Sequence[Hit], max_bytes: int | None) -> ViewInMemory:
        """A segment in memory with the articles of some hits, at least one.

        When the time is up, or it has more than `max_bytes` of text, the last articles are missing.
        """
        key = tuple(hit["_id"] for hit in hits)
        # Without a lock: two threads may make the same segment.
        if (kept := self._windows.get(key)) is not None:
            return kept
        made = size = 0

        def read() -> Iterator[EncodedArticle]:
            nonlocal made, size
            for hit in self._in_time(hits):
                article = read_encoded(hit["_source"])
                made += 1
                size += sum(map(len, article.items))
                yield article
                if max_bytes is not None and size > max_bytes:
                    return

        segment = self.maker.make(read())
        self._windows.add(key[:made], segment, size)
        return segment

    def _in_time(self, hits: Sequence[Hit]) -> Iterator[Hit]:
        """Yield the first hit, and others until the time is up, as an article may be as long as a book."""
        limit = self.limit
        # The cluster may have used up the time: a little more of it shows what was found.
        end = None if limit is None else limit.passed + max(limit.left, min(WINDOW_SECONDS, limit.seconds))
        for number, hit in enumerate(hits):
            if number and limit is not None and end is not None and limit.passed > end:
                limit.timed_out = True
                return
            yield hit


def is_whole(answer: Mapping[str, Any]) -> bool:
    """Whether the cluster has answered within the time limit."""
    return not answer.get("timed_out")


def read_total(answer: Mapping[str, Any]) -> int:
    """How many articles match, in the answer to a search with `track_total_hits`."""
    return int(answer["hits"]["total"]["value"])


def count_by_language(query: Dsl) -> dict[str, Any]:
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
