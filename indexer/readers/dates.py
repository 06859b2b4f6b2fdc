"""Publication dates: candidates from lines, datelines, URLs and file names, and one date from all of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from msgspec.structs import replace

from indexer.article import Precision, Published
from indexer.readers.expressions import (
    DAY,
    EXPRESSION,
    MONTH,
    ORDINAL,
    build,
    find_dates,
    from_match,
    month_number,
    parse_date,
    utc_offset,
)
from indexer.readers.options import ReadOptions

__all__ = [
    "DateLine",
    "choose",
    "complete",
    "date_line",
    "find_dates",
    "parse_date",
    "path_date",
    "utc_offset",
    "wire_dateline",
]

# Best first. "text" is a date that the page shows without saying what it is the date of.
RANKS = {
    name: rank
    for rank, name in enumerate(
        ("given", "meta", "json-ld", "time", "dateline", "text", "url", "modified", "file name")
    )
}
_EARLIEST = date(1400, 1, 1)
_FINENESS: dict[Precision, int] = {"year": 0, "month": 1, "day": 2, "minute": 3}

_YEARLESS = re.compile(
    rf"\b(?P<month>{MONTH})\s+(?P<day>{DAY})(?:st|nd|rd|th)?\b|\b(?P<day2>{DAY}){ORDINAL}\s+(?P<month2>{MONTH})",
    re.IGNORECASE,
)
_LABEL = re.compile(
    "updated?|published|posted|publication|last|modified|first|created|dated?|on|at|the|of|by|time|written|issued|"
    "released|filed|hrs|local|est|et|pt|ct|ist|cst|stand|aktualisiert|geändert|veröffentlicht|erstellt|datum|am|vom|"
    "um|uhr|den|der|publié|mis|à|jour|le|modifié|actualizado|publicado|fecha|el|de|del|a|las|pubblicato|aggiornato|"
    "il|alle|发布时间|更新时间|时间|日期|公開日|更新日"
)
_YEAR_LINE = re.compile(r"\W*((?:1[4-9]|20)\d\d)\W*")
_CHANGED = re.compile(
    r"updated|modified|aktualisiert|geändert|mis à jour|modifié|actualizado|aggiornato|更新", re.I
)
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class DateLine:
    """A line that says when: its dates, best first, or only a month and a day."""

    dates: tuple[Published, ...] = ()
    yearless: tuple[int, int] | None = None


def date_line(text: str, options: ReadOptions) -> DateLine | None:
    """The dates of a line that holds nothing else but labels such as "Updated"; None for any other line."""
    if len(text) > 160 or not any(map(str.isdigit, text)):
        return None
    dates: list[tuple[bool, Published]] = []
    changed = start = 0
    rest = []
    for match in EXPRESSION.finditer(text):
        label = text[start : match.start()]
        if published := from_match(match, "dateline", options):
            changed = bool(_CHANGED.search(label))
            dates.append((bool(changed), published))
        rest.append(label)
        start = match.end()
    rest.append(text[start:])
    if year := _YEAR_LINE.fullmatch(text):
        return DateLine((Published(year[1], "year", "dateline"),))
    words = _WORD.findall(" ".join(rest).casefold())
    if dates:
        if all(_LABEL.fullmatch(word) for word in words):
            return DateLine(tuple(published for _, published in sorted(dates, key=lambda pair: pair[0])))
        return None
    if (short := _YEARLESS.search(text)) and (when := _month_and_day(short)):
        words = _WORD.findall((text[: short.start()] + " " + text[short.end() :]).casefold())
        if all(_LABEL.fullmatch(word) for word in words):
            return DateLine(yearless=when)
    return None


_WIRE = re.compile(
    rf"(?P<place>[^\W\d_]{{3,}}[^\d\n]{{0,60}}?)[,:]?\s+(?P<date>{MONTH}\s+{DAY}\b(?:,?\s+\d{{4}})?|{DAY}\.?\s+{MONTH}"
    r"(?:,?\s+\d{4})?)\s*(?:\([^()]{1,40}\)\s*)?(?:-{1,2}|–|—)\s",
    re.IGNORECASE,
)


def wire_dateline(text: str, options: ReadOptions) -> DateLine | None:
    """The date of `LONDON, March 4 (Reuters) -` at the start of a paragraph; None where there is none."""
    if not text[:3].isupper() or not (match := _WIRE.match(text[:160])):
        return None
    expression = match["date"]
    if found := find_dates(expression, "dateline", options):
        return DateLine(tuple(found))
    short = _YEARLESS.search(expression)
    when = _month_and_day(short) if short else None
    return DateLine(yearless=when) if when else None


def complete(when: tuple[int, int], hints: Iterable[Published]) -> Published | None:
    """A month and day with the year that brings them nearest to the first of `hints`; None without any."""
    hint = next(iter(hints), None)
    if hint is None:
        return None
    month, day = when
    near = []
    for year in {hint.start.year + step for step in ((0,) if hint.precision == "year" else (-1, 0, 1))}:
        try:
            moment = datetime(year, month, day)
        except ValueError:
            continue
        near.append((abs(moment - hint.start), moment))
    if not near:
        return None
    note = f"the year is from the {hint.provenance}"
    return replace(Published.at(min(near)[1], "day", "dateline"), note=note)


_URL_DAY = re.compile(
    r"(?<![0-9A-Za-z])((?:1[4-9]|20)\d\d)([-/_.]?)(0?[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01]|[1-9])(?![0-9])"
)
_URL_NAMED = re.compile(
    rf"(?<![0-9A-Za-z])((?:1[4-9]|20)\d\d)[-/_]({MONTH})(?:[-/_]({DAY})(?!\d))?", re.IGNORECASE
)
_URL_MONTH = re.compile(r"(?<![0-9A-Za-z])((?:1[4-9]|20)\d\d)([-/_])(0[1-9]|1[0-2])(?![0-9])")
_YEAR_PART = re.compile(r"(?:^|/)((?:1[4-9]|20)\d\d)(?=[-_ /.]|$)")


def path_date(path: str, provenance: str, options: ReadOptions) -> Published | None:
    """The date in a URL's path or a file's name: a day or a month anywhere, a year as a part of its own."""
    for pattern in (_URL_DAY, _URL_NAMED, _URL_MONTH):
        for match in pattern.finditer(path):
            if pattern is _URL_DAY:
                year, separator, month, day = match.groups()
                # Without separators only eight digits are a date.
                if not separator and len(match[0]) != 8:
                    continue
            elif pattern is _URL_NAMED:
                year, month, day = match[1], str(month_number(match[2])), match[3]
            else:
                year, month, day = match[1], match[3], None
            if found := build(
                int(year), int(month), int(day) if day else None, None, None, provenance, options
            ):
                return found
    if provenance == "file name" and (part := _YEAR_PART.search(path)):
        return Published(part[1], "year", provenance)
    return None


def choose(
    candidates: Iterable[Published], options: ReadOptions, notes: Iterable[str] = ()
) -> tuple[Published | None, list[str]]:
    """One date from all candidates, and what has to be said about it.

    The best rank wins; a finer date that agrees with it lends its precision; those that disagree are kept as
    `others`. Dates in the future or before 1400 are refused with a note.
    """
    said = list(notes)
    good = []
    for candidate in sorted(candidates, key=lambda c: RANKS.get(c.provenance, len(RANKS))):
        start = candidate.start.date()
        if start > options.now():
            said.append(f"date {candidate.value} ({candidate.provenance}) refused: it is in the future")
        elif start < _EARLIEST:
            said.append(f"date {candidate.value} ({candidate.provenance}) refused: it is before 1400")
        else:
            good.append(candidate)
    if not good:
        return None, said
    best = good[0]
    for other in good[1:]:
        if _FINENESS[other.precision] > _FINENESS[best.precision] and other.value.startswith(best.value):
            best = other
    others = []
    for other in good:
        if other.provenance == "modified" != best.provenance:
            continue
        shorter = min(len(best.value), len(other.value))
        if best.value[:shorter] != other.value[:shorter] and (other.value, other.provenance) not in others:
            others.append((other.value, other.provenance))
    if best.provenance == "modified":
        said.append("only the date of a change was found, not that of publication")
    return replace(best, others=tuple(others)), list(dict.fromkeys(said))


def _month_and_day(match: re.Match[str]) -> tuple[int, int] | None:
    month, day = month_number(match["month"] or match["month2"]), int(match["day"] or match["day2"])
    try:
        datetime(2000, month, day)
    except ValueError:
        return None
    return month, day
