"""Headers that answers carry: what a browser may do with them, who may read them, how long they stand."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from importlib import metadata

from flask import Response, request
from werkzeug.datastructures import Headers

from indexer import Config, Index

# What can be asked of the API.
METHODS = "GET, HEAD, OPTIONS"
# Answers to scripts of other origins: which of the headers they may read beyond the plain ones.
EXPOSED = "ETag, Retry-After"
# Seconds for which a browser may remember that an origin is allowed.
PREFLIGHT_AGE = "3600"


@functools.cache
def security_headers(frame_ancestors: tuple[str, ...] = ()) -> dict[str, str]:
    """What a browser may do with an answer; nothing from elsewhere, and no script or style inside a page.

    A document that got past the escaping could still do nothing.
    """
    frames = " ".join("'self'" if name == "self" else name for name in frame_ancestors) or "'none'"
    return {
        "Content-Security-Policy": (
            "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; "
            "font-src 'self'; form-action 'self'; base-uri 'none'; require-trusted-types-for 'script'; "
            f"trusted-types nutgraf; frame-ancestors {frames}"
        ),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }


def set_security(headers: Headers, config: Config) -> None:
    """Add the headers that every answer has, unless a view has set its own."""
    for name, value in security_headers(config.frame_ancestors).items():
        headers.setdefault(name, value)


def set_methods(response: Response) -> None:
    """Let an answer of the API that says which methods there are say it of those that read."""
    if response.allow:
        # Else it would name what is only listened to so that it can be refused.
        response.headers["Allow"] = METHODS


def set_cors(response: Response, config: Config) -> None:
    """Let scripts of the configured origins read an answer of the API. No cookies: it has none."""
    if not config.cors_origins:
        return
    everyone = "*" in config.cors_origins
    if not everyone:
        response.vary.add("Origin")
    origin = request.headers.get("Origin", "")
    # Compared as a whole: never a part of it, and never answered with anything that is not configured.
    # Where everyone may, it is said to everyone: what a browser keeps may serve another origin later.
    allowed = "*" if everyone else next((name for name in config.cors_origins if name == origin), None)
    if allowed is None:
        return
    response.headers["Access-Control-Allow-Origin"] = allowed
    response.headers["Access-Control-Expose-Headers"] = EXPOSED
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        response.headers["Access-Control-Allow-Methods"] = METHODS
        response.headers["Access-Control-Allow-Headers"] = "Accept, If-None-Match"
        response.headers["Access-Control-Max-Age"] = PREFLIGHT_AGE


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
