"""Some articles in the embedded index and on a cluster, to compare what is found and counted in each."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from indexer import Article
from indexer.engine import Batch, Gatherer, Ids, Snapshot, create_empty
from indexer.opensearch.documents import learn_forms, make_document_id, make_documents
from indexer.opensearch.filters import FilterContext
from indexer.opensearch.mapping import make_mapping, make_settings, visible
from tests.contract.archive import ARTICLES
from tests.engine.segments import FIELDS
from tests.opensearch.server import Cluster

FOLDER, OTHER_FOLDER, FILE = "file:///srv/news/archive", "file:///srv/archive", "file:///srv/wire.jsonl"
"""Sources that are read: two are told apart by more than the last part of their paths."""

_DETAILS: list[dict[str, Any]] = [
    {},
    {
        "authors": ("Ada Berg", "Zoë O’Hara"),
        "section": "Port",
        "tags": ("Sea", "sea"),
        "publisher": "Port Post",
    },
    {
        "authors": ("ADA  BERG",),
        "tags": ("sea", "東"),
        "fields": {"desk": ("b", "a"), "edition": 3, "price": 0.5},
    },
    {
        "authors": ("zoe o'hara", "Berg Ada"),
        "section": "port",
        "tags": ("Sea",),
        "fields": {"breaking": True},
    },
    {"authors": ("Ada Bergman",), "tags": ("a*", "ab"), "fields": {"edition": -7, "embargo": "2024-05"}},
    {"section": "City", "fields": {"breaking": False, "embargo": "2021-11-05T08:30", "desk": ("Ä",)}},
    {"publisher": "PORT POST", "fields": {"edition": 12, "price": -2.5, "embargo": "1931", "desk": ("A",)}},
]
_READ = (
    (FOLDER, "wire/2021/a.b.txt", "https://www.a.example/1"),
    (FOLDER, "Wire/2021/a b.txt", "https://b.www.a.example/"),
    (OTHER_FOLDER, "wire/.hidden", "https://www.www.example/"),
    (OTHER_FOLDER, "x//y/readme", None),
    (FILE, "wire.jsonl", "https://example/"),
    (FILE, "news.v2/abc", "http://[::1]/"),
)
_APPS = ("srv/archive", "Blog: A.B/", "wire.jsonl", "/", "a/b", None)


def make_archive() -> list[tuple[Article, str | None]]:
    """Articles, and the sources that they were read from: None for those that an app put in."""
    found: list[tuple[Article, str | None]] = [
        (replace(article, **_DETAILS[number % len(_DETAILS)]), None)
        for number, article in enumerate(ARTICLES)
    ]
    for number, (source, path, url) in enumerate(_READ * 2):
        name = path if number < len(_READ) else f"{path}/{('storm', 'ferry', 'x')[number % 3]}"
        day = f"2022-01-{number + 1:02}"
        found.append((Article(name, "Read", ["Read from a file."], day, url=url, source=path), source))
    for number, given in enumerate(_APPS):
        found.append((Article(f"app-{number}", "App", ["Put in."], source=given, language="pt_BR"), None))
    long: dict[str, Any] = {"authors": ["名" * 5000, "n" * 1100], "tags": ["題" * 500], "section": "s" * 890}
    found.append((Article("long", paragraphs=["Long."], source="/".join(["q" * 600] * 3), **long), None))
    return found


class ArchiveInBoth:
    """The same articles in the embedded index and on a cluster; they have the same order in both."""

    def __init__(
        self, folder: Path, cluster: Cluster, articles: Sequence[tuple[Article, str | None]], shards: int = 1
    ) -> None:
        gatherer, forms = Gatherer("en", FIELDS), list[str]()
        for article, source in articles:
            gatherer.add(article, source=source)
        chunk = gatherer.take()
        learn_forms(forms, chunk)
        documents = [*make_documents(chunk, forms, 1)]
        create_empty(folder, "en")
        with Batch(Snapshot(folder), "en", lambda commit: None, fields=FIELDS) as batch:
            batch.take(chunk, array("i"))
        self.snapshot = Snapshot(folder)
        self.fields = FIELDS
        self._cluster, self._path = cluster, f"/test-{uuid4().hex}"
        cluster.request(
            "PUT",
            self._path,
            {"settings": make_settings(shards=shards), "mappings": make_mapping(FIELDS)},
        )
        answer = cluster.request("POST", f"{self._path}/_bulk?refresh=true", "".join(_iter_lines(documents)))
        assert not answer["errors"], answer
        self._number_of = {document["id"]: number for number, document in enumerate(documents)}

    def delete(self) -> None:
        """Delete the index on the cluster."""
        self._cluster.request("DELETE", self._path)

    @property
    def sources(self) -> list[str]:
        """The names of all sources, as they are stored."""
        return sorted(self.snapshot.source_names())

    @property
    def context(self) -> FilterContext:
        """What filters mean on the cluster."""
        return FilterContext(self.sources, lambda query: len(self.find(query)) > 0)

    def find(self, query: Mapping[str, Any]) -> Ids:
        """The numbers (ascending) of the articles that a query of the cluster finds."""
        answer = self.search({"query": query, "size": 10_000, "_source": ["id"]})
        found = sorted(self._number_of[hit["_source"]["id"]] for hit in answer["hits"]["hits"])
        return np.array(found, np.int32)

    def aggregate(self, query: Mapping[str, Any], aggregations: Mapping[str, Any]) -> Any:
        """The aggregations of the articles that a query of the cluster finds."""
        query = {"bool": {"filter": [visible(1), query]}}
        return self.search({"query": query, "size": 0, "aggs": aggregations})["aggregations"]

    def search(self, body: Mapping[str, Any]) -> Any:
        """The answer of the cluster to a search, in which no shard failed."""
        answer = self._cluster.request("POST", f"{self._path}/_search", body)
        assert not answer["timed_out"]
        assert not answer["_shards"]["failed"], answer
        return answer


def _iter_lines(documents: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for document in documents:
        name = make_document_id(document["id"], document["since"])
        yield json.dumps({"index": {"_id": name}}) + "\n"
        yield json.dumps(document) + "\n"
