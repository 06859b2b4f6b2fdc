"""A point in time of canned answers, for tests of what is asked of it, and when."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from indexer import Article
from indexer.engine import WindowMaker
from indexer.opensearch import mapping
from indexer.opensearch.view import View
from tests.opensearch.documents import documents_of

Answer = Callable[[Mapping[str, Any]], Mapping[str, Any]]
LANGUAGES = {"de": 20, "en": 80}


class CannedCluster:
    """Answers searches by a function, and keeps what was asked."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.requests: list[list[Mapping[str, Any]]] = []
        self.seconds: list[float | None] = []
        """The time limit of each request."""
        self.is_slow = False

    def search(self, *bodies: Mapping[str, Any], seconds: float | None = None) -> list[Any]:
        self.requests.append([*bodies])
        self.seconds.append(seconds)
        return [{**self.answer(body), "timed_out": self.is_slow} for body in bodies]


def answer(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The facts of a hundred articles, of which 10 in English and 2 in German have any term, 3 times each."""
    if "sources" in body.get("aggs", {}):
        lengths = {"title_terms": 4, "text_terms": 100, "paragraphs": 5}
        bases = [
            {
                "key": name,
                "doc_count": count,
                **{own: {"value": each * count} for own, each in lengths.items()},
            }
            for name, count in LANGUAGES.items()
        ]
        languages = [{"key": name, "doc_count": count} for name, count in LANGUAGES.items()]
        aggregations: dict[str, Any] = {
            "bases": {"buckets": bases},
            "languages": {"buckets": languages},
            "sources": {"buckets": [{"key": "file:///srv/a/news"}, {"key": "file:///srv/b/news"}]},
            "undated": {"doc_count": 1},
            "first": {"value": 86400.0},
            "last": {"value": None},
        }
        return {"aggregations": aggregations}
    buckets = [
        {"key": "en", "doc_count": 10, "occurrences": {"value": 30.0}},
        {"key": "de", "doc_count": 2, "occurrences": {"value": 6.0}},
    ]
    return {
        "hits": {"total": {"value": 1}},
        "aggregations": {"bases": {"buckets": buckets}},
    }


def make_view(cluster: CannedCluster) -> View:
    given: Any = cluster
    return View(given, [mapping.visible(3)], "en", WindowMaker("en"))


def make_hits(*articles: Article) -> list[dict[str, Any]]:
    """The articles as hits of the cluster."""
    documents = documents_of(articles)
    return [
        {"_id": str(number), "_source": {name: own[name] for name in mapping.STORED if name in own}}
        for number, own in enumerate(msgspec.to_builtins(documents))
    ]
