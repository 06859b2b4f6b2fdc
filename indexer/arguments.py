"""The arguments of a search: what they may be, and one message for each that has no meaning."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

from indexer.engine.facets import FACETS
from indexer.engine.periods import GRAINS, Grain
from indexer.engine.ranking import ORDERS
from indexer.errors import InvalidRequest

MAX_DEPTH = 10_000
"""The last place among the hits that a page may show by its offset; the most hits of a page."""
MAX_VALUES = 100
"""How many values of one filter may be asked for."""

MAX_SECONDS = 60.0
"""The most time that a query can be given."""

Values = str | Iterable[str] | None
"""One value, several of which any will do, or none."""


def check_text(name: str, value: object) -> None:
    """Raise InvalidRequest unless it is text."""
    if not isinstance(value, str):
        raise InvalidRequest(f"{name}: text is wanted, {value!r} was found")


def check_slice(sort: str, limit: int, offset: int, cursor: str | None) -> None:
    """Raise InvalidRequest for an order that there is none of, or a slice that cannot be shown."""
    if sort not in ORDERS:
        raise InvalidRequest(f"sort: one of {', '.join(ORDERS)} is wanted, {sort!r} was found")
    for name, value in (("limit", limit), ("offset", offset)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise InvalidRequest(f"{name}: a whole number, 0 or more, is wanted, {value!r} was found")
    if cursor and offset:
        raise InvalidRequest(f"offset: none is wanted beside a cursor, which has its own, {offset} was found")
    if offset + limit > MAX_DEPTH:
        raise InvalidRequest(
            f"offset and limit: no more than {MAX_DEPTH:,} hits can be paged through so, "
            f"{offset + limit:,} were asked for; go on from a page by its cursor, or narrow the search, for "
            "instance by date"
        )


def check_half_life(days: float | None, sort: str) -> float | None:
    """A half-life in days, or None; raises InvalidRequest."""
    if days is None:
        return None
    if isinstance(days, bool) or not isinstance(days, (int, float)) or not 0 < days < math.inf:
        raise InvalidRequest(f"half_life: a number of days above 0 is wanted, {days!r} was found")
    if sort != "relevance":
        raise InvalidRequest(f"half_life: the order by relevance is wanted with it, {sort!r} was found")
    return float(days)


def check_seconds(seconds: float) -> float:
    """The time that a query may take; raises InvalidRequest."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds <= MAX_SECONDS:
        raise InvalidRequest(
            f"seconds: a number above 0, up to {MAX_SECONDS:g}, is wanted, {seconds!r} was found"
        )
    return float(seconds)


def check_facets(names: Values) -> tuple[str, ...]:
    """The facets to count, each once; raises InvalidRequest."""
    wanted = tuple(dict.fromkeys(_several("facets", names)))
    for name in wanted:
        if name not in FACETS:
            raise InvalidRequest(f"facets: of {', '.join(FACETS)} some are wanted, {name!r} was found")
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
    raise InvalidRequest(f"timeline: auto or one of {', '.join(GRAINS)} is wanted, {wanted!r} was found")


def check_values(**given: Values) -> dict[str, tuple[str, ...]]:
    """The values of each filter that has any; raises InvalidRequest."""
    found = {}
    for name, values in given.items():
        several = _several(name, values)
        if len(several) > MAX_VALUES:
            raise InvalidRequest(f"{name}: up to {MAX_VALUES} values are wanted, {len(several):,} were found")
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
