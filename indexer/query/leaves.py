"""The leaves of a query tree: the meaning of a word, a phrase or a date in its field."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from datetime import date

from whoosh.query.qcore import Every, Query
from whoosh.query.terms import FuzzyTerm, Prefix, Term, Wildcard

from indexer import limits
from indexer.article import PROPERTIES
from indexer.fields import EXPECTED, FieldType
from indexer.query.dates import is_date_range, parse_period, parse_range
from indexer.query.lexer import BOOST, DATE_FIELDS, is_address, is_searchable, split_phrase
from indexer.query.notes import NoteCode, make_note, quote
from indexer.query.tree import DateRange, Filter, FilterNode, RawPhrase, boost_query, make_all_of
from indexer.query.values import read_value
from indexer.results import Note, NoteValue

_DATE_FIELDS = frozenset(DATE_FIELDS.values())
_ENDINGS = "?!.,;:…"
# Before the character that it is for, in the value of a field; see `serialize`.
_ESCAPE = re.compile(r'\\(["\\])')
_EVERY = re.compile(r"\*+(:\*+)?")
# A question mark at the edge of a word, or beside other punctuation, is only punctuation.
_WILD = re.compile(r"\*|(?<=\w)\?+(?=\w)")
# Between two words; units and abbreviations, such as km/h and TCP/IP, are one.
_SLASH = re.compile(r"(?<=[^\W\d_]{3})/(?=[^\W\d_]{3})")
_EXACT = re.compile(r"=(?=[\w@#])")
_FUZZY = re.compile(r"(.+)~([0-9]?)")
_BOOSTED = re.compile(rf"(.*)\^({BOOST})([{_ENDINGS}]*)", re.ASCII | re.DOTALL)
# Dates in which the order of day and month may matter.
_NUMBERED = re.compile(r"\d[/.]\d")


class LeafReader:
    """Reads the leaves of one query, counts them, and collects the notes about them."""

    def __init__(
        self,
        today: date,
        *,
        day_first: bool,
        max_clauses: int,
        fields: Mapping[str, FieldType] | None = None,
        sources: Container[str] = (),
    ) -> None:
        self.today = today
        self.day_first = day_first
        self.max_clauses = max_clauses
        self.fields = fields or {}
        self.sources = sources
        own_filters = {name for name, kind in self.fields.items() if kind.type != "text"}
        self._filters = {*_DATE_FIELDS, *PROPERTIES, *own_filters}
        self.notes: list[Note] = []
        self.count = 0

    def note(self, code: NoteCode, **values: NoteValue) -> None:
        """Add a note about the query."""
        self.notes.append(make_note(code, values))

    def read_word(self, field: str, text: str) -> Query | None:
        """Return the leaf for a word with its marks, or those of words with slashes between them.

        None if there is nothing to search for.
        """
        text, boost = _split_boost(text)
        if field in self._filters or (field == "text" and is_date_range(text)):
            if found := self._read_filter(field, text):
                return found if self.count_clause() else None
            field = "text"
        if field == "text" and _EVERY.fullmatch(text):
            return Every() if self.count_clause() else None
        if not is_searchable(text):
            if "*" in text:
                self.note(NoteCode.NOT_SEARCHABLE, text=quote(text))
            return None
        boost = self._limit_boost(boost)
        if "/" not in text or is_address(text):
            return self._read_leaf(field, text, boost)
        return make_all_of(self._read_leaf(field, word, boost) for word in _SLASH.split(text))

    def read_phrase(self, field: str, text: str) -> Query | None:
        """Return the leaf for a phrase with its quotation marks; None if there is nothing to search for."""
        phrase = split_phrase(text)
        slop = max(1, min(phrase.slop, limits.SLOP))
        if phrase.slop > limits.SLOP:
            self.note(NoteCode.SLOP_TOO_FAR, limit=limits.SLOP)
        if field in self._filters:
            if found := self._read_filter(field, _ESCAPE.sub(r"\1", phrase.text)):
                return found if self.count_clause() else None
            field = "text"
        if not is_searchable(phrase.text) or not self.count_clause():
            return None
        words = " ".join(map(self._limit_length, phrase.text.split()))
        return RawPhrase(field, words, slop, phrase.is_exact, self._limit_boost(phrase.boost))

    def read_dates(self, field: str, text: str) -> DateRange | None:
        """Return the dates that a text means in a date field; None if it means none."""
        try:
            dates = _parse_dates(field, text, self.today, self.day_first)
        except ValueError:
            return None
        if _NUMBERED.search(text):
            try:
                other = _parse_dates(field, text, self.today, not self.day_first)
            except ValueError:
                other = dates
            if other != dates:
                self.note(NoteCode.DAY_FIRST if self.day_first else NoteCode.MONTH_FIRST, text=quote(text))
        return dates

    def count_clause(self) -> bool:
        """Count one clause more; return whether it may be searched for."""
        self.count += 1
        return self.count <= self.max_clauses

    def _read_filter(self, field: str, text: str) -> FilterNode | None:
        """Return the filter for a value; None, with a note if there is a value, but it cannot be read."""
        if field in PROPERTIES:
            value = self._limit_length(text.strip())
            is_whole = field == "source" and value in self.sources
            return Filter(field, value, is_whole=is_whole) if value else None
        if field in self.fields:
            return self._read_own_value(field, text)
        dates = self.read_dates(field, text)
        if dates is None:
            self.note(NoteCode.NO_DATE, text=quote(text))
        return dates

    def _read_own_value(self, field: str, text: str) -> FilterNode | None:
        kind = self.fields[field]
        try:
            return read_value(field, kind, self._limit_length(text.strip()), self.today, self.day_first)
        except ValueError:
            values = {"text": quote(text), "field": field}
            self.notes.append(make_note(NoteCode.NO_FIELD_VALUE, values, expected=EXPECTED[kind.type]))
            return None

    def _read_leaf(self, field: str, text: str, boost: float) -> Query | None:
        if not is_searchable(text) or not self.count_clause():
            return None
        leaf: Query = boost_query(self._read_marks(field, self._limit_length(text)), boost)
        return leaf

    def _read_marks(self, field: str, text: str) -> Query:
        is_exact = _EXACT.match(text) is not None
        text = text[is_exact:]
        core = text.rstrip(_ENDINGS)
        is_pattern = bool(_WILD.search(core)) and is_searchable(core)
        if "://" in text:
            return Term(field, text)
        if (fuzzy := _FUZZY.fullmatch(core)) and not is_pattern and is_searchable(fuzzy[1]):
            edits = int(fuzzy[2] or 1)
            if edits > limits.EDITS:
                edits = limits.EDITS
                self.note(NoteCode.TOO_FUZZY, text=quote(core), limit=limits.EDITS)
            return FuzzyTerm(field, fuzzy[1], maxdist=edits) if edits else Term(field, fuzzy[1])
        if not is_pattern:
            text = text.strip("?")
            return RawPhrase(field, text, exact=True) if is_exact else Term(field, text)
        pattern = re.sub(r"\*+", "*", core)
        if "?" not in pattern and pattern.find("*") == len(pattern) - 1:
            return Prefix(field, pattern[:-1])
        return Wildcard(field, pattern)

    def _limit_boost(self, boost: float) -> float:
        if boost > limits.BOOST:
            self.note(NoteCode.BOOST_TOO_HIGH, limit=limits.BOOST)
        return min(boost, limits.BOOST)

    def _limit_length(self, word: str) -> str:
        if len(word) <= limits.WORD:
            return word
        self.note(NoteCode.WORD_TOO_LONG, text=quote(word), limit=limits.WORD)
        return word[: limits.WORD]


def _split_boost(word: str) -> tuple[str, float]:
    """Split a word into what stands before its boost, with the punctuation that follows, and the boost."""
    if "^" not in word or "://" in word:
        return word, 1.0
    match = _BOOSTED.fullmatch(word)
    if not match or not is_searchable(match[1]):
        return word, 1.0
    return match[1] + match[3], float(match[2])


def _parse_dates(field: str, text: str, today: date, day_first: bool) -> DateRange:
    """Parse the dates of a field; ValueError if they are none."""
    if field in ("date", "text"):
        return DateRange(*parse_range(text, today, day_first=day_first))
    start, end = parse_period(text, today, day_first=day_first)
    if field == "after":
        return DateRange(start, None)
    return DateRange(None, start if field == "before" else end)
