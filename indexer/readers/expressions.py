"""Date expressions: a text that is a date, or has dates in it → dates of the precision that is stated.

The names of months and weekdays are those of many languages, the digits those of any script; years may be
counted as in Japan, Taiwan, Thailand or Iran.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

import regex
from dateutil import parser as dateutil_parser
from dateutil.parser import parserinfo

from indexer.article import Published, normalize_space
from indexer.readers.document import ReadOptions
from indexer.text.calendars import (
    ERAS,
    from_solar_hijri,
    is_lunar_hijri,
    is_solar_hijri,
    month_names,
    solar_hijri_months,
    to_ascii_digits,
    to_common_era,
    weekday_names,
)
from indexer.text.normalization import normalize

_DAY = r"(?P<day>0?[1-9]|[12]\d|3[01])"
_ORDINAL = r"(?:st|nd|rd|th|\.|º|°|er|ª|-?го|η|ος)?"
# Before a text is matched, the names of months and weekdays, and what may be either (the French and Spanish
# "mar"), are replaced by private characters, a first one and others: the patterns need not list the names.
_MONTH_MARK, _WEEKDAY_MARK, _EITHER_MARK, _REST_MARK = "\ue030", "\ue031", "\ue032", "\ue033"
_MONTH_NAME = f"[{_MONTH_MARK}{_EITHER_MARK}]{_REST_MARK}*+"
_MONTH = rf"(?P<month>{_MONTH_NAME})\.?"
_WORD = regex.compile(r"[\p{L}\p{M}\u200c]+")
_MAX_NAME_WORDS = 3
_YEAR = r"(?P<year>\d{4})(?!\d)"
_SHORT_YEAR = rf"(?:{_YEAR}|['’‘](?P<year>\d\d)\b)"
# Words between the day and the month, and between the month and the year.
_OF = r"(?:(?:of|de|do|di|del|ta['’]|tháng)\s|d['’])?\s?"
_OF_YEAR = r"(?:(?:of|de|del|lui|năm)\s|พ\.?\s?ศ\.?|ค\.?\s?ศ\.?)?\s?"
_TIME = (
    r"\d{1,2}(?:(?::|h)\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?|\.\d{2}(?=\s*(?:[ap]\.?m|uhr)))"
    r"(?:\s*(?:[ap]\.?\s?m\b\.?|صباحا|صباحًا|مساء|مساءً))?|\d{1,2}\s*[ap]\.?m\b\.?"
)
_ZONES = {
    name: minutes
    for minutes, names in {
        0: "z utc gmt wet",
        60: "bst west cet mez",
        120: "cest mesz eet",
        180: "eest msk",
        -240: "edt",
        -300: "est cdt",
        -360: "mdt",
        -420: "mst pdt",
        -480: "pst",
        480: "hkt sgt",
        540: "jst kst",
        600: "aest",
        660: "aedt",
    }.items()
    for name in names.split()
}
# The offset of the names that are not in _ZONES is ambiguous (CST is American or Chinese): the wall time is
# kept.
_ZONE = rf"(?:[+-]\d{{2}}:?\d{{2}}|(?:{'|'.join(_ZONES)}|est|cst|ist|et|pt|ct)\b)"
_WEEKDAY = rf"[{_WEEKDAY_MARK}{_EITHER_MARK}]{_REST_MARK}*+\.?[,،]?"
_JOIN = (
    r"(?:\s|,|،|\||–|-|·|@|T(?=\d)|"
    r"(?:at|um|à|a\slas|alle|às|as|om|kl|klo|saat|lúc|pukul|в|о|في|الساعة)\b\.?)*"
)
_DATES = rf"""
    (?:(?P<era>{"|".join(ERAS)})\s?)?(?P<year>\d{{1,4}}|元)\s?[年년]\s?(?P<number>\d{{1,2}})\s?[月월]
    (?:\s?{_DAY}\s?[日일號号])?
  | (?<![\d\p{{Latin}}\p{{Sc}}]){_YEAR}(?P<separator>[-/.])(?:(?<=\.)\s)?(?P<number>0?[1-9]|1[0-2])
    (?P=separator)(?:(?<=\.)\s)?{_DAY}(?!\d)
  | (?<![\d\p{{Latin}}\p{{Sc}}])(?P<first>\d{{1,2}})(?P<separator>[-/.])\s?(?P<second>\d{{1,2}})(?P=separator)
    \s?(?P<year>\d{{4}}|\d{{2}})\b
  | \b{_DAY}\s(?:tháng)\s(?P<number>\d{{1,2}})[\s,/-]+(?:năm\s)?{_YEAR}
  | \b{_YEAR}(?:[.,]|\s?m\.|e?ko\b|\.\sgada)?\s?
    (?:{_MONTH}\s?{_DAY}(?:\.|\s?d\b\.?|an?\b)?|{_DAY}\.\s{_MONTH})
    (?!,?\s?\d)
  | \b{_DAY}{_ORDINAL}[\s-]*{_OF}{_MONTH}(?:\s?/\s?{_MONTH_NAME})?[\s,،/-]*{_OF_YEAR}
    (?:{_SHORT_YEAR}|(?<=-)(?P<year>\d\d)\b)
  | {_MONTH}[\s-]*{_DAY}(?:st|nd|rd|th)?\b(?:,\s?|\s|-)\s?{_SHORT_YEAR}
  | {_MONTH}(?:\s?/\s?{_MONTH_NAME})?[\s,-]*{_OF_YEAR}{_SHORT_YEAR}
