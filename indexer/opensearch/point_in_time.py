"""One state of an index of articles, which all searches of a commit ask.

A search may be answered by any copy of a shard, and for a moment a copy may be older than the last commit:
when one becomes the primary copy, the others go back to what they had last written to their disks, and then
read what came since; and a node that was cut off searches its own copies until it learns that they are old.
So the articles of a commit are searched in a point in time of the cluster, which names the copies and keeps
what they have. It is used only if it shows just these articles.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

import msgspec

from indexer.errors import IndexUnavailable, NutgrafError
from indexer.files.fork_safe import Lock
from indexer.opensearch import mapping
from indexer.opensearch.cluster import Cluster, iter_pauses
from indexer.opensearch.dsl import Dsl
from indexer.opensearch.failures import ClusterOverloaded, Json, SearchTimedOut

_LEAST_AGE = 5.0
"""Seconds for which a point in time is used, even if the cluster does not answer."""


class Contents(msgspec.Struct, frozen=True):
    """How many articles a commit has, and the sum of their checksums (see `mapping.CHECKSUM`)."""

    articles: int = 0
    checksum: int = 0


class ArticlesMissing(IndexUnavailable):
    """The cluster does not show just the articles of a commit."""


class PointInTime:
    """A point in time of an index; safe to share between threads.

    The first search opens it, and one that the cluster no longer answers opens it anew: when a node with a
    copy has gone, or after `cluster.KEEP_ALIVE` without a search. One thread opens it, and searches that wait
    for that get what it gets: the id, or the error. If `contents` are given, it is used only if the articles
    that match the query `articles` are these. A cluster that shows others is asked again for `patience`
    seconds, as its copies may be about to change; then ArticlesMissing is raised.
    """

    def __init__(
        self,
        cluster: Cluster,
        index: str,
        articles: Dsl,
        contents: Contents | None = None,
        *,
        patience: float = 0.0,
        pause: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.cluster, self.index = cluster, index
        self.articles, self._contents = articles, contents
        self._patience, self._pause, self._clock = patience, pause, clock
        self._lock = Lock()
        self._id, self._opened = "", 0.0
        self._failure: NutgrafError | None = None
        """Why it could not be opened the last time that this failed."""

    def copy(self) -> Self:
        """Return another one of the same articles, which is opened and closed on its own."""
        return type(self)(
            self.cluster,
            self.index,
            self.articles,
            self._contents,
            patience=self._patience,
            pause=self._pause,
            clock=self._clock,
        )

    def search(self, *bodies: Mapping[str, Any], seconds: float | None = None) -> list[Json]:
        """Return the answers to some searches, as `Cluster.search` and `Cluster.msearch` do."""
        failure = self._failure
        point = self._id or self._open("", failure)
        try:
            return self._search(point, bodies, seconds)
        except SearchTimedOut:
            self._give_up(point)
            raise
        except ClusterOverloaded:
            # The point in time is there; to open another one would only give the cluster more to do.
            raise
        except IndexUnavailable:
            return self._search(self._open(point, failure), bodies, seconds)

    def open(self) -> None:
        """Open it now; raises what a search does."""
        self._open("", self._failure)

    def close(self) -> None:
        """Let the cluster forget it; another search would open it again."""
        point, self._id = self._id, ""
        if point:
            self.cluster.close_point(point)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self, lost: str, failure: NutgrafError | None) -> str:
        """Open it in the place of one that is `lost`, unless another thread has; returns its id.

        `failure` is the last one when the search began: a later one is raised, and nothing is tried again.
        """
        with self._lock:
            if self._id and self._id != lost:
                return self._id
            if self._failure is not None and self._failure is not failure:
                # If each thread tried in its turn, the last one would wait for the attempts of all.
                raise type(self._failure)(self._failure.problem, self._failure.advice)
            self._id = ""
            try:
                self._id, self._opened = self._open_whole(), self._clock()
            except NutgrafError as error:
                # Without the traceback, which keeps all that the thread was working on.
                self._failure = type(error)(error.problem, error.advice)
                raise
            return self._id

    def _give_up(self, point: str) -> None:
        """Let the next search open another one: a node that hangs may have a copy of this one.

        Not if it is new, as a cluster that is slow would get more and more to do.
        """
        with self._lock:
            if self._id == point and self._clock() - self._opened >= _LEAST_AGE:
                self._id = ""

    def _open_whole(self) -> str:
        pauses = iter_pauses(self._patience)
        while True:
            point = self.cluster.open_point(self.index)
            try:
                self._check(point)
            except NutgrafError as error:
                self.cluster.close_point(point)
                pause = next(pauses, None) if isinstance(error, ArticlesMissing) else None
                if pause is None:
                    raise
            else:
                return point
            self._pause(pause)

    def _check(self, point: str) -> None:
        """Raise ArticlesMissing if others than the expected articles are found."""
        expected = self._contents
        if expected is None:
            return
        total = {"checksum": {"sum": {"field": mapping.CHECKSUM}}}
        body = {"size": 0, "query": self.articles, "track_total_hits": True, "aggs": total}
        (answer,) = self._search(point, (body,), None)
        articles = int(answer["hits"]["total"]["value"])
        if Contents(articles, int(answer["aggregations"]["checksum"]["value"])) != expected:
            shown = "others" if articles == expected.articles else f"{articles:,}"
            raise ArticlesMissing(
                f"{self.index} on {self.cluster.address.url} has {expected.articles:,} articles, and the "
                f"cluster shows {shown}",
                "try again later; if it stays so, run `nutgraf verify`",
            )

    def _search(self, point: str, bodies: tuple[Mapping[str, Any], ...], seconds: float | None) -> list[Json]:
        if len(bodies) == 1:
            return [self.cluster.search(self.index, bodies[0], seconds=seconds, point=point)]
        return self.cluster.msearch(self.index, bodies, seconds=seconds, point=point)
