"""kill -9 of one of three nodes, which then starts again, while a writer writes and readers search.

Each shard has one replica. An answer is whole or an error; a write has either been committed, or says that it
failed.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from indexer import IndexUnavailable
from indexer.opensearch.cluster import READ_PATIENCE, WRITE_PATIENCE
from tests.opensearch.server import VERSIONS, Cluster, start_cluster
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

ROUNDS = 100
"""Nodes that are killed."""
_SETTINGS = {"number_of_shards": 3, "number_of_replicas": 1}


class Writer(threading.Thread):
    """Writes one version after the other, each through another node."""

    def __init__(self, addresses: list[str], history: History, chance: random.Random) -> None:
        super().__init__(name="writer", daemon=True)
        self._addresses, self._history = addresses, history
        self._chance = random.Random(chance.random())
        self._end = threading.Event()
        self.attempts = 0
        self.patience = WRITE_PATIENCE
        """Seconds for which the next write tries to reach a node that is away."""
        self.outcomes: Counter[str] = Counter()
        self.failure: Exception | None = None

    def run(self) -> None:
        try:
            while not self._end.is_set():
                work = self._chance.choice([*WORKS])
                try:
                    address = self._chance.choice(self._addresses)
                    self._history.write(address, work, patience=self.patience)
                    self.outcomes["committed"] += 1
                except IndexUnavailable as error:
                    check_message(error)
                    self.outcomes["refused"] += 1
                self.attempts += 1
        except Exception as error:  # noqa: BLE001  (it is raised where the writer is joined)
            self.failure = error

    def await_attempts(self, number: int) -> None:
        """Wait until so many more writes have ended; raises Lost if one failed in an odd way."""
        wanted = self.attempts + number
        while self.attempts < wanted:
            self.join(0.01)
            if self.failure:
                raise Lost(f"a writer: {type(self.failure).__name__}: {self.failure}") from self.failure

    def __enter__(self) -> Writer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self.join()


def run(rounds: int, chance: random.Random, folder: Path) -> str:
    """Kill so many nodes; returns how many writes were committed, and how many answers were given."""
    version = chance.choice([*VERSIONS])
    with start_cluster(folder / "cluster", version, nodes=3, settings=AT_ONCE) as cluster:
        template = {"index_patterns": ["archive-0*"], "template": {"settings": _SETTINGS}}
        cluster.request("PUT", "/_index_template/archive", template)
        addresses = [f"opensearch+{url}/archive" for url in cluster.urls]
        history = History(folder / "source")
        for work in WORKS:
            history.write(addresses[0], work)
        readers = [Reader(address, history, is_disturbed=True) for address in addresses]
        with ExitStack() as stack:
            writer = stack.enter_context(Writer(addresses, history, chance))
            for reader in readers:
                stack.enter_context(reader)
            for number in range(rounds):
                try:
                    _kill_one(cluster, writer, chance)
                    for reader in readers:
                        reader.check()
                except Lost as error:
                    raise Lost(f"node {number}: {error}") from error
        # At each node, since each has shards of its own.
        for address in addresses:
            check_whole(address, history)
        check_tidy(addresses[0], history)
    return (
        f"{version}: {rounds:,} nodes killed, nothing lost: {counted(writer.outcomes.elements())}; "
        f"{describe(readers)}"
    )


def _kill_one(cluster: Cluster, writer: Writer, chance: random.Random) -> None:
    """Kill a node in the middle of some write, and let it come back at once, or after a write has ended."""
    node = chance.randrange(len(cluster.nodes))
    is_awaited = chance.random() < 0.5
    # A write through a node that comes back at once outlives it; one that has to end before does so soon.
    writer.patience = READ_PATIENCE if is_awaited else WRITE_PATIENCE
    writer.await_attempts(1)
    writer.join(chance.uniform(0, 1))
    cluster.kill(node)
    if is_awaited:
        writer.await_attempts(1)
    cluster.start(node)
    # Only then another one may be killed, as each shard has two copies.
    cluster.await_status("green")
