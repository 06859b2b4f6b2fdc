"""The point in time in which a commit is searched: when it is opened, opened anew, refused, and closed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from urllib.parse import parse_qs

import pytest

from indexer import ClusterAddress, IndexUnavailable
from indexer.opensearch.cluster import READ_PATIENCE, Cluster
from indexer.opensearch.failures import SearchTimedOut
from indexer.opensearch.point_in_time import ArticlesMissing, Contents, PointInTime
from tests.opensearch.scripted import FOUND, WHOLE, Scripted, scripted

ALL: dict[str, Any] = {"match_all": {}}
BODY: dict[str, Any] = {"query": ALL}
CLOSED = (200, {"pits": [{"successful": True}]})
TOO_LATE = {"reason": {"type": "time_exceeded_exception"}}
LATE = (200, {"_shards": {"total": 2, "successful": 0, "failed": 2, "failures": [TOO_LATE] * 2}})


def opened(name: str) -> tuple[int, object]:
    return 200, {"pit_id": name, "_shards": WHOLE}


def lost(status: int, kind: str) -> tuple[int, object]:
    """The answer to a search when no copy of a point in time answers."""
    error = {
        "type": "search_phase_execution_exception",
        "reason": "all shards failed",
        "root_cause": [{"type": kind, "reason": "gone"}],
    }
    return status, {"error": error, "status": status}


def shows(articles: int, checksum: int) -> tuple[int, object]:
    hits = {"total": {"value": articles}, "hits": []}
    aggregations = {"checksum": {"value": float(checksum)}}
    return 200, {"timed_out": False, "_shards": WHOLE, "hits": hits, "aggregations": aggregations}


def make_point(script: Scripted, contents: Contents | None = None, patience: float = 0.0) -> PointInTime:
    cluster = script.connect()
    return PointInTime(cluster, "news-1", ALL, contents, patience=patience, pause=script.pauses.append)


def list_searched(script: Scripted) -> list[str]:
    """The ids of the points in time that were searched, one after the other."""
    paths = ("/_search", "/_search?search_type=dfs_query_then_fetch")
    bodies = [json.loads(each.body) for each in script.requests if each.path in paths]
    return [body["pit"]["id"] for body in bodies]


def test_all_searches_ask_the_same_point_in_time() -> None:
    with scripted(opened("p1"), FOUND, FOUND, CLOSED) as script:
        with make_point(script) as point:
            point.search(BODY)
            point.search(BODY)
        assert list_searched(script) == ["p1", "p1"]
        first, last = script.requests[0], script.requests[-1]
        path, _, options = first.path.partition("?")
        assert path == "/news-1/_search/point_in_time"
        assert {**parse_qs(options), "preference": []} == {
            "keep_alive": ["30s"],
            "allow_partial_pit_creation": ["false"],
            "preference": [],
        }
        assert (last.method, json.loads(last.body)) == ("DELETE", {"pit_id": ["p1"]})


def test_nothing_is_asked_before_the_first_search() -> None:
    with scripted(opened("p1")) as script:
        with make_point(script):
            pass
        assert script.requests == []


@pytest.mark.parametrize(
    "answer",
    [lost(404, "search_context_missing_exception"), lost(503, "no_shard_available_action_exception")],
)
def test_one_that_is_not_answered_any_more_is_opened_anew_at_once(answer: tuple[int, object]) -> None:
    with scripted(opened("p1"), answer, opened("p2"), FOUND) as script:
        assert make_point(script).search(BODY) == [FOUND[1]]
        assert list_searched(script) == ["p1", "p2"]
        assert script.pauses == []


REJECTED = lost(429, "opensearch_rejected_execution_exception")


@pytest.mark.parametrize(
    ("bodies", "answer"), [([BODY], REJECTED), ([BODY, BODY], (200, {"responses": [REJECTED[1]] * 2}))]
)
def test_an_overloaded_cluster_is_not_asked_for_another_one(
    bodies: list[dict[str, Any]], answer: tuple[int, object]
) -> None:
    with scripted(opened("p1"), answer) as script:
        with pytest.raises(IndexUnavailable, match="is overloaded"):
            make_point(script).search(*bodies)
        assert sum("point_in_time" in request.path for request in script.requests) == 1


class Meeting(Cluster):
    """Sends searches when two threads have one to send."""

    def __init__(self, address: ClusterAddress, pause: Callable[[float], None]) -> None:
        super().__init__(address, pause=pause)
        self._barrier = Barrier(2)

    def search(self, index: str, body: Mapping[str, Any], **options: Any) -> dict[str, Any]:
        self._barrier.wait()
        return super().search(index, body, **options)


def test_two_searches_that_lose_it_at_once_open_it_once() -> None:
    with scripted(opened("p1"), lost(503, "no_shard_available_action_exception")) as script:
        point = PointInTime(Meeting(script.connect().address, script.pauses.append), "news-1", ALL)
        point.open()
        with ThreadPoolExecutor(2) as pool:
            searches = [pool.submit(point.search, BODY) for _ in range(2)]
        assert all(isinstance(search.exception(), IndexUnavailable) for search in searches)
        # Its attempts last as long as those of one.
        assert sum(script.pauses) <= READ_PATIENCE


def test_one_of_which_a_shard_is_missing_is_opened_anew() -> None:
    partial = (200, {"timed_out": False, "_shards": {**WHOLE, "successful": 1, "failed": 1}})
    with scripted(opened("p1"), partial, opened("p2"), FOUND) as script:
        assert make_point(script).search(BODY) == [FOUND[1]]


def test_a_search_is_not_repeated_for_ever() -> None:
    with scripted(opened("p1"), lost(404, "x"), opened("p2"), lost(404, "x")) as script:
        with pytest.raises(
            IndexUnavailable, match=r"has lost the point in time that was searched .gone.: try again later"
        ):
            make_point(script).search(BODY)
        assert list_searched(script) == ["p1", "p2"]


def test_one_whose_time_is_up_is_not_opened_anew() -> None:
    with scripted(opened("p1"), LATE) as script:
        with pytest.raises(SearchTimedOut):
            make_point(script).search(BODY, seconds=1.0)
        assert list_searched(script) == ["p1"]


def test_one_that_is_not_answered_in_time_is_given_up_unless_it_is_new() -> None:
    now = [0.0]
    with scripted(opened("p1"), LATE, LATE, opened("p2"), FOUND) as script:
        point = PointInTime(script.connect(), "news-1", ALL, clock=lambda: now[0])
        point.open()
        for now[0] in (4.9, 5.0):
            with pytest.raises(SearchTimedOut):
                point.search(BODY, seconds=1.0)
        point.search(BODY, seconds=1.0)
        assert list_searched(script) == ["p1", "p1", "p2"]


@pytest.mark.parametrize(("found", "said"), [((3, 7), "3"), ((2, 8), "others")])
def test_one_that_shows_other_articles_is_not_used(found: tuple[int, int], said: str) -> None:
    with scripted(opened("p1"), shows(*found), CLOSED) as script:
        with pytest.raises(ArticlesMissing, match=f"news-1 on .* has 2 articles, .* shows {said}: try again"):
            make_point(script, Contents(2, 7)).search(BODY)
        assert script.requests[-1].method == "DELETE"
        assert script.pauses == []


def test_the_right_articles_are_waited_for() -> None:
    answers = [
        opened("p1"),
        shows(1, 4),
        CLOSED,
        opened("p2"),
        shows(2, 4),
        CLOSED,
        opened("p3"),
        shows(2, 7),
    ]
    with scripted(*answers, FOUND) as script:
        make_point(script, Contents(2, 7), patience=10.0).search(BODY)
        assert list_searched(script) == ["p1", "p2", "p3", "p3"]
        assert script.pauses == [0.1, 0.2]


def test_one_that_was_closed_is_opened_anew() -> None:
    with scripted(opened("p1"), FOUND, CLOSED, opened("p2"), FOUND, CLOSED) as script:
        with make_point(script) as point:
            point.search(BODY)
            point.close()
            point.search(BODY)
        assert list_searched(script) == ["p1", "p2"]
