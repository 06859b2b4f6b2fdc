"""Why no article of the cluster meets a query: its clauses are counted there, alone and together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from indexer.engine import Window, read_clauses
from indexer.opensearch import mapping
from indexer.opensearch.collection import Translate, judge
from indexer.opensearch.dsl import Dsl, match_all, match_any, match_bases
from indexer.opensearch.filters import FilterContext, translate_filters
from indexer.opensearch.view import View
from indexer.query import NullQuery, Query
from indexer.results import NoResults
from indexer.search.no_results import EXCLUSION, FILTER, ArgumentFilter, Clause, explain_clauses, label_clause
from indexer.search.request import SearchRequest
from indexer.search.settings import SearchSettings

_MAX_CLAUSES = 16
"""Of a query with more, the cluster would be asked too often: no reason is given."""
_MAX_COMPARED = 100  # articles that lack the fewest words


@dataclass(frozen=True, slots=True)
class _Passing:
    """The articles of a view that match a query."""

    view: View
    query: Dsl

    def __and__(self, other: _Passing) -> _Passing:
        return _Passing(self.view, match_all([self.query, other.query]))

    def any(self) -> bool:
        """Whether there are any."""
        return _exists(self.view, self.query)


class _ClusterCounter:
    """Counts the clauses of a request on the cluster; see `ClauseCounter`.

    `count_request` gives how many articles match a request.
    """

    def __init__(
        self,
        view: View,
        settings: SearchSettings,
        request: SearchRequest,
        translate: Translate,
        count_request: Callable[[SearchRequest], int],
    ) -> None:
        self._view, self._settings, self._request = view, settings, request
        self._translate, self._count_request = translate, count_request

    @property
    def is_empty(self) -> bool:
        return not self._view.facts.articles

    def list_clauses(self, tree: Query, filters: Sequence[ArgumentFilter]) -> list[Clause]:
        def read(window: Window) -> Any:
            return read_clauses(self._settings.make_context(window, tree), tree)

        clauses = judge(self._view, [], read)
        languages = self._view.facts.statistics.languages
        nodes = [part for part in (*clauses.optional, *clauses.required) if part is not NullQuery]
        labels = [label_clause(node) for node in nodes]
        queries = [self._translate(own.inner) for own in labels]
        context = FilterContext(self._view.facts.sources, self._view.exists)
        named = [own for own in filters if own.own]
        filtered = [translate_filters([own.own], context)[0] for own in named if own.own]
        if len(queries) + len(filtered) > _MAX_CLAUSES:
            return []
        counts = iter(self._view.count_each([*queries, *filtered]))
        found = []
        for node, own, query, count in zip(nodes, labels, queries, counts, strict=False):
            passing = match_all([], [query]) if own.kind == EXCLUSION else query
            if ignored := clauses.ignored.get(node):
                # Articles in which it is a common word need not have it.
                passing = match_any([passing, match_bases(languages[number] for number in ignored)])
            found.append(Clause(own.kind, own.label, own.phrase, _Passing(self._view, passing), count, node))
        for argument, query, count in zip(named, filtered, counts, strict=True):
            passes = _Passing(self._view, query)
            found.append(Clause(FILTER, argument.label, argument.phrase, passes, count))
        return found

    def count(self, text: str, without: tuple[str, ...]) -> int:
        request = self._request.without(without) if without else self._request
        return self._count_request(replace(request, query=text, prefix=False))

    def has_word(self, leaf: Query) -> bool:
        return _exists(self._view, self._translate(leaf))

    def list_lacking(self, words: Sequence[Clause], others: Sequence[Clause]) -> list[list[str]]:
        named = [
            {"constant_score": {"filter": _query_of(clause), "boost": 1.0, "_name": str(number)}}
            for number, clause in enumerate(words)
        ]
        query = {
            "bool": {
                "filter": [self._view.select(match_all(map(_query_of, others)))],
                "should": named,
                "minimum_should_match": 1,
            }
        }
        body = {
            "size": _MAX_COMPARED,
            "query": query,
            "_source": False,
            "sort": ["_score", mapping.ID],
            "track_total_hits": False,
        }
        (answer,) = self._view.search(body)
        _check_time(self._view)
        having = [{int(name) for name in hit["matched_queries"]} for hit in answer["hits"]["hits"]]
        most = max(map(len, having), default=0)
        missing = Counter(
            tuple(number not in own for number in range(len(words))) for own in having if len(own) == most
        )
        return [
            [clause.label for clause, is_missing in zip(words, own, strict=True) if is_missing]
            for own in sorted(missing, key=lambda own: (-missing[own], own))
        ]


def explain_on_cluster(
    view: View,
    settings: SearchSettings,
    request: SearchRequest,
    tree: Query,
    translate: Translate,
    count_request: Callable[[SearchRequest], int],
) -> NoResults | None:
    """Why no article matches the tree of a request, and which searches find something; None for no tree.

    `count_request` gives how many articles match another request, and raises TimedOut. Raises TimedOut when
    there is no time to find the reason.
    """
    counter = _ClusterCounter(view, settings, request, translate, count_request)
    return explain_clauses(counter, settings, request, tree)


def _exists(view: View, query: Dsl) -> bool:
    """Whether any article matches a query. Raises TimedOut."""
    found = view.exists(query)
    if not found:
        _check_time(view)
    return found


def _check_time(view: View) -> None:
    if view.limit is not None:
        view.limit.check()


def _query_of(clause: Clause) -> Dsl:
    assert isinstance(clause.passing, _Passing)
    return clause.passing.query
