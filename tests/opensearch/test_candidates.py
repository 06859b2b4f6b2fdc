"""Candidates of a cluster as a window: what it knows is asked of the cluster in few requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import pytest

from indexer import Article
from indexer.engine import (
    EncodedArticle,
    QueryTerm,
    TermCounts,
    TermReader,
    TermSet,
    TimedOut,
    WindowMaker,
    encode_article,
)
from indexer.engine.read.postings import NO_POSTINGS
from indexer.opensearch import mapping
from indexer.opensearch.candidates import ClusterCollection, TimeLimit, View, WindowMemory
from tests.opensearch.documents import documents_of

Answer = Callable[[Mapping[str, Any]], Mapping[str, Any]]
STORY = Article(id="a", title="Ships", paragraphs=["A ship."], language="en")
LANGUAGES = {"de": 20, "en": 80}


class CannedCluster:
    """Answers searches by a function, and keeps what was asked."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.requests: list[list[Mapping[str, Any]]] = []
        self.seconds: list[float | None] = []
        """The time limit of each request."""
        self.is_slow = False

    def search(self, index: str, body: Mapping[str, Any], *, seconds: float | None = None) -> Any:
        return self.msearch(index, [body], seconds=seconds)[0]

    def msearch(
        self, index: str, bodies: Sequence[Mapping[str, Any]], *, seconds: float | None = None
    ) -> list[Any]:
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
    return View(given, "news-000001", [mapping.visible(3)], "en", WindowMaker("en"))


def make_hits(*articles: Article) -> list[dict[str, Any]]:
    """The articles as hits of the cluster."""
    documents = documents_of(articles)
    return [
        {"_id": str(number), "_source": {name: own[name] for name in mapping.STORED if name in own}}
        for number, own in enumerate(msgspec.to_builtins(documents))
    ]


def test_the_facts_of_all_articles_are_asked_for_once() -> None:
    cluster = CannedCluster(answer)
    view = make_view(cluster)
    assert view.facts.languages == {"en": 80, "de": 20}
    assert view.facts.articles == 100
    assert view.facts.statistics.languages == ("de", "en")
    assert view.facts.statistics.average["paragraph"].tolist() == [100.0, 100.0]
    assert (view.facts.undated, view.facts.first, view.facts.last) == (1, 86400, None)
    assert [*view.source_texts.values()] == ["a/news", "b/news"]
    assert len(cluster.requests) == 1


def test_a_term_is_counted_when_a_second_evaluation_asks_for_it() -> None:
    cluster = CannedCluster(answer)
    view = make_view(cluster)
    counts = ClusterCollection(view)
    term = QueryTerm("ship", "text", NO_POSTINGS, NO_POSTINGS, TermSet(stems=frozenset({"ship\x01en"})))
    found = TermCounts(np.array([0.0, 1.0]), np.array([0.0, 5.0]))
    assert counts.count_term(term, "any", found) is found
    assert counts.count_term(term, "as typed", found) is found
    before = len(cluster.requests)
    assert counts.count_missing()
    assert len(cluster.requests) == before + 1
    articles, occurrences = counts.count_term(term, "any", found)
    assert (articles.tolist(), occurrences.tolist()) == ([2.0, 10.0], [6.0, 30.0])
    assert not counts.count_missing()
    # Another request of the same view knows it at once.
    assert ClusterCollection(view).count_term(term, "any", found).articles.tolist() == [2.0, 10.0]


def test_whether_anything_exists_is_remembered_by_view() -> None:
    cluster = CannedCluster(answer)
    view = make_view(cluster)
    assert view.exists({"term": {"tag": "sea"}})
    assert view.exists({"term": {"tag": "sea"}})
    assert len(cluster.requests) == 1
    assert view.narrow({"term": {"section": "open"}}).exists({"term": {"tag": "sea"}})
    assert len(cluster.requests) == 2
    assert {"term": {"section": "open"}} in cluster.requests[1][0]["query"]["bool"]["filter"]


@pytest.mark.parametrize("rounds", [1, 3])
def test_a_window_is_judged_again_until_its_counts_are_known(rounds: int) -> None:
    view = make_view(CannedCluster(answer))
    hits = make_hits(Article(id="a", title="Ships", paragraphs=["A ship."], language="en"))
    seen: list[float] = []

    def read(window: Any) -> int:
        term = TermReader(window, ["en", "de"]).stem("ship")
        scored = window.collection.count_term(term, "any", TermCounts(np.zeros(2), np.zeros(2)))
        seen.append(float(scored.articles.sum()))
        return len(seen)

    assert view.judge(hits, read, rounds=rounds) == min(rounds, 2)
    assert seen == [0.0, 12.0][:rounds]


