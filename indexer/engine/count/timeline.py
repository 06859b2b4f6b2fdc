"""The timeline of a search: how much of what was published in each period matches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.engine.format.arrays import Ids
from indexer.engine.format.record import NO_DATE
from indexer.engine.read.periods import (
    GRAINS,
    INEXACT,
    UNDATED,
    Grain,
    Periods,
    day_name,
    is_exact,
    number_of,
    period_name,
)
from indexer.engine.read.snapshot import Snapshot
from indexer.engine.score.bm25f import ScoredTerm
from indexer.results import Timeline, TimelineBar

FEW_BARS = 120
"""How many bars a timeline has at most where its grain is chosen for it."""
MAX_BARS = 1100
"""How many bars it may have at all: three years of days."""
_ENOUGH = 0.9  # of the dated hits; a grain for which fewer are exact enough is not chosen
_SPECIAL = -INEXACT


def count_timeline(
    snapshot: Snapshot, articles: Ids, leaves: Sequence[ScoredTerm], wanted: Grain | None = None
) -> Timeline:
    """The hits of each period from the first to the last hit, beside all that was published then.

    Without `wanted`, the grain is the finest that makes few bars and that nearly all dated hits are exact
    enough for. Where the grain that is wanted would make too many, the next coarser one is taken.
    """
    begins, ends = snapshot.begins[articles], snapshot.ends[articles]
    grain = _fit(begins, ends, wanted)
    periods = snapshot.periods(grain)
    codes = periods.codes[articles]
    width = len(periods.numbers) + _SPECIAL
    found = np.bincount(codes + _SPECIAL, minlength=width)
    matching = np.bincount(codes + _SPECIAL, _matching(snapshot, articles, leaves), width).astype(np.int64)
    shown = np.flatnonzero(found[_SPECIAL:])
    placed = np.flatnonzero(codes >= 0)
    first, last, peak = None, None, None
    if len(shown):
        ends_at = [placed[begins[placed].argmin()], placed[begins[placed].argmax()]]
        first, last = (day_name(int(begins[place]), int(ends[place])) for place in ends_at)
        peak = period_name(int(periods.numbers[found[_SPECIAL:].argmax()]), grain)
    return Timeline(
        grain=grain,
        bars=_bars(periods, found[_SPECIAL:], matching[_SPECIAL:], shown, grain),
        first=first,
        last=last,
        peak=peak,
        inexact=int(found[_SPECIAL + INEXACT]),
        undated=int(found[_SPECIAL + UNDATED]),
    )


def _fit(begins: NDArray[np.int64], ends: NDArray[np.int64], wanted: Grain | None) -> Grain:
    dated = begins != NO_DATE
    begins, ends = begins[dated], ends[dated]
    for grain in GRAINS[GRAINS.index(wanted) if wanted else 0 :]:
        exact = begins[is_exact(begins, ends, grain)]
        if not len(exact) or (not wanted and len(exact) < _ENOUGH * len(begins)):
            if wanted:
                return wanted
            continue
        first, last = number_of(np.array([exact.min(), exact.max()]), grain).tolist()
        if last - first < (MAX_BARS if wanted else FEW_BARS):
            return grain
    return "year"


def _matching(snapshot: Snapshot, articles: Ids, leaves: Sequence[ScoredTerm]) -> NDArray[np.int64]:
    """How many paragraphs of each article match (int64, one of each): those with a word of the query.

    Where no word was looked for in paragraphs, all of them.
    """
    in_text = [scored for scored in leaves if scored.leaf.in_text]
    if not in_text:
        return snapshot.counts[articles]
    if len(in_text) == 1:
        owners = in_text[0].owners
    else:
        marked = np.zeros(snapshot.documents, np.bool_)
        for scored in in_text:
            marked[scored.leaf.paragraph.docs] = True
        owners = snapshot.article_of[np.flatnonzero(marked)]
    return np.bincount(owners, minlength=snapshot.articles)[articles]


def _bars(
    periods: Periods,
    found: NDArray[np.int64],
    matching: NDArray[np.int64],
    shown: NDArray[np.int64],
    grain: Grain,
) -> tuple[TimelineBar, ...]:
    if not len(shown):
        return ()
    numbers = periods.numbers
    first, last = int(numbers[shown[0]]), int(numbers[shown[-1]])
    if last - first >= MAX_BARS:
        # Years all over the calendar: there is nothing coarser, so those without a hit are left out.
        kept, wanted = shown, numbers[shown].tolist()
    else:
        kept, wanted = np.arange(shown[0], shown[-1] + 1), range(first, last + 1)
    columns = (found, matching, periods.articles, periods.paragraphs)
    rows = zip(*(column[kept].tolist() for column in columns), strict=True)
    counts = dict(zip(numbers[kept].tolist(), rows, strict=True))
    nothing = (0, 0, 0, 0)
    return tuple(TimelineBar(period_name(number, grain), *counts.get(number, nothing)) for number in wanted)
