"""A node is cut off from the two others while a writer works through it, and then connected again.

The side with the majority goes on. On the other side, each write says that it failed, at the latest when the
node is connected again, or was committed before; readers there may see an older state, but a whole one. The
nodes refuse to write there only if the cluster is told so by `cluster.no_cluster_manager_block: write`; by
default, such a write waits until the nodes are connected again, and who gave it up does not know its outcome.
"""

from __future__ import annotations

import contextlib
import random
import time
from contextlib import ExitStack
from pathlib import Path

from indexer import ClusterAddress, IndexUnavailable
from indexer.opensearch.cluster import Cluster
from indexer.opensearch.commits import LEASE_SECONDS, Lease
from tests.fixtures.serving import PATIENCE
from tests.opensearch import server
from tests.opensearch.network import SOON_MISSED, Network, connect_hosts
from tests.opensearch.server import VERSIONS, start_cluster
from tests.stress.archive import Lost, counted
from tests.stress.clusters import (
    AT_ONCE,
    WORKS,
    History,
    Reader,
    check_message,
    check_tidy,
    check_whole,
    describe,
)
from tests.stress.watching import ended

ROUNDS = 20
"""Partitions."""
_SETTINGS = {
    "number_of_shards": 3,
    "number_of_replicas": 2,
    # By default, a copy on a node that was cut off may wait for a minute until it is opened again.
    "index.unassigned.node_left.delayed_timeout": "0",
}
_ATTEMPTS = 10
_WAIT = 2
"""Seconds for which the cluster is asked to become green."""
_LONGEST_WRITE = 3.0
"""Seconds after the start of a writer within which its node is cut off."""

_LONGEST_REFUSAL = 5.0
"""Seconds for which a writer at the node that is cut off is waited for; then the node is connected again.

What the node was asked shortly before, it may answer only when it is connected again.
"""


def run(rounds: int, chance: random.Random, folder: Path) -> str:
    """Make so many partitions; returns what the writers were told, and how many answers were given."""
    version = chance.choice([*VERSIONS])
    with ExitStack() as stack:
        network = stack.enter_context(connect_hosts(3))
        started = start_cluster(
            folder / "cluster", version, hosts=network.hosts, settings=SOON_MISSED | AT_ONCE
        )
        cluster = stack.enter_context(started)
        template = {"index_patterns": ["archive-0*"], "template": {"settings": _SETTINGS}}
        cluster.request("PUT", "/_index_template/archive", template)
        addresses = [f"opensearch+{url}/archive" for url in cluster.urls]
        history = History(folder / "source")
        for work in WORKS:
            history.write(addresses[0], work)
        cluster.await_status("green")
        readers = [Reader(address, history, is_disturbed=True) for address in addresses]
        outcomes = []
        with ExitStack() as asking:
            for reader in readers:
                asking.enter_context(reader)
            for number in range(rounds):
                work = chance.choice([*WORKS])
                try:
                    outcomes += _divide(cluster, network, addresses, history, readers, work, chance)
                    for reader in readers:
                        reader.check()
                except Lost as error:
                    raise Lost(f"partition {number} ({work}): {error}") from error
        check_tidy(addresses[0], history)
        return f"{version}: {rounds:,} partitions, nothing lost: {counted(outcomes)}; {describe(readers)}"


def _divide(
    cluster: server.Cluster,
    network: Network,
    addresses: list[str],
    history: History,
    readers: list[Reader],
    work: str,
    chance: random.Random,
) -> list[str]:
    """Cut off a node in the middle of a write, write on the other side, and connect it again."""
    lonely, other = chance.sample(range(3), 2)
    version = history.begin(work)
    outcomes = []
    # It is cut off for longer than a writer tries again: one attempt says the same, and sooner.
    with history.start_writer(addresses[lonely], work, version, patience=0) as process:
        ended(process.pid, chance.uniform(0, _LONGEST_WRITE))
        readers[lonely].may_be_old = True
        network.cut_off(lonely)
        try:
            outcomes += _write_soon(addresses[other], history, work)
            _await_refusal(addresses[lonely], history)
            is_refused = ended(process.pid, _LONGEST_REFUSAL)
        finally:
            network.connect(lonely)
        said, problem = process.communicate(timeout=PATIENCE)
    if said:
        outcomes.append("committed before")
    elif any(name in problem.splitlines()[-1] for name in ("IndexUnavailable", "IndexLocked")):
        outcomes.append("refused on the side of one" if is_refused else "refused when connected again")
    else:
        raise Lost(f"a writer failed: {problem[-2000:]}")
    _await_green(cluster)
    readers[lonely].may_be_old = False
    for address in addresses:
        if (state := check_whole(address, history)) != history.done:
            raise Lost(f"{history.done} was reported last, and {state} is at {address}")
    return outcomes


def _await_green(cluster: server.Cluster) -> None:
    """Wait until all nodes have all shards again; a cluster gives up a shard that is slow to close."""
    for _ in range(PATIENCE // _WAIT):
        try:
            cluster.request("POST", "/_cluster/reroute?retry_failed=true")
            cluster.request(
                "GET", f"/_cluster/health?wait_for_status=green&wait_for_nodes=3&timeout={_WAIT}s"
            )
        except server.RequestFailed as error:
            if error.status not in (408, 503):
                raise
        else:
            return
    raise Lost("the cluster is not whole again after the nodes were connected")


def _write_soon(address: str, history: History, work: str) -> list[str]:
    """Write on the side of the majority, which may first have to find out that it is one."""
    refused: list[str] = []
    while True:
        try:
            history.write(address, work)
        except IndexUnavailable as error:
            check_message(error)
            refused.append("refused on the side of two")
            if len(refused) == _ATTEMPTS:
                raise Lost(f"the majority does not go on: {error}") from error
        else:
            return [*refused, "committed on the side of two"]


def _await_refusal(address: str, history: History) -> None:
    """Wait until a node that is alone refuses to write; raises Lost if it lets somebody do so."""
    history.ahead += LEASE_SECONDS
    ahead = history.ahead
    with contextlib.closing(Cluster(ClusterAddress.parse(address), patience=0)) as cluster:
        lease = Lease(cluster, 0, clock=lambda: time.time() + ahead, renews=False)
        try:
            with lease:
                pass
        except IndexUnavailable as error:
            check_message(error)
        else:
            raise Lost("a node that is alone gives a lease")
