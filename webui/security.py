"""What a request may be, and what a browser may do with the answer: sizes, hosts, policy, other origins."""

from __future__ import annotations

import functools
import re

from flask import Response, request
from werkzeug.datastructures import Headers
from werkzeug.exceptions import (
    HTTPException,
    RequestEntityTooLarge,
    RequestHeaderFieldsTooLarge,
    RequestURITooLarge,
)

from indexer import Config
from indexer.errors import InvalidRequest

# The longest address. A query of 4,000 characters may take twelve bytes for each, percent-encoded.
MAX_ADDRESS = 60_000
# Nothing is uploaded.
MAX_BODY = 64 * 1024
# Parameters of one request; a filter takes up to a hundred values.
MAX_PARAMETERS = 500
# Headers of one request: a browser sends twenty, each proxy on the way a few more.
MAX_HEADERS = 100
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9.\-]+)(:[0-9]{1,5})?")


class UntrustedHost(HTTPException):
    """The request was made to a name that is not of this site."""

    code = 421
    description = (
        "This site does not answer by the host name of the request. Its keeper can allow names with the "
        "option trusted_hosts."
    )


def check_request(config: Config) -> None:
    """Raise for a request that is larger than any that has a meaning, or made to another host."""
    if config.trusted_hosts and not _is_trusted(request.headers.get("Host", ""), config.trusted_hosts):
        raise UntrustedHost
    if len(request.headers) > MAX_HEADERS:
        raise RequestHeaderFieldsTooLarge(f"Up to {MAX_HEADERS} headers are wanted.")
    query = request.query_string
    if len(query) + len(request.path) > MAX_ADDRESS:
        raise RequestURITooLarge(f"An address of up to {MAX_ADDRESS:,} bytes is wanted.")
    if (request.content_length or 0) > MAX_BODY:
        raise RequestEntityTooLarge(f"No body is wanted; at most {MAX_BODY:,} bytes are read.")
    if query.count(b"&") >= MAX_PARAMETERS:
        raise InvalidRequest(f"the address: up to {MAX_PARAMETERS} parameters are wanted, more were found")
    try:
        _ = request.args
    except UnicodeDecodeError as error:
        raise InvalidRequest("the address: parameters in UTF-8 are wanted, other bytes were found") from error


def _is_trusted(header: str, trusted: tuple[str, ...]) -> bool:
    found = _HOST.fullmatch(header.lower())
    if not found:
        return False
    host = found[1].rstrip(".")
    # Not Werkzeug's own check: it knows no literal IPv6 address.
    return any(
        host == name.removeprefix(".") or (name.startswith(".") and host.endswith(name)) for name in trusted
    )


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
