"""The request of a search: one validated object, whether it was typed as keywords, flags or a URL.

This module imports neither the engine nor the query language, so that the command line and the site can
offer its choices before they are loaded.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Literal, NoReturn, Self

from indexer.article import LANGUAGE_TAG, is_language
from indexer.errors import LARGE, InvalidRequest, quote_value
from indexer.fields import FieldType, format_value, is_field_name
from indexer.limits import PAGED, QUERY_SECONDS, VALUES
from indexer.results import FACETS, GRAINS, SORTS, Grain, Sort

_DIGEST = 16  # bytes: different restrictions never have the same digest
Values = str | Iterable[str] | None
"""One value, or several of which any will do; None for no filter, and an empty list for no article."""


@dataclass(frozen=True, slots=True)
class FilterType:
    """One filter of a search: how it is described, and whether it has values or is on or off.

    `dropped` says what a search without the filter finds.
    """

    description: str
    dropped: str
    is_flag: bool = False


FILTERS: Mapping[str, FilterType] = {
    "source": FilterType(
        "Only articles from this source: its name, or a file or a folder by its last name.",
        "whatever the source",
    ),
    "site": FilterType("Only articles from this site and its subdomains.", "whatever the site"),
    "language": FilterType(
        "Only articles in this language and its regions; the code of a language, such as en or pt-BR.",
        "whatever the language",
    ),
    "author": FilterType(
        "Only articles by this author; a part of the name in whole words will do.",
        "whoever the author",
    ),
    "section": FilterType("Only articles in this section.", "whatever the section"),
    "tag": FilterType("Only articles with this tag.", "whatever the tags"),
    "publisher": FilterType("Only articles by this publisher.", "whoever the publisher"),
    "filter": FilterType(
        "Only articles that pass this filter in the syntax of queries, such as tag:sea or edition:>3; of "
        "several, all.",
        "without the filter",
    ),
    "undated": FilterType("Only articles without a date.", "dated or not", is_flag=True),
}
"""The filters by name. `indexer.search` says what else a new one needs."""


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A query and its filters, the hits to return, and the results to return with them.

    `since` and `until` are dates such as 2021, 2021-11 or 2021-11-05, or a `date`; both periods are included.
    `filters` has the values of each filter in `FILTERS`, and of custom fields (an article may have any
    of them; without a value, no article passes), or True for one without values. A value of a custom
    field is text as it is typed after the name of the field, such as ">=3"; a number, a date, True or False;
    or a mapping with "min", "max" or both, which belong to it. `limit` is None for the page size of the
    configuration, `seconds` for its time limit. `timeline` is the period of a bar, "auto" for the one that
    fits. With `prefix`, the last word is still being typed. `meaning` is how much the meaning counts, None
    for the share in the configuration. `Index.search` describes all of them.

    Raises InvalidRequest, which names the field, for values that have no meaning. Dates are parsed later, by
    `period`, since "last week" depends on the day.
    """

    query: str = ""
    since: str | None = None
    until: str | None = None
    filters: Mapping[str, tuple[str, ...] | bool] = field(default_factory=dict)
    sort: Sort = "relevance"
    half_life: float | None = None
    limit: int | None = None
    offset: int = 0
    cursor: str | None = None
    facets: tuple[str, ...] = ()
    timeline: Grain | Literal["auto"] | None = None
    collapse: bool = True
    seconds: float | None = None
    explain: bool = False
    prefix: bool = False
    meaning: float | None = None

    def __post_init__(self) -> None:
        for name, check in _CHECKS.items():
            object.__setattr__(self, name, check(name, getattr(self, name)))
        if self.half_life is not None and self.sort != "relevance":
            refuse("half_life", "can only be used when sorting by relevance", self.sort)
        if self.cursor and self.offset:
            refuse("offset", "must be 0 with a cursor, which has a position of its own", self.offset)
        if (last := self.offset + (self.limit or 0)) > PAGED:
            refuse(
                "offset",
                f"must be at most {PAGED:,} together with the limit",
                last,
                "To go deeper, use the cursor of a page, or filter, for instance by date.",
            )

    @classmethod
    def from_keywords(cls, query: str, filters: Mapping[str, Any] | None = None, **keywords: Any) -> Self:
        """A request whose filters are keywords like the others, or in `filters`.

        Values may be given alone or as any iterable, and `timeline` as True. Raises TypeError for an unknown
        keyword.
        """
        given = {name: keywords.pop(name) for name in FILTERS if name in keywords}
        if filters is not None:
            if not isinstance(filters, Mapping):
                refuse("filters", "must be a mapping of names to values", filters)
            if twice := [name for name in given if name in filters and not _is_absent(given[name])]:
                refuse("filters", "must not have a filter that is given as a keyword, too", twice[0])
            given |= filters
        return cls(query, filters=given, **keywords)

    def without(self, names: Collection[str]) -> Self:
        """The same request without some of its dates and filters."""
        return replace(
            self,
            since=None if "since" in names else self.since,
            until=None if "until" in names else self.until,
            filters={name: value for name, value in self.filters.items() if name not in names},
        )

    def period(self, today: date, *, day_first: bool) -> tuple[datetime | None, datetime | None]:
        """The first moment of `since` and the first one after `until`; None for an open side.

        Raises InvalidRequest when one of them is no date.
        """
        # Imported here: only a search needs the query language.
        from indexer.query.dates import parse_period

        moments: list[datetime | None] = []
        for edge, (name, text) in enumerate((("since", self.since), ("until", self.until))):
            try:
                moments.append(parse_period(text, today, day_first=day_first)[edge] if text else None)
            except ValueError:
                refuse(name, "must be a date such as 2021, Nov 2021 or 2021-11-05", text)
        return moments[0], moments[1]


