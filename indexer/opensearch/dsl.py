"""The query DSL of the cluster: putting queries together, and how large they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from indexer.opensearch.mapping import ANALYZER, BASE

Dsl = dict[str, Any]
"""A query in the query DSL of OpenSearch."""
NOTHING: Dsl = {"match_none": {}}
EVERYTHING: Dsl = {"match_all": {}}
MAX_LEAVES = 900
"""Leaves that a query may have, with all filters: a cluster allows 1,024 in a search."""
_LEAST_LEAVES = 100  # for a query, whatever its filters have
_MAX_PREFIX = 1000
"""Bytes of a prefix that are compared: OpenSearch 2 refuses longer ones."""
_SCORED_WORDS = 50
"""The most words of a pattern that score, which are as many leaves."""
_AS_ONE = f"top_terms_blended_freqs_{_SCORED_WORDS}"
_PATTERNS = frozenset(("prefix", "wildcard", "fuzzy"))
_LEAVES = frozenset(("term", "terms", "span_term", "range", "exists"))


def match_any(queries: Iterable[Dsl]) -> Dsl:
    """The articles that match any of some queries.

    Terms of one field become one query, since a cluster limits how many a search may have.
    """
    found: list[Dsl] = []
    terms_of: dict[str, set[str]] = {}
    limited: dict[str, tuple[Dsl, list[Dsl]]] = {}
    for query in _flatten(queries):
        if own := query.get("terms"):
            for name, terms in own.items():
                terms_of.setdefault(name, set()).update(terms)
        elif limit := _get_limit(query):
            # Only in some languages.
            limited.setdefault(str(limit), (limit, []))[1].append(query["bool"]["filter"][0])
        elif query is not NOTHING and query not in found:
            found.append(query)
    merged: list[Dsl] = [{"terms": {name: sorted(terms)}} for name, terms in terms_of.items()]
    found = [*merged, *(match_all([match_any(own), limit]) for limit, own in limited.values()), *found]
    if len(found) < 2:
        return found[0] if found else NOTHING
    return {"bool": {"should": found, "minimum_should_match": 1}}


def _flatten(queries: Iterable[Dsl]) -> Iterator[Dsl]:
    """The queries; for one that `match_any` has made, what it was made of."""
    for query in queries:
        own = query.get("bool", {})
        if own.keys() == {"should", "minimum_should_match"}:
            yield from own["should"]
        else:
            yield query


def _get_limit(query: Dsl) -> Dsl | None:
    """The languages or analyzers to which a query is limited, if it is a query and nothing but that."""
    own = query.get("bool", {})
    if own.keys() != {"filter"} or len(own["filter"]) != 2:
        return None
    limit: Dsl = own["filter"][1]
    return limit if limit.get("terms", {}).keys() in ({ANALYZER}, {BASE}) else None


def take_first(queries: Iterable[Dsl], leaves: int) -> list[Dsl]:
    """The queries that have no more leaves together, in order."""
    found = []
    for query in queries:
        own = count_leaves(query)
        if own <= leaves:
            found.append(query)
            leaves -= own
    return found


def match_all(queries: Iterable[Dsl], excluded: Iterable[Dsl] = ()) -> Dsl:
    """The articles that match all of some queries, but none of those excluded."""
    found = [query for query in queries if query is not EVERYTHING]
    without = [query for query in excluded if query is not NOTHING]
    if NOTHING in found or EVERYTHING in without:
        return NOTHING
    if len(found) < 2 and not without:
        return found[0] if found else EVERYTHING
    parts = {"filter": found, "must_not": without}
    return {"bool": {name: own for name, own in parts.items() if own}}


def match_prefix(field: str, start: str) -> Dsl:
    """The articles with a term in a field that begins with a text."""
    return {"prefix": {field: cut_prefix(start)}}


def cut_prefix(start: str) -> str:
    """As much of a prefix as a cluster compares."""
    return start.encode()[:_MAX_PREFIX].decode(errors="ignore")


def score_words(pattern: Dsl, boost: float) -> Dsl:
    """A pattern that scores by the words that match it, as if they were one."""
    ((kind, fields),) = pattern.items()
    ((field, how),) = fields.items()
    return {kind: {field: {**how, "rewrite": _AS_ONE, "boost": boost}}}


def match_bases(bases: Iterable[str]) -> Dsl:
    """The articles in some base languages."""
    return {"terms": {BASE: sorted(bases)}}


def match_tags(tags: Iterable[str]) -> Dsl:
    """The articles that the analyzers with some tags have analysed."""
    return {"terms": {ANALYZER: sorted(tags)}}


def count_leaves_left(filters: Iterable[Dsl]) -> int:
    """How many leaves a query may have beside some filters."""
    return max(MAX_LEAVES - count_leaves([*filters]), _LEAST_LEAVES)


def count_leaves(query: Any) -> int:
    """How many leaves a query has, as the cluster counts them."""
    if isinstance(query, list):
        return sum(map(count_leaves, query))
    if not isinstance(query, dict):
        return 0
    found = 0
    for name, own in query.items():
        if name == "match_phrase":
            (phrase,) = own.values()
            found += len((phrase if isinstance(phrase, str) else phrase["query"]).split())
        elif name in _PATTERNS:
            (how,) = own.values()
            found += _SCORED_WORDS if isinstance(how, dict) and how.get("rewrite") == _AS_ONE else 1
        else:
            found += 1 if name in _LEAVES else count_leaves(own)
    return found
