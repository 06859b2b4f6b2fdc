"""ETags, conditional responses, and responses that may not be stored."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from importlib import metadata

from flask import Response, request

from indexer import Config, IndexReader
from indexer.errors import IndexUnavailable, NutgrafError
from indexer.fields import list_weights
from indexer.query import NoteCode
from indexer.results import Hits, Page
from webui.mount import current_mount


def entity_tag(index: IndexReader, *parts: str) -> str:
    """The ETag of the response to a request, known before the response is made.

    It changes with each commit, each day ("last week" is a query), each version of the program and each
    change of the configuration. The time a search took does not change it, so the ETag is weak.
    """
    config = index.config
    known = (
        index.get_revision(),
        # An older commit that answers in place of a damaged one says so in its responses.
        index.damage or "",
        index.config.today().isoformat(),
        _version(),
        str(config.page_size),
        str(config.passages),
        str(config.query_characters),
        str(config.query_seconds),
        config.timezone,
        str(list_weights(config.fields)),
        _stamp(config),
        *([f"{config.model} {config.meaning}"] if config.model else []),
        *parts,
    )
    return hashlib.sha256("\0".join(known).encode("utf-8", "surrogatepass")).hexdigest()[:24]


def conditional_response(tag: str, make: Callable[[], Response]) -> Response:
    """Return 304 if the client has the response with this ETag, else make the response and tag it.

    A response that may not be stored is returned without a tag.
    """
    known = request.if_none_match
    response = None if tag in known.as_set(include_weak=True) else make()
    if response is not None and response.cache_control.no_store:
        return response
    # "If-None-Match: *" means any response, so one had to be made.
    if response is not None and known.star_tag:
        response.close()
        response = None
    if response is None:
        response = Response(status=304)
        del response.headers["Content-Type"]
    response.set_etag(tag, weak=True)
    # Private: the host application may show the search to some users only.
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def may_improve(found: Page | Hits) -> bool:
    """Whether the same search may find more before the next commit: it timed out, or the model failed."""
    return found.timed_out or any(note.code == NoteCode.NO_MODEL.code for note in found.notes)


def no_store(response: Response) -> Response:
    """Forbid storing a response that may be better next time, such as an error; see also `may_improve`."""
    response.headers["Cache-Control"] = "no-store"
    return response


def _stamp(config: Config) -> str:
    if config.synonyms is None:
        return ""
    try:
        found = config.synonyms.stat()
    except OSError:
        return "missing"
    return f"{found.st_mtime_ns}.{found.st_size}"


@functools.cache
def _version() -> str:
    try:
        return metadata.version("nutgraf")
    except metadata.PackageNotFoundError:
        return ""


def request_tag() -> str:
    """The ETag of the response to the current request; empty if there is no usable index.

    Raises IndexUnavailable.
    """
    try:
        return entity_tag(
            current_mount().index,
            request.script_root + request.path,
            request.query_string.decode("latin-1"),
            request.headers.get("Accept", ""),
            # Feeds contain the host.
            request.host,
        )
    except IndexUnavailable:
        # The view would only wait for the cluster once more.
        raise
    except NutgrafError:
        # No usable index: the view reports that.
        return ""
