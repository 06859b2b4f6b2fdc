"""What the server refuses before it is a request: told as the API tells of errors, whatever was asked for."""

from __future__ import annotations

from typing import Any

import msgspec
from waitress.channel import HTTPChannel
from waitress.task import ErrorTask

from webui.headers import security_headers
from webui.wire import Problem

_DETAILS = {
    400: "A request in HTTP/1.1 is wanted; what was found is none.",
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
        self.content_length = len(body)
        self.write(body)


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection that refuses in this way."""

    error_task_class: Any = Refusal

    def close(self) -> None:
        """Close it, and the files in which its answers wait to be read."""
        self.handle_close()
