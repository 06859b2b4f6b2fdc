"""What a cluster limits, no reader or writer notices: clauses of a search, and bytes of a term."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from indexer import Article, Config, Index
from indexer.errors import ArticleMissing
from indexer.opensearch.cluster import Cluster

# The words of a name are many, and so are the names.
AUTHORS = [" ".join(f"n{number}x{word}" for word in range(12)) for number in range(100)]
PARTS = [" ".join(name.split()[1:]) for name in AUTHORS]
SOURCES = [f"desk{number}/" + "/".join("abcdefghijkl") for number in range(100)]
LONG = "x" * 40_000
LONG_IDS = [f"{LONG}{end}" for end in ("a", "b", "é" * 40_000)]


@pytest.fixture
def index(cluster: Cluster) -> Iterator[Index]:
    with Index(Config(cluster=cluster.address, query_seconds=60.0)) as opened:
        yield opened


def test_filters_with_many_values_leave_room_for_a_long_query(index: Index) -> None:
    articles = [
        Article(f"{number:03}", "Quay", ["The kettle stood on the quay."], authors=[name], source=source)
        for number, (name, source) in enumerate(zip(AUTHORS, SOURCES, strict=True))
    ]
    index.put([*articles, Article("other", "Quay", ["A kettle."], authors=["Ada Berg"], source="x/y")])
    words = " ".join(f"kettle{number}*" for number in range(120))
    starred = [f"{part}*" for part in PARTS]
    paths = [source.removesuffix("/l") for source in SOURCES]
    for authors in (AUTHORS, PARTS, starred):
        for view in (index, index.restricted({"author": PARTS})):
            found = view.search("kettle", author=authors, source=paths, facets=["author"], timeline="auto")
            assert found.total == 100
            assert view.search(f"quay OR {words}", author=authors, source=paths).total == 100
            assert view.search(f"quay {words}", author=authors, source=paths).total == 0


def test_an_id_may_be_longer_than_a_term(index: Index) -> None:
    articles = [Article(name, f"Kettle {name[-1]}", ["On the quay."]) for name in LONG_IDS]
    index.put([*articles, Article("short", "Kettle", ["On the quay."])])
    for article in articles:
        assert index.get_article(article.id) == article
        assert index.resolve_id(article.id) == article.id
    assert index.search("quay", filter=f"id:{LONG[:200]}*").total == 3
    assert next(index.articles()).id == "short"
    assert {article.id for article in index.articles()} == {*LONG_IDS, "short"}
    assert {hit.article.id for hit in index.search("quay", limit=10, collapse=False).hits} == {
        *LONG_IDS,
        "short",
    }
    assert index.search("(quay NEAR/3 the) quay*").total == 4
    index.put([replace(articles[0], title="Again")])
    index.remove([articles[1].id])
    assert index.get_article(articles[0].id).title == "Again"
    with pytest.raises(ArticleMissing):
        index.get_article(articles[1].id)
    assert index.search("quay").total == 3
    assert index.verify(deep=True)
