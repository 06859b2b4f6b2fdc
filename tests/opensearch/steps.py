"""A cluster to which something happens between two requests, and the articles that an index there has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

import msgspec

from indexer import Article, ClusterAddress, Config
from indexer.engine import decode_article
from indexer.opensearch import mapping
from indexer.opensearch.cluster import Action, Cluster, Version
from indexer.opensearch.commits import read_commit
from indexer.opensearch.documents import read_article
from indexer.opensearch.writer import WritableCluster, iter_articles, pin

TODAY = date(2022, 2, 1)


class Killed(BaseException):
    """The process of a writer has ended: it asks nothing any more."""


class SteppingCluster(Cluster):
    """Calls `step` before each request that writes."""

    def __init__(self, address: ClusterAddress, step: Callable[[], None]) -> None:
        super().__init__(address)
        self._step = step

    def put_if(
        self, index: str, name: str, source: Mapping[str, Any] | msgspec.Struct, expected: Version | None
    ) -> Version | None:
        self._step()
        return super().put_if(index, name, source, expected)

    def bulk(self, index: str, actions: Iterable[Action]) -> list[str]:
        self._step()
        return super().bulk(index, actions)

    def create_index(self, name: str, body: Mapping[str, Any]) -> bool:
        self._step()
        return super().create_index(name, body)

    def delete_index(self, name: str) -> None:
        self._step()
        super().delete_index(name)

    def refresh(self, index: str) -> None:
        self._step()
        super().refresh(index)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1_600_000_000.0

    def __call__(self) -> float:
        return self.now


def make_writer(cluster: Cluster, clock: Clock, **options: Any) -> WritableCluster:
    """What changes an index on a cluster."""
    config = Config(lock_timeout=0.0).with_options({"index": str(cluster.address), **options})
    return WritableCluster(config, lambda: TODAY, cluster, clock=clock)


def make_articles(**titles: str) -> list[Article]:
    """Articles with these titles, by id."""
    return [Article(id=name, title=title, paragraphs=["The ferry sails."]) for name, title in titles.items()]


def read_titles(cluster: Cluster) -> dict[str, str]:
    """The titles of the articles of the last commit, by id."""
    with pin(cluster, read_commit(cluster).pointer) as point:
        articles = [decode_article(read_article(found)[0]) for found in iter_articles(point)]
    return {article.id: article.title for article in articles}


def count_leftovers(cluster: Cluster) -> int:
    """How many documents the live generation has that neither the last commit has nor the one before it."""
    pointer = read_commit(cluster).pointer
    removed = {"term": {mapping.UNTIL: pointer.number}}
    return cluster.count(pointer.index, {"bool": {"must_not": [pointer.articles, removed]}})
