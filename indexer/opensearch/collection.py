"""The `Collection` by whose statistics a window is judged: the counts come from the cluster.

A window has the articles of some hits only, but how common a term is depends on all articles. Which terms
have to be counted, the first evaluation of a window tells. `judge` lets the cluster count them, all in one
request, and evaluates the window again.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np

from indexer.engine import (
    Collection,
    CountedTerm,
    TermCounts,
    TermSet,
    Values,
    Window,
    analyze_text,
    normalize_pattern,
)
from indexer.files.fork_safe import lazy
from indexer.opensearch.dsl import EVERYTHING, Dsl, match_all
from indexer.opensearch.failures import SearchTimedOut
from indexer.opensearch.filters import translate_inexact
from indexer.opensearch.mapping import CAPITALS, STEMS, WORDS, list_text_fields
from indexer.opensearch.rows import Pattern, Wanted
from indexer.opensearch.term_queries import LeafReader
from indexer.opensearch.view import CountKey, Hit, TermCount, View, count_by_language, is_whole
from indexer.opensearch.vocabulary import ClusterVocabulary, remember
from indexer.query import DateRange, Query
from indexer.results import Form
from indexer.text.analyzer import get_analyzer, strip_tag

T = TypeVar("T")
_MAX_ROUNDS = 3
"""Evaluations of a window: in the second one, all counts are known, or nearly all."""
_MAX_WORDS = 100
"""The occurrences of more words than this are not counted."""
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


class Translate(Protocol):
    """Gives the query for a node of a query tree, which depends on the whole tree.

    Two translations with the same `key` give the same.
    """

    @property
    def key(self) -> Hashable: ...
    def __call__(self, node: Query) -> Dsl: ...


def judge(
    view: View,
    hits: Sequence[Hit],
    read: Callable[[Window], T],
    rough: Mapping[str, Values] | None = None,
    rounds: int = _MAX_ROUNDS,
) -> T:
    """What `read` returns for a window with the articles of some hits; for `rough`, see `View.count_stems`.

    It is called again until all counts that it needs are known, but no more than `rounds` times.
    """
    window = open_window(view, hits, rough=rough)
    found = read(window)
    for _ in range(rounds - 1):
        if not window.collection.count_missing():
            break
        window = window.renew()
        found = read(window)
    return found


def open_window(
    view: View,
    hits: Sequence[Hit],
    translate: Translate | None = None,
    rough: Mapping[str, Values] | None = None,
    max_bytes: int | None = None,
) -> Window:
    """A window with the articles of some hits; for `translate`, see `ClusterCollection`.

    When the time is up, or the window has more than `max_bytes` of text, the last articles are missing.
    """
    segment = view.make_segment(hits, max_bytes) if hits else None
    return Window(segment, ClusterCollection(view, translate, rough))


class ClusterCollection(Collection):
    """The articles of a view, of which the cluster counts what a window needs to know.

    A count that is not known yet is noted as missing, and `count_missing` gets it from the cluster; until
    then, what was found in the window stands for it. `translate` gives the query for a node of a query tree;
    without it, nodes are not counted. `rough` has the counts of some stems that need not be exact.
    """

    def __init__(
        self, view: View, translate: Translate | None = None, rough: Mapping[str, Values] | None = None
    ) -> None:
        self._view, self._translate, self._rough = view, translate, rough or {}
        self.statistics, self.language, self.commit = view.facts.statistics, view.language, view.commit
        self._analyzers = tuple(dict.fromkeys(map(get_analyzer, view.facts.languages)))
        self._leaves = LeafReader(self.statistics.languages, view.count, view.text_names)
        self._missing: dict[CountKey, dict[str, Any]] = {}

    def count_term(self, term: CountedTerm, form: Form, found: TermCounts) -> TermCounts:
        key = "term", term.field, form, "" if term.term_set != TermSet() else term.label, term.term_set
        counted = self._recall(key, lambda: self._ask_term(term, form))
        if counted is None:
            return found
        articles, occurrences = counted
        if occurrences is None:
            # The best articles are in the window: assume that the others have a phrase or a pattern once.
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
        if len(stems) == 1 and stems[0] in self._rough:
            return self._rough[stems[0]]
        if len(stems) == 1:
            terms = TermSet(stems=frozenset(stems))
        else:
            terms = TermSet(phrases=frozenset([(tuple(stems), 1)]))
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
        return ClusterVocabulary(self._view.words)

    def count_missing(self) -> bool:
        """Count what is missing; return whether something was counted in time."""
        missing, self._missing = self._missing, {}
        words = [*self.vocabulary.make_searches(self._view.select, self._match_words)]
        if not missing and not words:
            return False
        try:
            answers = self._view.search(*missing.values(), *(body for _, body in words))
        except SearchTimedOut:
            return False
        counted = {
            key: self._read(answer["aggregations"]["bases"]["buckets"])
            for key, answer in zip(missing, answers, strict=False)
            if is_whole(answer)
        }
        remember(self._view.term_counts, counted)
        for (kind, _), answer in zip(words, answers[len(missing) :], strict=True):
            if is_whole(answer):
                self.vocabulary.learn(kind, answer)
        return any(map(is_whole, answers))

    def _match_words(self, words: Sequence[str]) -> Dsl:
        return self._leaves.match_wanted("text", [Wanted(TermSet(words=frozenset(words)))])

    def _recall(self, key: CountKey, ask: Callable[[], dict[str, Any] | None]) -> TermCount | None:
        """The count that is known under a key; if none is, the search that `ask` gives is missing."""
        known = self._view.term_counts.get(key)
        if known is None and key not in self._missing and (body := ask()) is not None:
            self._missing[key] = body
        return known

    def _count_articles(self, key: CountKey, found: Values, match: Callable[[], Dsl | None]) -> Values:
        def ask() -> dict[str, Any] | None:
            query = match()
            return None if query is None else count_by_language(self._view.select(query))

        counted = self._recall(key, ask)
        return found if counted is None else counted.articles

    def _ask_term(self, term: CountedTerm, form: Form) -> dict[str, Any] | None:
        """The search that counts a term, and its occurrences if it can; None if none can count it."""
        query = self._match(term, form)
        if query is None:
            return None
        parameters = self._list_occurring(term, form)
        if parameters is None:
            return count_by_language(self._view.select(query))
        script = {"source": _COUNT_OCCURRENCES, "params": parameters}
        scored = {"script_score": {"query": query, "script": script}}
        body = count_by_language({"bool": {"must": [scored], "filter": [self._view.select(EVERYTHING)]}})
        body["aggs"]["bases"]["aggs"] = {"occurrences": {"sum": {"script": {"source": "_score"}}}}
        return body

    def _match(self, term: CountedTerm, form: Form = "any") -> Dsl | None:
        """The query for the articles that have a term; None if the cluster cannot find them."""
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
            # The words of the term are only those in the window. Its label is the pattern as typed
            # (`TermReader._expand`).
            wanted = Wanted(patterns=frozenset([_read_pattern(text)]))
        return self._leaves.match_wanted(term.field, [wanted])

    def _list_occurring(self, term: CountedTerm, form: Form) -> dict[str, Any] | None:
        """The parameters of the script that counts the occurrences of a term; None if it cannot."""
        terms: TermSet = term.term_set
        stems, words, word_field = terms.stems, terms.words, WORDS
        if form in ("as typed", "in capitals"):
            wanted = self._want_written(term.label.removeprefix("=")).terms
            stems, words, terms = frozenset(), wanted.words, wanted
            word_field = WORDS if form == "as typed" else CAPITALS
        # A pattern has many words, and only those in the window are known.
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

    def _read(self, buckets: Sequence[Mapping[str, Any]]) -> TermCount:
        """The counts in an answer."""
        languages = self.statistics.languages
        articles = {bucket["key"]: float(bucket["doc_count"]) for bucket in buckets}
        occurrences = {b["key"]: b["occurrences"]["value"] for b in buckets if "occurrences" in b}
        rows = [np.array([own.get(name, 0.0) for name in languages]) for own in (articles, occurrences)]
        return TermCount(rows[0], rows[1] if occurrences or not buckets else None)


def _read_pattern(text: str) -> Pattern:
    pattern = normalize_pattern(text)
    head = pattern.removesuffix("*")
    return Pattern("wildcard", pattern) if "*" in head or "?" in head else Pattern("prefix", head)
