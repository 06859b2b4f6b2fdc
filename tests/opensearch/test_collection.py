"""The collection that a window is judged by: it asks the cluster for what it needs, in few requests."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from indexer import Article
from indexer.engine import QueryTerm, TermCounts, TermReader, TermSet
from indexer.engine.read.postings import NO_POSTINGS
from indexer.opensearch.collection import ClusterCollection, judge, open_window
from indexer.opensearch.view import TimeLimit
from tests.opensearch.canned import CannedCluster, answer, make_hits, make_view

SHIP = QueryTerm("ship", "text", NO_POSTINGS, NO_POSTINGS, TermSet(stems=frozenset({"ship\x01en"})))
FOUND = TermCounts(np.array([0.0, 1.0]), np.array([0.0, 5.0]))
"""What a window has of it, in German and English."""


def test_a_term_is_counted_when_a_second_evaluation_asks_for_it() -> None:
    cluster = CannedCluster(answer)
    view = make_view(cluster)
    counts = ClusterCollection(view)
    assert counts.count_term(SHIP, "any", FOUND) is FOUND
    assert counts.count_term(SHIP, "as typed", FOUND) is FOUND
    before = len(cluster.requests)
    assert counts.count_missing()
    assert len(cluster.requests) == before + 1
    articles, occurrences = counts.count_term(SHIP, "any", FOUND)
    assert (articles.tolist(), occurrences.tolist()) == ([2.0, 10.0], [6.0, 30.0])
    assert not counts.count_missing()
    # Another request of the same view knows it at once.
    assert ClusterCollection(view).count_term(SHIP, "any", FOUND).articles.tolist() == [2.0, 10.0]


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

    assert judge(view, hits, read, rounds=rounds) == min(rounds, 2)
    assert seen == [0.0, 12.0][:rounds]


def test_a_term_that_was_not_counted_in_time_is_not_remembered() -> None:
    cluster = CannedCluster(answer)
    view = make_view(cluster)
    limited = view.limit_time(TimeLimit(60.0))
    cluster.is_slow = True
    counts = ClusterCollection(limited)
    assert counts.count_term(SHIP, "any", FOUND) is FOUND
    assert not counts.count_missing()
    assert counts.count_term(SHIP, "any", FOUND) is FOUND
    assert all(seconds is not None and 0 < seconds <= 60 for seconds in cluster.seconds[1:])
    cluster.is_slow = False
    before = len(cluster.requests)
    assert ClusterCollection(view).count_term(SHIP, "any", FOUND) is FOUND
    assert len(cluster.requests) == before


def test_a_window_has_its_first_article_and_those_for_which_there_was_time() -> None:
    view = make_view(CannedCluster(answer))
    hits = make_hits(
        *(Article(id=f"a{n}", title="Ships", paragraphs=["A ship."], language="en") for n in range(3))
    )
    limit = TimeLimit(0.0)
    assert open_window(view.limit_time(limit), hits).articles == 1
    assert limit.timed_out
    # It is not taken for the whole one later.
    assert open_window(view, hits).articles == 3


@pytest.mark.parametrize(("max_bytes", "expected"), [(1, 1), (4000, 2), (10_000, 3), (None, 3)])
def test_a_window_ends_where_it_has_enough_text(max_bytes: int | None, expected: int) -> None:
    view = make_view(CannedCluster(answer))
    hits = make_hits(
        *(Article(id=f"a{n}", title="Ships", paragraphs=["A ship. " * 300], language="en") for n in range(3))
    )
    assert open_window(view, hits, max_bytes=max_bytes).articles == expected
