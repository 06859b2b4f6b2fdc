"""Periods of time as people write them: a year, a month, a day, a minute, or from one to another."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

from dateutil.parser import parse as parse_any

from indexer.model import Published

_ISO = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2}([T ][0-9]{2}:[0-9]{2})?)?)?", re.ASCII)
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
# The general parser accepts almost anything ("a", "5", "10"); these are the shapes that mean a date.
_NAMED = re.compile(
    rf"(?=.*\b[0-9]{{4}}\b)(?=.*\b(?:{_MONTHS}))[a-z0-9 ,.-]{{6,40}}", re.ASCII | re.IGNORECASE
)
_NUMBERS = re.compile(r"([0-9]{1,2}[/.])?[0-9]{1,2}[/.][0-9]{4}|[0-9]{4}/[0-9]{1,2}(/[0-9]{1,2})?", re.ASCII)
_RANGE = re.compile(r"\s*(?:\.\.\.?|…)\s*")


def parse_period(text: str, today: date, *, day_first: bool = True) -> tuple[datetime, datetime]:
    """The period that `text` names: its first moment and the first moment after it, naive local times.

    Understood are "2021", "2021-11", "2021-11-05", "2021-11-05T21:01", "nov 2021", "5 March 2024",
    "05/03/2024" (in the order that `day_first` says), "today" and "yesterday". Raises ValueError for anything
    else. The end of the year 9999 is `datetime.max`.
    """
    period = _period(text.strip(), today, day_first)
    return period.start, period.end


def parse_range(text: str, today: date, *, day_first: bool = True) -> tuple[datetime | None, datetime | None]:
    """The range that `text` names: a period, or two with ".." between them, of which one may be left out.

    Both ends belong to the range; one that runs backwards is turned round. Raises ValueError for anything
    else.
    """
    first, *rest = _RANGE.split(text.strip(), maxsplit=1)
    if not rest:
        return parse_period(first, today, day_first=day_first)
    last = rest[0]
    if not first and not last:
        raise ValueError("a range needs a date on one side")
    periods = [
        parse_period(end, today, day_first=day_first) if end else (None, None) for end in (first, last)
    ]
    (start, _), (_, end) = periods
    if start is not None and end is not None and start >= end:
        (start, _), (_, end) = reversed(periods)
    return start, end


def _period(text: str, today: date, day_first: bool) -> Published:
    if text.lower() == "today":
        return Published.at(today, "day")
    if text.lower() == "yesterday":
        return Published.at(_day_before(today), "day")
    if _ISO.fullmatch(text):
        return Published.parse(text)
    if not (_NAMED.fullmatch(text) or _NUMBERS.fullmatch(text)):
        raise ValueError(f"not a date: {text!r}")
    # Where the year comes first, the month follows it whatever the order elsewhere.
    day_first = day_first and not text[:4].isdigit()
    # What the text leaves open is taken from the default: two defaults show what that was.
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
        return Published.at(one, "year")
    return Published.at(one, "month" if one.day != two.day else "day")


def _day_before(day: date) -> date:
    return day - timedelta(days=1) if day > date.min else day
