"""The sample articles have something to find for every kind of query, and fill the page that shows them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from itertools import combinations
from pathlib import Path

import pytest

from indexer import Config, Index

SEEDS = Path(__file__).parents[1] / "seeds"
SAME_STORY = "Ferry passengers win election to board of port authority"

# Queries, most of them examples of the guide, and the titles that a reader expects first.
FIRST = [
    ("china syria", "Beijing and Damascus talk by telephone about rebuilding and vaccines"),
    ('"old routes"~2', "Beijing and Damascus talk by telephone about rebuilding and vaccines"),
    ("sanctions NEAR/5 bankers", "Beijing and Damascus talk by telephone about rebuilding and vaccines"),
    ("steam NEAR museum", "Old harbour gives its last steam crane to the museum"),
    ("harbour AND crane", "Old harbour gives its last steam crane to the museum"),
    ('="night trams"', "Night trams return after thirty years"),
    ("tram^3 buses", "The last night tram carries a wreath"),
    ("(tide OR wave)^2 bay", "Why the tide in the bay is the highest on earth"),
    ("until:1901", "First message across the Atlantic without a wire"),
    ("vaccine 2021-03..2021-09", "How a vaccine stays cold on the way to the last village"),
    ("telephone last week", "Beijing and Damascus talk by telephone about rebuilding and vaccines"),
    ("crane between 1990 and 2000", "Old harbour gives its last steam crane to the museum"),
    ("date:today", "Radio to sailors: five minutes that nobody may shorten"),
    ("lang:fr électricité", "Le bac passe à l'électricité, les mouettes restent"),
    ("lang:zh 疫苗", "疫苗走海路：一只冷藏箱的三十天"),
    ("القمح", "سفينة القمح ترسو في اللاذقية بعد ثلاثة أسابيع"),
]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """An index of the sample articles, on the day that the README names."""
    config = Config(index=tmp_path_factory.mktemp("seeds") / "index", sources=(SEEDS,))
    with Index(config, today=lambda: date(2021, 11, 12)) as opened:
        assert not opened.sync().failed
        yield opened


@pytest.mark.parametrize(("query", "title"), FIRST)
def test_a_query_finds_the_article_that_it_is_about_first(index: Index, query: str, title: str) -> None:
    assert index.search(query).hits[0].article.title == title


def test_a_story_in_three_versions_is_one_hit(index: Index) -> None:
    page = index.search('"ferry passengers" election', until="2021-11-10")
    (hit,) = [hit for hit in page.hits if hit.also]
    ids = [hit.article.id, *(other.id for other in hit.also)]
    assert SAME_STORY in {index.get_article(name).title for name in ids}
    assert (len(ids), page.collapsed) == (3, 2)
    for one, other in combinations([word_triples(index, name) for name in ids], 2):
        assert len(one & other) / len(one | other) >= 0.8


def word_triples(index: Index, article: str) -> set[tuple[str, ...]]:
    """Return all runs of three words in the paragraphs of an article."""
    words = re.findall(r"\w+", " ".join(index.get_article(article).paragraphs).lower())
    return set(zip(words, words[1:], words[2:], strict=False))


def test_harbour_fills_the_timeline_and_the_facets(index: Index) -> None:
    page = index.search("harbour", facets=["year", "site", "language"], timeline=True)
    assert page.timeline is not None
    counts = [bar.articles for bar in page.timeline.bars if bar.articles]
    assert len(counts) > 14
    assert len(set(counts)) > 3
    assert len(page.facets["site"]) > 3
    assert {count.kind for count in page.facets["year"]} == {"value", "undated"}


def test_the_days_before_the_readme_s_today_have_articles(index: Index) -> None:
    for when in ("today", "yesterday", "this week", "last week", "this month", "last month", "past month"):
        assert index.search(f'date:"{when}"').total > 0, when


def test_articles_of_a_series_are_similar_to_each_other(index: Index) -> None:
    for article, title in (
        ("steam-crane-again", "The steam crane is put on its pontoon"),
        ("piraeus-2021", "A Chinese company buys the port of Piraeus, and a view of it"),
        ("rome-leaves", "Rome signs up to the Belt and Road, with a footnote"),
        ("port-election-wire", "Six lists and one quay: the port authority goes to the polls"),
    ):
        assert title in {hit.article.title for hit in index.find_similar(article, limit=5)}, article
