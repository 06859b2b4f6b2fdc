"""Matches: ascending article numbers with a score each, and the set operations on them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from indexer.engine.format.arrays import Ids, Values, contains, intersect_all, merge_sorted

# Above this share of all articles, adding into one slot an article is faster than merging sorted lists.
_DENSE_SHARE = 1 / 32


class Matches(Struct, frozen=True, eq=False):
    """Article numbers, ascending and distinct (int32), and the score of each (float64).

    A msgspec struct, because a query makes many: it is made in a tenth of the time of a frozen dataclass.
    """

    articles: Ids
    scores: Values

    def __len__(self) -> int:
        return len(self.articles)


NO_MATCHES = Matches(np.empty(0, np.int32), np.empty(0, np.float64))


def make_unscored(articles: Ids) -> Matches:
    """The articles (ascending) with a score of 0, as a filter gives them."""
    return Matches(articles, np.zeros(len(articles)))


def select_matches(found: Matches, places: NDArray[np.intp]) -> Matches:
    """The matches at some places (ascending)."""
    return Matches(found.articles.take(places), found.scores.take(places))


def multiply_scores(found: Matches, factor: float) -> Matches:
    return found if factor == 1.0 else Matches(found.articles, found.scores * factor)


def intersect(parts: Sequence[Matches]) -> Matches:
    """The articles that are in every part (at least one), with the sum of their scores."""
    articles = intersect_all([part.articles for part in parts])
    scores = np.zeros(len(articles))
    # Added in the order of the parts, so that rounding does not depend on which is the rarest.
    for part in parts:
        # A part of the same length has the same articles.
        scores += (
            part.scores
            if len(part) == len(articles)
            else part.scores.take(part.articles.searchsorted(articles))
        )
    return Matches(articles, scores)


def unite(parts: Sequence[Matches], size: int) -> Matches:
    """The articles that are in any part, with the sum of their scores; `size` counts all articles."""
    parts = [part for part in parts if len(part)]
    if len(parts) < 2:
        return parts[0] if parts else NO_MATCHES
    if sum(map(len, parts)) > size * _DENSE_SHARE:
        totals = np.zeros(size)
        is_found = np.zeros(size, np.bool_)
        for part in parts:
            totals[part.articles] += part.scores
            is_found[part.articles] = True
        articles = is_found.nonzero()[0].astype(np.int32)
        return Matches(articles, totals.take(articles))
    articles, scores = merge_sorted([p.articles for p in parts], [p.scores for p in parts], np.add)
    return Matches(articles, scores)


def add_scores(found: Matches, others: Matches, weight: float) -> Matches:
    """`found`, with `weight` times its score in `others` added to each article that is also there."""
    is_in_both = contains(others.articles, found.articles)
    if not is_in_both.any():
        return found
    scores = found.scores.copy()
    scores[is_in_both] += weight * others.scores[others.articles.searchsorted(found.articles[is_in_both])]
    return Matches(found.articles, scores)


def subtract(found: Matches, articles: Ids) -> Matches:
    """The matches without some articles (ascending)."""
    is_left = ~contains(articles, found.articles)
    return Matches(found.articles.compress(is_left), found.scores.compress(is_left))
