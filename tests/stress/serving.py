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

from tests.stress.archive import Lost, environment
from webui.server import READ_SECONDS

_SERVE = """
import sys
import webui

webui.serve(
    webui.create_app(sys.argv[1]), port=0, read_seconds=float(sys.argv[2]), processes=int(sys.argv[3])
)
"""
PATIENCE = 120
"""Seconds without an answer after which the server counts as hanging."""


@dataclass(frozen=True)
class Site:
    """A site that is served: host and port, and its process."""

    address: tuple[str, int]
    process: int

    def peak(self) -> float:
        """The most memory that one process of it has had, in MB; no number where the system does not tell."""
        with contextlib.suppress(OSError):
            children = Path(f"/proc/{self.process}/task/{self.process}/children").read_text().split()
            return max(map(_peak, [str(self.process), *children]))
        return math.nan


def _peak(process: str) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


@contextlib.contextmanager
def start_site(index: Path, patience: float = READ_SECONDS, processes: int = 0) -> Iterator[Site]:
    """The site of an index, which waits so many seconds for a request.

    So many processes answer; 0: as many as do by default.
    """
    command = [sys.executable, "-c", _SERVE, str(index), str(patience), str(processes)]
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