@dataclass(frozen=True, slots=True)
class Restriction:
    """Filters that hold for everything that a reader asks, whatever else the reader filters by.

    `filters` is as in `SearchRequest`. `digest` stands for them: equal filters have the same one, in any
    order of their values.
    """

    filters: Mapping[str, tuple[str, ...] | bool]
    digest: str


def make_restriction(filters: Mapping[str, Values | bool], fields: Mapping[str, FieldType]) -> Restriction:
    """Return the restriction to articles that pass some filters, given as to `Index.search`.

    `fields` are those that the configuration declares. Raises InvalidRequest for an unknown filter, and for
    one without a value, which would restrict nothing; an empty list is a value, which no article has.
    """
    if not isinstance(filters, Mapping):
        refuse("filters", "must be a mapping from the names of filters to values", filters)
    checked = _check_filters("filters", filters)
    known = list_filters(fields)
    for name in checked.keys() - known:
        refuse_text("filters", name, fields)
        refuse("filters", f"must be one or more of {', '.join(known)}", name)
    for name in filters.keys() - checked.keys():
        refuse(name, "must have a value (an empty list to show nothing)", filters[name])
    # The representation, since JSON cannot hold the lone surrogates that a value may have.
    parts = [
        (name, sorted(values) if isinstance(values, tuple) else values) for name, values in checked.items()
    ]
    return Restriction(checked, hashlib.blake2b(repr(parts).encode(), digest_size=_DIGEST).hexdigest())


def list_filters(fields: Mapping[str, FieldType]) -> list[str]:
    """The names of all filters of an index with these fields: texts are searched instead."""
    return [*FILTERS, *(name for name, kind in fields.items() if kind.type != "text")]


def refuse_text(argument: str, name: str, fields: Mapping[str, FieldType]) -> None:
    """Raise InvalidRequest for a text that is given as a filter or a facet."""
    if name in fields and fields[name].type == "text":
        raise InvalidRequest(f"{name} is a text: search it, with {name}:word in the query", argument)


def refuse(name: str, problem: str, value: object, advice: str = "") -> NoReturn:
    """Raise InvalidRequest for the value of a field: what it must be, what it is, and what to do."""
    # Numbers below 10,000 get no separator, because they may be years.
    has_separator = isinstance(value, int) and 10_000 <= value <= LARGE
    found = f"{value:,}" if has_separator else quote_value(value)
    raise InvalidRequest(f"{problem}; not {found}{'. ' if advice else ''}{advice}", name)


def check_text(name: str, value: Any) -> str:
    """The text; raises InvalidRequest for anything else."""
    if not isinstance(value, str):
        refuse(name, "must be text", value)
    return value


def check_limit(name: str, value: Any) -> int:
    """How many hits to return at most; raises InvalidRequest for a value that has no meaning."""
    if _check_count(name, value) > PAGED:
        refuse(name, f"must be at most {PAGED:,}", value)
    return int(value)


def _check_count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        refuse(name, "must be a whole number, 0 or more", value)
    return value


