"""This project on OpenSearch clusters on this machine, which run as long as the benchmark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from tests.benchmarks.engines.nutgraf import Nutgraf
from tests.opensearch.server import VERSIONS, Cluster, find_program, start_cluster
from tests.stress.archive import Unavailable

VERSION = next(iter(VERSIONS))
HEAP = "2g"
_NAME = "benchmark"
_ADDRESS = "address"
"""The file with the address of the index, for the process that builds it."""


class OpenSearch(Nutgraf):
    """Nutgraf with its index on a cluster of one node."""

    name = "opensearch"
    library = "opensearch-py"
    module = "opensearchpy"
    nodes: ClassVar[int] = 1
    shards: ClassVar[int] = 1
    replicas: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self._cluster: Cluster | None = None

    @classmethod
    def installed(cls) -> bool:
        """Whether the client is there, and a node can be started."""
        try:
            find_program(VERSION)
        except Unavailable:
            return False
        return super().installed()

    @contextmanager
    def serve(self, folder: Path) -> Iterator[None]:
        """Run the nodes, whose data are in the folder."""
        folder.mkdir(parents=True)
        # The options of the tests start a node faster, and make it slower.
        with start_cluster(folder, VERSION, nodes=self.nodes, heap=HEAP, options=()) as self._cluster:
            sizes = {"number_of_shards": self.shards, "number_of_replicas": self.replicas}
            template = {"index_patterns": [f"{_NAME}-0*"], "template": {"settings": sizes}}
            self._cluster.request("PUT", f"/_index_template/{_NAME}", template)
            (folder / _ADDRESS).write_text(f"opensearch+{self._cluster.urls[0]}/{_NAME}")
            yield

    @property
    def servers(self) -> Sequence[int]:
        """The processes of the nodes."""
        nodes = self._cluster.nodes if self._cluster else ()
        return [node.process.pid for node in nodes if node.process]

    def locate(self, folder: Path) -> str:
        """The address of the index."""
        return (folder / _ADDRESS).read_text()

    def measure_disk(self, folder: Path) -> int:
        """The bytes of the index on all nodes, once they have written to it what they have logged."""
        assert self._cluster
        self._cluster.request("POST", f"/{_NAME}-*/_flush")
        return super().measure_disk(folder)


class ThreeNodes(OpenSearch):
    """Nutgraf with its index on a cluster of three nodes, in three shards with a replica each."""

    name = "opensearch3"
    nodes = shards = 3
    replicas = 1
