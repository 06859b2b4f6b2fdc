"""The order of hits: the same every time, whatever order the articles came in."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from indexer.engine.format.arrays import Ids
from indexer.engine.format.record import NO_DATE
from indexer.engine.read.snapshot import Snapshot
from indexer.engine.score.matches import NOTHING, Matches
from indexer.text.normalization import normalize

Order = Literal["relevance", "newest", "oldest", "title"]
ORDERS: tuple[str, ...] = get_args(Order)


class SortPosition(NamedTuple):
    """Where a hit stands in an order: its sort keys, and by what ties are broken; both ascending."""

    keys: tuple[int | float, ...]
    names: tuple[Any, ...]


def decay_scores(snapshot: Snapshot, found: Matches, half_life: float) -> Matches:
    """The matches with scores that halve with every `half_life` days of their articles' age.

    Age is counted from the newest article of the index, so that scores do not change from day to day: the
    order is the same from whatever day it is counted. See `ages_of` for articles without an exact date.
    """
    ages = snapshot.ages[found.articles].astype(np.float64)
    # So many halvings that no float counts them leave nothing, and so few that they leave all.
    with np.errstate(over="ignore", under="ignore"):
        return Matches(found.articles, found.scores * np.exp2(-ages / half_life))


def select_top(
    snapshot: Snapshot,
    found: Matches,
    order: str,
    offset: int,
    limit: int,
    beyond: SortPosition | None = None,
) -> Matches:
    """The slice of the matches that a page shows, in order; with `beyond`, of those that come after a place.

    By score, date or title; ties by date (newest first), then by id. Undated articles come last.
    """
    if not limit or len(found) <= offset:
        return NOTHING
    keys = _keys(snapshot, found, order)
    end = offset + limit
    candidates = np.arange(len(found))
    if beyond is not None:
        candidates = _after(snapshot, found.articles, keys, beyond, by_title=order == "title")
    if len(candidates) > 4 * end:
        # Only what reaches the page is sorted: everything not worse than the last of it.
        first = keys[0][candidates]
        candidates = candidates[first <= np.partition(first, end - 1)[end - 1]]
    chosen = candidates[np.lexsort([key[candidates] for key in reversed(keys)])]
    chosen = _settle_ties(snapshot, found.articles, keys, chosen, offset, end, by_title=order == "title")[
        offset:end
    ]
    return Matches(found.articles[chosen], found.scores[chosen])


def sort_position(snapshot: Snapshot, found: Matches, order: str, number: int) -> SortPosition:
    """Where the match of a number stands in an order, with what it would be told apart by from its equals."""
    one = Matches(found.articles[number : number + 1], found.scores[number : number + 1])
    keys = tuple(key[0].item() for key in _keys(snapshot, one, order))
    return SortPosition(keys, _names(snapshot, int(one.articles[0]), by_title=order == "title"))


def _after(
    snapshot: Snapshot, articles: Ids, keys: list[np.ndarray], place: SortPosition, *, by_title: bool
) -> np.ndarray:
    """The numbers of the matches that come after a place, ascending."""
    later = np.zeros(len(articles), np.bool_)
    same = np.ones(len(articles), np.bool_)
    for key, bound in zip(keys, place.keys, strict=True):
        # In the key's own type: a number of 64 bits would lose its end as a float.
        own = key.dtype.type(bound)
        later |= same & (key > own)
        same &= key == own
    tied = np.flatnonzero(same)
    if by_title:
        names = [_names(snapshot, article, by_title=True) for article in articles[tied].tolist()]
        later[tied] = [name > place.names for name in names]
    else:
        tied = tied[snapshot.id_places(articles[tied]).argsort()]
        (bound,) = place.names
        before = bisect_right(tied, bound, key=lambda number: snapshot.id_of(int(articles[number])))
        later[tied[before:]] = True
    return np.flatnonzero(later)


def ordered_within(
    snapshot: Snapshot, found: Matches, order: str, groups: NDArray[np.int32]
) -> NDArray[np.intp]:
    """The places of matches that have families, group by group, in the order of `top` within each group."""
    keys = [groups, *_keys(snapshot, found, order)]
    if order != "title":
        ids = snapshot.member_places[snapshot.families.members.searchsorted(found.articles)]
        return np.lexsort([ids, *reversed(keys)])
    chosen = np.lexsort([*reversed(keys)])
    return _settle_ties(snapshot, found.articles, keys, chosen, 0, len(chosen), by_title=True)


def _keys(snapshot: Snapshot, found: Matches, order: str) -> list[np.ndarray]:
    """Ascending sort keys, the first the most important."""
    begins = snapshot.begins[found.articles]
    # In single precision: scores that only rounding tells apart are ties.
    scores = found.scores.astype(np.float32)
    newest = -begins  # NO_MOMENT is the smallest of all, so undated articles come last
    if order == "newest":
        return [newest, -scores]
    if order == "oldest":
        return [np.where(begins == NO_DATE, -NO_DATE, begins), -scores]
    if order == "title":
        return [snapshot.title_keys()[found.articles]]
    return [-scores, newest]


def _settle_ties(
    snapshot: Snapshot,
    articles: Ids,
    keys: list[np.ndarray],
    chosen: np.ndarray,
    start: int,
    end: int,
    *,
    by_title: bool,
) -> np.ndarray:
    # Ids and titles are read only for ties that reach into the page.
    same = np.ones(max(len(chosen) - 1, 0), np.bool_)
    for key in keys:
        same &= key[chosen[1:]] == key[chosen[:-1]]
    breaks = np.concatenate(([0], np.flatnonzero(~same) + 1, [len(chosen)]))
    for low, high in pairwise(breaks.tolist()):
        if high - low > 1 and low < end and high > start:
            tied = chosen[low:high]
            if by_title:
                names = [_names(snapshot, article, by_title=True) for article in articles[tied].tolist()]
                chosen[low:high] = tied[sorted(range(len(tied)), key=names.__getitem__)]
            else:
                chosen[low:high] = tied[snapshot.id_places(articles[tied]).argsort()]
    return chosen


def _names(snapshot: Snapshot, article: int, *, by_title: bool) -> tuple[Any, ...]:
    """By what an article is told apart from those with the same sort keys."""
    if not by_title:
        return (snapshot.id_of(article),)
    # The keys are only the beginnings of the titles.
    return normalize(snapshot.info(article).title), -int(snapshot.begins[article]), snapshot.id_of(article)
