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
ENGINES = (EMBEDDED, *(f"{CLUSTER}-{version}" for version in VERSIONS))
"""A new engine is one more entry; tests that it cannot pass are marked with `differs`."""


@contextmanager
def start_engine(name: str, folder: Path) -> Iterator[Engine]:
    """An engine that is ready; the node of a cluster keeps its data in a folder. Raises `Unavailable`."""
    kind, _, version = name.partition("-")
    if kind == EMBEDDED:
        yield Engine(kind)
        return
    with start_cluster(folder, version, settings={"cluster.max_shards_per_node": "5000"}) as cluster:
        yield Engine(kind, cluster.urls[0])
