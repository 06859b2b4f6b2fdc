"""Near-duplicates among the matches of a query: one stands for all, and says which others there are."""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from indexer.engine.format.arrays import Ids
from indexer.engine.read.snapshot import Snapshot
from indexer.engine.score.matches import Matches, subtract
from indexer.engine.score.ranking import ordered_within

_MOST = 64
"""So many of one family are shown with what is folded under them; any more are shown by themselves."""
_NONE = np.empty(0, np.int32)


class Collapsed(Struct, frozen=True, eq=False):
    """Matches of which none is folded, and those that are: which they are, and under which (both int32).

    The folded ones are in the order of the hits.
    """

    shown: Matches
    folded: Ids = _NONE
    under: Ids = _NONE

    def also(self, article: int) -> Ids:
        """What is folded under one that is shown, in order."""
        found: Ids = self.folded[self.under == article]
        return found


def collapse_duplicates(snapshot: Snapshot, found: Matches, order: str) -> Collapsed:
    """Fold each match under the best-ranked one that is shown and that it is a near-duplicate of.

    An article is shown unless it is a near-duplicate of a shown one before it, so that all that is folded
    under a hit is like the hit itself. `order` is as for `top`.
    """
    if len(found) < 2:
        return Collapsed(found)
    families = snapshot.families
    of = families.of[found.articles]
    places = (of >= 0).nonzero()[0]
    own = of[places]
    is_joined = np.bincount(own)[own] > 1
    places, own = places[is_joined], own[is_joined]
    if not len(places):
        return Collapsed(found)
    matches = Matches(found.articles[places], found.scores[places])
    ranked = ordered_within(snapshot, matches, order, own)
    rest, own = matches.articles[ranked], own[ranked]
    folded, under = [_NONE], [_NONE]
    for _ in range(_MOST):
        # In each family the first that is left is shown, and takes what it is alike to.
        is_first = np.ones(len(own), np.bool_)
        np.not_equal(own[1:], own[:-1], out=is_first[1:])
        leaders = rest[is_first][is_first.cumsum() - 1]
        others = (~is_first).nonzero()[0]
        rest, own, leaders = rest[others], own[others], leaders[others]
        is_folded = families.alike(rest, leaders)
        folded.append(rest[is_folded])
        under.append(leaders[is_folded])
        rest, own = rest[~is_folded], own[~is_folded]
        if not len(rest):
            break
    every = np.concatenate(folded)
    return Collapsed(subtract(found, np.sort(every)), every, np.concatenate(under))
