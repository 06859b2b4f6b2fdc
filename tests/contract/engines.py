"""The engines that the contract tests run against: how an index of each is made and opened."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from indexer import ClusterAddress, Config, Index
from indexer.opensearch.cluster import Cluster
from tests.contract.archive import TODAY
from tests.opensearch.server import VERSIONS, start_cluster


@dataclass(frozen=True)
class Engine:
    """An engine by its name, as tests mark what it cannot do; `url` is that of a cluster."""

    name: str
    url: str = ""

    def open(self, folder: Path, **options: object) -> Index:
        """The index that belongs to a folder, made yet or not; it takes `TODAY` for today."""
        config = Config(index=folder)
        if self.url:
            # A cluster on a busy machine may take seconds for what takes milliseconds otherwise.
            config = replace(config, cluster=self._find_address(folder), query_seconds=20.0)
        return Index(config.with_options(options), today=lambda: TODAY)

    def delete(self, folder: Path) -> None:
        """Delete what a cluster has of the index that belongs to a folder."""
        if self.url:
            address = self._find_address(folder)
            cluster = Cluster(address)
            for name in cluster.list_indexes(f"{address.name}-*"):
                cluster.delete_index(name)
            cluster.close()

    def _find_address(self, folder: Path) -> ClusterAddress:
        name = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
        return ClusterAddress.parse(f"opensearch+{self.url}/{name}")


EMBEDDED = "whoosh"
CLUSTER = "opensearch"
_THREE_NODES = "-three-nodes"
ENGINES = {
    EMBEDDED: "",
    **{f"{CLUSTER}-{version}": "opensearch" for version in VERSIONS},
    **{f"{CLUSTER}-{version}{_THREE_NODES}": "three_nodes" for version in VERSIONS},
}
"""The marker of the lane in which each engine is tested, "" for the quick tests.

A new engine is one more entry; tests that it cannot pass are marked with `differs`.
"""
_SETTINGS = {"cluster.max_shards_per_node": "5000"}
_TEMPLATE = {
    # Of all archives, the indexes of articles, whose names end with a number.
    "index_patterns": ["*-0*"],
    "template": {"settings": {"number_of_shards": 3, "number_of_replicas": 1}},
}


@contextmanager
def start_engine(name: str, folder: Path) -> Iterator[Engine]:
    """An engine that is ready; the nodes of a cluster keep their data in a folder. Raises `Unavailable`.

    On three nodes, articles are in three shards with a replica each.
    """
    kind, _, version = name.removesuffix(_THREE_NODES).partition("-")
    if kind == EMBEDDED:
        yield Engine(kind)
        return
    nodes = 3 if name.endswith(_THREE_NODES) else 1
    with start_cluster(folder, version, nodes=nodes, settings=_SETTINGS) as cluster:
        if nodes > 1:
            cluster.request("PUT", "/_index_template/contract", _TEMPLATE)
        # The first node manages the cluster; the last one learns from it what has changed.
        yield Engine(kind, cluster.urls[-1])
