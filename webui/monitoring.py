"""What watches the site: whether it is up and can search, and its counts for Prometheus."""

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
# Upper bounds of the histogram, in seconds: from a word in a small index to the time limit of a query.
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
# Where the processes of a server keep their counts, as prometheus_client wants to be told.
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
    """The counts of one mount, in a registry of its own, so that the application's metrics are left alone.

    Counts only: no query, no client. In the multiprocess mode of prometheus_client they are those of all
    processes together.
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
        """Count an answer. `route` is the name of a view, never an address."""
        self._requests.labels(self._mount, route, str(status)).inc()

    def count_search(self, seconds: float) -> None:
        """Count a search that took so long."""
        self._searches.labels(self._mount).observe(seconds)

    def write(self, index: Mapping[str, int]) -> bytes:
        """All of them in the text format of Prometheus; `index` are the gauges of the index by name."""
        # Before the first search the histogram is empty, not missing.
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
        # The directory also has the counts of other mounts, and those of the application.
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


def share(directory: str) -> None:
    """Let this process, which belongs to Nutgraf, count together with others that share `directory`.

    To be called before anything is counted.
    """
    os.environ[_DIRECTORY] = directory
    # The library has looked for the directory when it was imported.
    values.ValueClass = values.get_value_class()


blueprint = Blueprint("monitoring", __name__)


@blueprint.get("/healthz")
def healthz() -> ResponseReturnValue:
    """Whether the process is up: it answers, whatever becomes of the index."""
    return _plain("ok\n")


@blueprint.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Whether an index can be searched: one search is made. An older state that answers is told of."""
    index = current_mount().index
    index.search("", limit=0)
    older = f"an older state answers, for the newest is damaged: {index.damage}\n" if index.damage else ""
    return _plain(f"ready\n{older}")


@blueprint.get("/metrics")
def metrics() -> ResponseReturnValue:
    """Counts for Prometheus, unless they are configured away."""
    mount = current_mount()
    if not mount.index.config.metrics:
        abort(404, "Metrics are not served here.")
    try:
        held = mount.index.status()
        commit = mount.index.revision().split(".")[1]
        gauges: dict[str, int] = {
            "up": 1,
            "damaged": int(mount.index.damage is not None),
            "articles": held.articles,
            "paragraphs": held.paragraphs,
            "bytes": held.size,
            "commit": int(commit),
        }
    except NutgrafError as error:
        # That there is no index is what is to be told.
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
