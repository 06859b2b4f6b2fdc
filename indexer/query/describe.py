"""A query tree in plain words: what is looked for, so that a person can see what was understood."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from whoosh.query.compound import And, Or
from whoosh.query.qcore import Every, NullQuery, Query
from whoosh.query.terms import FuzzyTerm, Prefix, Term, Wildcard
from whoosh.query.wrappers import Not

from indexer.query.expand import Alternatives
from indexer.query.tree import DateRange, Filter, Must, Near, RawPhrase, has_words

_MONTHS = [
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
]
_PLACES = {"title": " in the title", "paragraph": " in the text"}


def describe_query(tree: Query) -> str:
    """What a tree asks for, as a phrase without a full stop.

    For instance: articles with “belt” and “road”, in any form, published in 2021, without “china”.
    """
    if tree is NullQuery:
        return "nothing"
    parts = _clauses(tree) if isinstance(tree, And) else [tree]
    words = [part for part in parts if not isinstance(part, (Not, Every)) and has_words(part)]
    filters = [_filter(part) for part in parts if not isinstance(part, (Not, Every)) and not has_words(part)]
    filters += [f"not {_filter(part)}" for part in _excluded(parts, words=False)]
    without = [_inner(part) for part in _excluded(parts, words=True)]
    pieces = [f"articles with {_list(words)}" if words else "all articles"]
    if any(map(_is_inflected, words)):
        pieces.append("in any form")
    pieces += filters
    if without:
        pieces.append(f"without {_joined(without, 'or')}")
    first, *rest = pieces
    return ", ".join([first, *rest]) if words else " ".join([first, ", ".join(rest)]).strip()


def describe_dates(dates: DateRange) -> str:
    """A range of dates in words, such as "from 1 March 2021 to 31 May 2021" or "in 2021"."""
    start, end = dates.start, dates.end
    if start is None or end is None:
        if start is not None:
            return f"from {_moment(start)} on"
        return f"before {_moment(end)}" if end is not None else "at any time"
    if end <= start:
        return f"from {_moment(start)} on and before {_moment(end)}"
    if start == start.replace(month=1, day=1, hour=0, minute=0) and end == _next(start, 12):
        return f"in {start.year}"
    if start == start.replace(day=1, hour=0, minute=0) and end == _next(start, 1):
        return f"in {_MONTHS[start.month - 1]} {start.year}"
    is_whole = start.hour == start.minute == 0 and (end.hour == end.minute == 0 or end == datetime.max)
    if is_whole:
        last = end if end == datetime.max else end - timedelta(days=1)
        if start.date() == last.date():
            return f"on {_moment(start)}"
        return f"from {_moment(start)} to {_day(last)}"
    last = end if end == datetime.max else end - timedelta(minutes=1)
    return f"at {_moment(start)}" if start == last else f"from {_moment(start)} to {_moment(last)}"


def describe_clause(clause: Any) -> str:
    """One clause of a tree in words, such as “belt”, in any form; or without “china”."""
    if isinstance(clause, Not):
        return f"{'without' if has_words(clause.query) else 'not'} {describe_clause(clause.query)}"
    return _filter(clause) + (", in any form" if _is_inflected(clause) else "")


def _clauses(tree: And) -> Iterable[Query]:
    """The clauses of a group, with those of strict groups in it, which mean the same there."""
    parts: list[Query] = []
    for part in tree:
        parts += _clauses(part) if isinstance(part, And) else [part]
    return parts


def _list(words: Iterable[Query]) -> str:
    words = list(words)
    return _joined([_clause(word) if len(words) == 1 else _inner(word) for word in words], "and")


def _excluded(parts: Iterable[Any], *, words: bool) -> list[Query]:
    """What the parts exclude: words, or else filters."""
    return [part.query for part in parts if isinstance(part, Not) and has_words(part.query) == words]


def _clause(node: Any) -> str:
    """One clause, as it stands after "with"."""
    if isinstance(node, Must):
        return f"{_clause(node.child)} (required)"
    if isinstance(node, Or):
        return _joined([_inner(part) for part in node], "or")
    if isinstance(node, And):
        kept = [_inner(part) for part in node if not isinstance(part, (Not, Every))]
        kept += [f"not {_filter(part)}" for part in _excluded(node, words=False)]
        without = [_inner(part) for part in _excluded(node, words=True)]
        pieces = [_joined(kept, "and")] if kept else []
        return " ".join([*pieces, f"without {_joined(without, 'or')}"] if without else pieces)
    if isinstance(node, Not):
        return f"everything without {_clause(node.query)}"
    if isinstance(node, Every):
        return "anything"
    if isinstance(node, (DateRange, Filter)):
        return _filter(node)
    return _word(node) + _PLACES.get(node.fieldname, "") + _weight(node.boost)


def _inner(node: Any) -> str:
    """A clause within another, in parentheses where it is more than one thing."""
    return f"({_clause(node)})" if isinstance(node, (And, Or)) else _clause(node)


def _word(node: Any) -> str:
    if isinstance(node, Near):
        places = [_alternatives(part) for part in node.parts]
        rest = [
            f" within {gap} word{'s' * (gap != 1)} of {place}"
            for gap, place in zip(node.distances, places[1:], strict=True)
        ]
        return "".join([places[0], *rest])
    if isinstance(node, Alternatives):
        texts = (node.text, *node.others) if node.kept else node.others
        return _joined([f"“{text}”" for text in texts], "or")
    if isinstance(node, RawPhrase):
        exactly = "exactly " * node.exact
        if len(node.text.split()) == 1:
            return f"{exactly}“{node.text}”"
        reach = f" (neighbours up to {node.slop} places apart)" if node.slop > 1 else ""
        return f"{exactly}the phrase “{node.text}”{reach}"
    if type(node) is Prefix:
        return f"words that begin with “{node.text}”"
    if type(node) is Wildcard:
        return f"words of the form “{node.text}”"
    if type(node) is FuzzyTerm:
        letters = "one letter differs" if node.maxdist == 1 else f"{node.maxdist} letters differ"
        return f"words spelt like “{node.text}” (up to {letters})"
    return f"“{node.text}”" if type(node) is Term else str(node)


def _alternatives(part: Any) -> str:
    return f"({_joined([_word(leaf) for leaf in part], 'or')})" if isinstance(part, Or) else _word(part)


def _weight(boost: float) -> str:
    return "" if boost == 1.0 else f" (counted {boost:g} times)"


def _filter(node: Any) -> str:
    if isinstance(node, DateRange):
        return f"published {describe_dates(node)}"
    if not isinstance(node, Filter):
        return _clause(node)
    return {
        "language": f"in the language “{node.text}”",
        "site": f"from the site “{node.text}”",
        "source": f"from the source “{node.text}”",
        "id": f"with the id “{node.text}”",
    }[node.fieldname]


def _is_inflected(node: Any) -> bool:
    if isinstance(node, (Near, Must, And, Or)):
        children = node.parts if isinstance(node, Near) else node.children()
        return any(map(_is_inflected, children))
    return type(node) in (Term, Alternatives) or (isinstance(node, RawPhrase) and not node.exact)


def _joined(texts: Iterable[str], word: str) -> str:
    *most, last = texts
    return f"{', '.join(most)} {word} {last}" if most else last


def _moment(moment: datetime) -> str:
    clock = f", {moment:%H:%M}" if (moment.hour or moment.minute) and moment != datetime.max else ""
    return f"{_day(moment)}{clock}"


def _day(day: datetime) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def _next(start: datetime, months: int) -> datetime:
    years, month = divmod(start.month - 1 + months, 12)
    year = start.year + years
    return start.replace(year=year, month=month + 1) if year <= datetime.max.year else datetime.max
