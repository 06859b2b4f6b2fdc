"""Set algebra on ascending id arrays that carry a value each: the building blocks of matching."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from indexer.engine.postings import Ids, Values, merge_sorted

# Above this share of all ids, adding into one slot an id beats sorting the lists together.
_DENSE_SHARE = 1 / 32
# In the time that one id takes to be ticked in an empty list of all: so many can be made empty, and the place
# of a wanted one takes so many times as long to be searched for.
_CLEARED = 128
_FOUND = 7
AT_ONCE = 2**18
"""Numbers that are sorted or looked up in one go: in a few milliseconds."""


class Matches(Struct, frozen=True, eq=False):
    """Articles, ascending (int32), and the score of each (float64).

    A struct, as all that a query makes many of: it takes a tenth of the time that a frozen dataclass takes.
    """

    articles: Ids
    scores: Values

    def __len__(self) -> int:
        return len(self.articles)


NOTHING = Matches(np.empty(0, np.int32), np.empty(0, np.float64))


def unscored(articles: Ids) -> Matches:
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


def contains(ids: Ids, wanted: Ids) -> NDArray[np.bool_]:
    """Whether each of the wanted ids is among the ascending `ids`: bool, one of each."""
    if not len(ids) or not len(wanted):
        return np.zeros(len(wanted), np.bool_)
    if len(ids) + int(ids[-1]) // _CLEARED < len(wanted) * _FOUND:
        among = np.zeros(1 + max(int(ids[-1]), int(wanted.max())), np.bool_)
        among[ids] = True
        found: NDArray[np.bool_] = among[wanted]
        return found
    places = ids.searchsorted(wanted)
    places[places == len(ids)] = 0
    return np.equal(ids[places], wanted)


def stretches(
    parts: Sequence[NDArray[np.int64]], at_once: int = AT_ONCE
) -> Iterator[list[NDArray[np.int64]]]:
    """Ascending integers of several arrays, cut into stretches of about `at_once` integers.

    Each stretch has, of all parts in turn, what lies between two bounds: none is in two of them, and the
    stretches ascend.
    """
    yield from map(list, zip(*map(np.split, parts, cuts(parts, at_once)), strict=True))


def cuts(parts: Sequence[NDArray[np.int64]], at_once: int = AT_ONCE) -> list[NDArray[np.intp]]:
    """Where `stretches` cuts each part."""
    longest = max(parts, key=len)
    step = max(1, at_once * len(longest) // max(1, sum(map(len, parts))))
    return [part.searchsorted(longest[step::step]) for part in parts]


def places_of(value: int, values: NDArray[Any], count: int, kind: type[np.integer[Any]]) -> NDArray[Any]:
    """Where a value stands, which it does so often: flatnonzero in integers of another kind."""
    places: NDArray[Any] = np.empty(count, kind)
    found = 0
    for begin in range(0, len(values), AT_ONCE):
        own = np.flatnonzero(values[begin : begin + AT_ONCE] == value)
        places[found : found + len(own)] = own + begin
        found += len(own)
    return places


def ranges(starts: NDArray[Any], lengths: NDArray[Any]) -> NDArray[Any]:
    """The numbers start, start + 1, … of several ranges, one after the other."""
    ends = lengths.cumsum()
    found: NDArray[Any] = (starts - ends + lengths).repeat(lengths)
    found += np.arange(len(found))
    return found
