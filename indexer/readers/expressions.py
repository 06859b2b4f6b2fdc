"""Date expressions in running text and in metadata fields, each with the precision that it states."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo

from dateutil import parser as dateutil_parser
from dateutil.parser import parserinfo

from indexer.article import Precision, Published
from indexer.readers.options import ReadOptions

# English, German, French, Spanish, Italian, Portuguese, Dutch; abbreviations are told by their stems.
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
MONTH = (
    "(?:"
    + "|".join(sorted((re.escape(n) for names in _MONTHS for n in names), key=len, reverse=True))
    + r")\b\.?"
)
DAY = r"(?:0?[1-9]|[12]\d|3[01])"
ORDINAL = r"(?:st|nd|rd|th|\.|º|er|ª)?"
_TIME = (
    r"\d{1,2}(?:(?::|h)\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?|\.\d{2}(?=\s*(?:[ap]\.?m|uhr)))"
    r"(?:\s*[ap]\.?m\b\.?)?|\d{1,2}\s*[ap]\.?m\b\.?"
)
_ZONES = {
    name: minutes
    for minutes, names in (
        *((0, "z utc gmt wet"), (60, "bst west cet mez"), (120, "cest mesz eet"), (180, "eest msk")),
        *((-240, "edt"), (-300, "est cdt"), (-360, "mdt"), (-420, "mst pdt"), (-480, "pst")),
        *((480, "hkt sgt"), (540, "jst kst"), (600, "aest"), (660, "aedt")),
    )
    for name in names.split()
}
# Zones that are known by name only (CST is American or Chinese): the wall time stays as it is.
_ZONE = r"(?:[+-]\d{2}:?\d{2}|(?:" + "|".join(_ZONES) + r"|est|cst|ist|et|pt|ct)\b)"
_WEEKDAY = (
    r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?|montag|dienstag|mittwoch|donnerstag|"
    r"freitag|samstag|sonnabend|sonntag|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|lunes|martes|"
    r"miércoles|jueves|viernes|sábado|domingo|m[oi]|d[io]|fr|sa|so)\b\.?,?"
)
_JOIN = r"(?:\s|,|\||–|-|·|at\b|um\b|à\b|a las\b|alle\b|@|T(?=\d))*"
_DATES = rf"""
    (?P<cjk>(?P<cy>\d{{4}})\s?年\s?(?P<cm>\d{{1,2}})\s?月(?:\s?(?P<cd>\d{{1,2}})\s?日)?)
  | (?P<ymd>\b(?P<iy>\d{{4}})(?P<isep>[-/.])(?P<im>0?[1-9]|1[0-2])(?P=isep)(?P<id>{DAY})(?![\d]))
  | (?P<num>\b(?P<na>\d{{1,2}})(?P<nsep>[-/.])\s?(?P<nb>\d{{1,2}})(?P=nsep)\s?(?P<ny>\d{{4}}|\d{{2}})\b)
  | (?P<dmy>\b{DAY}{ORDINAL}[\s-]*(?:of\s|de\s|do\s)?\s?{MONTH}[\s,-]*(?:de\s|del\s)?\s?
    (?:\d{{4}}|'?\d{{2}}(?!\s?[:\d])(?<=-\d\d))\b)
  | (?P<mdy>\b{MONTH}[\s-]*{DAY}(?:st|nd|rd|th)?\b(?:,\s?|\s|-)\s?\d{{4}}\b)
  | (?P<my>\b{MONTH}[\s,-]*(?:of\s|de\s|del\s)?\s?\d{{4}}\b)
"""
EXPRESSION = re.compile(
    rf"(?:(?P<before>\b(?:{_TIME}))\s*(?P<zone_before>{_ZONE})?{_JOIN})?(?:{_WEEKDAY}\s?(?:den\s|le\s)?)?"
    rf"(?:{_DATES})(?:{_JOIN}(?P<after>(?:{_TIME}))\s*(?:uhr\b|hrs\b)?\s*(?:(?P<zone>{_ZONE}))?)?",
    re.IGNORECASE | re.VERBOSE,
)
_COMPACT = re.compile(
    r"(\d{4})(\d{2})(\d{2})(?:[T ]?(\d{2}):?(\d{2})(?::?\d{2}(?:\.\d+)?)?\s?(Z|[+-]\d{2}:?\d{2})?)?",
    re.IGNORECASE,
)
_ISO = re.compile(
    r"(\d{4})-(\d{2})(?:-(\d{2})"
    r"(?:[T ]+(\d{2}):(\d{2})(?::\d{2}(?:[.,]\d+)?)?\s?(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?)?)?",
    re.IGNORECASE,
)


class _Months(parserinfo):
    """Month names of several languages, and two-digit years that do not hang on the system's clock."""

    def __init__(self, year: int) -> None:
        # The stubs want pairs; dateutil takes any number of names for a month.
        self.MONTHS = _MONTHS  # type: ignore[assignment]
        self.JUMP = [*parserinfo.JUMP, "de", "del", "le", "den", "um", "uhr", "à", "do", "h"]
        super().__init__()
        self._now = year

    def convertyear(self, year: int, century_specified: bool = False) -> int:
        """Two digits mean the century that ends next year."""
        if year >= 100 or century_specified:
            return year
        century = self._now // 100 * 100
        return century + year if century + year <= self._now + 1 else century - 100 + year


@cache
def _months(year: int) -> _Months:
    return _Months(year)


def parse_date(text: object, provenance: str, options: ReadOptions) -> Published | None:
    """The date that `text` is, or None: a value of a metadata field, whole and alone."""
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        return _epoch(str(int(text)) if abs(text) < 1e15 else "", provenance, options)
    if not isinstance(text, str) or not 4 <= len(text := " ".join(text.split())) <= 100:
        return None
    if match := _ISO.fullmatch(text) or _COMPACT.fullmatch(text):
        year, month, day, hour, minute, zone = match.groups()
        return build(
            int(year),
            int(month),
            int(day) if day else None,
            (hour, minute) if hour else None,
            zone,
            provenance,
            options,
        )
    if text.isdigit():
        if len(text) == 4:
            return _published(datetime(int(text), 1, 1), "year", provenance) if text > "0000" else None
        return _epoch(text, provenance, options)
    found = find_dates(text, provenance, options)
    return found[0] if found else _loose(text, provenance, options)


_OFFSET = re.compile(
    r"\d{1,2}:?\d{2}(?::\d{1,2}(?:[.,]\d+)?)?\s?(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)\s*$", re.IGNORECASE
)


def utc_offset(text: object) -> int | None:
    """The minutes east of Greenwich that a date-time states at its end; None where it states none."""
    match = _OFFSET.search(text) if isinstance(text, str) else None
    offset = _offset(match[1]) if match else None
    shift = offset.utcoffset(None) if offset else None
    return None if shift is None else int(shift.total_seconds()) // 60


def find_dates(text: str, provenance: str, options: ReadOptions) -> list[Published]:
    """Every date with a year in a stretch of text, in order."""
    if not any(map(str.isdigit, text)):
        return []
    found = (from_match(match, provenance, options) for match in EXPRESSION.finditer(text))
    return [published for published in found if published]


def from_match(match: re.Match[str], provenance: str, options: ReadOptions) -> Published | None:
    """The date of a match of EXPRESSION; None where the numbers make no date."""
    clock = match["after"] or match["before"]
    zone = match["zone"] if match["after"] else match["zone_before"]
    time = _clock(clock) if clock else None
    note = None
    year: int
    month: int
    day: int | None
    if match["cjk"]:
        year, month, day = int(match["cy"]), int(match["cm"]), int(match["cd"]) if match["cd"] else None
    elif match["ymd"]:
        year, month, day = int(match["iy"]), int(match["im"]), int(match["id"])
    elif match["num"]:
        first, second = int(match["na"]), int(match["nb"])
        year = _months(options.now().year).convertyear(int(match["ny"]), len(match["ny"]) == 4)
        # Dots are a custom of countries that put the day first.
        day_first = options.day_first or match["nsep"] == "."
        day, month = (first, second) if day_first else (second, first)
        if month > 12:
            day, month = month, day
        elif first <= 12 and second <= 12 and first != second and match["nsep"] != ".":
            note = f"{match['num']} was read with the {'day' if day_first else 'month'} first"
    else:
        text = match["dmy"] or match["mdy"] or match["my"]
        text = re.sub(r"(\d)(?:st|nd|rd|th|\.|º|er|ª)(?=[\s-])", r"\1", text, flags=re.IGNORECASE)
        moment = _dateutil(re.sub(r"[^\w\s]", " ", text), options)
        if moment is None:
            return None
        year, month, day = moment.year, moment.month, None if match["my"] else moment.day
    return build(year, month, day, time, zone, provenance, options, note)


def build(
    year: int,
    month: int,
    day: int | None,
    time: tuple[str, str] | tuple[int, int] | None,
    zone: str | None,
    provenance: str,
    options: ReadOptions,
    note: str | None = None,
) -> Published | None:
    """The date with the precision of the parts that are there; None where they make no date."""
    try:
        moment = datetime(year, month, day or 1)
        if time and day:
            moment = moment.replace(hour=int(time[0]), minute=int(time[1]))
    except ValueError:
        return None
    if day is None:
        return _published(moment, "month", provenance, note)
    # Midnight to the minute is how systems write a date without a time.
    if not time or (moment.hour, moment.minute) == (0, 0):
        return _published(moment, "day", provenance, note)
    return _published(_moved(moment, zone, options), "minute", provenance, note)


def _published(moment: datetime, precision: Precision, provenance: str, note: str | None = None) -> Published:
    return Published.at(moment, precision, provenance, note=note)


def _moved(moment: datetime, zone: str | None, options: ReadOptions) -> datetime:
    """The wall time in the configured zone; as it stands where either zone is unknown."""
    if not zone or not options.timezone:
        return moment
    offset = _offset(zone)
    if offset is None:
        return moment
    try:
        return moment.replace(tzinfo=offset).astimezone(ZoneInfo(options.timezone)).replace(tzinfo=None)
    except (OverflowError, ValueError):
        return moment


def _offset(zone: str) -> tzinfo | None:
    if zone[0] in "+-":
        digits = zone[1:].replace(":", "").ljust(4, "0")
        minutes = int(digits[:2]) * 60 + int(digits[2:])
        return (
            timezone(timedelta(minutes=-minutes if zone[0] == "-" else minutes)) if minutes < 1440 else None
        )
    minutes_east = _ZONES.get(zone.casefold())
    return None if minutes_east is None else timezone(timedelta(minutes=minutes_east))


def _clock(text: str) -> tuple[int, int] | None:
    match = re.match(r"(\d{1,2})(?:[:.h](\d{2}))?.*?([ap])?\.?m?\.?$", text.strip(), re.IGNORECASE)
    if not match:
        return None
    hour, minute = int(match[1]), int(match[2] or 0)
    half = (match[3] or "").casefold()
    if half and hour <= 12:
        hour = hour % 12 + (12 if half == "p" else 0)
    return (hour, minute) if hour < 24 and minute < 60 else None


def _epoch(text: str, provenance: str, options: ReadOptions) -> Published | None:
    """Seconds or milliseconds since 1970, as some systems write them."""
    if len(text) not in (10, 13):
        return None
    moment = datetime.fromtimestamp(int(text[:10]), UTC).replace(tzinfo=None)
    return _published(_moved(moment, "utc", options), "minute", provenance)


def _dateutil(text: str, options: ReadOptions, default: datetime = datetime(2000, 1, 1)) -> datetime | None:
    try:
        return dateutil_parser.parse(
            text,
            parserinfo=_months(options.now().year),
            default=default,
            dayfirst=options.day_first,
            tzinfos=lambda name, offset: timezone(timedelta(seconds=offset)) if offset else None,
        )
    except (ValueError, OverflowError, TypeError, ArithmeticError, AttributeError, IndexError):
        return None


def _loose(text: str, provenance: str, options: ReadOptions) -> Published | None:
    """Whatever else dateutil understands, with only the parts that two different defaults do not change."""
    one = _dateutil(text, options, datetime(2001, 1, 1, 1, 1))
    two = _dateutil(text, options, datetime(2004, 2, 2, 2, 2))
    if one is None or two is None or one.year != two.year:
        return None
    if one.month != two.month:
        return _published(one, "year", provenance) if str(one.year) in text else None
    day = one.day if one.day == two.day else None
    time = (one.hour, one.minute) if (one.hour, one.minute) == (two.hour, two.minute) else None
    return build(one.year, one.month, day, time, None, provenance, options)


def month_number(name: str) -> int:
    """1 to 12 for a month's name or abbreviation in any of the languages known here."""
    folded = name.casefold().rstrip(".")
    return next(number for number, names in enumerate(_MONTHS, 1) if folded in names)
