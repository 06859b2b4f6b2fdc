"""The order of hits, which does not depend on the order in which articles were indexed."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.engine.format.arrays import Ids, Values
from indexer.engine.format.record import NO_DATE
from indexer.engine.read.snapshot import Snapshot
from indexer.engine.score.matches import NO_MATCHES, Matches, select_matches
from indexer.text.normalization import normalize

_Places = NDArray[np.intp]


class SortPosition(NamedTuple):
    """The position of a hit in an order: its sort keys, then what breaks ties; both ascending."""

    keys: tuple[int | float, ...]
    names: tuple[Any, ...]


def measure_recency(snapshot: Snapshot, articles: Ids, half_life: float | None) -> Values:
    """The factor of each article's score for its age (float64, 0 to 1): it halves every `half_life` days.

    Age is counted from the newest article of the index, so that scores do not change from day to day. See
    `compute_ages` for articles without an exact date. Without a half-life, all factors are 1.
    """
    if half_life is None:
        return np.ones(len(articles))
    ages = snapshot.ages[articles].astype(np.float64)
    # A tiny half-life underflows to 0, and a huge one leaves the scores as they are: both are right.
    with np.errstate(over="ignore", under="ignore"):
        factors: Values = np.exp2(-ages / half_life)
    return factors


def select_top(
    snapshot: Snapshot,
    found: Matches,
    order: str,
    offset: int,
    limit: int,
    after: SortPosition | None = None,
) -> Matches:
    """The `limit` matches from `offset` on, in an order of `SORTS`; with `after`, of those after a position.

    Ties are broken by date (newest first), then by id. Undated articles come last.
    """
    if not limit or len(found) <= offset:
        return NO_MATCHES
    keys = _sort_keys(snapshot, found, order)
    end = offset + limit
    places = np.arange(len(found))
    if after is not None:
        places = _find_after(snapshot, found.articles, keys, after, by_title=order == "title")
    if len(places) > 4 * end:
        # Only what can reach the page is sorted.
        first = keys[0].take(places)
        places = places.compress(first <= np.partition(first, end - 1)[end - 1])
    places = places[np.lexsort([key[places] for key in reversed(keys)])]
    _break_ties(snapshot, found.articles, keys, places, offset, end, by_title=order == "title")
    places = places[offset:end]
    return select_matches(found, places)


def sort_position(snapshot: Snapshot, found: Matches, order: str, number: int) -> SortPosition:
    """The position in an order of the match with this number."""
    match = Matches(found.articles[number : number + 1], found.scores[number : number + 1])
    keys = tuple(key[0].item() for key in _sort_keys(snapshot, match, order))
    return SortPosition(keys, _tie_breakers(snapshot, int(match.articles[0]), by_title=order == "title"))


def order_groups(snapshot: Snapshot, found: Matches, order: str, groups: NDArray[np.int32]) -> _Places:
    """The places of matches by group, and in the order of `select_top` within each group.

    `groups` has the group of each match, all of which have near-duplicates in the snapshot.
    """
    keys = [groups, *_sort_keys(snapshot, found, order)]
    if order != "title":
        ids = snapshot.member_id_ranks[snapshot.near_duplicates.members.searchsorted(found.articles)]
        return np.lexsort([ids, *reversed(keys)])
    places = np.lexsort([*reversed(keys)])
    _break_ties(snapshot, found.articles, keys, places, 0, len(places), by_title=True)
    return places


def _sort_keys(snapshot: Snapshot, found: Matches, order: str) -> list[NDArray[Any]]:
    """The ascending sort keys of each match, the most important first."""
    begins = snapshot.date_starts.take(found.articles)
    newest = -begins  # NO_DATE is the least of all numbers, so undated articles come last
    # In single precision, so that scores that differ by rounding only are ties.
    scores = found.scores.astype(np.float32)
    if order == "newest":
        return [newest, -scores]
    if order == "oldest":
        return [np.where(begins == NO_DATE, -NO_DATE, begins), -scores]
    if order == "title":
        # The first eight bytes of each normalized title, as numbers in the order of the titles.
        return [snapshot.column("article.title_keys", np.uint64)[found.articles]]
    return [-scores, newest]


def _find_after(
    snapshot: Snapshot, articles: Ids, keys: list[NDArray[Any]], position: SortPosition, *, by_title: bool
) -> _Places:
    """The places (ascending) of the matches that come after a position."""
    is_after = np.zeros(len(articles), np.bool_)
    is_tied = np.ones(len(articles), np.bool_)
    for key, value in zip(keys, position.keys, strict=True):
        # In the key's own type, because a float cannot hold all integers of 64 bits.
        bound = key.dtype.type(value)
        is_after |= is_tied & (key > bound)
        is_tied &= key == bound
    tied = _sort_tied(snapshot, articles, np.flatnonzero(is_tied), by_title=by_title)
    before = bisect_right(
        tied,
        position.names,
        key=lambda place: _tie_breakers(snapshot, int(articles[place]), by_title=by_title),
    )
    is_after[tied[before:]] = True
    return np.flatnonzero(is_after)


def _break_ties(
    snapshot: Snapshot,
    articles: Ids,
    keys: list[NDArray[Any]],
    places: _Places,
    start: int,
    end: int,
    *,
    by_title: bool,
) -> None:
    """Sort places with equal keys among themselves, if they reach into the page from `start` to `end`."""
    is_tied = np.ones(max(len(places) - 1, 0), np.bool_)
    for key in keys:
        is_tied &= key[places[1:]] == key[places[:-1]]
    bounds = np.concatenate(([0], np.flatnonzero(~is_tied) + 1, [len(places)]))
    for low, high in pairwise(bounds.tolist()):
        if high - low > 1 and low < end and high > start:
            places[low:high] = _sort_tied(snapshot, articles, places[low:high], by_title=by_title)


def _sort_tied(snapshot: Snapshot, articles: Ids, places: _Places, *, by_title: bool) -> _Places:
    """The places of articles with equal sort keys, in their order."""
    if not by_title:
        return places[snapshot.rank_by_id(articles[places]).argsort()]
    names = [_tie_breakers(snapshot, article, by_title=True) for article in articles[places].tolist()]
    return places[sorted(range(len(names)), key=names.__getitem__)]


def _tie_breakers(snapshot: Snapshot, article: int, *, by_title: bool) -> tuple[Any, ...]:
    """The id of an article, which orders articles with equal sort keys; with `by_title`, more before it."""
    article_id = snapshot.id_of(article)
    if not by_title:
        return (article_id,)
    # The sort key has only the first characters of a title.
    return normalize(snapshot.info(article).title), -int(snapshot.date_starts[article]), article_id
