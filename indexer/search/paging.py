"""Which of the hits a page shows, by an offset or from a cursor; full matches first, then the others."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, NoReturn

import numpy as np
from msgspec import DecodeError, Meta, Struct
from msgspec.json import Decoder, Encoder

from indexer.engine import NO_MATCHES, Matches, Snapshot, SortPosition, select_top, sort_position
from indexer.errors import InvalidRequest
from indexer.search.request import SearchRequest, refuse

MAX_CURSOR = 64_000
"""Characters of the longest cursor that is read."""
_DIGEST = 6  # bytes


class Cursor(Struct, frozen=True, array_like=True):
    """Where a page ended: its last hit, and the position of that hit in the order.

    `fingerprint` is that of the search. `seen` counts the hits up to there, `min_full` is the number of full
    matches below which partial ones are added, as on the first page, and `is_partial` says whether the last
    hit was one of these. `keys` and `names` are its sort keys, used when it is no longer in the index.
    """

    fingerprint: str
    id: str
    seen: Annotated[int, Meta(ge=0)]
    min_full: Annotated[int, Meta(ge=1, le=10_000)]
    is_partial: bool
    keys: tuple[int | float, ...]
    names: tuple[int | float | str, ...]


_encode = Encoder().encode
_decode = Decoder(Cursor).decode


def fingerprint(request: SearchRequest, restriction: str = "", meaning: float = 0.0) -> str:
    """A digest of all that decides which hits there are, and in which order: a cursor is valid for one.

    `restriction` is as in `SearchSettings`, `meaning` the share of the meaning in the scores, 0 for those of
    words alone.
    """
    parts = (
        *(request.query, request.since or "", request.until or "", request.filters),
        *(request.sort, request.half_life, request.collapse, request.prefix),
        *([restriction] if restriction else ()),
        *([meaning] if meaning else ()),
    )
    # The representation, since JSON cannot hold the lone surrogates that a query may have.
    return hashlib.blake2b(repr(parts).encode(), digest_size=_DIGEST).hexdigest()


def write_cursor(cursor: Cursor) -> str:
    """A cursor as text that can stand in a URL as it is."""
    payload = _encode(cursor)
    return urlsafe_b64encode(_checksum(payload) + payload).decode().rstrip("=")


def read_cursor(text: str, *searches: str) -> Cursor:
    """The cursor of a text; raises InvalidRequest if it is damaged, or of none of the searches.

    These are given by their fingerprints.
    """
    if not text.isascii() or len(text) > MAX_CURSOR:
        refuse_cursor(text)
    try:
        data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        payload = data[_DIGEST:]
        cursor = _decode(payload)
    except (ValueError, DecodeError):
        refuse_cursor(text)
    if data[:_DIGEST] != _checksum(payload) or write_cursor(cursor) != text:
        refuse_cursor(text)
    if cursor.fingerprint not in searches:
        raise InvalidRequest(
            "must be of the same query, filters and order; not of another search. Start again without it.",
            "cursor",
        )
    return cursor


def _checksum(payload: bytes) -> bytes:
    return hashlib.blake2b(payload, digest_size=_DIGEST, person=b"cursor").digest()


def refuse_cursor(text: str) -> NoReturn:
    """Raise InvalidRequest for a cursor that no page gave."""
    refuse("cursor", "must be the cursor of a page", text, "Start again without it.")


def select_page(
    snapshot: Snapshot,
    full: Matches,
    partial: Matches,
    request: SearchRequest,
    cursor: Cursor | None,
    min_full: int,
    search: str,
) -> tuple[Matches, Matches, str | None]:
    """The full and the partial matches of a page, and the cursor of the next page, None on the last one.

    `full` and `partial` are all matches, those by their meaning alone among the partial ones; `search` is the
    fingerprint of the request. Raises InvalidRequest for a cursor that no page gave.
    """
    limit, sort = request.limit, request.sort
    if not limit:
        return NO_MATCHES, NO_MATCHES, None
    # One hit more than is shown, to know whether there is a next page.
    size = limit + 1
    if cursor is None:
        shown = select_top(snapshot, full, sort, request.offset, size)
        offset = max(request.offset - len(full), 0)
        shown_partial = select_top(snapshot, partial, sort, offset, size - len(shown))
    else:
        try:
            position = _find_current_position(snapshot, partial if cursor.is_partial else full, sort, cursor)
            shown = NO_MATCHES if cursor.is_partial else select_top(snapshot, full, sort, 0, size, position)
            beyond = position if cursor.is_partial else None
            shown_partial = select_top(snapshot, partial, sort, 0, size - len(shown), beyond)
        except (TypeError, ValueError, OverflowError):
            # The checksum is right but the sort keys are not: the cursor was forged.
            refuse_cursor(request.cursor or "")
    if len(shown) + len(shown_partial) < size:
        return shown, shown_partial, None
    if len(shown_partial):
        shown_partial = Matches(shown_partial.articles[:-1], shown_partial.scores[:-1])
    else:
        shown = Matches(shown.articles[:-1], shown.scores[:-1])
    last = shown_partial if len(shown_partial) else shown
    position = sort_position(snapshot, last, sort, len(last) - 1)
    following = Cursor(
        search,
        snapshot.id_of(int(last.articles[-1])),
        (cursor.seen if cursor else request.offset) + limit,
        min_full,
        is_partial=len(shown_partial) > 0,
        keys=position.keys,
        names=position.names,
    )
    return shown, shown_partial, write_cursor(following)


def _find_current_position(snapshot: Snapshot, found: Matches, sort: str, cursor: Cursor) -> SortPosition:
    """The position of the cursor's hit now, since articles added in the meantime change all scores a little.

    Its position then, when it has been removed, or was given another date or title.
    """
    then = SortPosition(cursor.keys, cursor.names)
    article = snapshot.find(cursor.id)
    if article is None:
        return then
    number = int(np.searchsorted(found.articles, article))
    if number == len(found) or found.articles[number] != article:
        return then
    now = sort_position(snapshot, found, sort, number)
    return now if sort == "relevance" or now.keys[0] == then.keys[0] else then
