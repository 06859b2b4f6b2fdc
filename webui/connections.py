"""The connections of the server: how long each may take to ask, and what an answer without a body is."""

from __future__ import annotations

import time
from typing import Any

from waitress.channel import HTTPChannel
from waitress.task import WSGITask

from webui import refusals
from webui.journal import Journal
from webui.refusals import Refusal, TooSlow


class Reply(WSGITask):  # type: ignore[misc]
    """The answer to a request."""

    def finish(self) -> None:
        """End it; where only the headers were asked for, without the mark that ends a body."""
        if self.request.command == "HEAD":
            self.write(b"")
            self.chunked_response = False
        super().finish()


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection that refuses in this way, and that waits for a request no longer than it should take."""

    task_class: Any = Reply
    error_task_class: Any = Refusal
    journal: Journal | None = None
    """Where what was refused is told."""
    began: float
    """When the first byte came of what is not answered yet: on the monotonic clock."""
    request: Any
    _waits = False

    def received(self, data: bytes) -> Any:
        """Take in a part of a request."""
        if not self._waits:
            self.began, self._waits = time.monotonic(), True
        return super().received(data)

    def service(self) -> None:
        """Answer a request that is whole."""
        self._waits = False
        super().service()

    def readable(self) -> Any:
        """Whether there may be more to read; the loop of the server asks this at least once a second."""
        if self._waits and not self.requests and time.monotonic() - self.began > refusals.REQUEST_SECONDS:
            self._give_up()
        return super().readable()

    def _give_up(self) -> None:
        with self.requests_lock:
            # Of line breaks alone there is no request.
            request = self.request or self.parser_class(self.adj)
            request.error, request.completed = TooSlow(""), True
            self.request, self._waits = None, False
            self.requests.append(request)
        self.server.add_task(self)

    def close(self) -> None:
        """Close it, and the files in which its answers wait to be read."""
        self.handle_close()
