"""The articles that a reader sees: what is asked of the cluster about them, and remembered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from indexer import Article
from indexer.engine import EncodedArticle, TimedOut, WindowMaker, encode_article
from indexer.opensearch.view import TimeLimit, WindowMemory
from tests.opensearch.canned import CannedCluster, answer, make_view

COUNTED = {"doc_count": 7}
STORY = Article(id="a", title="Ships", paragraphs=["A ship."], language="en")


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


def test_whether_anything_exists_is_remembered_by_view() -> None:
    cluster = CannedCluster(answer)
    view = make_view(cluster)
    assert view.exists({"term": {"tag": "sea"}})
    assert view.exists({"term": {"tag": "sea"}})
    assert len(cluster.requests) == 1
    assert view.restrict({"term": {"section": "open"}}).exists({"term": {"tag": "sea"}})
    assert len(cluster.requests) == 2
    assert {"term": {"section": "open"}} in cluster.requests[1][0]["query"]["bool"]["filter"]


def test_what_was_not_counted_in_time_is_not_remembered() -> None:
    cluster = CannedCluster(answer)
    view = make_view(cluster)
    limit = TimeLimit(60.0)
    limited = view.limit_time(limit)
    sea, land = {"term": {"tag": "sea"}}, {"term": {"tag": "land"}}
    cluster.is_slow = True
    limited.count([sea])
    assert limit.timed_out
    assert limited.count_stems(["ship\x01en"]) == {}
    with pytest.raises(TimedOut):
        limited.count_each([sea, land])
    assert all(seconds is not None and 0 < seconds <= 60 for seconds in cluster.seconds[1:])
    cluster.is_slow = False
    before = len(cluster.requests)
    assert view.count([sea]) == [{"en": 10, "de": 2}]
    assert len(cluster.requests) == before + 1


def test_stems_are_counted_once_among_the_articles_that_have_them() -> None:
    def count(body: Mapping[str, Any]) -> Mapping[str, Any]:
        if not (stems := body["aggs"].get("stems")):
            return answer(body)
        return {"aggregations": {"stems": {"buckets": dict.fromkeys(stems["filters"]["filters"], COUNTED)}}}

    cluster = CannedCluster(count)
    view = make_view(cluster)
    counts = view.count_stems(["ship/en", "boat/en"])
    assert {stem: each.tolist() for stem, each in counts.items()} == {"ship/en": [7, 7], "boat/en": [7, 7]}
    assert [*view.count_stems(["boat/en", "ferry/en"])] == ["boat/en", "ferry/en"]
    assert view.count_stems(["ship/en", "ferry/en"]).keys() == {"ship/en", "ferry/en"}
    asked = [body["query"]["bool"]["filter"][-1] for (body,) in cluster.requests if "stems" in body["aggs"]]
    assert asked == [{"terms": {"text.stems": stems}} for stems in (["boat/en", "ship/en"], ["ferry/en"])]


@pytest.mark.parametrize("total", [0, 1])
def test_only_what_was_found_in_time_is_known_to_exist(total: int) -> None:
    cluster = CannedCluster(lambda body: {**answer(body), "hits": {"total": {"value": total}}})
    view = make_view(cluster)
    limited = view.limit_time(TimeLimit(60.0))
    cluster.is_slow = True
    assert limited.exists({"term": {"tag": "sea"}}) == bool(total)
    before = len(cluster.requests)
    view.exists({"term": {"tag": "sea"}})
    assert len(cluster.requests) == before + 1 - total


def test_a_request_with_a_time_limit_shares_what_is_remembered() -> None:
    cluster = CannedCluster(answer)
    view = make_view(cluster)
    view.limit_time(TimeLimit(60.0)).count([{"term": {"tag": "sea"}}])
    before = len(cluster.requests)
    assert view.limit_time(TimeLimit(60.0)).count([{"term": {"tag": "sea"}}]) == [{"en": 10, "de": 2}]
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
