"""The order of hits: the same every time, whatever order the articles came in."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, get_args

import numpy as np

from indexer.analysis import fold
from indexer.engine.arrays import Matches
from indexer.engine.postings import Ids
from indexer.engine.schema import NO_MOMENT
from indexer.engine.snapshot import Snapshot

Order = Literal["relevance", "newest", "oldest", "title"]
ORDERS: tuple[str, ...] = get_args(Order)


def top(snapshot: Snapshot, found: Matches, order: str, offset: int, limit: int) -> Matches:
    """The slice of the matches that a page shows, in order.

    By score, date or title; ties by date (newest first), then by id. Undated articles come last.
    """
    keys = _keys(snapshot, found, order)
    end = offset + limit
    candidates = np.arange(len(found))
    if len(found) > 4 * end and end:
        # Only what reaches the page is sorted: everything not worse than the last of it.
        bound = np.partition(keys[0], end - 1)[end - 1]
        candidates = np.flatnonzero(keys[0] <= bound)
    chosen = candidates[np.lexsort([key[candidates] for key in reversed(keys)])]
    chosen = _settle_ties(snapshot, found.articles, keys, chosen, offset, end)[offset:end]
    return Matches(found.articles[chosen], found.scores[chosen])


def _keys(snapshot: Snapshot, found: Matches, order: str) -> list[np.ndarray]:
    """Ascending sort keys, the first the most important."""
    begins = snapshot.begins[found.articles]
    newest = -begins  # NO_MOMENT is the smallest of all, so undated articles come last
    if order == "newest":
        return [newest, -found.scores]
    if order == "oldest":
        return [np.where(begins == NO_MOMENT, -NO_MOMENT, begins), -found.scores]
    if order == "title":
        titles = [fold(snapshot.stored(int(doc))["title"]) for doc in snapshot.starts[found.articles]]
        return [np.unique(np.array(titles, dtype=object), return_inverse=True)[1], newest]
    return [-found.scores, newest]


def _settle_ties(
    snapshot: Snapshot, articles: Ids, keys: list[np.ndarray], chosen: np.ndarray, start: int, end: int
) -> np.ndarray:
    # Ids are read only for ties that reach into the page.
    same = np.ones(max(len(chosen) - 1, 0), np.bool_)
    for key in keys:
        same &= key[chosen[1:]] == key[chosen[:-1]]
    breaks = np.concatenate(([0], np.flatnonzero(~same) + 1, [len(chosen)]))
    for low, high in pairwise(breaks):
        if high - low > 1 and low < end and high > start:
            ids = np.array(snapshot.ids_of(articles[chosen[low:high]]), dtype=object)
            chosen[low:high] = chosen[low:high][np.argsort(ids, kind="stable")]
    return chosen
