"""The order of hits: the same every time, whatever order the articles came in."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal, get_args

import numpy as np

from indexer.analysis import fold
from indexer.engine.arrays import NOTHING, Matches
from indexer.engine.moments import NO_MOMENT
from indexer.engine.postings import Ids
from indexer.engine.snapshot import Snapshot

Order = Literal["relevance", "newest", "oldest", "title"]
ORDERS: tuple[str, ...] = get_args(Order)


def top(snapshot: Snapshot, found: Matches, order: str, offset: int, limit: int) -> Matches:
    """The slice of the matches that a page shows, in order.

    By score, date or title; ties by date (newest first), then by id. Undated articles come last.
    """
    if not len(found) or not limit:
        return NOTHING
    keys = _keys(snapshot, found, order)
    end = offset + limit
    candidates = np.arange(len(found))
    if len(found) > 4 * end and end:
        # Only what reaches the page is sorted: everything not worse than the last of it.
        bound = np.partition(keys[0], end - 1)[end - 1]
        candidates = np.flatnonzero(keys[0] <= bound)
    chosen = candidates[np.lexsort([key[candidates] for key in reversed(keys)])]
    chosen = _settle_ties(snapshot, found.articles, keys, chosen, offset, end, by_title=order == "title")[
        offset:end
    ]
    return Matches(found.articles[chosen], found.scores[chosen])


def _keys(snapshot: Snapshot, found: Matches, order: str) -> list[np.ndarray]:
    """Ascending sort keys, the first the most important."""
    begins = snapshot.begins[found.articles]
    # In single precision: scores that only rounding tells apart are ties.
    scores = found.scores.astype(np.float32)
    newest = -begins  # NO_MOMENT is the smallest of all, so undated articles come last
    if order == "newest":
        return [newest, -scores]
    if order == "oldest":
        return [np.where(begins == NO_MOMENT, -NO_MOMENT, begins), -scores]
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
            numbers = articles[tied].tolist()
            names: list[tuple[Any, ...]]
            if by_title:
                # The keys are only the beginnings of the titles.
                names = [
                    (fold(snapshot.info(n).title), -int(snapshot.begins[n]), snapshot.id_of(n))
                    for n in numbers
                ]
            else:
                names = [(snapshot.id_of(number),) for number in numbers]
            chosen[low:high] = tied[sorted(range(len(tied)), key=names.__getitem__)]
    return chosen
