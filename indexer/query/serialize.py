"""A query tree → text that can be typed, and that means the same."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from whoosh.query.compound import And, Or
from whoosh.query.qcore import Every, NullQuery, Query
from whoosh.query.terms import FuzzyTerm, Prefix, Term
from whoosh.query.wrappers import Not

from indexer.fields import format_number
from indexer.query.lexer import DEFAULT_DISTANCE, PLAIN_VALUE, is_operator
from indexer.query.tree import (
    PUBLISHED,
    AllOf,
    Alternatives,
    DateRange,
    Filter,
    Must,
    Near,
    NumberRange,
    RawPhrase,
    Unfinished,
    format_boost,
    has_words,
)

_FIELDS = {"text": "", "paragraph": "text:"}
_MAX_LISTED = 10  # clauses in a note
_MAX_CHARACTERS = 60  # of one clause in a sentence


def serialize_query(tree: Query) -> str:
    """Return the query that a tree, or a node of it, was parsed from, or one that means the same.

    Words stand as they were typed. In a tree that was changed since, words may come to stand where they mean
    something else, such as a lone "last week": parse the result again where that matters.
    """
    if tree is NullQuery:
        return ""
    if type(tree) is Term:
        return _serialize_word(tree)
    if isinstance(tree, Or) and isinstance(tree[-1], Alternatives):
        # Words side by side that have synonyms: the last part has them as they were typed.
        return _serialize_word(tree[-1])
    if isinstance(tree, Or) and not isinstance(tree, Unfinished):
        return " OR ".join(map(_serialize_inner, tree))
    if isinstance(tree, And):
        # An exclusion excludes from everything by itself.
        parts = [part for part in tree if not isinstance(part, Every)]
        if not any(map(has_words, parts)):
            return " ".join(map(_serialize_inner, parts))
        return (" " if isinstance(tree, AllOf) else " AND ").join(map(_serialize_inner, parts))
    return _serialize_inner(tree)


def list_clauses(labels: Iterable[str]) -> str:
    """List clauses, as typed, in one line: the first ones, and how many more there are."""
    names = [*dict.fromkeys(map(shorten_clause, labels))]
    more = len(names) - _MAX_LISTED
    return ", ".join(names[:_MAX_LISTED]) + (f" and {more} more" if more > 0 else "")


def shorten_clause(label: str) -> str:
    """Shorten a clause, as typed, so that it fits into a sentence."""
    return label if len(label) <= _MAX_CHARACTERS else f"{label[:_MAX_CHARACTERS]}…"


def _serialize_inner(node: Any) -> str:
    """Serialize a node within others: in parentheses if it would fall apart without."""
    if type(node) is Term:
        return _serialize_word(node)
    if isinstance(node, Or) and isinstance(node[-1], Alternatives):
        return serialize_query(node)
    if isinstance(node, Unfinished):
        return _serialize_word(node[0])
    if isinstance(node, (Or, And)):
        return f"({serialize_query(node)})"
    if isinstance(node, Must):
        return f"+{_serialize_signed(node.child)}"
    if isinstance(node, Not):
        return f"-{_serialize_signed(node.query)}"
    if isinstance(node, Every):
        return "*"
    if isinstance(node, DateRange):
        return _serialize_dates(node)
    if isinstance(node, NumberRange):
        return f"{node.fieldname}:{_serialize_numbers(node)}"
    if isinstance(node, Filter):
        return f"{node.fieldname}:{_quote_value(node.text)}"
    if isinstance(node, Near):
        chain = [_serialize_inner(node.parts[0])]
        for distance, part in zip(node.distances, node.parts[1:], strict=True):
            chain += ["NEAR" if distance == DEFAULT_DISTANCE else f"NEAR/{distance}", _serialize_inner(part)]
        boost = format_boost(node.boost)
        return f"({' '.join(chain)}){boost}" if boost else " ".join(chain)
    return _serialize_word(node)


def _serialize_signed(node: Any) -> str:
    text = _serialize_inner(node)
    return f"({text})" if isinstance(node, Near) and not text.endswith(")") else text


def _serialize_word(node: Any) -> str:
    field = _FIELDS.get(node.fieldname, f"{node.fieldname}:")
    boost = format_boost(node.boost)
    if isinstance(node, RawPhrase):
        if node.exact and node.slop == 1 and " " not in node.text:
            return f"{field}={node.text}{boost}"
        opening, closing = "“”" if '"' in node.text else '""'
        slop = f"~{node.slop}" if node.slop > 1 else ""
        return f"{field}{'=' * node.exact}{opening}{node.text}{closing}{slop}{boost}"
    if type(node) is Prefix:
        return f"{field}{node.text}*{boost}"
    if type(node) is FuzzyTerm:
        return f"{field}{node.text}~{'' if node.maxdist == 1 else node.maxdist}{boost}"
    # An operator that had nothing to join was read as a word; in small letters it is always one.
    text = node.text.lower() if is_operator(node.text) else node.text
    return f"{field}{text}{boost}"


def _quote_value(text: str) -> str:
    if PLAIN_VALUE.fullmatch(text):
        return text
    return '"' + re.sub(r'["\\]', r"\\\g<0>", text) + '"'


def _serialize_numbers(numbers: NumberRange) -> str:
    low, high = ("" if edge is None else format_number(edge) for edge in (numbers.low, numbers.high))
    if low == high:
        return low
    if low and high:
        return f"{low}..{high}"
    return f"{'>' if low else '<'}{'' if numbers.is_strict else '='}{low or high}"


def _serialize_dates(dates: DateRange) -> str:
    start, end = dates.start, dates.end
    is_own = dates.fieldname != PUBLISHED
    after, before = (f"{dates.fieldname}:>=", f"{dates.fieldname}:<") if is_own else ("after:", "before:")
    if start is None or end is None:
        if start is not None:
            return f"{after}{_format_moment(start)}"
        return f"{before}{_format_moment(end)}" if end is not None else "*"
    if end <= start:
        return f"({after}{_format_moment(start)} {before}{_format_moment(end)})"
    last = end if end == datetime.max else end - timedelta(minutes=1)
    # The first and the last minute, without the parts that go without saying: from 2021-03-01T00:00 to
    # 2021-05-31T23:59 is 2021-03..2021-05.
    first_text = _format_shortest(start, ("-01", "-01", "T00:00"))
    last_text = _format_shortest(last, ("-12", f"-{monthrange(last.year, last.month)[1]}", "T23:59"))
    if first_text.startswith(last_text) or last_text.startswith(first_text):
        # Not 2021-11-30..2021-11, which is hard to read.
        length = max(len(first_text), len(last_text))
        first_text, last_text = start.isoformat()[:length], last.isoformat()[:length]
    period = first_text if first_text == last_text else f"{first_text}..{last_text}"
    return f"{dates.fieldname}:{period}"


def _format_moment(moment: datetime) -> str:
    return _format_shortest(moment, ("-01", "-01", "T00:00"))


def _format_shortest(moment: datetime, edges: Sequence[str]) -> str:
    text = moment.isoformat()[: len("2021-11-05T21:01")]
    for edge in reversed(edges):
        if not text.endswith(edge):
            break
        text = text.removesuffix(edge)
    return text
