"""Counts for Prometheus, in its text format: requests, seconds of searches, what the index holds."""

from __future__ import annotations

import mmap
import threading
from bisect import bisect_left
from collections.abc import Iterable
from weakref import WeakSet

# Upper bounds of the histogram, in seconds: from a word in a small index to the time limit of a query.
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# Numbers of statuses begin with one of five digits.
_FIRST, _STATUSES = 100, 500
_NANO = 10**9


class Metrics:
    """Counts of the answers of this process and those it shares them with; safe to share between threads.

    Counts only: no query, no client. `routes` are the names of the views, of which there are a dozen; what
    none of them answers is counted without a name.
    """

    def __init__(self, routes: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._rows = {route: row * _STATUSES for row, route in enumerate(sorted({*routes, ""}))}
        # A process counts in cells of its own: answers by view and status, searches by time, and their time.
        self._searches = len(self._rows) * _STATUSES
        self._time = self._searches + len(BOUNDS) + 1
        self._places = [memoryview(bytearray(8 * (self._time + 1))).cast("q")]
        self._own = self._places[0]
        _every.add(self)

    def share(self, processes: int) -> None:
        """Count together with processes to be forked, from nothing on."""
        width = self._time + 1
        # Pages in which nothing is counted take no memory.
        cells = memoryview(mmap.mmap(-1, 8 * width * processes)).cast("q")
        self._places = [cells[place * width : (place + 1) * width] for place in range(processes)]
        self._own = self._places[0]

    def take(self, place: int) -> None:
        """Be the process that counts in this place, and goes on with what is counted there."""
        self._own = self._places[place]

    def count_request(self, route: str, status: int) -> None:
        """Count an answer. `route` is the name of a view, never an address."""
        with self._lock:
            self._own[self._rows.get(route, self._rows[""]) + status - _FIRST] += 1

    def count_search(self, seconds: float) -> None:
        """Count a search that took so long."""
        with self._lock:
            self._own[self._searches + bisect_left(BOUNDS, seconds)] += 1
            self._own[self._time] += round(seconds * _NANO)

    def write(self, index: dict[str, int]) -> str:
        """All of them as text; `index` are the gauges of the index by name."""
        counts = [sum(several) for several in zip(*self._places, strict=True)]
        requests = {
            (route, _FIRST + place): count
            for route, row in self._rows.items()
            for place, count in enumerate(counts[row : row + _STATUSES])
            if count
        }
        searches, seconds = counts[self._searches : self._time], counts[self._time] / _NANO
        lines = [
            "# HELP nutgraf_requests_total Answers by view and status.",
            "# TYPE nutgraf_requests_total counter",
        ]
        for (route, status), count in sorted(requests.items()):
            lines.append(f'nutgraf_requests_total{{route="{route}",status="{status}"}} {count}')
        lines += [
            "# HELP nutgraf_search_seconds How long searches took.",
            "# TYPE nutgraf_search_seconds histogram",
        ]
        total = 0
        for bound, count in zip([*map(str, BOUNDS), "+Inf"], searches, strict=True):
            total += count
            lines.append(f'nutgraf_search_seconds_bucket{{le="{bound}"}} {total}')
        lines += [f"nutgraf_search_seconds_sum {seconds:.6f}", f"nutgraf_search_seconds_count {total}"]
        for name, value in index.items():
            lines += [f"# TYPE nutgraf_index_{name} gauge", f"nutgraf_index_{name} {value}"]
        return "\n".join(lines) + "\n"


def share(processes: int) -> None:
    """Let all that is counted in this process be counted together with others that it is about to fork."""
    for one in _every:
        one.share(processes)


def take(place: int) -> None:
    """In a process that was forked: count in this place."""
    for one in _every:
        one.take(place)


_every: WeakSet[Metrics] = WeakSet()
