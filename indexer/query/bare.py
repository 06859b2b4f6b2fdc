"""Dates that are typed as words: after a field (`date:last week`), or at either end of a query."""

# Whoosh's parser is not annotated.
# mypy: allow-untyped-calls

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from whoosh.qparser import plugins, syntax
from whoosh.qparser.taggers import RegexTagger
from whoosh.query.qcore import Query

from indexer.query.dates import FIRST_WORDS, IN_WORDS, SEVERAL_WORDS
from indexer.query.describe import describe_dates
from indexer.query.leaves import quote
from indexer.query.tree import DateRange

if TYPE_CHECKING:
    from indexer.query.parser import Grammar

_JOINED_BEFORE = re.compile(r"(?:^|[\s(])(?:OR|NOT|NEAR(?:/[0-9]+)?)\s+$")
_MOST_WORDS = 10
"""The longest query whose last words may be dates: a longer one is a sentence, to be found as it reads."""
_JOINED_AFTER = re.compile(r"\s+(?:OR|NEAR(?:/[0-9]+)?)(?:\s|$)")


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # Large patterns: compiled only for a query in which something may be a date.
    return re.compile(pattern, re.ASCII)


class DatesNode(syntax.SyntaxNode):
    """Dates that have been read."""

    def __init__(self, dates: Query, end: int) -> None:
        self.dates = dates
        self._end = end

    def set_range(self, startchar: int, endchar: int) -> DatesNode:
        """The place in the text; the tagger's pattern knows only where it begins."""
        super().set_range(startchar, self._end)
        return self

    def query(self, parser: Grammar) -> Query:
        return self.dates


class FieldDates(RegexTagger):
    """`date:last week`, `after:nov 2021`, `date:[2019 TO 2021]`: dates of several words after a field."""

    def __init__(self, fields: dict[str, str]) -> None:
        self._fields = fields
        super().__init__(rf"(?<!:)(?i:(?P<name>{'|'.join(fields)})):(?=\S+\s)")

    def create(self, parser: Grammar, match: re.Match[str]) -> Any:
        value = _compiled(rf"(?i:{SEVERAL_WORDS})(?=[\s)]|$)").match(match.string, match.end())
        if not value:
            return None
        dates = parser.clauses.dates(self._fields[match["name"].lower()], " ".join(value[0].split()))
        return None if dates is None else DatesNode(dates, value.end())


class BareDates(RegexTagger):
    """`harbour last week`, `since 2020 crane`: read as dates at the start or the end, among other words."""

    def __init__(self) -> None:
        super().__init__(rf"(?<!\S)(?i:{FIRST_WORDS})\b")

    def create(self, parser: Grammar, match: re.Match[str]) -> Any:
        text, start = match.string, match.start()
        found = _compiled(rf"(?i:({IN_WORDS}))[?!.,]*(?=\s|$)(?!\s+of\b)").match(text, start)
        if not found or (start > 0 and found.end() < len(text)) or len(text.split()) > _MOST_WORDS:
            return None
        end = found.end()
        words = " ".join(found[1].split())
        if start == 0 and end == len(text):
            value = f'"{words}"' if " " in words else words
            parser.note(f"{quote(words)} was searched as text; date:{value} finds that time.")
            return None
        before = text[max(0, start - 20) : start]
        if _JOINED_BEFORE.search(before) or _JOINED_AFTER.match(text, end):
            return None
        dates = parser.clauses.dates("date", words)
        if not isinstance(dates, DateRange):
            return None
        parser.note(
            f"{quote(words)} was read as a date ({describe_dates(dates)}); "
            "put it in quotation marks to search for it as text."
        )
        return DatesNode(dates, end)


def may_contain_dates(text: str) -> bool:
    """Whether words of a text may be read as dates: only a look at how they begin."""
    return _compiled(rf"(?i:(?<!\S)(?:{FIRST_WORDS})\b)").search(text) is not None


class Dates(plugins.Plugin):
    """Dates of more than one word."""

    def __init__(self, fields: dict[str, str]) -> None:
        self._fields = fields

    def taggers(self, parser: Grammar) -> list[tuple[RegexTagger, int]]:
        return [(FieldDates(self._fields), -1), (BareDates(), -1)]
