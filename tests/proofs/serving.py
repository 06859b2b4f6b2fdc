"""The site as a process of its own, and a client that measures how long its answers take."""

from __future__ import annotations

import contextlib
import http.client
import math
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from tests.proofs.archive import Lost, environment

_SERVE = """
import sys
import webui
from webui import connections, refusals

refusals.REQUEST_SECONDS = connections.READ_SECONDS = float(sys.argv[2])
webui.serve(webui.create_app(sys.argv[1]), port=0)
"""
PATIENCE = 120
"""Seconds after which an answer is taken for one that never comes."""


@dataclass(frozen=True)
class Site:
    """A site that is served: host and port, and its process."""

    address: tuple[str, int]
    process: int

    def peak(self) -> float:
        """The most memory that it has had, in MB; not a number where the system does not tell."""
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{self.process}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) / 1024
        return math.nan


@contextlib.contextmanager
def served(index: Path, patience: float) -> Iterator[Site]:
    """The site of an index, which waits so many seconds for a request, and for a reader of its answer."""
    command = [sys.executable, "-c", _SERVE, str(index), str(patience)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment()
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            address = urlsplit(next((word for word in line.split() if word.startswith("http")), ""))
            if not address.port:
                raise Lost(f"the site does not begin to serve: {line!r}")
            yield Site((address.hostname or "", address.port), process.pid)
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