def test_what_was_not_counted_in_time_is_not_remembered() -> None:
    cluster = CannedCluster(answer)
    view = make_view(cluster)
    limit = TimeLimit(60.0)
    limited = view.within(limit)
    sea, land = {"term": {"tag": "sea"}}, {"term": {"tag": "land"}}
    cluster.is_slow = True
    limited.count([sea])
    assert limit.timed_out
    assert limited.count_stems(["ship\x01en"]) == {}
    with pytest.raises(TimedOut):
        limited.count_each([sea, land])
    term = QueryTerm("ship", "text", NO_POSTINGS, NO_POSTINGS, TermSet(stems=frozenset({"ship\x01en"})))
    found = TermCounts(np.array([0.0, 1.0]), np.array([0.0, 5.0]))
    counts = ClusterCollection(limited)
    assert counts.count_term(term, "any", found) is found
    assert not counts.count_missing()
    assert counts.count_term(term, "any", found) is found
    assert all(seconds is not None and 0 < seconds <= 60 for seconds in cluster.seconds[1:])
    cluster.is_slow = False
    before = len(cluster.requests)
    assert view.count([sea]) == [{"en": 10, "de": 2}]
    assert ClusterCollection(view).count_term(term, "any", found) is found
    assert len(cluster.requests) == before + 1


@pytest.mark.parametrize("total", [0, 1])
def test_only_what_was_found_in_time_is_known_to_exist(total: int) -> None:
    cluster = CannedCluster(lambda body: {**answer(body), "hits": {"total": {"value": total}}})
    view = make_view(cluster)
    limited = view.within(TimeLimit(60.0))
    cluster.is_slow = True
    assert limited.exists({"term": {"tag": "sea"}}) == bool(total)
    before = len(cluster.requests)
    view.exists({"term": {"tag": "sea"}})
    assert len(cluster.requests) == before + 1 - total


def test_a_request_with_a_time_limit_shares_what_is_remembered() -> None:
    cluster = CannedCluster(answer)
    view = make_view(cluster)
    view.within(TimeLimit(60.0)).count([{"term": {"tag": "sea"}}])
    before = len(cluster.requests)
    assert view.within(TimeLimit(60.0)).count([{"term": {"tag": "sea"}}]) == [{"en": 10, "de": 2}]
    assert len(cluster.requests) == before


@pytest.mark.parametrize(
    ("sizes", "kept"),
    [
        ([10, 10, 10], [0, 1, 2]),
        ([40 << 20, 20 << 20, 10 << 20], [2]),
        ([10, 65 << 20, 10], [0, 2]),
        ([1] * 17, [16]),
    ],
)
def test_windows_are_kept_while_they_have_little_text(sizes: list[int], kept: list[int]) -> None:
    memory, segment = (
        WindowMemory(),
        WindowMaker("en").make([EncodedArticle(encode_article(STORY), "", "en")]),
    )
    for number, size in enumerate(sizes):
        memory.add((str(number),), segment, size)
    assert [number for number in range(len(sizes)) if memory.get((str(number),)) is segment] == kept


def test_a_window_has_its_first_article_and_those_for_which_there_was_time() -> None:
    view = make_view(CannedCluster(answer))
    hits = make_hits(
        *(Article(id=f"a{n}", title="Ships", paragraphs=["A ship."], language="en") for n in range(3))
    )
    limit = TimeLimit(0.0)
    assert view.within(limit).open_window(hits).articles == 1
    assert limit.timed_out
    # It is not taken for the whole one later.
    assert view.open_window(hits).articles == 3


@pytest.mark.parametrize(("max_bytes", "expected"), [(1, 1), (4000, 2), (10_000, 3), (None, 3)])
def test_a_window_ends_where_it_has_enough_text(max_bytes: int | None, expected: int) -> None:
    view = make_view(CannedCluster(answer))
    hits = make_hits(
        *(Article(id=f"a{n}", title="Ships", paragraphs=["A ship. " * 300], language="en") for n in range(3))
    )
    assert view.open_window(hits, max_bytes=max_bytes).articles == expected
