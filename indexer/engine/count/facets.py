"""Facets and the timeline: how many hits have each value, and how much of what was published matches.

The values of a facet are years, months, days, sources, sites, languages, authors, or those of a field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.engine.format.arrays import Ids
from indexer.engine.format.labels import LABELS
from indexer.engine.read.periods import (
    INEXACT,
    SPECIAL,
    UNDATED,
    Periods,
    format_date,
    format_period,
    number_periods,
)
from indexer.engine.read.snapshot import Snapshot
from indexer.engine.score.bm25f import ScoredTerm
from indexer.results import GRAINS, FacetCount, Grain, Timeline, TimelineBar

MAX_VALUES = 100
"""The most values of a facet that are listed; the hits of all others are counted together."""
FEW_BARS = 120
"""The most bars of a timeline whose grain is chosen automatically."""
MAX_BARS = 1100
"""The most bars of any timeline: three years of days."""
BarCounts = tuple[int, int | None, int, int]
"""The hits of a period, their matching paragraphs (None if unknown), and all its articles and paragraphs."""
_MIN_EXACT = 0.9  # the share of the dated hits that must be exact enough for a grain to be chosen


def count_facet(snapshot: Snapshot, articles: Ids, name: str) -> tuple[FacetCount, ...]:
    """How many of the articles have each value of a facet: one of `FACETS`, or a custom field.

    Periods are in their order, other values by count (largest first), then by name or number. The counts add
    up to the articles, unless articles have several values.
    """
    if name in GRAINS:
        return _count_periods(snapshot, articles, name)
    if name not in LABELS:
        return _count_values(snapshot, articles, name)
    names, codes = snapshot.labels(name)
    counts = np.bincount(codes[articles] + SPECIAL, minlength=len(names) + SPECIAL)
    largest, other = _select_largest(counts[SPECIAL:])
    return (
        *(FacetCount(names[code], count) for code, count in largest),
        *_count_special(other=other, none=int(counts[SPECIAL + UNDATED])),
    )


def _count_values(snapshot: Snapshot, articles: Ids, name: str) -> tuple[FacetCount, ...]:
    values = snapshot.values(name)
    is_hit = np.zeros(snapshot.articles, np.bool_)
    is_hit[articles] = True
    of_hits = is_hit[values.owners]
    largest, other = _select_largest(np.bincount(values.codes[of_hits], minlength=len(values.names)))
    named = sorted(largest) if values.kind == "date" else largest
    is_hit[values.owners] = False
    return (
        *(FacetCount(values.names[code], count) for code, count in named),
        *_count_special(other=other, none=int(np.count_nonzero(is_hit))),
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


def count_timeline(
    snapshot: Snapshot, articles: Ids, terms: Sequence[ScoredTerm], grain: Grain | None = None
) -> Timeline:
    """The hits of each period from the first to the last hit, beside all that was published then.

    Without a `grain`, the timeline has the finest grain that makes few bars and for which nearly all dated
    hits are exact enough. A grain that would make too many bars is replaced by the next coarser one. `terms`
    are those of the query; paragraphs with one of them are counted as matching.
    """
    grain = _choose_grain(snapshot, articles, grain)
    periods = snapshot.periods(grain)
    codes = periods.codes[articles]
    width = len(periods.numbers) + SPECIAL
    hits = np.bincount(codes + SPECIAL, minlength=width)
    weights = _count_matching_paragraphs(snapshot, articles, terms)
    paragraphs = np.bincount(codes + SPECIAL, weights, width).astype(np.int64)
    first, last, peak = None, None, None
    with_hits = np.flatnonzero(hits[SPECIAL:])
    if len(with_hits):
        earliest, latest = articles[codes == with_hits[0]], articles[codes == with_hits[-1]]
        first = _write_date(snapshot, earliest[snapshot.date_starts[earliest].argmin()])
        last = _write_date(snapshot, latest[snapshot.date_starts[latest].argmax()])
        peak = format_period(int(periods.numbers[hits[SPECIAL:].argmax()]), grain)
    return Timeline(
        grain=grain,
        bars=make_bars(_count_bars(periods, hits[SPECIAL:], paragraphs[SPECIAL:]), grain),
        first=first,
        last=last,
        peak=peak,
        inexact=int(hits[SPECIAL + INEXACT]),
        undated=int(hits[SPECIAL + UNDATED]),
    )


def _choose_grain(snapshot: Snapshot, articles: Ids, asked: Grain | None) -> Grain:
    finest, starts = snapshot.finest_grains[articles], snapshot.date_starts[articles]

    def find_edges(number: int) -> tuple[int, int]:
        own = starts if counts[number] == len(starts) else starts[finest <= number]
        return int(own.min()), int(own.max())

    # How many dates are exact enough for each grain, and after those how many there are.
    counts = np.bincount(finest, minlength=len(GRAINS) + 1)[: len(GRAINS) + 1].cumsum().tolist()
    return choose_grain(counts, find_edges, asked)


def choose_grain(
    counts: Sequence[int], find_edges: Callable[[int], tuple[int, int]], asked: Grain | None
) -> Grain:
    """The grain of the timeline of some hits (see `count_timeline`).

    `counts` are how many of their dates are exact enough for each grain, and then how many there are.
    `find_edges` returns the earliest and the latest moment of those that are exact enough for a grain, which
    is given as its number in GRAINS.
    """
    exact, edges = 0, (0, 0)
    for number in range(GRAINS.index(asked) if asked else 0, len(GRAINS)):
        grain, count = GRAINS[number], counts[number]
        if asked and not count:
            return asked
        if not count or (not asked and count < _MIN_EXACT * counts[-1]):
            continue
        if count > exact:
            exact, edges = count, find_edges(number)
        first, last = number_periods(np.array(edges), grain).tolist()
        if last - first < (MAX_BARS if asked else FEW_BARS):
            return grain
    return "year"


def _write_date(snapshot: Snapshot, article: np.int64) -> str:
    return format_date(int(snapshot.date_starts[article]), int(snapshot.date_ends[article]))


def _count_matching_paragraphs(
    snapshot: Snapshot, articles: Ids, terms: Sequence[ScoredTerm]
) -> NDArray[np.int64]:
    """How many paragraphs of each article have a term of the query: int64, one an article.

    All paragraphs of the article, if the query has no term that is searched for in paragraphs.
    """
    in_text = [scored for scored in terms if scored.term.is_in("paragraph")]
    if not in_text:
        return snapshot.counts[articles]
    if len(in_text) == 1 and not snapshot.text_names:
        owners = in_text[0].owners
    else:
        is_match = np.zeros(snapshot.documents, np.bool_)
        for scored in in_text:
            is_match[scored.term.paragraph.docs] = True
        if snapshot.text_names:
            is_match[snapshot.doc_fields > 0] = False
        owners = snapshot.article_of[np.flatnonzero(is_match)]
    return np.bincount(owners, minlength=snapshot.articles)[articles]


def _count_bars(
    periods: Periods, hits: NDArray[np.int64], paragraphs: NDArray[np.int64]
) -> dict[int, BarCounts]:
    """What the bars count, for all periods from the first to the last one with hits."""
    with_hits = np.flatnonzero(hits)
    codes = slice(with_hits[0], with_hits[-1] + 1) if len(with_hits) else slice(0)
    columns = (periods.numbers, hits, paragraphs, periods.articles, periods.paragraphs)
    numbers, *rows = (column[codes].tolist() for column in columns)
    return dict(zip(numbers, zip(*rows, strict=True), strict=True))


def make_bars(counts: Mapping[int, BarCounts], grain: Grain) -> tuple[TimelineBar, ...]:
    """The bars of a timeline from what they count, by the number of the period (see `number_periods`)."""
    with_hits = sorted(number for number, own in counts.items() if own[0])
    if not with_hits:
        return ()
    first, last = with_hits[0], with_hits[-1]
    # Where not even years are coarse enough, years without a hit have no bar.
    shown = range(first, last + 1) if last - first < MAX_BARS else with_hits
    bars = []
    for number in shown:
        articles, matching, of_articles, of_paragraphs = counts.get(number, (0, 0, 0, 0))
        part, whole = (articles, of_articles) if matching is None else (matching, of_paragraphs)
        share = round(part / whole, 6) if whole else 0.0
        start = format_period(number, grain)
        bars.append(TimelineBar(start, articles, matching, of_articles, of_paragraphs, share))
    return tuple(bars)
