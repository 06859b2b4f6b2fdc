"""The engine against the reference: the same ids and scores, at first and after every kind of change.

The quick tests compare a few hundred pairs of a collection and a query; the slow ones as many as PAIRS in the
environment says, or 3,000.
"""

from __future__ import annotations

import math
import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer import Article, Config, FieldType, Hit, Index, Page
from indexer.engine.build.merge import MergePolicy
from indexer.results import FACETS
from indexer.search.request import SearchRequest
from indexer.search.search import search
from tests.engine.bare_index import BareIndex
from tests.engine.reference import Reference
from tests.fixtures.commits import open_commit

PAIRS = pytest.mark.parametrize(
    "pairs",
    [
        pytest.param(450, id="quick"),
        pytest.param(int(os.environ.get("PAIRS", "3000")), marks=pytest.mark.slow, id="slow"),
    ],
)
QUERIES = 25  # of each collection
ENOUGH = 100
TODAY = date(2024, 6, 15)

# Forms of one stem, words that are several or none, words of other scripts, words that languages stem apart,
# words that are common in one language only.
WORDS = [
    "harbour", "harbours", "vaccine", "vaccines", "vaccinated", "road", "roads", "belt", "the", "of", "sea",
    "US", "us", "WHO", "who", "AIDS", "aids", "aid", "Will", "will", "Sea",
    "Zürich", "zurich", "covid-19", "covid", "東京都", "東京", "京", "don't", "R&D", "U.S.", "C++",
    "@roadlab", "#sea", "1,000", "5.93", "½", "Häuser", "haus", "educación", "educacion", "canciones",
    "l'été", "été", "naïve", "😀", "war", "sur-la", "die", "hòa", "hoa", "x" * 70,
]  # fmt: skip
ATOMS = [
    *WORDS,
    '"belt road"', '"road belt"', '"the sea"~3', '"sea road belt"~4', '"東京都 sea"', '"the of"', "harb*",
    "h?rbour*", "*ine", "v*c*e*", "zu*", "x*", "東*", "京*", "*", "harbor~", "vacine~1", "rode~2",
    "title:road", "title:harb*", "paragraph:sea", 'title:"belt road"', 'paragraph:"the sea"~2', "-road",
    "+belt", "+the", "-title:sea", "date:2021", "after:2021-03-04", "before:2022", "date:2021-03..2021-12",
    "date:nonsense", "=roads", "=road", "=Zürich", "=covid-19", "=京", "=the", '="the sea"',
    '="belt roads"~2', "=東京都", "=educación", "road^2", "sea^0.5", "belt^0", '"belt road"^3', "harb*^2",
    "title:=road", "lang:en", "lang:de", "language:*", "site:example.org", "site:news.example.org", "site:*",
    "source:wire", "source:wire/b.txt", "source:a.txt", "id:a1*", "id:a7", "-lang:en", "-site:example.org",
    "summary:road", 'summary:"belt road"', "summary:harb*", "lead:(sea OR =roads)", "-lead:road",
    "+summary:sea", "summary:rode~2", "summary:US", "summary:Sea", 'summary:"the sea"~3', "lead:東京都",
    "lead:covid-19^2",
    "since:2021-03", "until:2021", "2021-03..2021-12", "war", "die", '"war die"', "the-sea", "-war", "=l'été",
]  # fmt: skip
NEARS = [
    "sea", "road", "belt", "the", "harb*", "*ine", "rode~2", '"belt road"', '"the sea"~3', "=roads", "東京",
    "(sea OR belt)", '(road OR "the sea" OR v*)', "title:road", "text:sea", "Zürich", "educacion", "covid-19",
    "京", "date:2021", "war", "l'été", "summary:sea", "lead:road",
]  # fmt: skip
DATES = [None, "2020", "2021-03", "2021-03-04", "2021-03-04T05:06", "2021-12-31", "2022-12", "0001", "9999"]
URLS = [None, "https://example.org/1", "https://news.example.org/2", "https://notexample.org/3"]
SOURCES = [None, "a.txt", "wire/a.txt", "wire/b.txt", "haywire/b.txt"]
FIELDS = {"summary": FieldType("text", weight=2.5), "lead": FieldType("text", weight=0.5)}
WEIGHTS = {"summary": 2.5, "lead": 0.5}
LANGUAGES = [None, None, None, "en", "en-GB", "de", "es", "fr", "vi", "ja", "haw", "sw"]


def make_query(chance: random.Random, depth: int = 0) -> str:
    """A random query tree as text."""
    kind = chance.random()
    if depth > 2 or kind < 0.45:
        return chance.choice(ATOMS)

    def inner() -> str:
        return make_query(chance, depth + 1)

    if kind < 0.5:
        gaps = [chance.choice(["NEAR", "NEAR/1", "NEAR/2", "NEAR/5"]) for _ in range(chance.randint(1, 2))]
        return " ".join([chance.choice(NEARS), *(f"{gap} {chance.choice(NEARS)}" for gap in gaps)])
    if kind < 0.7:
        return " ".join(inner() for _ in range(chance.randint(1, 4)))
    if kind < 0.78:
        return f"{inner()} AND {inner()}"
    if kind < 0.88:
        return f"{inner()} OR {inner()}"
    if kind < 0.9:
        return f"({inner()})^{chance.choice(['2', '0.5'])}"
    return f"({inner()})" if kind < 0.95 else f"NOT {inner()}"


