"""Text → a period of time: a year, a month, last week, or from one date to another."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from indexer.article import Published
from indexer.text.calendars import month_names, to_ascii_digits
from indexer.text.normalization import normalize

if TYPE_CHECKING:
    from dateutil.relativedelta import relativedelta

Period = tuple[datetime, datetime]

_ISO = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2}([T ][0-9]{2}:[0-9]{2})?)?)?", re.ASCII)
# The languages of the page, in which a query may name a month.
_LANGUAGES = ("en", "de", "fr", "es", "ar", "ar_LB", "ar_DZ", "ar_MA", "zh")
_CHINESE = re.compile(r"([0-9]{4})\s?年(?:\s?([0-9]{1,2})\s?月(?:\s?([0-9]{1,2})\s?[日号號])?)?", re.ASCII)
_LETTERS = re.compile(r"[^\W\d_]+(?: [^\W\d_]+)*")
_OF = frozenset(("of", "de", "del", "er", "le", "el", "den"))
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
# dateutil parses almost anything as a date ("a", "5", "10"); only these shapes are passed to it.
_NAMED = re.compile(
    rf"(?=.*\b[0-9]{{4}}\b)(?=.*\b(?:{_MONTHS}))[a-z0-9 ,.-]{{6,40}}", re.ASCII | re.IGNORECASE
)
_NUMBERS = re.compile(r"([0-9]{1,2}[/.])?[0-9]{1,2}[/.][0-9]{4}|[0-9]{4}/[0-9]{1,2}(/[0-9]{1,2})?", re.ASCII)
_RANGE = re.compile(r"\s*(?:\.\.\.?|…)\s*|(?:\s+|^)to(?:\s+|$)", re.IGNORECASE)
_BRACKETED = re.compile(r"[\[{](?P<inside>[^\[\]{}]*)[\]}]")

_SMALL = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_COUNT = rf"[0-9]{{1,4}}|{'|'.join(_SMALL)}"
_UNIT = "day|week|month|year"
_LATEST = (
    r"(?:(?:in|during|over|within)\s+)?(?:the\s+)?"
    rf"(?:(?P<which>last|past|previous|this)\s+(?P<unit>{_UNIT})"
    rf"|(?:last|past|previous)\s+(?P<count>{_COUNT})\s+(?P<units>{_UNIT})s?)"
)
_AGO = rf"(?P<count>{_COUNT}|an?)\s+(?P<unit>{_UNIT})s?\s+ago"
_SINCE = r"(?P<word>since|from|until|till)\s+(?P<rest>\S.*)"
_BETWEEN = r"(?:between\s+(?P<low>\S.*?)\s+and|from\s+(?P<first>\S.*?)\s+(?:to|until|till))\s+(?P<last>\S.*)"

_NAMELESS = re.sub(r"\(\?P<\w+>", "(?:", _LATEST)
_YEAR = r"(?:1[5-9]|20)[0-9]{2}"
_NTH = r"[0-9]{1,2}(?:st|nd|rd|th|er|\.)?"
# Any word, since `parse_period` says whether it is a month; the Arabic names of some have two words.
_MONTH = r"[^\s0-9!-/:-@\[-`{-~]{3,12}(?:\s[^\s\x00-\x7f]{2,12})?\.?"
_IN_MONTH = rf"(?:(?:{_NTH}\s+(?:(?:of|de)\s+)?)?{_MONTH}|{_MONTH}\s+{_NTH})(?:,|\s+(?:of|de|del))?\s+{_YEAR}"
_DAY = rf"(?:{_YEAR}(?:-[0-9]{{2}}){{0,2}}|{_IN_MONTH}|yesterday|today|{_NAMELESS})"

FIRST_WORDS = (
    "yesterday|today|in|during|over|within|the|last|past|previous|this|since|until|till|between|from"
)
"""The first words of IN_WORDS."""

IN_WORDS = (
    rf"(?:yesterday|today|{_NAMELESS}|(?:since|until|till)\s+{_DAY}"
    rf"|between\s+{_DAY}\s+and\s+{_DAY}|from\s+{_DAY}\s+(?:to|until|till)\s+{_DAY})"
)
"""Dates among the words of a query: a pattern for ASCII letters in any case, as are the others."""

SEVERAL_WORDS = (
    rf"(?:{IN_WORDS}|(?:{_COUNT}|an?)\s+(?:{_UNIT})s?\s+ago|{_IN_MONTH}"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}\s[0-9]{2}:[0-9]{2}|[\[{][^\[\]{}]{1,80}[\]}])"
)
"""Dates of several words after a date field."""


def parse_period(text: str, today: date, *, day_first: bool = True) -> Period:
    """Return the period that `text` names: its first moment and the first moment after it, naive local times.

    Understood are "2021", "2021-11", "2021-11-05", "2021-11-05T21:01", "nov 2021", "5 March 2024",
    "05/03/2024" (in the order that `day_first` says), "today", "yesterday", "two weeks ago"; "last week" and
    "this month" (whole ones, of which weeks begin on Monday); "last 7 days" and "past month" (which end with
    today). Months may have their names in the languages of the page: "5. März 2019", "2019年3月5日". Raises
    ValueError for anything else. The end of the year 9999 is `datetime.max`.
    """
    text = text.strip()
    try:
        return _parse_relative(text, today) or _parse_absolute(text, day_first)
    except OverflowError as error:
        raise ValueError(f"not a date: {text!r}") from error


def parse_range(text: str, today: date, *, day_first: bool = True) -> tuple[datetime | None, datetime | None]:
    """Return the range that `text` names: naive local times, None for an open side.

    A range is a period, or two periods with ".." or "to" between them, of which one may be missing, or
    "since 2020", "until May 2021", "between 2019 and 2021", "[2019 TO *]". Both ends belong to it, and the
    earlier one may come last. Raises ValueError for anything else.
    """
    text = text.strip()
    if bracketed := _BRACKETED.fullmatch(text):
        text = bracketed["inside"].strip()
    if between := _match(_BETWEEN, text):
        first, last = between["low"] or between["first"], between["last"]
    elif since := _match(_SINCE, text):
        is_start = since["word"].lower() in ("since", "from")
        first, last = (since["rest"], "") if is_start else ("", since["rest"])
    else:
        first, *rest = _RANGE.split(text, maxsplit=1)
        if not rest:
            return parse_period(first, today, day_first=day_first)
        last = rest[0]
    if bracketed:
        first, last = first.replace("*", ""), last.replace("*", "")
    if not first and not last:
        raise ValueError("a range needs a date on one side")
    periods = [
        parse_period(end, today, day_first=day_first) if end else (None, None) for end in (first, last)
    ]
    (start, _), (_, end) = periods
    if start is not None and end is not None and start >= end:
        (start, _), (_, end) = reversed(periods)
    return start, end


def is_date_range(text: str) -> bool:
    """Whether a word is a range of dates even without a date field: 2021-03..2021-05."""
    first, *last = re.split(r"\.\.\.?|…", text)
    return len(last) == 1 and all(_ISO.fullmatch(end) or _NUMBERS.fullmatch(end) for end in (first, last[0]))


def _parse_relative(text: str, today: date) -> Period | None:
    """Return a period that is named by its distance from today."""
    name = text.lower()
    if name in ("today", "yesterday"):
        return _find_unit("day", today, 0 if name == "today" else 1)
    if ago := _match(_AGO, text):
        return _find_unit(ago["unit"].lower(), today, _parse_count(ago["count"]))
    if latest := _match(_LATEST, text):
        which = (latest["which"] or "past").lower()
        unit = (latest["unit"] or latest["units"]).lower()
        if which != "past":
            return _find_unit(unit, today, 0 if which == "this" else 1)
        count, after = _parse_count(latest["count"] or "one"), today + timedelta(days=1)
        if not count:
            raise ValueError(f"no time at all: {text!r}")
        return _start_of(after - _make_delta(unit, count)), _start_of(after)
    return None


def _match(pattern: str, text: str) -> re.Match[str] | None:
    # Compiled at first use: most queries have no date, and a command should start fast.
    return re.fullmatch(pattern, text, re.ASCII | re.IGNORECASE | re.DOTALL)


def _find_unit(unit: str, today: date, back: int) -> Period:
    """Return the whole day, week, month or year that is `back` units before the current one."""
    first = today
    if unit == "week":
        first -= timedelta(days=today.weekday())
    elif unit != "day":
        first = first.replace(day=1) if unit == "month" else first.replace(month=1, day=1)
    first -= _make_delta(unit, back)
    return _start_of(first), _start_of(first + _make_delta(unit, 1))


def _make_delta(unit: str, count: int) -> relativedelta:
    # dateutil is imported at first use: most queries have no date, and a command should start fast.
    from dateutil.relativedelta import relativedelta

    return relativedelta(**{f"{unit}s": count})  # type: ignore[arg-type]


def _parse_count(text: str) -> int:
    text = text.lower()
    return int(text) if text.isdigit() else _SMALL.index(text) + 1 if text in _SMALL else 1


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time())


@lru_cache(256)
def _parse_absolute(text: str, day_first: bool) -> Period:
    try:
        return _parse_english(text, day_first)
    except ValueError:
        # The names of months are loaded only for what is not English.
        if (translated := _translate(text)) == text:
            raise
    try:
        return _parse_english(translated, day_first)
    except ValueError as error:
        raise ValueError(f"not a date: {text!r}") from error


def _translate(text: str) -> str:
    """Return a date with its digits, the name of its month and its order as in English."""
    text = to_ascii_digits(text)
    if chinese := _CHINESE.fullmatch(text):
        return "-".join(part.zfill(2) for part in chinese.groups() if part)
    text = re.sub(r"(?<=[0-9])(?:er\b|\.(?=\s))", " ", text)
    return " ".join(_LETTERS.sub(_translate_name, text).split())


def _translate_name(match: re.Match[str]) -> str:
    name = " ".join(word for word in normalize(match[0]).split() if word not in _OF)
    number = month_names(_LANGUAGES).get(name)
    return f" {_MONTHS.split('|')[number - 1]} " if number else match[0]


def _parse_english(text: str, day_first: bool) -> Period:
    if _ISO.fullmatch(text):
        return _find_period(Published.parse(text))
    if not (_NAMED.fullmatch(text) or _NUMBERS.fullmatch(text)):
        raise ValueError(f"not a date: {text!r}")
    from dateutil.parser import parse as parse_any

    # A year at the front is followed by the month, whatever the order of day and month elsewhere.
    day_first = day_first and not text[:4].isdigit()
    # Missing parts are taken from the default: the results for two different defaults show which are missing.
    defaults = datetime(2000, 1, 1), datetime(2004, 2, 2)
    try:
        one, two = (
            parse_any(text, default=default, dayfirst=day_first, yearfirst=False, ignoretz=True)
            for default in defaults
        )
    except (ValueError, OverflowError, ArithmeticError, LookupError, TypeError) as error:
        raise ValueError(f"not a date: {text!r}") from error
    if one.year != two.year or (one.hour, one.minute) != (0, 0):
        raise ValueError(f"not a date with a year: {text!r}")
    if one.month != two.month:
        return _find_period(Published.at(one, "year"))
    return _find_period(Published.at(one, "month" if one.day != two.day else "day"))


def _find_period(published: Published) -> Period:
    return published.start, published.end