"""
_EXPRESSION = regex.compile(
    rf"(?:(?P<before>\b(?:{_TIME}))\s*(?P<zone_before>{_ZONE})?{_JOIN})?"
    rf"(?:{_WEEKDAY}\s?(?:den\s|le\s)?)?(?:{_DATES})"
    rf"(?:{_JOIN}(?P<after>(?:{_TIME}))\s*(?:uhr\b|hrs\b)?\s*(?:(?P<zone>{_ZONE}))?)?",
    regex.IGNORECASE | regex.VERBOSE,
)
_YEARLESS = regex.compile(
    rf"{_MONTH}\s+{_DAY}(?:st|nd|rd|th)?\b|\b{_DAY}{_ORDINAL}\s+{_MONTH}", regex.IGNORECASE
)
# Croatian writes a dot after the day; in Polish, which does not, it is November.
_CROATIAN_OCTOBER = regex.compile(r"\d\.\s?listopada", regex.IGNORECASE)
_COMPACT = re.compile(
    r"(\d{4})(\d{2})(\d{2})(?:[T ]?(\d{2}):?(\d{2})(?::?\d{2}(?:\.\d+)?)?\s?(Z|[+-]\d{2}:?\d{2})?)?",
    re.IGNORECASE,
)
_ISO = re.compile(
    r"(\d{4})-(\d{2})(?:-(\d{2})"
    r"(?:[T ]+(\d{2}):(\d{2})(?::\d{2}(?:[.,]\d+)?)?\s?(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?)?)?",
    re.IGNORECASE,
)
_OFFSET = re.compile(
    r"\d{1,2}:?\d{2}(?::\d{1,2}(?:[.,]\d+)?)?\s?(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)\s*$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Expression:
    """A date expression: `text[start:end]` is the date `published`, or one that does not exist."""

    start: int
    end: int
    published: Published | None


def find_expressions(text: str, provenance: str, options: ReadOptions) -> Iterator[Expression]:
    """Yield the date expressions with a year in a text, in order."""
    if not any(map(str.isdigit, text)):
        return
    for match in _EXPRESSION.finditer(_mark_names(text)):
        yield Expression(*match.span(), _read_expression(match, text, provenance, options))


def find_dates(text: str, provenance: str, options: ReadOptions) -> list[Published]:
    """Return every date with a year in a text, in order."""
    return [found.published for found in find_expressions(text, provenance, options) if found.published]


def find_month_and_day(text: str) -> tuple[int, int, tuple[int, int]] | None:
    """Return the first `5 March` or `March 5` in a text: its start, its end, and (month, day)."""
    if not any(map(str.isdigit, text)):
        return None
    match = _YEARLESS.search(_mark_names(text))
    month = month_names().get(_month_name(match, text)) if match else None
    if not match or not month:
        return None
    day = int(match["day"])
    try:
        datetime(2000, month, day)
    except ValueError:
        return None
    return match.start(), match.end(), (month, day)


def parse_date(value: object, provenance: str, options: ReadOptions) -> Published | None:
    """Return the date that the value of a metadata field is, or None: a text, or seconds since 1970."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _parse_timestamp(str(int(value)) if abs(value) < 1e15 else "", provenance, options)
    if not isinstance(value, str) or not 4 <= len(text := normalize_space(value)) <= 100:
        return None
    if match := _ISO.fullmatch(text) or _COMPACT.fullmatch(text):
        year, month, day, hour, minute, zone = match.groups()
        time = (int(hour), int(minute)) if hour else None
        return make_date(int(year), int(month), int(day) if day else None, provenance, options, time, zone)
    if text.isdigit():
        if len(text) == 4:
            return Published.at(date(int(text), 1, 1), "year", provenance) if text > "0000" else None
        return _parse_timestamp(text, provenance, options)
    found = find_dates(text, provenance, options)
    return found[0] if found else _parse_loosely(text, provenance, options)


