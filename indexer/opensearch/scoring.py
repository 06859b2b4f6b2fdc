"""The order in which the cluster finds candidates: its own BM25, with the weights of the engine.

Only which articles are candidates first depends on it. Each window of them is ordered by the engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from indexer.engine import K1, VARIANT
from indexer.opensearch.dsl import Dsl, score_words
from indexer.opensearch.mapping import OWN, STEMS, TITLE, WORDS, list_text_fields
from indexer.opensearch.rows import Row, Wanted, list_rows, match_row
from indexer.opensearch.term_queries import Analyzers, LeafReader
from indexer.query import Near, Term

_OTHERS = 0.3
"""The share that lower scores of a word in other fields have: BM25F saturates the sum of all fields."""
_TITLE = 0.7
"""The weight of titles, in which the cluster takes the words for rarer than in texts."""
_CONSTANT = 2.0
"""The score of NEAR and of phrases with gaps: that of a word in a seventh of all articles."""
_REACH = 4
"""How many places more than side by side two neighbours may be apart."""


@dataclass(frozen=True, slots=True)
class LeafScorer:
    """Makes queries by which the leaves of a tree score.

    `weights` is how many times each word in a custom text counts. `exact_share` is the share of the form as
    typed in the score of a word.
    """

    reader: LeafReader
    exact_share: float
    weights: Mapping[str, float] = field(default_factory=dict)

    def score(self, node: Any, analyzers: Analyzers, boost: float) -> Iterator[Dsl]:
        """The queries whose scores add up to that of a leaf, the most important one first."""
        if isinstance(node, Near):
            query = self.reader.match(node, analyzers)
            yield {"constant_score": {"filter": query, "boost": _CONSTANT * boost}}
            return
        own, *others = self.reader.read(node, analyzers)
        if type(node) is not Term:
            yield from self._score_any(node.fieldname, [own, *others], boost)
            return
        rows = (analyzer.tokenize(node.text, query=True) for analyzer in analyzers)
        words = {row[0].word for row in rows if len(row) == 1}
        share = self.exact_share if words else 0.0
        yield from self._score_any(node.fieldname, [own], boost * (1 - share))
        if share:
            yield from self._score_terms(node.fieldname, WORDS, words, boost * share)
        yield from self._score_any(node.fieldname, others, boost * VARIANT)

    def score_pair(self, texts: Sequence[str], analyzers: Analyzers, boost: float) -> Iterator[Dsl]:
        """The queries by which two neighbouring words score that stand near each other."""
        phrases: dict[str, None] = {}
        for analyzer in analyzers:
            stems = [token.stem for text in texts for token in analyzer.tokenize(text, query=True)]
            phrases[" ".join(stems)] = None
        yield from _take_best(
            {
                "match_phrase": {
                    f"{prefix}.{STEMS}": {"query": phrase, "slop": _REACH, "boost": boost * weight}
                }
            }
            for phrase in phrases
            for prefix, weight in self._weigh_prefixes("text")
        )

    def _score_any(self, field: str, every: Iterable[Wanted], boost: float) -> Iterator[Dsl]:
        found: list[Dsl] = []
        for prefix, weight in self._weigh_prefixes(field):
            for wanted in every:
                for row in list_rows(wanted):
                    found += self._score_row(prefix, row, boost * weight)
        yield from _take_best(found)

    def _score_row(self, prefix: str, row: Row, boost: float) -> Iterator[Dsl]:
        if len(row.positions) == 1:
            (place,) = row.positions
            for name, terms in ((STEMS, place.stems), (WORDS, place.words)):
                for term in sorted(terms):
                    yield {"term": {f"{prefix}.{name}": {"value": term, "boost": boost}}}
            row = Row((place._replace(stems=frozenset(), words=frozenset()),))
        for query in match_row(prefix, row):
            if "match_phrase" in query:
                ((name, phrase),) = query["match_phrase"].items()
                yield {"match_phrase": {name: {"query": phrase, "boost": boost}}}
            elif len(row.positions) == 1:
                yield score_words(query, boost)
            else:
                yield {"constant_score": {"filter": query, "boost": _CONSTANT * boost}}

    def _score_terms(self, field: str, name: str, terms: Iterable[str], boost: float) -> Iterator[Dsl]:
        yield from _take_best(
            {"term": {f"{prefix}.{name}": {"value": term, "boost": boost * weight}}}
            for prefix, weight in self._weigh_prefixes(field)
            for term in sorted(terms)
        )

    def _weigh_prefixes(self, field: str) -> Iterator[tuple[str, float]]:
        """The prefixes of the fields of a query field, each with the score of a word that is there once."""
        for prefix in list_text_fields(field, self.reader.text_names):
            weight = self.weights.get(prefix.removeprefix(f"{OWN}."), 1.0)
            share = _TITLE if prefix == TITLE else 1.0
            yield prefix, share * weight * (K1 + 1) / (K1 + weight)


def _take_best(queries: Iterable[Dsl]) -> Iterator[Dsl]:
    """The query that scores as the best of some, and a little for the others."""
    found = [*queries]
    if found:
        yield found[0] if len(found) == 1 else {"dis_max": {"queries": found, "tie_breaker": _OTHERS}}
