"""Security at the HTTP boundary: limits of a request, trusted hosts, security headers, CORS."""

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

# Bytes of a URL: a query has up to 4,000 characters, each up to twelve bytes when percent-encoded.
MAX_ADDRESS = 60_000
# Bytes of a body. Nothing is uploaded.
MAX_BODY = 64 * 1024
# Parameters of a request: a filter takes up to a hundred values.
MAX_PARAMETERS = 500
# Headers of a request: a browser sends twenty, each proxy adds a few.
MAX_HEADERS = 100
# Methods of the API.
METHODS = "GET, HEAD, OPTIONS"
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9.\-]+)(:[0-9]{1,5})?")
# Headers that scripts of other origins may read besides the standard ones.
_EXPOSED_HEADERS = "ETag, Retry-After"
# Seconds for which a browser may cache the answer to a preflight request.
_PREFLIGHT_AGE = "3600"


class UntrustedHost(HTTPException):
    """The request names a host that is not in `trusted_hosts`."""

    code = 421
    description = (
        "This site does not answer for the host name of the request. The administrator can allow the name "
        "with the option trusted_hosts."
    )


def check_request(config: Config) -> None:
    """Raise for a request that is too large, is not decodable, or names an untrusted host."""
    if config.trusted_hosts and not _is_trusted(request.headers.get("Host", ""), config.trusted_hosts):
        raise UntrustedHost
    if len(request.headers) > MAX_HEADERS:
        raise RequestHeaderFieldsTooLarge(f"A request may have at most {MAX_HEADERS} headers.")
    query = request.query_string
    if len(query) + len(request.path) > MAX_ADDRESS:
        raise RequestURITooLarge(f"A URL may have at most {MAX_ADDRESS:,} bytes.")
    if (request.content_length or 0) > MAX_BODY:
        raise RequestEntityTooLarge(f"A request body may have at most {MAX_BODY:,} bytes.")
    if query.count(b"&") >= MAX_PARAMETERS:
        raise InvalidRequest(f"A URL may have at most {MAX_PARAMETERS} parameters.")
    try:
        _ = request.args
    except UnicodeDecodeError as error:
        raise InvalidRequest("The parameters of the URL must be UTF-8.") from error


def _is_trusted(header: str, trusted: tuple[str, ...]) -> bool:
    found = _HOST.fullmatch(header.lower())
    if not found:
        return False
    host = found[1].rstrip(".")
    # Werkzeug's own check does not know literal IPv6 addresses.
    return any(
        host == name.removeprefix(".") or (name.startswith(".") and host.endswith(name)) for name in trusted
    )


@functools.cache
def security_headers(frame_ancestors: tuple[str, ...] = ()) -> dict[str, str]:
    """The security headers of a response: no inline script or style, and nothing from other origins."""
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
    """Add the security headers that a view has not set itself."""
    for name, value in security_headers(config.frame_ancestors).items():
        headers.setdefault(name, value)


def set_methods(response: Response) -> None:
    """Correct the header Allow of the API."""
    if response.allow:
        # A route accepts every method only to refuse it; Allow names the methods that work.
        response.headers["Allow"] = METHODS


def set_cors(response: Response, config: Config) -> None:
    """Let scripts of the configured origins read the response. The API has no cookies."""
    if not config.cors_origins:
        return
    is_public = "*" in config.cors_origins
    if not is_public:
        response.vary.add("Origin")
    origin = request.headers.get("Origin", "")
    # A public API answers "*", because a cached response may serve another origin.
    allowed = "*" if is_public else next((name for name in config.cors_origins if name == origin), None)
    if allowed is None:
        return
    response.headers["Access-Control-Allow-Origin"] = allowed
    response.headers["Access-Control-Expose-Headers"] = _EXPOSED_HEADERS
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        response.headers["Access-Control-Allow-Methods"] = METHODS
        response.headers["Access-Control-Allow-Headers"] = "Accept, If-None-Match"
        response.headers["Access-Control-Max-Age"] = _PREFLIGHT_AGE
