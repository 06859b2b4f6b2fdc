"""Which of the hits a page shows: full matches, then partial ones, by an offset or on from a cursor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from indexer.cursor import Cursor, write_cursor
from indexer.engine.arrays import NOTHING, Matches
from indexer.engine.ranking import Place, place_of, top
from indexer.engine.snapshot import Snapshot
from indexer.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class Slice:
    """Which hits are wanted: `limit` of them in an order, after `offset` others or after the hit of `start`.

    `search` is the hash of what is searched for, `enough` as in `Evaluation.run`.
    """

    sort: str
    limit: int
    offset: int
    search: str
    enough: int
    start: Cursor | None = None


def cut_page(
    snapshot: Snapshot, every: Matches, lacking: Matches, wanted: Slice
) -> tuple[Matches, Matches, str | None]:
    """The full and the partial matches of a page, and the cursor of the next page (None: there is none).

    `every` are all articles that meet the query, `lacking` the partial matches that follow them.
    Raises InvalidRequest for a cursor that no page gave.
    """
    if not wanted.limit:
        return NOTHING, NOTHING, None
    # One more than is shown says whether there is more.
    size = wanted.limit + 1
    start, sort = wanted.start, wanted.sort
    if start is None:
        full = top(snapshot, every, sort, wanted.offset, size)
        before = max(wanted.offset - len(every), 0)
        partial = top(snapshot, lacking, sort, before, size - len(full))
    else:
        try:
            place = _place_now(snapshot, lacking if start.is_partial else every, sort, start)
            full = NOTHING if start.is_partial else top(snapshot, every, sort, 0, size, place)
            beyond = place if start.is_partial else None
            partial = top(snapshot, lacking, sort, 0, size - len(full), beyond)
        except (TypeError, ValueError, OverflowError) as error:
            # Made up by somebody who took the trouble to find out how.
            raise InvalidRequest("cursor: one that a page gave is wanted: begin again without it") from error
    if len(full) + len(partial) < size:
        return full, partial, None
    if len(partial):
        partial = Matches(partial.articles[:-1], partial.scores[:-1])
    else:
        full = Matches(full.articles[:-1], full.scores[:-1])
    return full, partial, _cursor(snapshot, full, partial, wanted)


def _cursor(snapshot: Snapshot, full: Matches, partial: Matches, wanted: Slice) -> str:
    shown = partial if len(partial) else full
    place = place_of(snapshot, shown, wanted.sort, len(shown) - 1)
    return write_cursor(
        Cursor(
            wanted.search,
            snapshot.id_of(int(shown.articles[-1])),
            (wanted.start.seen if wanted.start else wanted.offset) + wanted.limit,
            wanted.enough,
            is_partial=len(partial) > 0,
            keys=place.keys,
            names=place.names,
        )
    )


def _place_now(snapshot: Snapshot, found: Matches, sort: str, start: Cursor) -> Place:
    """Where the last hit of the page before stands now, for new articles change all scores a little.

    Where it stood then, when it is gone, or was given another date or title.
    """
    then = Place(start.keys, start.names)
    article = snapshot.find(start.id)
    if article is None:
        return then
    number = int(np.searchsorted(found.articles, article))
    if number == len(found) or found.articles[number] != article:
        return then
    now = place_of(snapshot, found, sort, number)
    return now if sort == "relevance" or now.keys[0] == then.keys[0] else then
