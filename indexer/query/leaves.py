"""What a word or a phrase of a query means in its field."""

from __future__ import annotations

import re
from datetime import date
from string import punctuation
from unicodedata import category

from whoosh.query.qcore import Every, Query
from whoosh.query.terms import FuzzyTerm, Prefix, Term, Wildcard

from indexer import limits
from indexer.query.dates import is_date_range, parse_period, parse_range
from indexer.query.tree import LABELS, DateRange, Filter, RawPhrase, boost_query

_DATE_FIELDS = ("date", "after", "before", "until")
_ENDINGS = "?!.,;:…"
_EVERY = re.compile(r"\*+(:\*+)?")
# A question mark at the edge of a word, or beside other punctuation, is just that.
_WILD = re.compile(r"\*|(?<=\w)\?+(?=\w)")
_EXACT = re.compile(r"=(?=[\w@#])")
_FUZZY = re.compile(r"(.+)~([0-9]?)")
# Dates in which the order of day and month may matter.
_NUMBERED = re.compile(r"\d[/.]\d")
_SEPARATING = ("P", "Z", "Cc", "Cf")


class Clauses:
    """The leaves of one query: it counts them and gathers the notes about them."""

    def __init__(self, today: date, *, day_first: bool = True, most: int = limits.CLAUSES) -> None:
        self.today = today
        self.most = most
        self.day_first = day_first
        self.notes: list[str] = []
        self.count = 0

    def note(self, text: str) -> None:
        """Say something about the query."""
        self.notes.append(text)

    def word(self, field: str, text: str, boost: float = 1.0) -> Query | None:
        """The leaf for a word as it was typed; None where there is nothing to search for."""
        if field in _DATE_FIELDS or (field == "text" and is_date_range(text)):
            if dates := self._dates(field, text):
                return dates if self._is_counted() else None
            field = "text"
        if field in LABELS:
            return self._filter(field, text)
        if field == "text" and _EVERY.fullmatch(text):
            return Every() if self._is_counted() else None
        if not is_searchable(text):
            if "*" in text:
                self.note(f"{quote(text)} has no letter to search for; it was left out.")
            return None
        if not self._is_counted():
            return None
        leaf: Query = boost_query(self._leaf(field, self._bounded(text)), self._boost(boost))
        return leaf

    def phrase(
        self, field: str, text: str, slop: int, *, exact: bool = False, boost: float = 1.0
    ) -> Query | None:
        """The leaf for the text between quotation marks; None where there is nothing to search for."""
        if field in _DATE_FIELDS:
            if dates := self._dates(field, text):
                return dates if self._is_counted() else None
            field = "text"
        if field in LABELS:
            return self._filter(field, text)
        if not is_searchable(text) or not self._is_counted():
            return None
        words = map(self._bounded, text.split())
        return RawPhrase(field, " ".join(words), slop, exact, self._boost(boost))

    def dates(self, field: str, text: str) -> Query | None:
        """The filter that a text means after "date:" or another such field, if it is a date at all."""
        try:
            dates = self._dated(field, text)
        except ValueError:
            return None
        return dates if self._is_counted() else None

    def _filter(self, field: str, text: str) -> Query | None:
        text = text.strip()
        return Filter(field, self._bounded(text)) if text and self._is_counted() else None

    def _leaf(self, field: str, text: str) -> Query:
        is_exact = _EXACT.match(text) is not None
        text = text[is_exact:]
        core = text.rstrip(_ENDINGS)
        patterned = bool(_WILD.search(core)) and is_searchable(core)
        if "://" in text:
            return Term(field, text)
        if (fuzzy := _FUZZY.fullmatch(core)) and not patterned and is_searchable(fuzzy[1]):
            edits = int(fuzzy[2] or 1)
            if edits > limits.EDITS:
                edits = limits.EDITS
                self.note(f"{quote(core)}: at most {edits} letters may differ; ~{edits} was used.")
            return FuzzyTerm(field, fuzzy[1], maxdist=edits) if edits else Term(field, fuzzy[1])
        if is_exact and not patterned:
            return RawPhrase(field, text.strip("?"), exact=True)
        if not patterned:
            return Term(field, text.strip("?"))
        pattern = re.sub(r"\*+", "*", core)
        if "?" not in pattern and pattern.find("*") == len(pattern) - 1:
            return Prefix(field, pattern[:-1])
        return Wildcard(field, pattern)

    def _dates(self, field: str, text: str) -> Query | None:
        try:
            return self._dated(field, text)
        except ValueError:
            self.note(f"{quote(text)} is not a date; it was searched as text.")
            return None

    def _dated(self, field: str, text: str) -> Query:
        dates = _range(field, text, self.today, self.day_first)
        if not _NUMBERED.search(text):
            return dates
        try:
            other = _range(field, text, self.today, not self.day_first)
        except ValueError:
            other = dates
        if other != dates:
            self.note(f"{quote(text)} was read with the {'day' if self.day_first else 'month'} first.")
        return dates

    def _boost(self, boost: float) -> float:
        if boost > limits.BOOST:
            self.note(f"A word counts at most {limits.BOOST:g} times; ^{limits.BOOST:g} was used.")
        return min(boost, limits.BOOST)

    def _is_counted(self) -> bool:
        """Whether one clause more may be searched for."""
        self.count += 1
        return self.count <= self.most

    def _bounded(self, word: str) -> str:
        if len(word) <= limits.WORD:
            return word
        self.note(f"{quote(word)} is too long; its first {limits.WORD} characters were searched for.")
        return word[: limits.WORD]


def _range(field: str, text: str, today: date, day_first: bool) -> DateRange:
    if field in ("date", "text"):
        return DateRange(*parse_range(text, today, day_first=day_first))
    start, end = parse_period(text, today, day_first=day_first)
    return {
        "after": DateRange(start, None),
        "before": DateRange(None, start),
        "until": DateRange(None, end),
    }[field]


def quote(text: str) -> str:
    """The text as notes show it: in quotation marks, on one line, and not too much of it."""
    text = "".join(character for character in " ".join(text.split()) if character.isprintable())
    return f"“{text}”" if len(text) <= 40 else f"“{text[:39]}…”"


def is_searchable(text: str) -> bool:
    """Whether there is more in the text than punctuation."""
    return any(c not in punctuation and not category(c).startswith(_SEPARATING) for c in text)
