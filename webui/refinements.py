"""Ways to refine a search on its results page: active filters as chips, facets, and periods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from dateutil.relativedelta import relativedelta

from indexer import Config
from indexer.article import Published
from indexer.fields import FieldType, format_value
from indexer.query import Filter, FilterNode, parse_period, read_value, serialize_query
from indexer.results import ArticleInfo, FacetCount, Page, Timeline
from webui.translations import N_
from webui.urls import Search

FACETS = ("year", "section", "tag", "author", "publisher", "source", "site", "language")
"""The facets of a results page, before those of custom fields."""
# Facets of which an article may have several values.
_REPEATED = ("tag", "author")
# How much the meaning counts if a reader wants it, and the configuration does not.
_MEANING = Config().meaning
# Values of a facet that are visible without a click.
VISIBLE = 6


@dataclass(frozen=True, slots=True)
class Chip:
    """An active filter: its kind, its value (a date in ISO 8601), and the URL without it.

    The kind is the name of a parameter; or "year" or "period" if both dates are the same.
    """

    kind: str
    value: str
    without: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A value to filter by; `bar` is its count in percent of the largest one of the facet."""

    label: str
    url: str
    count: int = 0
    bar: int = 0


@dataclass(frozen=True, slots=True)
class Facet:
    """A facet with its visible values, and those that take a click to see.

    `kind` is what its values are, for those that are shown in words: "language", or the type of a field.
    """

    name: str
    choices: tuple[Choice, ...]
    more: tuple[Choice, ...] = ()
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Switch:
    """Whether something is on, and the URL of the same search where it is not, or the other way round."""

    is_on: bool
    url: str


def switch_meaning(search: Search, base: str, config: Config) -> Switch:
    """The switch by which a reader finds articles also by their meaning, or by words alone."""
    is_on = bool(config.meaning if search.meaning is None else search.meaning)
    # The URL says nothing of what is the default.
    share = None if is_on != bool(config.meaning) else 0.0 if is_on else _MEANING
    return Switch(is_on, search.with_meaning(share).url(base))


def chips(search: Search, base: str, config: Config) -> tuple[Chip, ...]:
    """The active filters, with dates as they were understood."""
    today = config.today()
    since = _normalize_date(search.since, today, is_last=False, day_first=config.day_first)
    until = _normalize_date(search.until, today, is_last=True, day_first=config.day_first)
    if since and since == until:
        kind = "year" if len(since) == len("2021") and since.isdecimal() else "period"
        found = [Chip(kind, since, search.without(["since", "until"]).url(base))]
    else:
        edges = (("since", since), ("until", until))
        found = [Chip(name, value, search.without([name]).url(base)) for name, value in edges if value]
    for name, values in search.filters.items():
        if isinstance(values, bool):
            found.append(Chip(name, "", search.without([name]).url(base)))
            continue
        for value in values:
            others = tuple(other for other in values if other != value)
            found.append(Chip(name, value, search.with_filter(name, others).url(base)))
    return tuple(found)


def list_facets(fields: Mapping[str, FieldType]) -> tuple[str, ...]:
    """The facets of a results page of an index with these fields; to count one without values is cheap."""
    return (*FACETS, *(name for name, field in fields.items() if field.facet))


def facets(page: Page, search: Search, base: str, fields: Mapping[str, FieldType]) -> tuple[Facet, ...]:
    """The facets that refine the search: a value that all hits have is no choice."""
    found = []
    for name, counts in page.facets.items():
        shown = [count for count in counts if count.count < page.total and _can_filter(name, count)]
        if not shown:
            continue
        kind = fields[name].type if name in fields else name
        if name == "year":
            shown.sort(key=lambda count: count.value or "", reverse=True)
        most = max(count.count for count in shown)
        choices = tuple(
            Choice(
                count.value or "",
                _narrow(search, name, count.value, fields).url(base),
                count.count,
                max(1, round(100 * count.count / most)),
            )
            for count in shown
        )
        found.append(Facet(name, choices[:VISIBLE], choices[VISIBLE:], kind))
    return tuple(found)


def list_properties(
    article: ArticleInfo, home: Search, base: str, fields: Mapping[str, FieldType]
) -> tuple[Facet, ...]:
    """The properties and fields of an article; each value has the URL of a search for all articles with it.

    `home` is the empty search that the URLs begin with.
    """
    found = []
    given = {"author": article.authors, "section": article.section, "tag": article.tags}
    for name, value in (given | {"publisher": article.publisher, **article.fields}).items():
        values = value if isinstance(value, (tuple, list)) else () if value is None else (value,)
        kind = fields[name].type if name in fields else name
        texts = [*map(format_value, values)]
        choices = [Choice(text, _narrow(home, name, text, fields).url(base)) for text in texts]
        if choices:
            found.append(Facet(name, tuple(choices), kind=kind))
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
            found.append(Choice(label, search.with_dates(since, "").url(base)))
    last_year = f"{today.year - 1:04}"
    if any(bar.articles and bar.start.startswith(last_year) for bar in timeline.bars) and (
        timeline.first < last_year or timeline.last >= year or timeline.undated
    ):
        found.append(Choice(N_("last year"), search.with_dates(last_year, last_year).url(base)))
    return tuple(found)


def _normalize_date(text: str, today: date, *, is_last: bool, day_first: bool) -> str:
    """A year, month, day or minute in ISO 8601; of another period, such as a week, its first or its last day.

    The text itself if it is not a date.
    """
    try:
        start, end = parse_period(text, today, day_first=day_first)
    except ValueError:
        return text
    day = end - timedelta(days=1) if is_last else start
    return (Published.from_period(start, end) or Published.at(day, "day")).value


def _can_filter(name: str, count: FacetCount) -> bool:
    return count.kind == "value" or (name == "year" and count.kind == "undated")


def _narrow(search: Search, name: str, value: str | None, fields: Mapping[str, FieldType]) -> Search:
    if name in fields:
        # The values are absolute, so the day makes no difference.
        return _add_filter(search, read_value(name, fields[name], value or "", date.min, day_first=True))
    if name in _REPEATED and name in search.filters:
        # Both must hold; of several values of one parameter, any would do.
        return _add_filter(search, Filter(name, value or ""))
    if name != "year":
        return search.with_filter(name, (value or "",))
    if value is None:
        return search.without(["since", "until"]).with_filter("undated", True)
    return search.with_dates(value, value)


def _add_filter(search: Search, node: FilterNode) -> Search:
    before = search.filters.get("filter", ())
    assert not isinstance(before, bool)
    return search.with_filter("filter", tuple(dict.fromkeys((*before, serialize_query(node)))))
