"""Publication dates: date expressions in text, metadata, URLs and file names, and the choice among them.

Every date has the precision that its source states, and its provenance: where the source states it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache
from zoneinfo import ZoneInfo

from dateutil import parser as dateutil_parser
from dateutil.parser import parserinfo
from msgspec.structs import replace

from indexer.article import Published
from indexer.readers.document import ReadOptions

# Best first. "text" is a date that the page shows without saying what it is the date of.
RANKS = {
    name: rank
    for rank, name in enumerate(
        ("given", "meta", "json-ld", "time", "dateline", "text", "url", "modified", "file name")
    )
}
_EARLIEST = date(1400, 1, 1)

# English, German, French, Spanish, Italian, Portuguese, Dutch: names and abbreviations.
_MONTHS: list[tuple[str, ...]] = [
    tuple(names.split())
    for names in (
        "january jan januar jänner janvier enero gennaio janeiro januari janv ene gen",
        "february feb februar februar février fevrier febrero febbraio fevereiro februari fév févr fev",
        "march mar märz maerz mars marzo março marco maart mär mrz mrt",
        "april apr avril abril aprile avr abr",
        "may mai mayo maggio maio mei mag",
        "june jun juni juin junio giugno junho giu",
        "july jul juli juillet julio luglio julho juil lug",
        "august aug août aout agosto augustus ago",
        "september sep sept septembre septiembre settembre setembro set",
        "october oct oktober octobre octubre ottobre outubro okt ott out",
        "november nov novembre noviembre novembro",
        "december dec dezember décembre decembre diciembre dicembre dezembro dez déc dic",
    )
]
_MONTH_NUMBERS = {name: number for number, names in enumerate(_MONTHS, 1) for name in names}
_MONTH = rf"(?:{'|'.join(sorted(map(re.escape, _MONTH_NUMBERS), key=len, reverse=True))})\b\.?"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_ORDINAL = r"(?:st|nd|rd|th|\.|º|er|ª)?"
_TIME = (
    r"\d{1,2}(?:(?::|h)\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?|\.\d{2}(?=\s*(?:[ap]\.?m|uhr)))"
    r"(?:\s*[ap]\.?m\b\.?)?|\d{1,2}\s*[ap]\.?m\b\.?"
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
_WEEKDAY = (
    r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?|montag|dienstag|mittwoch|donnerstag|"
    r"freitag|samstag|sonnabend|sonntag|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|lunes|martes|"
    r"miércoles|jueves|viernes|sábado|domingo|m[oi]|d[io]|fr|sa|so)\b\.?,?"
)
_JOIN = r"(?:\s|,|\||–|-|·|at\b|um\b|à\b|a las\b|alle\b|@|T(?=\d))*"
_DATES = rf"""
    (?P<cjk>(?P<cy>\d{{4}})\s?年\s?(?P<cm>\d{{1,2}})\s?月(?:\s?(?P<cd>\d{{1,2}})\s?日)?)
  | (?P<ymd>\b(?P<iy>\d{{4}})(?P<isep>[-/.])(?P<im>0?[1-9]|1[0-2])(?P=isep)(?P<id>{_DAY})(?![\d]))
  | (?P<num>\b(?P<na>\d{{1,2}})(?P<nsep>[-/.])\s?(?P<nb>\d{{1,2}})(?P=nsep)\s?(?P<ny>\d{{4}}|\d{{2}})\b)
  | (?P<dmy>\b{_DAY}{_ORDINAL}[\s-]*(?:of\s|de\s|do\s)?\s?{_MONTH}[\s,-]*(?:de\s|del\s)?\s?
    (?:\d{{4}}|'?\d{{2}}(?!\s?[:\d])(?<=-\d\d))\b)
  | (?P<mdy>\b{_MONTH}[\s-]*{_DAY}(?:st|nd|rd|th)?\b(?:,\s?|\s|-)\s?\d{{4}}\b)
  | (?P<my>\b{_MONTH}[\s,-]*(?:of\s|de\s|del\s)?\s?\d{{4}}\b)
"""
_EXPRESSION = re.compile(
    rf"(?:(?P<before>\b(?:{_TIME}))\s*(?P<zone_before>{_ZONE})?{_JOIN})?(?:{_WEEKDAY}\s?(?:den\s|le\s)?)?"
    rf"(?:{_DATES})(?:{_JOIN}(?P<after>(?:{_TIME}))\s*(?:uhr\b|hrs\b)?\s*(?:(?P<zone>{_ZONE}))?)?",
    re.IGNORECASE | re.VERBOSE,
)
_MONTH_NAME = re.compile(_MONTH, re.IGNORECASE)
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
_YEARLESS = re.compile(
    rf"\b(?P<month>{_MONTH})\s+(?P<day>{_DAY})(?:st|nd|rd|th)?\b"
    rf"|\b(?P<day2>{_DAY}){_ORDINAL}\s+(?P<month2>{_MONTH})",
    re.IGNORECASE,
)
_LABEL = re.compile(
    "updated?|published|posted|publication|last|modified|first|created|dated?|on|at|the|of|by|time|written|issued|"
    "released|filed|hrs|local|est|et|pt|ct|ist|cst|stand|aktualisiert|geändert|veröffentlicht|erstellt|datum|am|vom|"
    "um|uhr|den|der|publié|mis|à|jour|le|modifié|actualizado|publicado|fecha|el|de|del|a|las|pubblicato|aggiornato|"
    "il|alle|发布时间|更新时间|时间|日期|公開日|更新日"
)
_MODIFIED = re.compile(
    r"updated|modified|aktualisiert|geändert|mis à jour|modifié|actualizado|aggiornato|更新", re.I
)
_WORD = re.compile(r"[^\W_]+")
_YEAR = r"((?:1[4-9]|20)\d\d)"
_YEAR_LINE = re.compile(rf"\W*{_YEAR}\W*")
_DATELINE = re.compile(
    rf"(?P<place>[^\W\d_]{{3,}}[^\d\n]{{0,60}}?)[,:]?\s+"
    rf"(?P<date>{_MONTH}\s+{_DAY}\b(?:,?\s+\d{{4}})?|{_DAY}\.?\s+{_MONTH}(?:,?\s+\d{{4}})?)"
    r"\s*(?:\([^()]{1,40}\)\s*)?(?:-{1,2}|–|—)\s",
    re.IGNORECASE,
)
_PATH_DAY = re.compile(
    rf"(?<![0-9A-Za-z]){_YEAR}([-/_.]?)(0?[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01]|[1-9])(?![0-9])"
)
_PATH_NAMED_MONTH = re.compile(
    rf"(?<![0-9A-Za-z]){_YEAR}[-/_]({_MONTH})(?:[-/_]({_DAY})(?!\d))?", re.IGNORECASE
)
_PATH_MONTH = re.compile(rf"(?<![0-9A-Za-z]){_YEAR}[-/_](0[1-9]|1[0-2])(?![0-9])")
_PATH_YEAR = re.compile(rf"(?:^|/){_YEAR}(?=[-_ /.]|$)")


def parse_date(value: object, provenance: str, options: ReadOptions) -> Published | None:
    """Return the date that the value of a metadata field is, or None: a text, or seconds since 1970."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _parse_timestamp(str(int(value)) if abs(value) < 1e15 else "", provenance, options)
    if not isinstance(value, str) or not 4 <= len(text := " ".join(value.split())) <= 100:
        return None
    if match := _ISO.fullmatch(text) or _COMPACT.fullmatch(text):
        year, month, day, hour, minute, zone = match.groups()
        time = (int(hour), int(minute)) if hour else None
        return _make_date(int(year), int(month), int(day) if day else None, provenance, options, time, zone)
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


def find_dates(text: str, provenance: str, options: ReadOptions) -> list[Published]:
    """Return every date with a year in a text, in order."""
    if not any(map(str.isdigit, text)):
        return []
    found = (_read_expression(match, provenance, options) for match in _EXPRESSION.finditer(text))
    return [published for published in found if published]


@dataclass(frozen=True, slots=True)
class DateLine:
    """The dates of a line, best first, or only a month and a day."""

    dates: tuple[Published, ...] = ()
    month_and_day: tuple[int, int] | None = None


def parse_date_line(text: str, options: ReadOptions) -> DateLine | None:
    """Return the dates of a line that has only dates and labels such as "Updated"; None for others."""
    if len(text) > 160 or not any(map(str.isdigit, text)):
        return None
    if year := _YEAR_LINE.fullmatch(text):
        return DateLine((Published(year[1], "year", "dateline"),))
    dates: list[Published] = []
    modified: list[Published] = []
    labels = []
    start = 0
    for match in _EXPRESSION.finditer(text):
        label = text[start : match.start()]
        if published := _read_expression(match, "dateline", options):
            (modified if _MODIFIED.search(label) else dates).append(published)
        labels.append(label)
        start = match.end()
    labels.append(text[start:])
    if dates or modified:
        return DateLine((*dates, *modified)) if _are_labels(" ".join(labels)) else None
    if (short := _YEARLESS.search(text)) and (when := _month_and_day(short)):
        rest = f"{text[: short.start()]} {text[short.end() :]}"
        return DateLine(month_and_day=when) if _are_labels(rest) else None
    return None


def parse_dateline(text: str, options: ReadOptions) -> DateLine | None:
    """Return the date of a paragraph that begins like `LONDON, March 4 (Reuters) -`; None for any other."""
    if not text[:3].isupper() or not (match := _DATELINE.match(text[:160])):
        return None
    expression = match["date"]
    if found := find_dates(expression, "dateline", options):
        return DateLine(tuple(found))
    short = _YEARLESS.search(expression)
    when = _month_and_day(short) if short else None
    return DateLine(month_and_day=when) if when else None


def complete_year(month_and_day: tuple[int, int], hint: Published) -> Published | None:
    """Return the date with this month and day that is nearest to `hint`; None if its year has no such day."""
    month, day = month_and_day
    candidates = []
    for step in (0,) if hint.precision == "year" else (-1, 0, 1):
        try:
            candidates.append(datetime(hint.start.year + step, month, day))
        except ValueError:
            continue
    if not candidates:
        return None
    nearest = min(candidates, key=lambda moment: (abs(moment - hint.start), moment))
    return Published.at(nearest, "day", "dateline", note=f"the year is from the {hint.provenance}")


def find_path_date(path: str, provenance: str, options: ReadOptions) -> Published | None:
    """Return the date in a URL's path or a file's name.

    A day or a month may stand anywhere in it; a year alone must begin a part of a file's name.
    """
    for match in _PATH_DAY.finditer(path):
        year, separator, month, day = match.groups()
        # Without separators only eight digits are a date.
        is_date = separator or len(match[0]) == 8
        if is_date and (found := _make_date(int(year), int(month), int(day), provenance, options)):
            return found
    for match in _PATH_NAMED_MONTH.finditer(path):
        named_day = int(match[3]) if match[3] else None
        if found := _make_date(int(match[1]), _month_number(match[2]), named_day, provenance, options):
            return found
    if found_month := _PATH_MONTH.search(path):
        return _make_date(int(found_month[1]), int(found_month[2]), None, provenance, options)
    if provenance == "file name" and (found_year := _PATH_YEAR.search(path)):
        return Published(found_year[1], "year", provenance)
    return None


def choose_date(candidates: Iterable[Published], options: ReadOptions) -> tuple[Published | None, list[str]]:
    """Return the publication date among the candidates, and notes about it.

    The best provenance wins. A finer date that agrees with it adds its precision; dates that disagree become
    its `others`. Dates in the future or before 1400 are refused with a note.
    """
    notes = []
    valid = []
    for candidate in sorted(candidates, key=lambda c: RANKS.get(c.provenance, len(RANKS))):
        start = candidate.start.date()
        if start > options.last_day():
            notes.append(f"date {candidate.value} ({candidate.provenance}) refused: it is in the future")
        elif start < _EARLIEST:
            notes.append(f"date {candidate.value} ({candidate.provenance}) refused: it is before 1400")
        else:
            valid.append(candidate)
    if not valid:
        return None, notes
    best = valid[0]
    for other in valid[1:]:
        # A finer date is a longer value.
        if len(other.value) > len(best.value) and other.value.startswith(best.value):
            best = other
    others = []
    for other in valid:
        if other.provenance == "modified" != best.provenance:
            continue
        shorter = min(len(best.value), len(other.value))
        if best.value[:shorter] != other.value[:shorter]:
            others.append((other.value, other.provenance))
    if best.provenance == "modified":
        notes.append("only the date of a change was found, not that of publication")
    return replace(best, others=tuple(dict.fromkeys(others))), notes


def _read_expression(match: re.Match[str], provenance: str, options: ReadOptions) -> Published | None:
    """Return the date of a match of _EXPRESSION; None if its numbers make no date."""
    clock, zone = match["after"], match["zone"]
    if not clock:
        clock, zone = match["before"], match["zone_before"]
    note = None
    day: int | None
    if match["cjk"]:
        year, month, day = int(match["cy"]), int(match["cm"]), int(match["cd"]) if match["cd"] else None
    elif match["ymd"]:
        year, month, day = int(match["iy"]), int(match["im"]), int(match["id"])
    elif match["num"]:
        first, second = int(match["na"]), int(match["nb"])
        year = _full_year(match["ny"], options)
        # Countries that separate with dots put the day first.
        day_first = options.day_first or match["nsep"] == "."
        day, month = (first, second) if day_first else (second, first)
        if month > 12:
            day, month = month, day
        elif first <= 12 and second <= 12 and first != second and match["nsep"] != ".":
            note = f"{match['num']} was read with the {'day' if day_first else 'month'} first"
    else:
        text = match["dmy"] or match["mdy"] or match["my"]
        numbers = re.findall(r"\d+", text)
        year, month = _full_year(numbers[-1], options), _month_number(_MONTH_NAME.search(text)[0])  # type: ignore[index]
        day = None if match["my"] else int(numbers[0])
    return _make_date(year, month, day, provenance, options, _parse_time(clock), zone, note)


def _make_date(
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
    match = re.match(r"(\d{1,2})(?:[:.h](\d{2}))?.*?([ap])?\.?m?\.?$", (text or "").strip(), re.IGNORECASE)
    if not match:
        return None
    hour, minute = int(match[1]), int(match[2] or 0)
    if match[3] and hour <= 12:
        hour = hour % 12 + (12 if match[3] in "pP" else 0)
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
    return _make_date(one.year, one.month, day, provenance, options, time)


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
    """Month names of several languages, and two-digit years that do not depend on the system's clock."""

    def __init__(self, year: int) -> None:
        # The stubs demand pairs; dateutil takes any number of names for a month.
        self.MONTHS = _MONTHS  # type: ignore[assignment]
        self.JUMP = [*parserinfo.JUMP, "de", "del", "le", "den", "um", "uhr", "à", "do", "h"]
        super().__init__()
        self._this_year = year

    def convertyear(self, year: int, century_specified: bool = False) -> int:
        """Return the full year; two digits are the latest such year up to the next one."""
        if year >= 100 or century_specified:
            return year
        century = self._this_year // 100 * 100
        return century + year if century + year <= self._this_year + 1 else century - 100 + year


_parser_info = cache(_ParserInfo)


def _full_year(digits: str, options: ReadOptions) -> int:
    return _parser_info(options.last_day().year).convertyear(int(digits), len(digits) == 4)


def _month_number(name: str) -> int:
    return _MONTH_NUMBERS[name.casefold().rstrip(".")]


def _month_and_day(match: re.Match[str]) -> tuple[int, int] | None:
    month, day = _month_number(match["month"] or match["month2"]), int(match["day"] or match["day2"])
    try:
        datetime(2000, month, day)
    except ValueError:
        return None
    return month, day


def _are_labels(text: str) -> bool:
    """Whether every word of a text is one of the words around a date, such as "Updated" or "on"."""
    return all(map(_LABEL.fullmatch, _WORD.findall(text.casefold())))
