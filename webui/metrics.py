"""Counts for Prometheus, in its text format: requests, seconds of searches, what the index holds."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter

# Upper bounds of the histogram, in seconds: from a word in a small index to the time limit of a query.
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Counts since this process began; safe to share between threads. Counts only: no query, no client."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, int]] = Counter()
        self._searches = [0] * (len(BOUNDS) + 1)
        self._seconds = 0.0

    def count_request(self, route: str, status: int) -> None:
        """Count an answer. `route` is the name of a view, of which there are a dozen, never an address."""
        with self._lock:
            self._requests[route, status] += 1

    def count_search(self, seconds: float) -> None:
        """Count a search that took so long."""
        with self._lock:
            self._searches[bisect_left(BOUNDS, seconds)] += 1
            self._seconds += seconds

    def write(self, index: dict[str, int]) -> str:
        """All of them as text; `index` are the gauges of the index by name."""
        with self._lock:
            requests, searches, seconds = dict(self._requests), list(self._searches), self._seconds
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
