"""Which of the hits a page shows, by an offset or from a cursor; full matches first, then partial ones."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Annotated, Any, NoReturn

import numpy as np
from msgspec import DecodeError, Meta, Struct
from msgspec.json import Decoder, Encoder

from indexer.engine import NO_MATCHES, Matches, Snapshot, SortPosition, select_top, sort_position
from indexer.errors import InvalidRequest

Name = int | float | str
MAX_CURSOR = 64_000
"""Characters of the longest cursor that is read."""
_MARK = 6  # bytes of a hash


class Cursor(Struct, frozen=True, array_like=True):
    """Where a page ended: its last hit, and where that stood in the order.

    `seen` counts the hits up to there; `enough` is how many full matches make partial ones needless, as the
    first page decided. `is_partial` says whether the last hit lacked some words. `keys` and `names` are what
    it was ordered by, for when it should be gone by the next page.
    """

    search: str
    """A hash of the search that the page is of."""
    id: str
    seen: Annotated[int, Meta(ge=0)]
    enough: Annotated[int, Meta(ge=1, le=10_000)]
    is_partial: bool
    keys: tuple[int | float, ...]
    names: tuple[Name, ...]


_encode = Encoder().encode
_decode = Decoder(Cursor).decode


def search_mark(*asked: Any) -> str:
    """A hash of what a search asks for: cursors belong to one search."""
    # Not as JSON: a query may have broken characters in it.
    return hashlib.blake2b(repr(asked).encode(), digest_size=_MARK).hexdigest()


def write_cursor(cursor: Cursor) -> str:
    """A cursor as text, which can stand in an address as it is."""
    payload = _encode(cursor)
    return urlsafe_b64encode(_checksum(payload) + payload).decode().rstrip("=")


def read_cursor(text: str, search: str) -> Cursor:
    """The cursor that a text says; raises InvalidRequest when it is none, or belongs to another search."""
    if not isinstance(text, str) or not text.isascii() or len(text) > MAX_CURSOR:
        _refuse(text)
    try:
        data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        payload = data[_MARK:]
        cursor = _decode(payload)
    except (ValueError, DecodeError):
        _refuse(text)
    if data[:_MARK] != _checksum(payload) or write_cursor(cursor) != text:
        _refuse(text)
    if cursor.search != search:
        raise InvalidRequest(
            "cursor: one of the same search is wanted, this one belongs to another query, filter or order: "
            "begin again without it"
        )
    return cursor


def _checksum(payload: bytes) -> bytes:
    return hashlib.blake2b(payload, digest_size=_MARK, person=b"cursor").digest()


def _refuse(text: object) -> NoReturn:
    raise InvalidRequest(
        f"cursor: one that a page gave is wanted, {str(text)[:40]!r} was found: begin again without it"
    )


@dataclass(frozen=True, slots=True)
class Slice:
    """Which hits are wanted: `limit` of them in an order, after `offset` others or after the hit of `start`.

    `search` is the hash of what is searched for, `enough` is `min_full_matches` of `run_query`.
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
        return NO_MATCHES, NO_MATCHES, None
    # One more than is shown says whether there is more.
    size = wanted.limit + 1
    start, sort = wanted.start, wanted.sort
    if start is None:
        full = select_top(snapshot, every, sort, wanted.offset, size)
        before = max(wanted.offset - len(every), 0)
        partial = select_top(snapshot, lacking, sort, before, size - len(full))
    else:
        try:
            place = _place_now(snapshot, lacking if start.is_partial else every, sort, start)
            full = NO_MATCHES if start.is_partial else select_top(snapshot, every, sort, 0, size, place)
            beyond = place if start.is_partial else None
            partial = select_top(snapshot, lacking, sort, 0, size - len(full), beyond)
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
    place = sort_position(snapshot, shown, wanted.sort, len(shown) - 1)
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


def _place_now(snapshot: Snapshot, found: Matches, sort: str, start: Cursor) -> SortPosition:
    """Where the last hit of the page before stands now, for new articles change all scores a little.

    Where it stood then, when it is gone, or was given another date or title.
    """
    then = SortPosition(start.keys, start.names)
    article = snapshot.find(start.id)
    if article is None:
        return then
    number = int(np.searchsorted(found.articles, article))
    if number == len(found) or found.articles[number] != article:
        return then
    now = sort_position(snapshot, found, sort, number)
    return now if sort == "relevance" or now.keys[0] == then.keys[0] else then
