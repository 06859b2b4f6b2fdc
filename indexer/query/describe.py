"""A query tree → plain words, so that a reader can see how the query was understood."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from whoosh.query.compound import And, Or
from whoosh.query.qcore import Every, NullQuery, Query
from whoosh.query.terms import FuzzyTerm, Prefix, Term, Wildcard
from whoosh.query.wrappers import Not

from indexer.article import PROPERTIES
from indexer.fields import format_number
from indexer.query.tree import (
    PUBLISHED,
    Alternatives,
    DateRange,
    Filter,
    Must,
    Near,
    NumberRange,
    RawPhrase,
    has_words,
)

_MONTHS = [
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
]
_PLACES = {"text": "", "title": " in the title", "paragraph": " in the text"}


def describe_query(tree: Query) -> str:
    """Describe a tree, as a phrase without a full stop.

    For instance: articles with “belt” and “road”, in any form, published in 2021, without “china”.
    """
    if tree is NullQuery:
        return "nothing"
    parts = _flatten(tree) if isinstance(tree, And) else [tree]
    words = [part for part in parts if has_words(part)]
    filters = [part for part in parts if not isinstance(part, (Not, Every)) and not has_words(part)]
    pieces = [_describe_node(part) for part in filters]
    pieces += [f"not {_describe_node(part)}" for part in _find_excluded(parts, words=False)]
    if without := [_describe_inner(part) for part in _find_excluded(parts, words=True)]:
        pieces.append(f"without {_join(without, 'or')}")
    if not words:
        return f"all articles {', '.join(pieces)}".strip()
    found = [_describe_node(words[0])] if len(words) == 1 else [_describe_inner(part) for part in words]
    if any(map(_is_inflected, words)):
        pieces.insert(0, "in any form")
    return ", ".join([f"articles with {_join(found, 'and')}", *pieces])


def describe_dates(dates: DateRange) -> str:
    """Describe a range of dates, such as "from 1 March 2021 to 31 May 2021" or "in 2021"."""
    start, end = dates.start, dates.end
    if start is None or end is None:
        if start is not None:
            return f"from {_format_moment(start)} on"
        return f"before {_format_moment(end)}" if end is not None else "at any time"
    if end <= start:
        return f"from {_format_moment(start)} on and before {_format_moment(end)}"
    if start == start.replace(month=1, day=1, hour=0, minute=0) and end == _add_months(start, 12):
        return f"in {start.year}"
    if start == start.replace(day=1, hour=0, minute=0) and end == _add_months(start, 1):
        return f"in {_MONTHS[start.month - 1]} {start.year}"
    is_whole = start.hour == start.minute == 0 and (end.hour == end.minute == 0 or end == datetime.max)
    if is_whole:
        last = end if end == datetime.max else end - timedelta(days=1)
        if start.date() == last.date():
            return f"on {_format_moment(start)}"
        return f"from {_format_moment(start)} to {_format_day(last)}"
    last = end if end == datetime.max else end - timedelta(minutes=1)
    if start == last:
        return f"at {_format_moment(start)}"
    return f"from {_format_moment(start)} to {_format_moment(last)}"


def describe_clause(clause: Any) -> str:
    """Describe one clause of a tree, such as “belt”, in any form; or without “china”."""
    if isinstance(clause, Not):
        return f"{'without' if has_words(clause.query) else 'not'} {describe_clause(clause.query)}"
    return _describe_node(clause) + (", in any form" if _is_inflected(clause) else "")


def _flatten(tree: And) -> list[Query]:
    """Return the clauses of a group and of the groups in it."""
    parts: list[Query] = []
    for part in tree:
        parts += _flatten(part) if isinstance(part, And) else [part]
    return parts


def _find_excluded(parts: Iterable[Any], *, words: bool) -> list[Query]:
    """Return the words that the parts exclude, or else the filters."""
    return [part.query for part in parts if isinstance(part, Not) and has_words(part.query) == words]


def _describe_node(node: Any) -> str:
    """Describe a node as it stands after "with"."""
    if isinstance(node, Must):
        return f"{_describe_node(node.child)} (required)"
    if isinstance(node, Or):
        return _join([_describe_inner(part) for part in node], "or")
    if isinstance(node, And):
        kept = [_describe_inner(part) for part in node if not isinstance(part, (Not, Every))]
        kept += [f"not {_describe_node(part)}" for part in _find_excluded(node, words=False)]
        without = [_describe_inner(part) for part in _find_excluded(node, words=True)]
        pieces = [_join(kept, "and")] if kept else []
        return " ".join([*pieces, f"without {_join(without, 'or')}"] if without else pieces)
    if isinstance(node, Every):
        return "anything"
    if isinstance(node, DateRange):
        name = "published" if node.fieldname == PUBLISHED else f"with {node.fieldname}"
        return f"{name} {describe_dates(node)}"
    if isinstance(node, NumberRange):
        return f"with {node.fieldname} {_describe_numbers(node)}"
    if isinstance(node, Filter):
        known = PROPERTIES.get(node.fieldname)
        return (known.phrase if known else f"with {node.fieldname} {{}}").format(f"“{node.text}”")
    return _describe_word(node) + _describe_place(node.fieldname) + _describe_boost(node.boost)


def _describe_numbers(numbers: NumberRange) -> str:
    low, high = (None if edge is None else format_number(edge) for edge in (numbers.low, numbers.high))
    if low == high:
        return f"{low}"
    if low is None or high is None:
        beyond = ("above", "below") if numbers.is_strict else ("at least", "at most")
        return f"{beyond[0]} {low}" if high is None else f"{beyond[1]} {high}"
    return f"from {low} to {high}"


def _describe_inner(node: Any) -> str:
    """Describe a node within another: a group in parentheses."""
    return f"({_describe_node(node)})" if isinstance(node, (And, Or)) else _describe_node(node)


def _describe_word(node: Any) -> str:
    if isinstance(node, Near):
        places = [_describe_choice(part) for part in node.parts]
        rest = [
            f" within {gap} word{'s' * (gap != 1)} of {place}"
            for gap, place in zip(node.distances, places[1:], strict=True)
        ]
        return "".join([places[0], *rest])
    if isinstance(node, Alternatives):
        return _join([f"“{text}”" for text in node.texts], "or")
    if isinstance(node, RawPhrase):
        if len(node.text.split()) == 1:
            return f"exactly “{node.text}”"
        exactly = "exactly " * node.exact
        reach = f" (neighbours up to {node.slop} places apart)" if node.slop > 1 else ""
        return f"{exactly}the phrase “{node.text}”{reach}"
    if type(node) is Prefix:
        return f"words that begin with “{node.text}”"
    if type(node) is Wildcard:
        return f"words of the form “{node.text}”"
    if type(node) is FuzzyTerm:
        letters = "one letter differs" if node.maxdist == 1 else f"{node.maxdist} letters differ"
        return f"words spelt like “{node.text}” (up to {letters})"
    return f"“{node.text}”"


def _describe_place(field: str) -> str:
    return _PLACES.get(field, f" in the field {field}")


def _describe_choice(part: Any) -> str:
    if isinstance(part, Or):
        return f"({_join([_describe_word(leaf) for leaf in part], 'or')})"
    return _describe_word(part)


def _describe_boost(boost: float) -> str:
    return "" if boost == 1.0 else f" (counted {boost:g} times)"


def _is_inflected(node: Any) -> bool:
    if isinstance(node, (Near, Must, And, Or)):
        children = node.parts if isinstance(node, Near) else node.children()
        return any(map(_is_inflected, children))
    return type(node) in (Term, Alternatives)


def _join(texts: Iterable[str], word: str) -> str:
    *most, last = texts
    return f"{', '.join(most)} {word} {last}" if most else last


def _format_moment(moment: datetime) -> str:
    clock = f", {moment:%H:%M}" if (moment.hour or moment.minute) and moment != datetime.max else ""
    return f"{_format_day(moment)}{clock}"


def _format_day(day: datetime) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def _add_months(start: datetime, months: int) -> datetime:
    years, month = divmod(start.month - 1 + months, 12)
    year = start.year + years
    return start.replace(year=year, month=month + 1) if year <= datetime.max.year else datetime.max
