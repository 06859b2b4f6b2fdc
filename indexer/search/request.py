"""The arguments of a search: what they may be, and one message for each that has no meaning."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from indexer.engine import FACETS, GRAINS, ORDERS, Clock, Grain, Ids, Snapshot, filter_articles
from indexer.errors import LARGE, InvalidRequest, quote_value
from indexer.limits import CHARACTERS, PAGED, QUERY_SECONDS, VALUES
from indexer.query import ParsedQuery, parse_query
from indexer.text.synonyms import Synonyms

Values = str | Iterable[str] | None
"""One value, several of which any will do, or none."""


def check_text(name: str, value: object) -> None:
    """Raise InvalidRequest unless it is text."""
    if not isinstance(value, str):
        raise InvalidRequest(f"{name}: text is wanted, {quote_value(value)} was found")


def check_slice(sort: str, limit: int, offset: int, cursor: str | None) -> None:
    """Raise InvalidRequest for an order that there is none of, or a slice that cannot be shown."""
    if sort not in ORDERS:
        raise InvalidRequest(f"sort: one of {', '.join(ORDERS)} is wanted, {quote_value(sort)} was found")
    for name, value in (("limit", limit), ("offset", offset)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise InvalidRequest(
                f"{name}: a whole number, 0 or more, is wanted, {quote_value(value)} was found"
            )
    if cursor and offset:
        raise InvalidRequest(
            f"offset: none is wanted beside a cursor, which has its own, {quote_value(offset)} was found"
        )
    if (last := offset + limit) > PAGED:
        asked = f"{last:,}" if last <= LARGE else quote_value(last)
        raise InvalidRequest(
            f"offset and limit: no more than {PAGED:,} hits can be paged through so, "
            f"{asked} were asked for; go on from a page by its cursor, or narrow the search, "
            "for instance by date"
        )


def check_half_life(days: float | None, sort: str) -> float | None:
    """A half-life in days, or None; raises InvalidRequest."""
    if days is None:
        return None
    # Not "below infinity": a whole number may be larger than any float, too.
    if isinstance(days, bool) or not isinstance(days, (int, float)) or not 0 < days <= sys.float_info.max:
        raise InvalidRequest(f"half_life: a number of days above 0 is wanted, {quote_value(days)} was found")
    if sort != "relevance":
        raise InvalidRequest(
            f"half_life: the order by relevance is wanted with it, {quote_value(sort)} was found"
        )
    return float(days)


def check_seconds(seconds: float) -> float:
    """The time that a query may take; raises InvalidRequest."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds <= QUERY_SECONDS:
        raise InvalidRequest(
            f"seconds: a number above 0, up to {QUERY_SECONDS:g}, is wanted, {quote_value(seconds)} was found"
        )
    return float(seconds)


def check_facets(names: Values) -> tuple[str, ...]:
    """The facets to count, each once; raises InvalidRequest."""
    wanted = tuple(dict.fromkeys(_several("facets", names)))
    for name in wanted:
        if name not in FACETS:
            raise InvalidRequest(
                f"facets: of {', '.join(FACETS)} some are wanted, {quote_value(name)} was found"
            )
    return wanted


def check_timeline(wanted: bool | str | None) -> Grain | Literal["auto"] | None:
    """The grain of the timeline, "auto" where it is to be chosen, None for no timeline.

    Raises InvalidRequest.
    """
    if wanted is None or wanted is False:
        return None
    if wanted is True or wanted == "auto":
        return "auto"
    for grain in GRAINS:
        if grain == wanted:
            return grain
    raise InvalidRequest(
        f"timeline: auto or one of {', '.join(GRAINS)} is wanted, {quote_value(wanted)} was found"
    )


def check_values(**given: Values) -> dict[str, tuple[str, ...]]:
    """The values of each filter that has any; raises InvalidRequest."""
    found = {}
    for name, values in given.items():
        several = _several(name, values)
        if len(several) > VALUES:
            raise InvalidRequest(f"{name}: up to {VALUES} values are wanted, {len(several):,} were found")
        if kept := tuple(dict.fromkeys(value.strip() for value in several if value.strip())):
            found[name] = kept
    return found


def _several(name: str, values: Values) -> list[str]:
    if values is None:
        return []
    several = [values] if isinstance(values, str) or not isinstance(values, Iterable) else list(values)
    for value in several:
        check_text(name, value)
    return several


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """How to search: the languages of the index, the most common first, and the clock."""

    languages: Sequence[str]
    spoken: Sequence[str]
    """The languages of which there is more than a little."""
    language: str
    """The configured one."""
    passages: int
    day_first: bool = True
    synonyms: Synonyms | None = None
    today: Callable[[], date] = date.today
    characters: int = CHARACTERS
    """How much of a query is read."""
    seconds: float = 1.0
    """The time that a query may take."""
    clock: Clock = time.perf_counter
    remarks: tuple[str, ...] = ()
    """What every page has to say, whatever was searched for."""

    def parse(self, text: str) -> ParsedQuery:
        """What a text asks for."""
        return parse_query(text, today=self.today(), day_first=self.day_first, characters=self.characters)


@dataclass(frozen=True, slots=True)
class SearchFilters:
    """What a search is kept to beside its text; `filters` are the values of labels, of each any will do."""

    after: str | None = None
    before: str | None = None
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    undated: bool = False

    def without(self, names: Collection[str]) -> SearchFilters:
        """These bounds without some, which are named as the arguments are."""
        return SearchFilters(
            None if "after" in names else self.after,
            None if "before" in names else self.before,
            {name: values for name, values in self.filters.items() if name not in names},
            self.undated and "undated" not in names,
        )

    def articles(self, snapshot: Snapshot) -> Ids | None:
        """The articles that the filters leave, ascending; None for all."""
        return (
            filter_articles(snapshot, self.filters, undated=self.undated)
            if self.filters or self.undated
            else None
        )
