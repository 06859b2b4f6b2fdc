"""Ways to refine a search on its results page: active filters as chips, facets, periods, the timeline."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from dateutil.relativedelta import relativedelta

from indexer import Config
from indexer.query import parse_period
from indexer.results import Page, Timeline, TimelineBar
from webui.translations import N_
from webui.urls import Search

FACETS = ("year", "source", "site", "language")
"""The facets of a results page."""
# Values of a facet that are visible without a click.
VISIBLE = 6
# Units of the drawing.
BAR, GAP, HEIGHT = 10, 2, 100
# Minimum height of a bar that is not empty.
MIN_HEIGHT = 3


@dataclass(frozen=True, slots=True)
class Chip:
    """An active filter: its parameter, its value (a date in ISO 8601), and the URL without it."""

    kind: str
    value: str
    without: str

    @property
    def is_date(self) -> bool:
        """Whether the value is a date."""
        return self.kind in ("since", "until")


@dataclass(frozen=True, slots=True)
class Choice:
    """A value to filter by; `count` is None if it was not counted."""

    label: str
    url: str
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Facet:
    """A facet with its visible values, and those that take a click to see."""

    name: str
    choices: tuple[Choice, ...]
    more: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class Bar:
    """A period of the timeline: its start (ISO 8601), URL, counts, and rectangle in the drawing."""

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
    """A timeline as it is drawn; `other` is the URL of the same timeline with shares, or counts."""

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
    """The active filters, with dates as they were understood."""
    today, found = config.today(), []
    for name, text in (("since", search.since), ("until", search.until)):
        if text:
            value = _normalized_date(text, today, config.day_first)
            found.append(Chip(name, value, search.without([name]).url(base)))
    for name, values in search.filters.items():
        if isinstance(values, bool):
            found.append(Chip(name, "", search.without([name]).url(base)))
            continue
        for value in values:
            others = tuple(other for other in values if other != value)
            found.append(Chip(name, value, search.with_filter(name, others).url(base)))
    return tuple(found)


def facets(page: Page, search: Search, base: str) -> tuple[Facet, ...]:
    """The facets with at least two values among the hits."""
    found = []
    for name in FACETS:
        counts = [count for count in page.facets.get(name, ()) if count.kind in ("value", "undated")]
        if len(counts) < 2:
            continue
        if name == "year":
            counts.sort(key=lambda count: count.value or "", reverse=True)
        choices = tuple(
            Choice(count.value or "", _filtered(search, name, count.value).url(base), count.count)
            for count in counts
            if count.value or name == "year"
        )
        if len(choices) > 1:
            found.append(Facet(name, choices[:VISIBLE], choices[VISIBLE:]))
    return tuple(found)


def presets(search: Search, base: str, timeline: Timeline | None, today: date) -> tuple[Choice, ...]:
    """Periods relative to today that contain some of the hits, but not all."""
    if timeline is None or timeline.first is None or timeline.last is None:
        return ()
    year = f"{today.year:04}"
    found = []
    for label, since in (
        (N_("last 30 days"), str(today - timedelta(days=30))),
        (N_("last 12 months"), str(today - relativedelta(months=12))),
        (N_("this year"), year),
    ):
        if timeline.last >= since and (timeline.first < since or timeline.undated):
            found.append(Choice(label, _dated(search, since, "").url(base)))
    last_year = f"{today.year - 1:04}"
    if any(bar.articles and bar.start.startswith(last_year) for bar in timeline.bars) and (
        timeline.first < last_year or timeline.last >= year or timeline.undated
    ):
        found.append(Choice(N_("last year"), _dated(search, last_year, last_year).url(base)))
    return tuple(found)


def chart(timeline: Timeline | None, search: Search, base: str) -> Chart | None:
    """The timeline as bars that link to their periods, or None with fewer than two periods."""
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
        height = max(round(HEIGHT * value / most), MIN_HEIGHT) if value and most else 0
        yield Bar(
            bar.start,
            replace(search, since=bar.start, until=_last_period(bar, timeline.grain)).url(base),
            bar.articles,
            bar.of_articles,
            bar.share,
            place * BAR,
            HEIGHT - height,
            height,
        )


def _last_period(bar: TimelineBar, grain: str) -> str:
    """The end of the period of a bar, included: the period itself, or the Sunday of a week."""
    if grain != "week":
        return bar.start
    sunday = date.fromisoformat(bar.start).toordinal() + 6
    return date.fromordinal(min(sunday, date.max.toordinal())).isoformat()


def _dated(search: Search, since: str, until: str) -> Search:
    return replace(search.without(["undated"]), since=since, until=until)


def _filtered(search: Search, name: str, value: str | None) -> Search:
    if name != "year":
        return search.with_filter(name, (value or "",))
    if value is None:
        return search.without(["since", "until"]).with_filter("undated", True)
    return replace(search, since=value, until=value)


def _normalized_date(text: str, today: date, day_first: bool) -> str:
    """A date in ISO 8601, with the precision of the text; the text itself if it is not a date."""
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
