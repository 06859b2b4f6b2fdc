"""Cursors: opaque text that says where a page ended, so that the next one begins there."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Any, NoReturn

from msgspec import DecodeError, Meta, Struct
from msgspec.json import Decoder, Encoder

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
