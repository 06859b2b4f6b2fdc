"""Facets: how many hits there are for each year, month, day, source, site or language."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from indexer.engine.format.arrays import Ids
from indexer.engine.read.periods import INEXACT, SPECIAL, UNDATED, format_period
from indexer.engine.read.snapshot import Snapshot
from indexer.results import GRAINS, FacetCount, Grain

MAX_VALUES = 100
"""The most values of a facet that are listed; the hits of all others are counted together."""


def count_facet(snapshot: Snapshot, articles: Ids, name: str) -> tuple[FacetCount, ...]:
    """How many of the articles have each value of a facet of `FACETS`; the counts add up to the articles.

    Periods are in their order, other values by count (largest first), then by name.
    """
    if name in GRAINS:
        return _count_periods(snapshot, articles, name)
    names, codes = snapshot.labels(name)
    counts = np.bincount(codes[articles] + SPECIAL, minlength=len(names) + SPECIAL)
    largest, other = _select_largest(counts[SPECIAL:])
    return (
        *(FacetCount(names[code], count) for code, count in largest),
        *_count_special(other=other, none=int(counts[SPECIAL + UNDATED])),
    )


def _count_periods(snapshot: Snapshot, articles: Ids, grain: Grain) -> tuple[FacetCount, ...]:
    periods = snapshot.periods(grain)
    numbers = periods.numbers
    counts = np.bincount(periods.codes[articles] + SPECIAL, minlength=len(numbers) + SPECIAL)
    largest, other = _select_largest(counts[SPECIAL:])
    special = {"inexact": int(counts[SPECIAL + INEXACT]), "undated": int(counts[SPECIAL + UNDATED])}
    return (
        *(FacetCount(format_period(int(numbers[code]), grain), count) for code, count in sorted(largest)),
        *_count_special(other=other, **special),
    )


def _select_largest(counts: NDArray[np.int64]) -> tuple[list[tuple[int, int]], int]:
    """The codes with the largest counts, each with its count, largest first; and the sum of all others."""
    codes = np.flatnonzero(counts)
    # One integer for count and code: all keys are different, so that ties are broken by code.
    keys = codes - counts[codes] * len(counts)
    if len(keys) > MAX_VALUES:
        keys = np.partition(keys, MAX_VALUES - 1)[:MAX_VALUES]
    keys.sort()
    chosen = keys % max(len(counts), 1)
    largest = counts[chosen]
    return list(zip(chosen.tolist(), largest.tolist(), strict=True)), int(counts.sum() - largest.sum())


def _count_special(**counts: int) -> list[FacetCount]:
    # The names of the arguments are values of FacetCount.kind.
    return [FacetCount(None, count, kind) for kind, count in counts.items() if count]  # type: ignore[arg-type]
