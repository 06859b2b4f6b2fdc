"""The site as a process of its own, and a client that measures how long its answers take."""

from __future__ import annotations

import contextlib
import http.client
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlencode

from tests.fixtures import serving
from tests.fixtures.processes import status_of, tree_of
from tests.stress.archive import Lost
from webui.server import READ_SECONDS

PATIENCE = 120
"""Seconds without an answer after which the server counts as hanging."""


def start_site(
    index: Path, patience: float = READ_SECONDS, processes: int = 0
) -> contextlib.AbstractContextManager[serving.Site]:
    """The site of an index, which waits so many seconds for a request.

    So many processes answer; 0: as many as do by default.
    """
    options = f"port=0, read_seconds={patience}, processes={processes}"
    return serving.start_site(f"import webui\nwebui.serve(webui.create_app({str(index)!r}), {options})")


def peak_mb(site: serving.Site) -> float:
    """The most memory that one process of a site has had, in MB; 0 where the system does not tell."""
    return max(status_of(process, "VmHWM") for process in tree_of(site.process.pid)) / 2**20


class Client:
    """Asks one question after the other, and measures how many seconds each answer takes."""

    def __init__(self, host: str, port: int) -> None:
        self._connection = http.client.HTTPConnection(host, port, timeout=PATIENCE)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def ask(self, query: str) -> float:
        """Search for something; returns how long it took."""
        began = time.perf_counter()
        self._connection.request("GET", f"/api/search?{urlencode({'q': query})}")
        response = self._connection.getresponse()
        response.read()
        if response.status not in (200, 503):
            raise Lost(f"{response.status} for {query!r}")
        return time.perf_counter() - began


def share(times: Sequence[float], part: float) -> float:
    """The time within which so large a part of the answers came."""
    return sorted(times)[min(len(times) - 1, int(len(times) * part))]