def make_text(chance: random.Random, most: int) -> str:
    """A random text; a few words are common, as in life."""
    places = [int(chance.expovariate(0.12)) for _ in range(chance.randint(0, most))]
    return " ".join(WORDS[min(place, len(WORDS) - 1)] for place in places)


def make_article(chance: random.Random, name: str) -> Article:
    """A random article."""
    return Article(
        id=name,
        title=make_text(chance, 4),
        paragraphs=[make_text(chance, 12) for _ in range(chance.choice([0, 1, 1, 2, 3, 6]))],
        published=chance.choice(DATES),
        language=chance.choice(LANGUAGES),
        url=chance.choice(URLS),
        source=chance.choice(SOURCES),
        fields={name: text for name in FIELDS if chance.random() < 0.3 and (text := make_text(chance, 8))},
    )


def make_collection(chance: random.Random, most: int = 25) -> list[Article]:
    """A random collection; ids are in no order."""
    names = chance.sample(range(1000), chance.randint(1, most))
    return with_copies(chance, [make_article(chance, f"a{name}") for name in names])


def with_copies(chance: random.Random, articles: list[Article]) -> list[Article]:
    """The articles, some of them with the text of another."""
    return [
        replace(article, paragraphs=chance.choice(articles).paragraphs) if chance.random() < 0.2 else article
        for article in articles
    ]


def opened(folder: Path, **options: Any) -> Index:
    """An index whose clock stands still, searched without variants, which the reference does not know."""
    return Index(Config(index=folder, variants=False, fields=FIELDS, **options), today=lambda: TODAY)


def assert_agrees(page: Page, reference: Reference, query: str) -> None:
    """A page has the ids and the scores of the reference, and ties are in the order of dates and ids."""
    expected = reference.search(query, today=TODAY, min_full_matches=ENOUGH)
    assert (page.total, page.partial) == (len(expected.full), len(expected.partial)), query
    for hits, wanted in (
        (page.hits[: page.total], expected.full),
        (page.hits[page.total :], expected.partial),
    ):
        assert {hit.article.id for hit in hits} == {name for name, _ in wanted}, query
        scores = {hit.article.id: hit.score for hit in hits}
        assert scores == pytest.approx(dict(wanted), rel=1e-9), query
        # Scores that differ by rounding are ties in both, so the order is checked by the page's own scores.
        assert list(hits) == sorted(hits, key=place), query


def place(hit: Hit) -> tuple[float, float, str]:
    """What hits are ordered by: score, then date with the newest first, then id."""
    published = hit.article.published
    begin = (published.start - datetime(1970, 1, 1)).total_seconds() if published else -math.inf
    return -float(np.float32(hit.score)), -begin, hit.article.id


def answer(page: Page) -> Any:
    """All of a page but the time that it took."""
    return page.total, page.partial, page.notes, page.hits, page.facets, page.timeline, page.cursor


@pytest.mark.parametrize(
    ("query", "same"),
    [
        ("sea 😀", "sea"),
        ("(road OR 😀) belt", "road belt"),
        ("(sea 😀) OR (😀 😀)", "sea"),
        ("(sea belt) 😀", "sea belt"),
        ("sea NEAR 😀 NEAR road", "sea NEAR road"),
        ("sea NEAR/3 😀", "sea"),
        ("sea -😀 +😀", "sea"),
        ("NOT road AND 😀", "NOT road"),
        ("-(road 😀)", "*"),
        ('"😀" OR 😀', "title:nowhere"),
    ],
)
def test_a_word_without_letters_and_digits_changes_nothing(tmp_path: Path, query: str, same: str) -> None:
    with opened(tmp_path / "index") as index:
        index.put(make_collection(random.Random(9), 60))
        pages = [index.search(text, limit=ENOUGH, collapse=False) for text in (query, same)]
        assert answer(pages[0])[:2] == answer(pages[1])[:2]
        assert [(hit.article.id, hit.score) for hit in pages[0].hits] == [
            (hit.article.id, hit.score) for hit in pages[1].hits
        ]


