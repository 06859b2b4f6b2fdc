"""Near-duplicates in results: one hit names the others, and none is lost, in any order and on any page."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer import Article, Hit, Index, Page, open_index
from indexer.engine.build.merge import TIERED
from indexer.engine.format.sketches import WIDTH, count_agreeing
from tests.contract.answers import walk
from tests.engine.segments import sketches
from tests.fixtures import stories

ORDERS = ("relevance", "newest", "oldest", "title")


@contextmanager
def index_of(articles: list[Article], commits: int = 1) -> Iterator[Index]:
    """An index of articles that were added in so many commits."""
    with TemporaryDirectory() as folder, open_index(Path(folder) / "index") as index:
        for first in range(commits):
            index.put(articles[first::commits])
        yield index


def shown(page: Page) -> list[tuple[str, list[str]]]:
    """The ids of the hits, and of the articles that are collapsed under each."""
    return [(hit.article.id, [other.id for other in hit.also]) for hit in page.hits]


def every_hit(index: Index, query: str, limit: int = 3, **options: Any) -> list[Hit]:
    """The hits of all pages."""
    hits: list[Hit] = []
    for number in count():
        page = index.search(query, limit=limit, offset=number * limit, **options)
        hits += page.hits
        if not page.hits:
            assert len(hits) == page.shown == page.total + page.partial - page.collapsed
            return hits
    raise AssertionError


def wire() -> list[Article]:
    """A story in five files, a longer version, another with its last words, and others; all have "sea"."""
    chance = random.Random(1)
    text = ["The sea.", *stories.story(chance)]
    edited = [edit(chance, text) for edit in stories.SAME[:4]]
    return [
        stories.article("first", text, "Sea", "2021-03-01"),
        *(
            stories.article(f"again{place}", other, f"Sea, headline {place}", f"2021-03-0{place + 2}")
            for place, other in enumerate(edited)
        ),
        stories.article("longer", stories.doubled(chance, text), "Sea", "2021-03-09"),
        stories.article(
            "footer", ["The sea.", *stories.with_the_same_footer(chance, text)], "Sea", "2021-03-09"
        ),
        *(stories.article(f"other{n}", ["The sea.", *stories.story(chance)]) for n in range(4)),
    ]


def test_a_growing_story_is_collapsed_only_under_similar_versions() -> None:
    chance = random.Random(5)
    text = ["The sea.", *stories.story(chance, 10)]
    versions = [text]
    for _ in range(12):
        versions.append([*versions[-1], stories.paragraph(chance)])
    articles = [
        stories.article(f"v{place:02}", text, published=f"2021-03-{place + 1:02}")
        for place, text in enumerate(versions)
    ]
    with index_of(articles) as index:
        pairs = shown(index.search("sea", sort="newest", limit=20))
    assert pairs[0][0] == "v12"
    assert 2 <= len(pairs) <= 8
    assert "v00" not in pairs[0][1]
    of = dict(zip([article.id for article in articles], sketches(articles), strict=True))
    for name, others in pairs:
        for other in others:
            assert count_agreeing(of[name][None], of[other][None])[0] > WIDTH / 2


def test_merging_segments_keeps_near_duplicates() -> None:
    with index_of(wire(), commits=TIERED.factor + 1) as index:
        assert len(list(Path(index.path).glob("*.nut"))) == 2
        page = index.search("sea", limit=20)
        assert (page.total, page.collapsed) == (11, 4)
        merged = shown(page)
        index.rebuild()
        rebuilt = shown(index.search("sea", limit=20))
    with index_of(wire()) as index:
        assert merged == rebuilt == shown(index.search("sea", limit=20))


@st.composite
def collections(draw: st.DrawFn) -> list[Article]:
    """Stories with copies and edited versions, in any order."""
    chance = random.Random(draw(st.integers(0, 10_000)))
    articles = []
    for number in range(draw(st.integers(1, 4))):
        # Short and long ones, and chains of versions.
        text = [stories.paragraph(chance, draw(st.sampled_from([8, 40]))) for _ in range(3)]
        for version in range(draw(st.integers(1, 6))):
            kind = draw(st.sampled_from(["copy", "touched", "grown", "other"]))
            if kind == "touched":
                text = stories.touched_up(chance, text)
            elif kind == "grown":
                text = [*text, stories.paragraph(chance, 12)]
            elif kind == "other":
                text = stories.story(chance, 2)
            words = [word for word in ("sea", "road", "belt") if draw(st.booleans())]
            articles.append(
                Article(
                    id=f"s{number}v{version}",
                    title=" ".join(
                        [*words, draw(st.sampled_from(["", "Same beginning", "Same beginnings"]))]
                    ),
                    paragraphs=text,
                    published=draw(st.sampled_from([None, "2021", "2021-03", "2021-03-04"])),
                )
            )
    return draw(st.permutations(articles))


@pytest.mark.slow
@settings(max_examples=60)
@given(collections(), st.sampled_from(["sea", "sea road", "sea OR road", "*"]), st.sampled_from(ORDERS))
def test_every_match_is_shown_once_or_collapsed_under_a_shown_one(
    articles: list[Article], query: str, order: str
) -> None:
    with index_of(articles, commits=2) as index:
        options: dict[str, Any] = {"sort": order, "limit": 2}
        plain = every_hit(index, query, **options, collapse=False)
        collapsed = every_hit(index, query, **options)
        assert collapsed == [hit for page in walk(index, query, **options) for hit in page.hits]
    ranks = {hit.article.id: rank for rank, hit in enumerate(plain)}
    named = [name for hit in collapsed for name in (hit.article.id, *(other.id for other in hit.also))]
    assert sorted(named) == sorted(ranks)
    tops = [ranks[hit.article.id] for hit in collapsed]
    assert tops == sorted(tops)
    scores = {hit.article.id: (hit.score, hit.missing) for hit in plain}
    of = dict(zip([article.id for article in articles], sketches(articles), strict=True))
    for hit in collapsed:
        assert (hit.score, hit.missing) == scores[hit.article.id]
        others = [ranks[other.id] for other in hit.also]
        assert others == sorted(others)
        for other in hit.also:
            assert ranks[other.id] > ranks[hit.article.id]
            assert count_agreeing(of[hit.article.id][None], of[other.id][None])[0] > WIDTH / 2


@settings(max_examples=20)
@given(collections(), st.randoms(use_true_random=False))
def test_the_order_of_additions_does_not_change_the_collapsed_hits(
    articles: list[Article], chance: random.Random
) -> None:
    others = chance.sample(articles, len(articles))
    with index_of(articles) as first, index_of(others, commits=3) as second:
        for order in ORDERS:
            assert shown(first.search("*", sort=order, limit=50)) == shown(
                second.search("*", sort=order, limit=50)
            )
