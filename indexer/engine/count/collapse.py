"""Collapses near-duplicates among the matches of a query: one is shown, the others are listed under it."""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from indexer.engine.format.arrays import Ids, find_changes
from indexer.engine.read.snapshot import Snapshot
from indexer.engine.score.matches import Matches, drop_matches, select_matches
from indexer.engine.score.ranking import order_groups, select_top

_MAX_SHOWN = 64
"""Of one group of near-duplicates, collapsing stops after this many hits: the rest is shown."""
_NONE = np.empty(0, np.int32)


class Collapsed(Struct, frozen=True, eq=False):
    """The matches that are shown, the articles that are not, and the shown article of each of these.

    `hidden` and `shown_instead` are int32 and of the same length, in the order of the hits.
    """

    shown: Matches
    hidden: Ids = _NONE
    shown_instead: Ids = _NONE

    def hidden_under(self, article: int) -> Ids:
        """The articles that a shown one stands for, in the order of the hits."""
        found: Ids = self.hidden[self.shown_instead == article]
        return found


def collapse_duplicates(snapshot: Snapshot, found: Matches, order: str) -> Collapsed:
    """Hide each match that is a near-duplicate of a better-ranked one that is shown.

    So every hidden article is like the hit that it is listed under. `order` is one of `SORTS`.
    """
    if len(found) < 2:
        return Collapsed(found)
    duplicates = snapshot.near_duplicates
    groups = duplicates.group_of.take(found.articles)
    places = (groups >= 0).nonzero()[0]
    groups = groups.take(places)
    has_others = np.bincount(groups).take(groups) > 1
    places, groups = places.compress(has_others), groups.compress(has_others)
    if not len(places):
        return Collapsed(found)
    matches = select_matches(found, places)
    order_of_groups = order_groups(snapshot, matches, order, groups)
    rest, groups = matches.articles.take(order_of_groups), groups.take(order_of_groups)
    hidden, shown_instead = [_NONE], [_NONE]
    for _ in range(_MAX_SHOWN):
        # The first that is left of each group is shown, and hides its near-duplicates.
        is_first = find_changes(groups)
        leaders = rest[is_first][is_first.cumsum() - 1]
        others = (~is_first).nonzero()[0]
        rest, groups, leaders = rest[others], groups[others], leaders[others]
        is_duplicate = duplicates.are_near(rest, leaders)
        hidden.append(rest[is_duplicate])
        shown_instead.append(leaders[is_duplicate])
        rest, groups = rest[~is_duplicate], groups[~is_duplicate]
        if not len(rest):
            break
    all_hidden = np.concatenate(hidden)
    return Collapsed(drop_matches(found, np.sort(all_hidden)), all_hidden, np.concatenate(shown_instead))


def collapse_under(snapshot: Snapshot, collapsed: Collapsed, found: Matches) -> tuple[Collapsed, Matches]:
    """Hide each match that is a near-duplicate of a shown one under the best of these, by relevance.

    The matches that are not hidden are returned as well. They are few, and none is in `collapsed`.
    """
    duplicates = snapshot.near_duplicates
    has_group = duplicates.group_of[found.articles] >= 0
    if not has_group.any():
        return collapsed, found
    shown_groups = duplicates.group_of[collapsed.shown.articles]
    ordered = select_top(snapshot, select_matches(found, has_group.nonzero()[0]), "relevance", 0, len(found))
    hidden, shown_instead = [], []
    for article in ordered.articles.tolist():
        places = (shown_groups == duplicates.group_of[article]).nonzero()[0]
        shown = select_matches(collapsed.shown, places)
        is_near = duplicates.are_near(shown.articles, np.full_like(shown.articles, article))
        best = select_top(snapshot, select_matches(shown, is_near.nonzero()[0]), "relevance", 0, 1)
        if len(best):
            hidden.append(article)
            shown_instead.append(int(best.articles[0]))
    own = np.array(hidden, np.int32)
    return (
        Collapsed(
            collapsed.shown,
            np.concatenate([collapsed.hidden, own]),
            np.concatenate([collapsed.shown_instead, np.array(shown_instead, np.int32)]),
        ),
        drop_matches(found, np.sort(own)),
    )