@PAIRS
def test_the_engine_finds_and_scores_like_the_reference(tmp_path: Path, pairs: int) -> None:
    for number in range(-(-pairs // 2 // QUERIES)):
        chance = random.Random(number)
        articles = make_collection(chance)
        reference = Reference(articles, weights=WEIGHTS)
        with opened(tmp_path / f"{number}") as index:
            index.put(articles)
            for _ in range(QUERIES):
                query = make_query(chance)
                assert_agrees(index.search(query, limit=ENOUGH, collapse=False), reference, query)
                for collapse in (True, False):
                    page = index.search(query, limit=ENOUGH, collapse=collapse)
                    # Only what reaches a page is scored fully.
                    short = index.search(query, limit=2, offset=1, collapse=collapse)
                    assert page.total - page.collapsed < 3 or short.hits == page.hits[1:3], query


@dataclass
class History:
    """An index that is changed at random, and the articles that should be left in it."""

    index: Index | BareIndex
    chance: random.Random
    live: dict[str, Article] = field(default_factory=dict)

    def put(self, most: int) -> None:
        """Add new articles, and replace some."""
        names = {f"a{self.chance.randint(0, 60)}" for _ in range(self.chance.randint(1, most))}
        given = with_copies(self.chance, [make_article(self.chance, name) for name in sorted(names)])
        self.chance.shuffle(given)
        self.index.put(given)
        self.live |= {article.id: article for article in given}

    def remove(self) -> None:
        """Remove some, one of them twice, and an unknown one."""
        names = self.chance.sample(sorted(self.live), min(len(self.live), self.chance.randint(0, 5)))
        self.index.remove([*names, *names[:1], "nobody"])
        for name in names:
            del self.live[name]

    def remove_most(self) -> None:
        """Remove nearly all, so that segments are rewritten."""
        names = sorted(self.live)[1:]
        self.index.remove(names)
        self.live = {name: article for name, article in self.live.items() if name not in names}

    def rebuild(self) -> None:
        """Rebuild the index, unless it is empty: it would be built from the default sources."""
        if self.live and isinstance(self.index, Index):
            self.index.rebuild()

    def reopen(self) -> None:
        """Close the files."""
        self.index.close()

    def step(self) -> None:
        """One change."""
        kinds: list[tuple[Callable[[], None], int]] = [
            (lambda: self.put(3), 6),
            (lambda: self.put(15), 2),
            (self.remove, 4),
            (self.remove_most, 1),
            (self.rebuild, 1),
            (self.reopen, 1),
        ]
        self.chance.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])[0]()


def assert_as_new(history: History, fresh: Index) -> None:
    """The index answers like the reference, and like a new index of the same articles."""
    index, articles = history.index, list(history.live.values())
    reference = Reference(articles, weights=WEIGHTS)
    fresh.put(articles)
    assert index.search("*", collapse=False).total == len(articles)
    for _ in range(QUERIES):
        query = make_query(history.chance)
        assert_agrees(index.search(query, limit=ENOUGH, collapse=False), reference, query)
        page = index.search(query, limit=ENOUGH, facets=FACETS, timeline=True)
        again = fresh.search(query, limit=ENOUGH, facets=FACETS, timeline=True)
        assert answer(page) == answer(again), query
    for order in ("newest", "oldest", "title"):
        pages = [which.search("*", sort=order, limit=7, offset=3) for which in (index, fresh)]
        assert answer(pages[0]) == answer(pages[1])
    for article in articles:
        assert index.get_article(article.id) == article


@PAIRS
def test_after_any_changes_an_index_answers_like_a_new_one(tmp_path: Path, pairs: int) -> None:
    segments = set()
    for number in range(-(-pairs // 6 // QUERIES)):
        chance = random.Random(8000 + number)
        with opened(tmp_path / f"{number}") as index, opened(tmp_path / f"{number}fresh") as fresh:
            history = History(index, chance)
            history.put(10)
            for _ in range(chance.randint(3, 14)):
                history.step()
            segments.add(len(list(Path(index.path).glob("*.nut"))))
            assert_as_new(history, fresh)
    assert len(segments) > 1


@PAIRS
@pytest.mark.parametrize("factor", [2, 3, 8])
def test_segments_and_merges_do_not_change_the_answers(tmp_path: Path, factor: int, pairs: int) -> None:
    segments = set()
    for number in range(-(-pairs // 6 // QUERIES)):
        chance = random.Random(1000 * factor + number)
        policy, max_memory = MergePolicy(factor, min_documents=10), chance.choice([0, 2**28])
        # With little memory, a put makes many segments; with enough, it makes one of many chunks.
        index = BareIndex(
            tmp_path / f"{number}",
            TODAY,
            fields=FIELDS,
            policy=policy,
            max_memory=max_memory,
            chunk_size=200,
        )
        history = History(index, chance)
        history.put(10)
        for _ in range(chance.randint(3, 14)):
            history.step()
        segments.add(len(index.snapshot.segments))
        with opened(tmp_path / f"{number}fresh") as fresh:
            assert_as_new(history, fresh)
    assert len(segments) > 1


def test_an_open_snapshot_does_not_see_later_changes(tmp_path: Path) -> None:
    chance = random.Random(3)
    with opened(tmp_path / "index") as index:
        history = History(index, chance)
        history.put(15)
        before = Reference(list(history.live.values()), weights=WEIGHTS)
        reading = open_commit(index)
        for change in [lambda: history.put(5), history.remove, history.rebuild] * 5:
            change()
            query = make_query(chance)
            page = search(
                reading.snapshot, reading.search_settings, SearchRequest(query, limit=ENOUGH, collapse=False)
            )
            assert_agrees(page, before, query)
