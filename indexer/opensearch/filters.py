"""Filters as queries of the cluster: the same articles pass as in `indexer.engine.score.filters`.

What a name means may depend on which names there are: a text that is the whole name of an author stands for
this author alone. So a translation asks, by its context, whether any article passes a query.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from indexer.article import parse_host
from indexer.engine import (
    make_key,
    make_label_key,
    make_label_matcher,
    shorten_sources,
    split_name,
    to_timestamp,
)
from indexer.opensearch import mapping
from indexer.opensearch.documents import split_path
from indexer.opensearch.dsl import EVERYTHING, NOTHING, Dsl, cut_prefix, match_all, match_any, match_prefix
from indexer.opensearch.mapping import DATES, ENDS, KEYS, MAX_ID, MAX_TERM, NAMES, NUMBERS, PARTS, make_id_key
from indexer.query import (
    PUBLISHED,
    And,
    DateRange,
    Every,
    Filter,
    FilterNode,
    Must,
    Not,
    NumberRange,
    Or,
    Query,
)
from indexer.search.filters import FilterClauses

UNDATED = match_all((), [{"exists": {"field": mapping.DATE_START}}])
"""The articles that have no date."""


@dataclass(frozen=True, slots=True)
class FilterContext:
    """What the meaning of a filter depends on: the articles that a reader sees.

    `sources` are the names of their sources, as they are stored. `exists` tells whether any of them passes
    a query.
    """

    sources: Sequence[str]
    exists: Callable[[Dsl], bool]


def translate_filters(filters: Iterable[FilterClauses], context: FilterContext) -> list[Dsl]:
    """The queries for the filters of a request, of which articles must pass all."""
    found = []
    for own in filters:
        if own.name == "undated":
            found.append(UNDATED)
        else:
            found.append(match_any(translate_filter_tree(clause, context) for clause in own.clauses))
    return found


def translate_filter_tree(tree: Query, context: FilterContext) -> Dsl:
    """The query for a tree of nothing but filters."""
    match tree:
        case FilterNode():
            return translate_filter(tree, context)
        case Every():
            return EVERYTHING
        case Not():
            return match_all((), [translate_filter_tree(tree.query, context)])
        case Must():
            return translate_filter_tree(tree.child, context)
        case Or():
            return match_any(translate_filter_tree(part, context) for part in tree)
        case And():
            return match_all(translate_filter_tree(part, context) for part in tree)
    raise AssertionError(tree)


def translate_filter(node: FilterNode, context: FilterContext) -> Dsl:
    """The query for one filter."""
    match node:
        case DateRange():
            return _match_dates(*_name_dates(node), node)
        case NumberRange():
            return _match_numbers(node)
        case Filter() if node.fieldname == "id":
            return _match_id(node.text, context)
        case Filter() if node.fieldname == "source":
            return _match_source(node, context)
        case Filter() if node.fieldname in (mapping.LANGUAGE, "site"):
            return _match_label(node)
        case Filter():
            return _match_names(node, context)
    raise AssertionError(node)


def translate_inexact(node: DateRange) -> Dsl:
    """The query for the articles that may pass a filter on dates, since theirs are less exact."""
    start, end = _name_dates(node)
    overlap: list[Dsl] = [{"exists": {"field": start}}]
    if node.end:
        overlap.append({"range": {start: {"lt": to_timestamp(node.end)}}})
    if node.start:
        overlap.append({"range": {end: {"gt": to_timestamp(node.start)}}})
    return match_all(overlap, [_match_dates(start, end, node)])


def _name_dates(node: DateRange) -> tuple[str, str]:
    """The fields of the start and the end of the date that a filter compares."""
    if node.fieldname == PUBLISHED:
        return mapping.DATE_START, mapping.DATE_END
    return f"{DATES}.{node.fieldname}.start", f"{DATES}.{node.fieldname}.end"


def _match_dates(start: str, end: str, node: DateRange) -> Dsl:
    inside: list[Dsl] = [{"exists": {"field": start}}]
    if node.start:
        inside.append({"range": {start: {"gte": to_timestamp(node.start)}}})
    if node.end:
        inside.append({"range": {end: {"lte": to_timestamp(node.end)}}})
    return match_all(inside)


def _match_numbers(node: NumberRange) -> Dsl:
    bounds = {"gt" if node.is_strict else "gte": node.low, "lt" if node.is_strict else "lte": node.high}
    given = {name: edge for name, edge in bounds.items() if edge is not None}
    field = f"{NUMBERS}.{node.fieldname}"
    return {"range": {field: given}} if given else {"exists": {"field": field}}


def _match_id(text: str, context: FilterContext) -> Dsl:
    """The articles with an id, which may be the one that a record of a file states."""
    if text.endswith("*"):
        start = text.rstrip("*")
        return (
            match_any([match_prefix(field, start[:MAX_ID]) for field in (mapping.ID, mapping.RECORD)])
            if start
            else EVERYTHING
        )
    key = make_id_key(text)
    own = _equals(mapping.ID, [key])
    return own if context.exists(own) else _equals(mapping.RECORD, [key])


def _match_source(node: Filter, context: FilterContext) -> Dsl:
    """See `_match_label` of the embedded engine.

    Folders and files are compared by the names that are shown, in which they are told apart; all other
    sources, and the paths of files, by their parts.
    """
    shown = dict(zip(context.sources, shorten_sources(context.sources), strict=True))
    if node.prefers_whole or node.is_whole:
        if whole := [name for name, text in shown.items() if text == node.text]:
            return _equals(f"{NAMES}.source", whole)
        if node.is_whole:
            return NOTHING
    text = make_label_key("source", node.text)
    matches = make_label_matcher("source", text)
    files = [name for name in shown if name.startswith("file:") and matches(shown[name])]
    if text.endswith("*"):
        others = match_prefix(f"{KEYS}.source", text.rstrip("*"))
    else:
        path = text.strip("/")
        others = _match_parts("source", f"{path}/", split_path(path))
    return match_any([_equals(f"{NAMES}.source", files), others] if files else [others])


def _match_label(node: Filter) -> Dsl:
    """The articles with a language or site; a star at the end stands for any ending."""
    text = make_label_key(node.fieldname, node.text)
    field = f"{KEYS}.{node.fieldname}"
    if text.endswith("*"):
        return match_prefix(field, text.rstrip("*"))
    if node.fieldname == "site":
        return _equals(f"{PARTS}.site", [parse_host(text if "//" in text else f"//{text}") or text])
    return match_any([_equals(field, [text]), match_prefix(field, f"{text}-")])


def _match_names(node: Filter, context: FilterContext) -> Dsl:
    """The articles with a name, whatever its case and accents; of an author, a part in whole words will do.

    A star at the end of the text stands for any ending.
    """
    text = make_key(node.text)
    field = f"{KEYS}.{node.fieldname}"
    whole = _equals(field, [text])
    start = text.rstrip("*") if text.endswith("*") else None
    if node.fieldname != "author" and start is None:
        return whole
    if node.prefers_whole and context.exists(whole):
        return whole
    if node.fieldname != "author":
        return match_prefix(field, start or "")
    words = " ".join(split_name(text))
    if not words:
        return NOTHING
    if start is None:
        return _match_parts("author", f"{words} ", " ".join(word[:MAX_TERM] for word in words.split()))
    return match_prefix(f"{ENDS}.author", words)


def _match_parts(column: str, start: str, terms: str) -> Dsl:
    """The articles with a name that has some parts in a row, where `start` is how one of its ends begins."""
    if cut_prefix(start) == start:
        return match_prefix(f"{ENDS}.{column}", start)
    return {"match_phrase": {f"{PARTS}.{column}": terms}}


def _equals(field: str, texts: Iterable[str]) -> Dsl:
    return {"terms": {field: [text[:MAX_TERM] for text in texts]}}
