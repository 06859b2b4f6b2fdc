"""The filters and facets of a request as an index understands them, and the articles that pass."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np

from indexer.engine import Ids, QueryContext, Snapshot, match_node, match_undated
from indexer.errors import InvalidRequest
from indexer.fields import EXPECTED
from indexer.query import Filter, FilterNode, NullQuery, Query, has_words, read_value
from indexer.results import FACETS
from indexer.search.request import FILTERS, list_filters, refuse, refuse_text
from indexer.search.settings import SearchSettings


@dataclass(frozen=True, slots=True)
class FilterClauses:
    """A filter of a request: its name, and the clauses of which articles must meet one.

    A filter that is on or off has no clauses, nor has one with an empty list.
    """

    name: str
    clauses: tuple[Query, ...]


@dataclass(frozen=True, slots=True)
class RequestFilter(FilterClauses):
    """A filter of a request with the articles (ascending, int32) that pass it."""

    articles: Ids


def parse_filters(
    settings: SearchSettings, filters: Mapping[str, tuple[str, ...] | bool]
) -> list[FilterClauses]:
    """The filters of a request, of which articles must pass all; each text of "filter" is one.

    Raises InvalidRequest for a field that the index does not have, and for a value that has no meaning.
    """
    found: list[FilterClauses] = []
    for name, values in filters.items():
        if isinstance(values, bool):
            found.append(FilterClauses(name, ()))
        elif name == "filter" and values:
            found += [FilterClauses(name, (_parse_filter(settings, text),)) for text in values]
        else:
            found.append(FilterClauses(name, tuple(_read_value(settings, name, value) for value in values)))
    return found


def select_articles(
    snapshot: Snapshot, settings: SearchSettings, filters: Mapping[str, tuple[str, ...] | bool]
) -> Ids | None:
    """The articles (ascending, int32) that pass all filters of a request; None if it has none.

    Raises InvalidRequest as `parse_filters` does.
    """
    found = [own.articles for own in read_filters(snapshot, settings, filters)]
    return reduce(lambda one, other: np.intersect1d(one, other, assume_unique=True), found) if found else None


def read_filters(
    snapshot: Snapshot, settings: SearchSettings, filters: Mapping[str, tuple[str, ...] | bool]
) -> list[RequestFilter]:
    """The filters of a request, one by one; raises InvalidRequest as `parse_filters` does."""
    context = QueryContext(snapshot, settings.languages)
    found: list[RequestFilter] = []
    for own in parse_filters(settings, filters):
        passes = np.zeros(snapshot.articles, np.bool_)
        if own.name == "undated":
            passes[match_undated(snapshot)] = True
        for clause in own.clauses:
            passes[match_node(context, clause)] = True
        found.append(RequestFilter(own.name, own.clauses, np.flatnonzero(passes).astype(np.int32)))
    return found


def check_facets(settings: SearchSettings, names: Collection[str]) -> None:
    """Raise InvalidRequest for a facet that the index does not have."""
    own = [name for name, kind in settings.fields.items() if kind.facet]
    for name in names:
        refuse_text("facets", name, settings.fields)
        if name in settings.fields and name not in own:
            raise InvalidRequest(f"{name} is no facet: declare it with facet = true", "facets")
        if name not in (*FACETS, *own):
            refuse("facets", f"must be one or more of {', '.join((*FACETS, *own))}", name)


def _read_value(settings: SearchSettings, name: str, value: str) -> FilterNode:
    if name in FILTERS:
        is_whole = name == "source" and value in settings.sources
        return Filter(name, value, prefers_whole=True, is_whole=is_whole)
    refuse_text("filters", name, settings.fields)
    kind = settings.fields.get(name)
    if kind is None:
        refuse("filters", f"must be one or more of {', '.join(list_filters(settings.fields))}", name)
    try:
        node: Any = read_value(name, kind, value, settings.today(), day_first=settings.day_first)
    except ValueError:
        ranges = "" if kind.type == "boolean" else ", or a range such as 3..7 of numbers or dates"
        refuse(name, f"must be {EXPECTED[kind.type]}{ranges}", value)
    return replace(node, prefers_whole=True) if isinstance(node, Filter) else node


def _parse_filter(settings: SearchSettings, text: str) -> Query:
    """The tree of a filter in the syntax of queries, in which nothing but filters may stand."""
    parsed = settings.parse(text)
    if parsed.tree is NullQuery or has_words(parsed.tree):
        known = ", ".join(list_filters(settings.fields)[len(FILTERS) :])
        advice = " ".join(map(str, parsed.notes)) or (f"Fields of this index: {known}." if known else "")
        refuse("filter", "must have nothing but filters, such as tag:sea or date:2021", text, advice)
    return parsed.tree
