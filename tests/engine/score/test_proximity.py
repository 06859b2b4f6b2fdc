"""Neighbours in a query: which articles they raise, independently of the page."""

from __future__ import annotations

import random
from pathlib import Path

from indexer import Article, Config, Index
from indexer.engine.score.proximity import DEPTH


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
