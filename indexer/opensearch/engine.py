"""The engine that keeps an archive on an OpenSearch cluster."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from indexer.config import Config
from indexer.errors import IndexMissing, IndexUnavailable
from indexer.files.fork_safe import Lock
from indexer.opensearch import commits
from indexer.opensearch.cluster import Cluster
from indexer.opensearch.commits import CommitState
from indexer.opensearch.failures import SearchTimedOut
from indexer.opensearch.point_in_time import ArticlesMissing
from indexer.opensearch.reader import ClusterReader, open_reader
from indexer.reports import Building
from indexer.search.request import Restriction
from indexer.store.reader import RestrictionCache, Today

# What writes is imported in the methods, because a process that only reads needs none of it.
if TYPE_CHECKING:
    from indexer.opensearch.writer import WritableCluster
    from indexer.reports import Diagnosis, EmbedReport, Verification
    from indexer.sync import Progress

T = TypeVar("T")

_PAUSES = (0.1, 0.3, 0.6, 1.0)
"""Seconds between the attempts to read a commit of which the cluster does not show all articles."""


class ClusterEngine:
    """Reads and writes the index at the address of a configuration; safe to share between threads."""

    def __init__(self, config: Config, today: Today) -> None:
        self._config = config
        self._today = today
        self._cluster = Cluster.of(config)
        self._lock = Lock()
        self._restricted = RestrictionCache[ClusterReader]()
        self._opened: tuple[CommitState, ClusterReader] | None = None
        """The commit that was opened last."""
        self._superseded: ClusterReader | None = None
        """The one before, which other threads may be reading."""

    @property
    def exists(self) -> bool:
        """Whether there is an index yet."""
        return commits.exists(self._cluster)

    @property
    def path(self) -> str:
        """The address of the index."""
        return str(self._cluster.address)

    def get_progress(self) -> Building | None:
        """See `Index.get_progress`: None, since a cluster does not say how far a build is."""
        return None

    def read(self, read: Callable[[ClusterReader], T], restriction: Restriction | None = None) -> T:
        """Call `read` with the last commit, or with what a restriction leaves of it.

        Raises IndexMissing, IndexDamaged or IndexUnavailable.
        """
        tried: CommitState | None = None
        pauses = iter(_PAUSES)
        while True:
            commit = self._read_last_commit()
            try:
                opened = self._open(commit)
                return read(opened if restriction is None else self._restricted.restrict(opened, restriction))
            except SearchTimedOut as error:
                raise IndexUnavailable(error.problem, error.advice) from error
            except IndexMissing as error:
                # The second rebuild after it has deleted the generation; or a node that was cut off from the
                # others knows the commit already, and not the generation yet.
                if tried and tried.index == commit.index:
                    raise commits.make_unknown(self._cluster, commit.index) from error
            except ArticlesMissing:
                # Articles of an older commit have been deleted, or a copy of a shard is older than this one.
                if tried and tried.version == commit.version:
                    pause = next(pauses, None)
                    if pause is None:
                        raise
                    time.sleep(pause)
            tried = commit

    def open_for_writing(self) -> WritableCluster:
        """Return the index as something that can be changed."""
        from indexer.opensearch.writer import WritableCluster

        return WritableCluster(self._config, self._today, self._cluster)

    def verify(self, *, deep: bool, progress: Progress | None) -> Verification:
        """See `Index.verify`."""
        from indexer.opensearch.verify import verify

        return verify(self._config, self._today, self._cluster, progress, deep=deep)

    def diagnose(self) -> Diagnosis:
        """See `Index.diagnose`."""
        from indexer.opensearch.diagnose import diagnose

        return diagnose(self._config, self._cluster)

    def repair(self, *, allow_mass_delete: bool, progress: Progress | None) -> Diagnosis:
        """See `Index.repair`."""
        from indexer.opensearch.diagnose import repair

        return repair(self._config, self._today, self._cluster, progress, allow_mass_delete=allow_mass_delete)

    def embed(self, *, progress: Progress | None, stop: Callable[[], bool] | None) -> EmbedReport:
        """See `Index.embed`: raises ConfigError, since vectors are kept in a folder."""
        from indexer.store.model import make_cluster_error

        raise make_cluster_error(self._cluster.address)

    def close(self) -> None:
        """Close the connections; the next read opens them again."""
        with self._lock:
            opened, self._opened = self._opened, None
            superseded, self._superseded = self._superseded, None
        for reader in (opened and opened[1], superseded):
            if reader:
                reader.view.point.close()
        self._restricted.clear()
        self._cluster.close()

    def _read_last_commit(self) -> CommitState:
        before = self._opened
        return commits.read_commit(self._cluster, before[0] if before else None)

    def _open(self, commit: CommitState) -> ClusterReader:
        before = self._opened
        if before and commit is before[0]:
            return before[1]
        # Two threads may open the same commit, but none waits for another one's requests.
        opened = open_reader(self._cluster, commit, self._config, self._today)
        unused: ClusterReader | None = opened
        with self._lock:
            current = self._opened
            # An archive that was deleted and made again may have the same versions.
            if current and (current[0].version, current[0].pointer) == (commit.version, commit.pointer):
                opened = current[1]
            else:
                unused, self._superseded = self._superseded, current and current[1]
                self._opened = commit, opened
        if unused:
            unused.view.point.close()
        return opened
