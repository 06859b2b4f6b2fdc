"""Facets: how many hits there are of each year, month, day, source, site or language."""

from __future__ import annotations

from typing import get_args

import numpy as np
from numpy.typing import NDArray

from indexer.engine.format.arrays import Ids
from indexer.engine.read.periods import INEXACT, UNDATED, Grain, period_name
from indexer.engine.read.snapshot import Snapshot
from indexer.results import FacetCount

FACETS = ("year", "month", "day", "source", "site", "language")
MAX_VALUES = 100
"""How many values of a facet are named; the hits of all others are counted together."""
_SPECIAL = -INEXACT


def count_facet(snapshot: Snapshot, articles: Ids, name: str) -> tuple[FacetCount, ...]:
    """How many of the articles have each value of a facet.

    Dates in their order, other values by count and then by name; the counts add up to the articles.
    """
    if name in get_args(Grain):
        # A type checker does not see that it is one of them.
        return _dates(snapshot, articles, name)  # type: ignore[arg-type]
    names, codes = snapshot.labels(name)
    counts = np.bincount(codes[articles] + _SPECIAL, minlength=len(names) + _SPECIAL)
    chosen, other = _most(counts[_SPECIAL:])
    return (
        *(FacetCount(names[place], count) for place, count in chosen),
        *_rest(other=other, none=int(counts[_SPECIAL + UNDATED])),
    )


def _dates(snapshot: Snapshot, articles: Ids, grain: Grain) -> tuple[FacetCount, ...]:
    periods = snapshot.periods(grain)
    counts = np.bincount(periods.codes[articles] + _SPECIAL, minlength=len(periods.numbers) + _SPECIAL)
    chosen, other = _most(counts[_SPECIAL:])
    numbers = periods.numbers
    return (
        *(FacetCount(period_name(int(numbers[place]), grain), count) for place, count in sorted(chosen)),
        *_rest(other=other, inexact=int(counts[_SPECIAL + INEXACT]), undated=int(counts[_SPECIAL + UNDATED])),
    )


def _most(counts: NDArray[np.int64]) -> tuple[list[tuple[int, int]], int]:
    """The places of the largest counts, the largest first, each with its count; and the sum of the others."""
    places = np.flatnonzero(counts)
    # Ties by place: the keys are all different, so that they can be chosen among without being sorted.
    keys = places - counts[places] * len(counts)
    if len(keys) > MAX_VALUES:
        keys = np.partition(keys, MAX_VALUES - 1)[:MAX_VALUES]
    keys.sort()
    chosen = keys % max(len(counts), 1)
    named = counts[chosen]
    return list(zip(chosen.tolist(), named.tolist(), strict=True)), int(counts.sum() - named.sum())


def _rest(**counts: int) -> list[FacetCount]:
    # The names of the arguments are the kinds.
    return [FacetCount(None, count, kind) for kind, count in counts.items() if count]  # type: ignore[arg-type]
