"""The timeline of a results page: bars that link to their periods, over a grid and an axis.

Places along the axis are percentages of its width, and heights are pixels, so that the drawing fills any
width while its text keeps its size.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from msgspec.structs import replace

from indexer import Config, Published
from indexer.query import parse_period
from indexer.results import Grain, Timeline, TimelineBar
from webui.urls import Search

TOP, HEIGHT = 8, 96
"""Pixels above the highest line of the grid, and from there down to the axis."""
# Minimum height of a bar that is not empty.
MIN_HEIGHT = 3
LINES = 3
"""The most lines of the grid above the axis."""
# Digits of an ISO 8601 date that name a year, a month, a day; for each, the most dates below the axis.
_YEAR, _MONTH, _DAY = 4, 7, 10
_LEVELS = {
    "year": (_YEAR,),
    "month": (_YEAR, _MONTH),
    "week": (_YEAR, _MONTH, _DAY),
    "day": (_YEAR, _MONTH, _DAY),
}
_MOST = {_YEAR: 6, _MONTH: 5, _DAY: 5}
_STEPS = {_YEAR: (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000), _MONTH: (1, 2, 3, 6), _DAY: (1, 2, 7, 14, 28)}
# From here on, in percent of the axis, a date ends at its place, since there is no room beyond the axis.
_LAST = 95


@dataclass(frozen=True, slots=True)
class Bar:
    """A period of the timeline, from `since` to `until` (ISO 8601, both included, equal for a whole period).

    `url` is the search in this period, None if it has no hits; the rest is its rectangle.
    """

    since: str
    until: str
    url: str | None
    articles: int
    share: float
    x: float
    y: int
    height: int


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the grid: its height in the drawing, and the number that it stands for."""

    y: int
    value: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A date below the axis, in ISO 8601, and where its text is anchored."""

    x: float
    value: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A timeline as it is drawn; `other` is the URL of the same timeline with shares, or counts."""

    grain: Grain
    bars: tuple[Bar, ...]
    width: float
    lines: tuple[Line, ...]
    ticks: tuple[Tick, ...]
    other: str
    undated: int
    inexact: int


def chart(timeline: Timeline | None, search: Search, base: str, config: Config) -> Chart | None:
    """The timeline as bars that link to their periods, or None with fewer than two periods."""
    if timeline is None or sum(1 for bar in timeline.bars if bar.articles) < 2:
        return None
    measured = [bar.share if search.share else float(bar.articles) for bar in timeline.bars]
    values = grid(max(measured), whole=not search.share)
    slot = 100 / len(measured)
    return Chart(
        timeline.grain,
        tuple(_bars(timeline, measured, values[-1], search, base, config)),
        round(0.8 * slot, 3),
        tuple(Line(TOP + HEIGHT - round(HEIGHT * value / values[-1]), value) for value in values),
        tuple(
            Tick(x := round(place * slot, 3), value, "end" if x > _LAST else "middle")
            for place, value in ticks([bar.start for bar in timeline.bars], timeline.grain)
        ),
        replace(search, share=not search.share).url(base),
        timeline.undated,
        timeline.inexact,
    )


def grid(most: float, *, whole: bool) -> list[float]:
    """Up to LINES multiples of 1, 2 or 5 (times a power of ten), of which the last is not below `most`."""
    power = 10.0 ** math.floor(math.log10(most / LINES)) if most else 1.0
    step = next(step for factor in (1, 2, 5, 10) if most <= LINES * (step := factor * power))
    step = max(step, 1.0) if whole else step
    return [round(step * number, 10) for number in range(1, max(1, math.ceil(most / step)) + 1)]


def ticks(starts: Sequence[str], grain: Grain) -> list[tuple[int, str]]:
    """The dates below the axis: the number of the bar that each stands at, and its ISO 8601 date.

    These are years, or else months, or else days: the first of which there are at least three.
    """
    found: list[tuple[int, str]] = []
    for digits in _LEVELS[grain]:
        names = [start[:digits] for start in starts]
        found = [
            (place, name)
            for place, name in enumerate(names)
            if (name != names[place - 1] if place else starts[0] == f"{name}-01-01"[: len(starts[0])])
        ]
        if len(found) >= LINES or digits == _LEVELS[grain][-1]:
            return _thin_out(found, digits)
    return found


def _thin_out(found: list[tuple[int, str]], digits: int) -> list[tuple[int, str]]:
    """As many of the dates as there is room for: round years, regular months, every so many days."""
    for step in _STEPS[digits]:
        kept = [
            (place, name)
            for number, (place, name) in enumerate(found)
            if {_YEAR: int(name[:4]), _MONTH: int(name[5:7] or 1) - 1, _DAY: number}[digits] % step == 0
        ]
        if len(kept) <= _MOST[digits]:
            return kept or found[:1]
    return found[:1]


def _bars(
    timeline: Timeline, measured: list[float], top: float, search: Search, base: str, config: Config
) -> Iterator[Bar]:
    limits = _limits(search, config)
    slot = 100 / len(measured)
    for place, (bar, value) in enumerate(zip(timeline.bars, measured, strict=True)):
        since, until = _period(bar, timeline.grain, limits)
        height = max(round(HEIGHT * value / top), MIN_HEIGHT) if value else 0
        yield Bar(
            since,
            until,
            search.with_dates(since, until).url(base) if bar.articles else None,
            bar.articles,
            bar.share,
            round(place * slot, 3),
            TOP + HEIGHT - height,
            height,
        )


def _limits(search: Search, config: Config) -> tuple[date, date]:
    """The first and the last day of the search."""
    first, last = (
        parse_period(text, config.today(), day_first=config.day_first) if text else None
        for text in (search.since, search.until)
    )
    return (
        first[0].date() if first else date.min,
        (last[1] - timedelta.resolution).date() if last else date.max,
    )


def _period(bar: TimelineBar, grain: Grain, limits: tuple[date, date]) -> tuple[str, str]:
    """The period of a bar within the dates of the search, as the dates of a search."""
    if grain == "week":
        first = date.fromisoformat(bar.start)
        last = date.fromordinal(min(first.toordinal() + 6, date.max.toordinal()))
    else:
        period = Published.parse(bar.start)
        first, last = period.start.date(), (period.end - timedelta.resolution).date()
        if limits[0] <= first and last <= limits[1]:
            return bar.start, bar.start
    return max(first, limits[0]).isoformat(), min(last, limits[1]).isoformat()
