"""The arguments of a search: what they may be, and one message for each that has no meaning."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Literal

from indexer.engine.facets import FACETS
from indexer.engine.periods import GRAINS, Grain
from indexer.engine.ranking import ORDERS
from indexer.errors import InvalidRequest
from indexer.limits import PAGED, SECONDS, VALUES
from indexer.texts import LARGE, told

Values = str | Iterable[str] | None
"""One value, several of which any will do, or none."""


def check_text(name: str, value: object) -> None:
    """Raise InvalidRequest unless it is text."""
    if not isinstance(value, str):
        raise InvalidRequest(f"{name}: text is wanted, {told(value)} was found")


def check_slice(sort: str, limit: int, offset: int, cursor: str | None) -> None:
    """Raise InvalidRequest for an order that there is none of, or a slice that cannot be shown."""
    if sort not in ORDERS:
        raise InvalidRequest(f"sort: one of {', '.join(ORDERS)} is wanted, {told(sort)} was found")
    for name, value in (("limit", limit), ("offset", offset)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise InvalidRequest(f"{name}: a whole number, 0 or more, is wanted, {told(value)} was found")
    if cursor and offset:
        raise InvalidRequest(
            f"offset: none is wanted beside a cursor, which has its own, {told(offset)} was found"
        )
    if (last := offset + limit) > PAGED:
        asked = f"{last:,}" if last <= LARGE else told(last)
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
        raise InvalidRequest(f"half_life: a number of days above 0 is wanted, {told(days)} was found")
    if sort != "relevance":
        raise InvalidRequest(f"half_life: the order by relevance is wanted with it, {told(sort)} was found")
    return float(days)


def check_seconds(seconds: float) -> float:
    """The time that a query may take; raises InvalidRequest."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds <= SECONDS:
        raise InvalidRequest(
            f"seconds: a number above 0, up to {SECONDS:g}, is wanted, {told(seconds)} was found"
        )
    return float(seconds)


def check_facets(names: Values) -> tuple[str, ...]:
    """The facets to count, each once; raises InvalidRequest."""
    wanted = tuple(dict.fromkeys(_several("facets", names)))
    for name in wanted:
        if name not in FACETS:
            raise InvalidRequest(f"facets: of {', '.join(FACETS)} some are wanted, {told(name)} was found")
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
    raise InvalidRequest(f"timeline: auto or one of {', '.join(GRAINS)} is wanted, {told(wanted)} was found")


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
