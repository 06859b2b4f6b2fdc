"""What a request may be, before anything else looks at it."""

from __future__ import annotations

import re

from flask import request
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
