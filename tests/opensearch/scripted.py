"""A server that gives the answers that it is told to, in the place of a cluster."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from indexer import ClusterAddress
from indexer.opensearch.cluster import Cluster

WHOLE = {"total": 2, "successful": 2, "skipped": 0, "failed": 0}
FOUND = (200, {"timed_out": False, "_shards": WHOLE, "hits": {"hits": []}})
"""The answer to a search that finds nothing."""


class Request(NamedTuple):
    """A request as it was received; `port` is that of the connection at the other end."""

    method: str
    path: str
    headers: Message
    body: bytes
    port: int


@dataclass
class Scripted:
    """A server that gives the answers that it is told to, the last one for ever."""

    port: int
    answers: list[tuple[int, object]]
    requests: list[Request] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    def connect(self, user: str = "", password: str = "") -> Cluster:
        address = ClusterAddress("http", "127.0.0.1", self.port, "archive", user)
        return Cluster(address, password, pause=self.pauses.append)


@contextmanager
def scripted(*answers: tuple[int, object]) -> Iterator[Scripted]:
    """A server that gives these answers (a status, and JSON or text)."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            content = self.rfile.read(length)
            script.requests.append(
                Request(self.command, self.path, self.headers, content, self.client_address[1])
            )
            status, answer = script.answers.pop(0) if len(script.answers) > 1 else script.answers[0]
            is_text = isinstance(answer, str)
            body = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/html" if is_text else "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815  (the names are those of methods of HTTP)

        def log_message(self, *_: object) -> None:
            """Write nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        # A client may keep its connection longer.
        listener.daemon_threads = True
        listener.block_on_close = False
        script = Scripted(listener.server_port, [*answers])
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield script
        finally:
            listener.shutdown()
            thread.join()
