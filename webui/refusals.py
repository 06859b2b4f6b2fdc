"""What the server refuses before it is a request: told as the API tells of errors, whatever was asked for."""

from __future__ import annotations

import time

import msgspec
from waitress.task import ErrorTask
from waitress.utilities import Error

from webui.headers import security_headers
from webui.wire import Problem

REQUEST_SECONDS = 10.0
"""From its first byte to its last, a request may take so long: else who sends one now and then, often enough
not to be silent, holds a connection for ever, and eight hundred of them all that there are."""
_DETAILS = {
    400: "A request in HTTP/1.1 is wanted; what was found is none.",
    408: f"A whole request within {REQUEST_SECONDS:g} seconds is wanted; a part of one was found.",
    413: "No body is wanted, and this one is too large to be ignored.",
    431: "An address and headers of up to 64 kB together are wanted.",
    501: "A body as it is, or in chunks, is the only one that is read.",
}


class Refusal(ErrorTask):  # type: ignore[misc]
    """The answer to what is no request."""

    def execute(self) -> None:
        """Write it, and close the connection: where another request would begin, nobody knows."""
        error = self.request.error
        # Not the server's own words: they may repeat what was sent.
        detail = _DETAILS.get(error.code, "Something went wrong here. The log of the server says what.")
        body = msgspec.json.encode(Problem("about:blank", error.reason, error.code, detail))
        self.status = f"{error.code} {error.reason}"
        self.response_headers += [
            ("Content-Type", "application/problem+json"),
            ("Cache-Control", "no-store"),
            *security_headers().items(),
        ]
        self.set_close_on_finish()
        if journal := self.channel.journal:
            # As much as was understood of it, which may be nothing.
            known = {
                "REQUEST_METHOD": getattr(self.request, "command", ""),
                "PATH_INFO": getattr(self.request, "path", ""),
                "QUERY_STRING": getattr(self.request, "query", ""),
            }
            told = {"status": error.code, "bytes": len(body)}
            journal.write(known, told, time.monotonic() - self.channel.began)
        self.content_length = len(body)
        self.write(b"" if getattr(self.request, "command", "") == "HEAD" else body)


class TooSlow(Error):  # type: ignore[misc]
    """What the server says of a request that did not come in time."""

    code = 408
    reason = "Request Timeout"