def utc_offset(text: object) -> int | None:
    """Return the minutes east of Greenwich that a date-time states at its end; None if it states none."""
    match = _OFFSET.search(text) if isinstance(text, str) else None
    return _zone_offset(match[1]) if match else None


def make_date(
    year: int,
    month: int,
    day: int | None,
    provenance: str,
    options: ReadOptions,
    time: tuple[int, int] | None = None,
    zone: str | None = None,
    note: str | None = None,
) -> Published | None:
    """Return the date with the precision of the parts that are given; None if they make no date."""
    try:
        moment = datetime(year, month, day or 1)
        if time and day:
            moment = moment.replace(hour=time[0], minute=time[1])
    except ValueError:
        return None
    if day is None:
        return Published.at(moment, "month", provenance, note=note)
    # Programs write a date without a time as midnight.
    if not time or time == (0, 0):
        return Published.at(moment, "day", provenance, note=note)
    return Published.at(_to_timezone(moment, zone, options), "minute", provenance, note=note)


# A line without a date is read twice: for one with a year, and for a month and a day.
@lru_cache(1)
def _mark_names(text: str) -> str:
    """Return the text with ASCII digits and with the names of months and weekdays marked; as long as it."""
    words = [match.span() for match in _WORD.finditer(text)]
    marked = to_ascii_digits(text)
    if not words:
        # Loading the names takes a quarter of a second, and dates in numbers need none.
        return marked
    marks, firsts = _name_marks()
    number = 0
    while number < len(words):
        start, end = words[number]
        word = normalize(text[start:end])
        number += 1
        if word in firsts:
            # The longest name counts.
            for last in range(min(number + _MAX_NAME_WORDS - 1, len(words)) - 1, number - 1, -1):
                name = normalize(text[start : words[last][1]])
                if name in marks:
                    word, end, number = name, words[last][1], last + 1
                    break
        if word in marks:
            marked = f"{marked[:start]}{marks[word]}{_REST_MARK * (end - start - 1)}{marked[end:]}"
    return marked


@cache
def _name_marks() -> tuple[dict[str, str], frozenset[str]]:
    """Return the mark of each name of months and weekdays, and the first words of names of several words."""
    months = {*month_names(), *solar_hijri_months()}
    weekdays = {name for name in weekday_names() if len(name) > 1}
    marks = {
        **dict.fromkeys(months, _MONTH_MARK),
        **dict.fromkeys(weekdays, _WEEKDAY_MARK),
        **dict.fromkeys(months & weekdays, _EITHER_MARK),
    }
    words = map(_WORD.findall, marks)
    return marks, frozenset(found[0] for found in words if len(found) > 1)


def _month_name(match: regex.Match[str], text: str) -> str:
    """Return the normalized name of the month of a match of a text whose names are marked."""
    return normalize(text[slice(*match.span("month"))])


def _read_expression(
    match: regex.Match[str], text: str, provenance: str, options: ReadOptions
) -> Published | None:
    """Return the date of a match of a text whose names are marked; None if its numbers make no date."""
    parts, original = match.groupdict(), text[slice(*match.span())]
    clock, zone = parts["after"], parts["zone"]
    if not clock:
        clock, zone = parts["before"], parts["zone_before"]
    note = None
    era = ERAS.get(parts["era"] or "")
    if era is not None:
        year = era + (1 if parts["year"] == "元" else int(parts["year"]))
    elif len(parts["year"]) in (2, 4) and parts["year"].isdigit():
        year = int(parts["year"])
        if len(parts["year"]) == 2:
            year = _full_year(year, options.last_day().year)
        year = to_common_era(original, year)
    else:
        return None
    day = int(parts["day"]) if parts["day"] else None
    is_solar = is_solar_hijri(original, year)
    if parts["month"]:
        name = _month_name(match, text)
        number = month_names().get(name)
        is_solar = is_solar or number is None
        month = 10 if _CROATIAN_OCTOBER.search(original) else number or solar_hijri_months()[name]
    elif parts["number"]:
        month = int(parts["number"])
    else:
        first, second, separator = int(parts["first"]), int(parts["second"]), parts["separator"]
        # Countries that separate with dots put the day first.
        day_first = options.day_first or separator == "."
        day, month = (first, second) if day_first else (second, first)
        if month > 12:
            day, month = month, day
        elif first <= 12 and second <= 12 and first != second and separator != ".":
            written = f"{parts['first']}{separator}{parts['second']}{separator}{parts['year']}"
            note = f"{written} was read with the {'day' if day_first else 'month'} first"
    time = _parse_time(clock)
    if is_solar:
        return _from_solar_hijri(year, month, day, provenance, options, time)
    if is_lunar_hijri(original, year):
        return None
    return make_date(year, month, day, provenance, options, time, zone, note)


