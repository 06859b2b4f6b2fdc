"""The log of the server: one line of JSON for each request, which says nothing of who made it."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# Longer than any address that means something; what is cut off is no news.
MAX_TEXT = 500
# What follows these names an article, which tells as much as a query.
_PRIVATE = re.compile("/(a|articles|similar)/")


class Journal:
    """A WSGI application around another that writes a line for each answer.

    A line has the time, method, path, status, milliseconds and bytes. With `queries` it has what was searched
    for and the id of an article; without, neither. Control characters are escaped, so that a request cannot
    write a line of its own.
    """

    def __init__(self, app: WSGIApplication, stream: TextIO, *, queries: bool = False) -> None:
        self._app = app
        self._stream = stream
        self._queries = queries
        self._lock = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer as the application does."""
        began = time.perf_counter()
        sent = {"status": 0, "bytes": 0}

        def remember(status: str, *more: object) -> object:
            sent["status"] = int(status[:3])
            return start(status, *more)  # type: ignore[arg-type]

        answer = self._app(environ, remember)  # type: ignore[arg-type]
        return _Counted(answer, sent, lambda: self.write(environ, sent, time.perf_counter() - began))

    def write(self, environ: WSGIEnvironment, sent: dict[str, int], seconds: float) -> None:
        """Write the line of a request that was answered: `sent` has the status and the bytes."""
        path = _text(environ.get("PATH_INFO", ""))
        line: dict[str, object] = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "method": _text(environ.get("REQUEST_METHOD", "")),
            "path": path if self._queries else _without_article(path),
            **sent,
            "ms": round(seconds * 1000, 1),
        }
        if self._queries:
            line["query"] = environ.get("QUERY_STRING", "")[:MAX_TEXT]
        # ASCII only: everything that a terminal may obey is escaped; but for one, which JSON thinks harmless.
        text = json.dumps(line).replace("\x7f", "\\u007f")
        with self._lock:
            self._stream.write(text + "\n")
            self._stream.flush()


class _Counted:
    """An answer that counts its bytes, and has its line written before the last of them are sent.

    A server that is asked to end may do so as soon as all has been sent.
    """

    def __init__(self, answer: Iterable[bytes], sent: dict[str, int], write: Callable[[], None]) -> None:
        self._answer = answer
        self._sent = sent
        self._write = write
        self._is_written = False

    def __iter__(self) -> Iterator[bytes]:
        last = None
        for part in self._answer:
            if last is not None:
                yield last
            self._sent["bytes"] += len(part)
            last = part
        self._write_once()
        if last is not None:
            yield last

    def close(self) -> None:
        """End the answer; the line of one that was broken off is written now."""
        try:
            if hasattr(self._answer, "close"):
                self._answer.close()
        finally:
            self._write_once()

    def _write_once(self) -> None:
        if not self._is_written:
            self._is_written = True
            self._write()


def _text(raw: str) -> str:
    # The server hands bytes over as Latin-1.
    return raw.encode("latin-1", "replace").decode("utf-8", "backslashreplace")[:MAX_TEXT]


def _without_article(path: str) -> str:
    # The first of them: an id may look like an address.
    found = _PRIVATE.search(path)
    return f"{path[: found.end()]}…" if found else path
