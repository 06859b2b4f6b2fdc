"""Matches: ascending article ids with a score each, and the set algebra on them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from indexer.engine.format.arrays import Ids, Values, contains, merge_sorted

# Above this share of all ids, adding into one slot an id beats sorting the lists together.
_DENSE_SHARE = 1 / 32


class Matches(Struct, frozen=True, eq=False):
    """Articles, ascending (int32), and the score of each (float64).

    A struct, as all that a query makes many of: it takes a tenth of the time that a frozen dataclass takes.
    """

    articles: Ids
    scores: Values

    def __len__(self) -> int:
        return len(self.articles)


NOTHING = Matches(np.empty(0, np.int32), np.empty(0, np.float64))


def make_unscored(articles: Ids) -> Matches:
    """Matches of a filter: they count, but add nothing to the score."""
    return Matches(articles, np.zeros(len(articles)))


def intersect(parts: Sequence[Matches]) -> Matches:
    """What is in every part, with the sum of the scores in the order of the parts."""
    rarest_first = sorted(parts, key=len)
    articles = rarest_first[0].articles
    for part in rarest_first[1:]:
        articles = articles[contains(part.articles, articles)]
    scores = np.zeros(len(articles))
    for part in parts:
        # One that has no more has the same.
        scores += (
            part.scores if len(part) == len(articles) else part.scores[part.articles.searchsorted(articles)]
        )
    return Matches(articles, scores)


def unite(parts: Sequence[Matches], size: int) -> Matches:
    """What is in any part, with the sum of the scores; `size` is one more than the largest possible id."""
    parts = [part for part in parts if len(part)]
    if len(parts) < 2:
        return parts[0] if parts else NOTHING
    if sum(map(len, parts)) > size * _DENSE_SHARE:
        totals = np.zeros(size)
        found = np.zeros(size, np.bool_)
        for part in parts:
            totals[part.articles] += part.scores
            found[part.articles] = True
        articles = found.nonzero()[0].astype(np.int32)
        return Matches(articles, totals[articles])
    articles, scores = merge_sorted([p.articles for p in parts], [p.scores for p in parts], np.add)
    return Matches(articles, scores)


def plus(whole: Matches, part: Matches, weight: float) -> Matches:
    """The whole, where it is also in the part with so much of the score there added."""
    both = contains(part.articles, whole.articles)
    if not both.any():
        return whole
    scores = whole.scores.copy()
    scores[both] += weight * part.scores[part.articles.searchsorted(whole.articles[both])]
    return Matches(whole.articles, scores)


def subtract(whole: Matches, part: Ids) -> Matches:
    """What is in the whole but not in the part."""
    kept = ~contains(part, whole.articles)
    return Matches(whole.articles[kept], whole.scores[kept])
