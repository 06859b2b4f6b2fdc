"""The site as a process of its own, and a client that measures how long its answers take."""

from __future__ import annotations

import contextlib
import http.client
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from tests.proofs.archive import Lost, environment

_SERVE = """
import sys
import webui
from webui import refusals

refusals.REQUEST_SECONDS = float(sys.argv[2])
webui.serve(webui.create_app(sys.argv[1]), port=0)
"""
PATIENCE = 120
"""Seconds after which an answer is taken for one that never comes."""


@contextlib.contextmanager
def served(index: Path, request_seconds: float) -> Iterator[tuple[str, int]]:
    """Host and port of the site of an index, in which requests must come within so many seconds."""
    command = [sys.executable, "-c", _SERVE, str(index), str(request_seconds)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment()
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            address = urlsplit(next((word for word in line.split() if word.startswith("http")), ""))
            if not address.port:
                raise Lost(f"the site does not begin to serve: {line!r}")
            yield address.hostname or "", address.port
        finally:
            process.terminate()


class Client:
    """Asks one question after the other, and remembers how many seconds each answer took."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._connection = http.client.HTTPConnection(*address, timeout=PATIENCE)

    def ask(self, query: str) -> float:
        """Search for something; returns how long it took."""
        began = time.perf_counter()
        self._connection.request("GET", f"/api/search?{urlencode({'q': query})}")
        response = self._connection.getresponse()
        response.read()
        if response.status not in (200, 503):
            raise Lost(f"{response.status} for {query!r}")
        return time.perf_counter() - began

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def share(times: Sequence[float], part: float) -> float:
    """The time within which so large a part of the answers came."""
    return sorted(times)[min(len(times) - 1, int(len(times) * part))]
