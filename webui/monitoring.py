"""Health checks and Prometheus metrics."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flask import Blueprint, Response, abort
from flask.typing import ResponseReturnValue
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, values
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample
from werkzeug.exceptions import HTTPException

from indexer.errors import IndexDamaged, NutgrafError
from webui.errors import answer_http_error_with_problem, answer_with_problem
from webui.mount import current_mount

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# Upper bounds of the histogram in seconds.
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
# The directory with the counts of all processes, as prometheus_client names it.
_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
_GAUGES = {
    "up": "Whether the index can be searched.",
    "damaged": "Whether a part of the index is damaged.",
    "articles": "Articles in the index.",
    "paragraphs": "Paragraphs in the index.",
    "bytes": "Bytes of the index on the disk.",
    "commit": "Number of the last commit.",
}


class Metrics:
    """The metrics of one mount, in a registry apart from that of the application.

    They contain no query and no client. In the multiprocess mode of prometheus_client they are the sums over
    all processes.
    """

    def __init__(self, mount: str) -> None:
        self._mount = mount
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "nutgraf_requests",
            "Answers by view and status.",
            ["mount", "route", "status"],
            registry=self._registry,
        )
        self._searches = Histogram(
            "nutgraf_search_seconds",
            "How long searches took.",
            ["mount"],
            buckets=BOUNDS,
            registry=self._registry,
        )

    def count_request(self, route: str, status: int) -> None:
        """Count a response. `route` is the name of a view, never a URL."""
        self._requests.labels(self._mount, route, str(status)).inc()

    def count_search(self, seconds: float) -> None:
        """Count a search and its duration."""
        self._searches.labels(self._mount).observe(seconds)

    def write(self, index: Mapping[str, int]) -> bytes:
        """All metrics in the text format of Prometheus; `index` has the gauges of the index by name."""
        # Create the histogram even before the first search.
        self._searches.labels(self._mount)
        gauges = []
        for name, value in index.items():
            gauge = GaugeMetricFamily(f"nutgraf_index_{name}", _GAUGES[name], labels=["mount"])
            gauge.add_metric([self._mount], value)
            gauges.append(gauge)
        return generate_latest(_Collected([*self._counts(), *gauges]))

    def _counts(self) -> Iterable[Metric]:
        if values.ValueClass is values.MutexValue:
            yield from self._registry.collect()
            return
        # The directory also has the metrics of other mounts and of the application.
        for metric in MultiProcessCollector(None, os.environ[_DIRECTORY]).collect():
            if metric.name in ("nutgraf_requests", "nutgraf_search_seconds"):
                metric.samples = [one for one in metric.samples if self._is_own(one)]
                yield metric

    def _is_own(self, sample: Sample) -> bool:
        return sample.labels.get("mount") == self._mount


@dataclass(frozen=True)
class _Collected(Collector):
    metrics: list[Metric]

    def collect(self) -> Iterable[Metric]:
        return self.metrics


def share_counts(directory: str) -> None:
    """Share the metrics with other processes that use `directory`. Call it before anything is counted."""
    os.environ[_DIRECTORY] = directory
    # prometheus_client reads the variable only on import.
    values.ValueClass = values.get_value_class()


blueprint = Blueprint("monitoring", __name__)


@blueprint.get("/healthz")
def healthz() -> ResponseReturnValue:
    """Whether the process is up, regardless of the index."""
    return _plain("ok\n")


@blueprint.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Whether the index can be searched. Reports if an older commit answers in place of a damaged one."""
    # The whole index: a load balancer has no rights, and is told of no article.
    index = current_mount().whole
    index.search("", limit=0)
    older = f"an older commit answers, as the newest is damaged: {index.damage}\n" if index.damage else ""
    return _plain(f"ready\n{older}")


@blueprint.get("/metrics")
def metrics() -> ResponseReturnValue:
    """Metrics for Prometheus, unless they are disabled in the configuration."""
    mount = current_mount()
    if not mount.config.metrics:
        abort(404, "Metrics are disabled.")
    try:
        held = mount.index.get_status()
        commit = mount.index.get_revision().split(".")[1]
        gauges: dict[str, int] = {
            "up": 1,
            "damaged": int(mount.index.damage is not None),
            "articles": held.articles,
            "paragraphs": held.paragraphs,
            "bytes": held.size,
            "commit": int(commit),
        }
    except NutgrafError as error:
        # The metrics report that there is no usable index.
        gauges = {"up": 0, "damaged": int(isinstance(error, IndexDamaged))}
    response = Response(mount.metrics.write(gauges), content_type=MEDIA_TYPE)
    response.headers["Cache-Control"] = "no-store"
    return response


blueprint.register_error_handler(NutgrafError, answer_with_problem)
blueprint.register_error_handler(HTTPException, answer_http_error_with_problem)


def _plain(text: str) -> Response:
    response = Response(text, mimetype="text/plain")
    response.headers["Cache-Control"] = "no-store"
    return response
