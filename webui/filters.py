"""What narrows a search: its limits as chips, the values of its facets, presets of dates, the timeline."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from dateutil.relativedelta import relativedelta

from indexer import Config
from indexer.query import parse_period
from indexer.results import Page, Timeline, TimelineBar
from webui.translations import N_
from webui.urls import Search

FACETS = ("year", "source", "site", "language")
"""What a page of results counts."""
# So many values of a facet stand in sight, the others one click away.
IN_SIGHT = 6
# The drawing, in units of its own: each bar has so many across.
BAR, GAP, HEIGHT = 10, 2, 100
# A bar that is there is seen, however small.
LEAST = 3
_STEPS: dict[str, timedelta | relativedelta] = {
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": relativedelta(months=1),
    "year": relativedelta(years=1),
}
# How much of an ISO date the start of a bar says, as an article's date would.
_LENGTHS = {"year": 4, "month": 7}


@dataclass(frozen=True, slots=True)
class Chip:
    """One limit of a search, and the address without it. `kind` names it, `value` may be a date (ISO)."""

    kind: str
    value: str
    without: str

    @property
    def is_date(self) -> bool:
        """Whether the value is a date, to be said in words."""
        return self.kind in ("after", "before")


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that a search can be narrowed to; `count` is None where nothing was counted."""

    label: str
    url: str
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Facet:
    """What the hits can be divided by: choices in sight, and those that are a click away."""

    name: str
    choices: tuple[Choice, ...]
    more: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class Bar:
    """A period with what is found in it: its start (ISO), its address, and its place in the drawing."""

    start: str
    url: str
    articles: int
    of_articles: int
    share: float
    x: int
    y: int
    height: int


@dataclass(frozen=True, slots=True)
class Chart:
    """A timeline as it is drawn; `other` is the address of the same with shares, or counts."""

    grain: str
    bars: tuple[Bar, ...]
    first: str
    last: str
    most: float
    width: int
    other: str
    undated: int
    inexact: int


def chips(search: Search, base: str, config: Config) -> tuple[Chip, ...]:
    """The limits of a search as they were read, each with the address of the search without it."""
    today, found = config.today(), []
    for kind, text in (("after", search.after), ("before", search.before)):
        if text:
            value = _reading(text, today, config.day_first)
            found.append(Chip(kind, value, _with(search, kind, "").url(base)))
    for kind in ("source", "site", "language"):
        values: tuple[str, ...] = getattr(search, kind)
        for value in values:
            others = tuple(other for other in values if other != value)
            found.append(Chip(kind, value, _with(search, kind, others).url(base)))
    if search.undated:
        found.append(Chip("undated", "", replace(search, undated=False).url(base)))
    return tuple(found)


def facets(page: Page, search: Search, base: str) -> tuple[Facet, ...]:
    """The facets that divide the hits, with their counts; one that has a single value does not."""
    found = []
    for name in FACETS:
        counts = [count for count in page.facets.get(name, ()) if count.kind in ("value", "undated")]
        if len(counts) < 2:
            continue
        if name == "year":
            counts.sort(key=lambda count: count.value or "", reverse=True)
        choices = tuple(
            Choice(count.value or "", _narrowed(search, name, count.value).url(base), count.count)
            for count in counts
            if count.value or name == "year"
        )
        if len(choices) > 1:
            found.append(Facet(name, choices[:IN_SIGHT], choices[IN_SIGHT:]))
    return tuple(found)


def presets(search: Search, base: str, timeline: Timeline | None, today: date) -> tuple[Choice, ...]:
    """Periods counted from today: those that have some of the hits, and not all of them."""
    if timeline is None or timeline.first is None or timeline.last is None:
        return ()
    year = f"{today.year:04}"
    found = []
    for label, after in (
        (N_("last 30 days"), str(today - timedelta(days=30))),
        (N_("last 12 months"), str(today - relativedelta(months=12))),
        (N_("this year"), year),
    ):
        if timeline.last >= after and (timeline.first < after or timeline.undated):
            found.append(Choice(label, replace(search, after=after, before="", undated=False).url(base)))
    before = f"{today.year - 1:04}"
    if any(bar.articles and bar.start.startswith(before) for bar in timeline.bars) and (
        timeline.first < before or timeline.last >= year or timeline.undated
    ):
        limited = replace(search, after=before, before=year, undated=False)
        found.append(Choice(N_("last year"), limited.url(base)))
    return tuple(found)


def chart(timeline: Timeline | None, search: Search, base: str) -> Chart | None:
    """The timeline of a search as bars that lead to their periods; None where there is nothing to compare."""
    if timeline is None or sum(1 for bar in timeline.bars if bar.articles) < 2:
        return None
    measured = [bar.share if search.share else float(bar.articles) for bar in timeline.bars]
    most = max(measured)
    return Chart(
        timeline.grain,
        tuple(_bars(timeline, measured, most, search, base)),
        timeline.bars[0].start,
        timeline.bars[-1].start,
        most,
        BAR * len(measured) - GAP,
        replace(search, share=not search.share).url(base),
        timeline.undated,
        timeline.inexact,
    )


def _bars(timeline: Timeline, measured: list[float], most: float, search: Search, base: str) -> Iterator[Bar]:
    for place, (bar, value) in enumerate(zip(timeline.bars, measured, strict=True)):
        height = max(round(HEIGHT * value / most), LEAST) if value and most else 0
        yield Bar(
            bar.start,
            replace(search, after=bar.start, before=_end(bar, timeline.grain)).url(base),
            bar.articles,
            bar.of_articles,
            bar.share,
            place * BAR,
            HEIGHT - height,
            height,
        )


def _end(bar: TimelineBar, grain: str) -> str:
    """The first period after that of a bar, as an address has it; none after the last year that there is."""
    start = bar.start + "-01-01"[len(bar.start) - len("2021") :]
    try:
        end = date.fromisoformat(start) + _STEPS[grain]
    except (ValueError, OverflowError):
        return ""
    return end.isoformat()[: _LENGTHS.get(grain, 10)]


def _with(search: Search, name: str, value: Any) -> Search:
    return replace(search, **{name: value})


def _narrowed(search: Search, name: str, value: str | None) -> Search:
    if name != "year":
        return _with(search, name, (value or "",))
    if value is None:
        return replace(search, undated=True, after="", before="")
    return replace(search, after=value, before=f"{int(value) + 1:04}" if int(value) < 9999 else "")


def _reading(text: str, today: date, day_first: bool) -> str:
    """What a date was read as, in ISO 8601 and no more exact than it was given; itself, where it is none."""
    try:
        start, end = parse_period(text, today, day_first=day_first)
    except ValueError:
        return text
    if start.day == 1 and start.time() == datetime.min.time():
        if start.month == 1 and end - start >= timedelta(days=365):
            return start.isoformat()[:4]
        if end - start >= timedelta(days=28):
            return start.isoformat()[:7]
    return start.isoformat()[:16] if end - start < timedelta(days=1) else start.isoformat()[:10]
