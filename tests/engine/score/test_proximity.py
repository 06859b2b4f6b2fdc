"""Neighbours in a query: which articles they raise, independently of the page."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from indexer import Article, Config, Index
from indexer.engine.score.bm25f import measure_burstiness
from indexer.engine.score.proximity import DEPTH, list_adjacent_pairs


@pytest.mark.parametrize(
    ("parts", "pairs"),
    [
        (["a", "b", "c"], [("a", "b"), ("b", "c")]),
        (["a", None, "b", "c"], [("b", "c")]),
        (["a", "b", "a", "b"], [("a", "b"), ("b", "a")]),
        (["a", "a"], []),
        ([], []),
    ],
)
def test_neighbours_are_distinct_and_nothing_stands_between_them(
    parts: list[str | None], pairs: list[tuple[str, str]]
) -> None:
    assert list_adjacent_pairs(parts) == pairs


@pytest.mark.parametrize(
    ("query", "better", "worse"),
    [
        ("sea road", "The sea road is old. A market.", "The road is old. A sea market."),
        ("the sea of roads", "A sea road in the market of old.", "A road in the market of old sea."),
        ("covid-19 market", "One covid-19 market is old there.", "A market is old there, one covid-19."),
        ("Zürich sea", "Old zurich sea market of the road.", "Old sea market of the road, zurich."),
    ],
)
def test_an_article_that_has_the_words_side_by_side_comes_first(
    tmp_path: Path, query: str, better: str, worse: str
) -> None:
    filler = [Article(id=f"z{number}", title="", paragraphs=["Nothing of it."]) for number in range(9)]
    with Index(Config(index=tmp_path / "index")) as index:
        index.put([Article(id="b", paragraphs=[better]), Article(id="a", paragraphs=[worse]), *filler])
        assert [hit.article.id for hit in index.search(query).hits][:2] == ["b", "a"]


def test_the_articles_that_are_searched_for_pairs_do_not_depend_on_the_page(tmp_path: Path) -> None:
    chance = random.Random(5)
    words = ["sea", "road", "belt", "harbour", "market", "tram", "night", "covid-19", "crane"]
    articles = [
        Article(
            id=f"a{number}",
            title=chance.choice(words),
            paragraphs=[" ".join(chance.choices(words, k=chance.randint(1, 9))) for _ in range(3)],
        )
        for number in range(3 * DEPTH)
    ]
    with Index(Config(index=tmp_path / "index", passages=0)) as index:
        index.put(articles)
        for _ in range(20):
            query = " ".join(chance.choices(words, k=chance.randint(2, 5)))
            whole = [hit.article.id for hit in index.search(query, limit=1000).hits]
            page = index.search(query, limit=1000)
            scores = [hit.score for hit in page.hits[: page.total]]
            assert scores == sorted(scores, reverse=True)
            for limit, offset in ((1, 0), (3, 2), (10, 5)):
                shown = [hit.article.id for hit in index.search(query, limit=limit, offset=offset).hits]
                wanted = whole[offset : offset + limit]
                assert shown[: page.total - offset] == wanted[: max(0, page.total - offset)], query


def test_the_burstiness_of_a_word_spread_at_random_is_one_and_of_a_word_in_a_single_article_more() -> None:
    assert measure_burstiness(100, 0, 0.0) == 1
    assert measure_burstiness(100, 10, 10.0) == 1
    assert measure_burstiness(100, 1, 30.0) == pytest.approx(100 * (1 - 2.718281828459045**-0.3))