def _optional(check: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    """The check for a field that may be None."""
    return lambda name, value: None if value is None else check(name, value)


def _check_optional_text(name: str, value: Any) -> str | None:
    """The text, or None where it is empty."""
    return None if value is None else check_text(name, value) or None


def _check_date(name: str, value: Any) -> str | None:
    """The date as a text. A datetime is refused, since a search knows no times."""
    is_date = isinstance(value, date) and not isinstance(value, datetime)
    return value.isoformat() if is_date else _check_optional_text(name, value)


def _check_flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        refuse(name, "must be True or False", value)
    return value


def _check_sort(name: str, value: Any) -> Any:
    if value not in SORTS:
        refuse(name, f"must be {_either(SORTS)}", value)
    return value


def _check_half_life(name: str, value: Any) -> float:
    return _check_number(name, value, sys.float_info.max, "must be a number of days above 0")


def _check_seconds(name: str, value: Any) -> float:
    return _check_number(
        name, value, QUERY_SECONDS, f"must be a number above 0 and at most {QUERY_SECONDS:g}"
    )


def _check_number(name: str, value: Any, most: float, problem: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= most:
        refuse(name, problem, value)
    return float(value)


def _check_share(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        refuse(name, "must be a number from 0 to 1", value)
    return float(value)


def _check_facets(name: str, value: Any) -> tuple[str, ...]:
    facets = _list_values(name, value)
    for facet in facets:
        # Whether the index has a custom field is checked when it is searched.
        if facet not in FACETS and not is_field_name(facet):
            refuse(name, f"must be one or more of {', '.join(FACETS)}", facet)
    return facets


def _check_timeline(name: str, value: Any) -> Any:
    if value is None or value is False:
        return None
    if value is True or value == "auto":
        return "auto"
    if value not in GRAINS:
        refuse(name, f"must be {_either(('auto', *GRAINS))}", value)
    return value


def _check_filters(name: str, value: Mapping[str, Any]) -> dict[str, tuple[str, ...] | bool]:
    """The filters that have a value, in the order of `FILTERS`, then of custom fields."""
    others = [own for own in value if own not in FILTERS]
    for own in others:
        # Whether the index has such a field is checked when it is searched.
        if not isinstance(own, str) or not is_field_name(own):
            refuse(name, f"must be one or more of {', '.join(FILTERS)}", own)
    checked: dict[str, tuple[str, ...] | bool] = {
        own: _check_filter(own, value[own]) for own in FILTERS if own in value
    }
    checked |= {own: _write_values(own, value[own]) for own in sorted(others)}
    # An empty list is kept: to a user who may see none of the sources, an application must not show all.
    return {own: values for own, values in checked.items() if values or not _is_absent(value[own])}


def _check_filter(name: str, value: Any) -> tuple[str, ...] | bool:
    if FILTERS[name].is_flag:
        return _check_flag(name, value)
    values = _list_values(name, value)
    for language in values if name == "language" else ():
        if not is_language(language):
            refuse(name, f"must be {LANGUAGE_TAG}", language)
    return values


def _write_values(name: str, value: Any) -> tuple[str, ...]:
    """The values of a custom field as they are typed in a query."""
    is_single = isinstance(value, (str, Mapping)) or not isinstance(value, Iterable)
    several = [value] if is_single else list(value)
    return _list_values(name, [_write_value(name, one) for one in several if one is not None])


def _write_value(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        if not value or value.keys() - {"min", "max"}:
            refuse(name, 'must have "min", "max" or both', dict(value))
        edges = [value.get(edge) for edge in ("min", "max")]
        if edges == [None, None]:
            refuse(name, 'must have a "min" or a "max" that is not None', dict(value))
        return "..".join("" if edge is None else _write_value(name, edge) for edge in edges)
    if isinstance(value, (bool, int, float)):
        return format_value(value)
    if isinstance(value, datetime):
        return value.isoformat(timespec="minutes")[: len("2021-11-05T21:01")]
    return value.isoformat() if isinstance(value, date) else check_text(name, value)


def _is_absent(value: Any) -> bool:
    """Whether a value of a filter stands for no filter."""
    return value is None or value is False or (isinstance(value, str) and not value.strip())


def _list_values(name: str, values: Any) -> tuple[str, ...]:
    """The values that are not blank, each once."""
    if values is None:
        return ()
    several = [values] if isinstance(values, str) or not isinstance(values, Iterable) else list(values)
    if len(several) > VALUES:
        refuse(name, f"must have at most {VALUES} values", len(several))
    stripped = (check_text(name, value).strip() for value in several)
    return tuple(dict.fromkeys(value for value in stripped if value))


_CHECKS: Mapping[str, Callable[[str, Any], Any]] = {
    "query": check_text,
    "since": _check_date,
    "until": _check_date,
    "filters": _check_filters,
    "sort": _check_sort,
    "half_life": _optional(_check_half_life),
    "limit": _optional(check_limit),
    "offset": _check_count,
    "cursor": _check_optional_text,
    "facets": _check_facets,
    "timeline": _check_timeline,
    "collapse": _check_flag,
    "seconds": _optional(_check_seconds),
    "explain": _check_flag,
    "prefix": _check_flag,
    "meaning": _optional(_check_share),
}


def _either(choices: Sequence[str]) -> str:
    return f"{', '.join(choices[:-1])} or {choices[-1]}"