def _from_solar_hijri(
    year: int,
    month: int,
    day: int | None,
    provenance: str,
    options: ReadOptions,
    time: tuple[int, int] | None,
) -> Published | None:
    """Return the date of a day in the Persian calendar; None for a month, which overlaps two of ours."""
    try:
        found = from_solar_hijri(year, month, day) if day else None
    except ValueError:
        return None
    return make_date(found.year, found.month, found.day, provenance, options, time) if found else None


def _to_timezone(moment: datetime, zone: str | None, options: ReadOptions) -> datetime:
    """Return the wall time in the configured zone; unchanged if either zone is unknown."""
    offset = _zone_offset(zone) if zone and options.timezone else None
    if offset is None:
        return moment
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=offset)))
    try:
        return aware.astimezone(ZoneInfo(options.timezone)).replace(tzinfo=None)
    except (OverflowError, ValueError):
        return moment


def _zone_offset(zone: str) -> int | None:
    """Return the minutes east of Greenwich of `+02:00` or `CEST`; None if unknown."""
    if zone[0] not in "+-":
        return _ZONES.get(zone.casefold())
    digits = zone[1:].replace(":", "").ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    if minutes >= 24 * 60:
        return None
    return -minutes if zone[0] == "-" else minutes


def _parse_time(text: str | None) -> tuple[int, int] | None:
    """Return the hour and the minute of `21:01`, `9pm` or `14h30`; None if there is no such time."""
    match = re.match(r"(\d{1,2})(?:[:.h](\d{2}))?.*?([apصم])?", (text or "").strip(), re.IGNORECASE)
    if not match:
        return None
    hour, minute = int(match[1]), int(match[2] or 0)
    half = re.search("[apصم]", (text or "").casefold())
    if half and hour <= 12:
        hour = hour % 12 + (12 if half[0] in "pم" else 0)
    return (hour, minute) if hour < 24 and minute < 60 else None


def _parse_timestamp(digits: str, provenance: str, options: ReadOptions) -> Published | None:
    """Return the date of seconds or milliseconds since 1970."""
    if len(digits) not in (10, 13):
        return None
    moment = datetime.fromtimestamp(int(digits[:10]), UTC).replace(tzinfo=None)
    return Published.at(_to_timezone(moment, "utc", options), "minute", provenance)


def _parse_loosely(text: str, provenance: str, options: ReadOptions) -> Published | None:
    """Return the date that dateutil finds; parts that come from dateutil's default are dropped."""
    one = _parse_with_default(text, options, datetime(2001, 1, 1, 1, 1))
    two = _parse_with_default(text, options, datetime(2004, 2, 2, 2, 2))
    if one is None or two is None or one.year != two.year:
        return None
    if one.month != two.month:
        return Published.at(one, "year", provenance) if str(one.year) in text else None
    day = one.day if one.day == two.day else None
    time = (one.hour, one.minute) if (one.hour, one.minute) == (two.hour, two.minute) else None
    return make_date(one.year, one.month, day, provenance, options, time)


def _parse_with_default(text: str, options: ReadOptions, default: datetime) -> datetime | None:
    try:
        return dateutil_parser.parse(
            text,
            parserinfo=_parser_info(options.last_day().year),
            default=default,
            dayfirst=options.day_first,
            tzinfos=lambda name, offset: timezone(timedelta(seconds=offset)) if offset else None,
        )
    except (ValueError, OverflowError, TypeError, ArithmeticError, AttributeError, IndexError):
        return None


class _ParserInfo(parserinfo):
    """Month names of many languages, and two-digit years that do not depend on the system's clock."""

    def __init__(self, year: int) -> None:
        names = month_names().items()
        months = [tuple(name for name, number in names if number == month) for month in range(1, 13)]
        # The stubs demand pairs; dateutil takes any number of names for a month.
        self.MONTHS = months  # type: ignore[assignment]
        self.JUMP = [*parserinfo.JUMP, "de", "del", "le", "den", "um", "uhr", "à", "do", "h"]
        super().__init__()
        self._this_year = year

    def convertyear(self, year: int, century_specified: bool = False) -> int:
        """Return the full year."""
        return year if year >= 100 or century_specified else _full_year(year, self._this_year)


_parser_info = cache(_ParserInfo)


def _full_year(digits: int, this_year: int) -> int:
    """Return the latest year that ends with two digits, up to the one after `this_year`."""
    latest = this_year // 100 * 100 + digits
    return latest if latest <= this_year + 1 else latest - 100
