"""How long an answer of the API stands: ETags, conditional responses, and what may not be stored."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from importlib import metadata

from flask import Response, request

from indexer import Config, Index
from indexer.errors import NutgrafError
from webui.mount import current_mount


def entity_tag(index: Index, *parts: str) -> str:
    """A name for what a request gets now, known before it is answered.

    It holds for one commit, one day ("last week" is a query), one version of the program and one
    configuration of it. How long a search took is no part of it, so the tag is a weak one.
    """
    config = index.config
    known = (
        index.revision(),
        # An older state that answers in place of a damaged one says so; while it was the newest, it did not.
        index.damage or "",
        index.config.today().isoformat(),
        _version(),
        str(config.page_size),
        str(config.passages),
        str(config.query_characters),
        str(config.query_seconds),
        config.timezone,
        _stamp(config),
        *parts,
    )
    return hashlib.sha256("\0".join(known).encode("utf-8", "surrogatepass")).hexdigest()[:24]


def kept(tag: str, answer: Callable[[], Response]) -> Response:
    """The answer that `tag` stands for, for the client to keep and to ask each time whether it still stands.

    One that the client has already is not made again, but told to stand still (304). One that is not to be
    stored, being less than it could have been, stays as it is.
    """
    known = request.if_none_match
    response = None if tag in known.as_set(include_weak=True) else answer()
    if response is not None and response.cache_control.no_store:
        return response
    # A star is any answer; whether there is one had to be found out.
    if response is None or known.star_tag:
        if response is not None:
            response.close()
        response = Response(status=304)
        del response.headers["Content-Type"]
    response.set_etag(tag, weak=True)
    # Private: an application around the search may show it to some people only.
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def not_kept(response: Response) -> Response:
    """The answer, which no client and nothing on the way may store: another time it may be a better one."""
    response.headers["Cache-Control"] = "no-store"
    return response


def _stamp(config: Config) -> str:
    if config.synonyms is None:
        return ""
    try:
        found = config.synonyms.stat()
    except OSError:
        return "gone"
    return f"{found.st_mtime_ns}.{found.st_size}"


@functools.cache
def _version() -> str:
    try:
        return metadata.version("nutgraf")
    except metadata.PackageNotFoundError:
        return ""


def request_tag() -> str:
    try:
        return entity_tag(
            current_mount().index,
            request.script_root + request.path,
            request.query_string.decode("latin-1"),
            request.headers.get("Accept", ""),
            # Feeds have addresses with the host in them.
            request.host,
        )
    except NutgrafError:
        # There is nothing to search: what to say of that is the view's to find out.
        return ""
