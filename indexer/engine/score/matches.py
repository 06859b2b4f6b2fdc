"""Matches: ascending article numbers with a score each, and the set operations on them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from indexer.engine.format.arrays import Ids, Values, contains, drop_repeated, merge_sorted

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


def drop_matches(found: Matches, excluded: Ids) -> Matches:
    """The matches that are not among the excluded articles (ascending)."""
    is_left = ~contains(excluded, found.articles)
    return Matches(found.articles.compress(is_left), found.scores.compress(is_left))


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


def unite_articles(parts: Sequence[Ids], size: int) -> Ids:
    """The articles (int32, ascending) that are in any part; `size` counts all articles."""
    parts = [part for part in parts if len(part)]
    if len(parts) < 2:
        return parts[0] if parts else NO_MATCHES.articles
    if sum(map(len, parts)) > size * _DENSE_SHARE:
        is_found = np.zeros(size, np.bool_)
        for part in parts:
            is_found[part] = True
        return is_found.nonzero()[0].astype(np.int32)
    together = np.concatenate(parts)
    # NumPy's stable sort merges runs that are sorted already.
    together.sort(kind="stable")
    return drop_repeated(together)


def subtract(articles: Ids, excluded: Ids) -> Ids:
    """The articles that are not among the excluded ones; both are ascending."""
    return articles.compress(~contains(excluded, articles)) if len(excluded) else articles
