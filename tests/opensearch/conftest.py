"""What the tests of indexes on a cluster share."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from indexer import ClusterAddress
from indexer.opensearch.cluster import Cluster
from tests.opensearch import server
from tests.opensearch.archive import ArchiveInBoth, make_archive

_numbers = count(1)


@pytest.fixture
def address(opensearch: server.Cluster, opensearch_version: str) -> ClusterAddress:
    """The address of an index of its own on a real node."""
    name = f"archive-{next(_numbers)}-v{opensearch_version}"
    return ClusterAddress.parse(f"opensearch+{opensearch.urls[0]}/{name}")


@pytest.fixture
def cluster(address: ClusterAddress) -> Iterator[Cluster]:
    """A connection to a real node; the indexes of the test are deleted at the end."""
    connected = Cluster(address)
    yield connected
    for name in connected.list_indexes(f"{address.name}-*"):
        connected.delete_index(name)
    connected.close()


@pytest.fixture(scope="session")
def both(opensearch: server.Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ArchiveInBoth]:
    """The articles of the contract tests, and others with odd names, in both engines; for reading only."""
    made = ArchiveInBoth(tmp_path_factory.mktemp("both") / "index", opensearch, make_archive())
    yield made
    made.delete()
