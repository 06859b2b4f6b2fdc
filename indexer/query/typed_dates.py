"""Dates typed among the words of a query, without a field: each may have been meant as a filter."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from indexer.article import Published
from indexer.query.dates import parse_period
from indexer.query.leaves import LeafReader
from indexer.query.lexer import Kind, Token, tokenize

_YEAR = re.compile(r"\d{4}")
_FIRST_YEAR = 1400  # numbers below are seldom years
_MAX_WORDS = 20  # a longer text is probably a sentence, in which a year is one word among others
_MAX_DATE_WORDS = 5
_MAX_DATES = 3
_PUNCTUATION = ".,;:!?…"
_PREPOSITIONS = frozenset(
    ("in", "on", "from", "during", "of", "im", "am", "vom", "en", "le", "el", "del", "في")
)
_OPERATORS = frozenset((Kind.AND, Kind.OR, Kind.NOT, Kind.NEAR, Kind.FIELD, Kind.MINUS, Kind.PLUS))


@dataclass(frozen=True, slots=True)
class TypedDate:
    """A date in a query: as it is typed, its year, month or day in ISO 8601, and the query without it."""

    text: str
    value: str
    rest: str


def find_typed_dates(text: str, today: date, *, day_first: bool = True) -> list[TypedDate]:
    """Return the years, months and days among the words of a query; none in fields, phrases and groups."""
    if not _YEAR.search(text) or len(text.split()) > _MAX_WORDS:
        return []
    # A token such as "since 2008" is a filter already: with `read_dates`, its kind is DATES and not WORD.
    read_dates = LeafReader(today, day_first=day_first, max_clauses=1).read_dates
    tokens = [token for token in tokenize(text, read_dates) if token.kind is not Kind.SPACE]
    if any(token.kind in (Kind.OPEN, Kind.CLOSE) for token in tokens):
        return []
    found: list[TypedDate] = []
    first = 0
    while first < len(tokens) and len(found) < _MAX_DATES:
        for last in range(min(first + _MAX_DATE_WORDS, len(tokens)), first, -1):
            if typed := _read_date(text, tokens, first, last, today, day_first):
                found.append(typed)
                first = last - 1
                break
        first += 1
    return found


def _read_date(
    text: str, tokens: Sequence[Token], first: int, last: int, today: date, day_first: bool
) -> TypedDate | None:
    """Return the date that the tokens from `first` to before `last` are; None if they are none."""
    start, end = tokens[first].start, tokens[last - 1].end
    typed = text[start:end].rstrip(_PUNCTUATION)
    around = (*tokens[max(first - 1, 0) : first], *tokens[last : last + 1])
    if not _YEAR.search(typed) or any(token.kind is not Kind.WORD for token in tokens[first:last]):
        return None
    if any(token.kind in _OPERATORS for token in around):
        return None
    try:
        period = parse_period(typed, today, day_first=day_first)
    except ValueError:
        return None
    found = Published.from_period(*period)
    if found is None or found.precision == "minute" or not _FIRST_YEAR <= period[0].year <= today.year:
        return None
    if first and tokens[first - 1].text.lower() in _PREPOSITIONS:
        start = tokens[first - 1].start
    return TypedDate(typed, found.value, " ".join(f"{text[:start]} {text[end:]}".split()))
