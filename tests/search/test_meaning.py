"""Searching by meaning: what it finds beside the words, when it counts, and what holds without an answer."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from indexer import Article, Config, ConfigError, Index, InvalidRequest, ModelFailed, Page, open_index
from indexer.engine import Clock, Matches, QueryMatches
from indexer.results import SORTS
from indexer.search.meaning import DEPTH, MOST_BY_MEANING, PAUSE, Meaning, read_plain_text, select_best
from indexer.search.request import SearchRequest
from indexer.search.search import search
from indexer.search.settings import SearchSettings
from indexer.search.similar import find_similar
from indexer.vectors import TextRefused
from tests.contract.answers import ids, walk
from tests.fixtures.commits import open_commit
from tests.fixtures.models import TOPICS, make_tiny_model
from tests.query.examples import TODAY
from tests.search.test_golden import GOLDEN

ARTICLES = [
    Article(
        id="ferries",
        title="To the islands",
        published="2024-03-01",
        language="en",
        url="https://news.example/ferries",
        paragraphs=["Tickets are sold at noon.", "The ferries leave at ten.", "Bring warm clothes."],
    ),
    Article(
        id="freighter",
        title="A freighter comes home",
        published="2023-05",
        language="en",
        url="https://news.example/freighter",
        paragraphs=["The freighter was away for a year.", "Her crew was paid in cash."],
    ),
    Article(
        id="schiff",
        title="Im Hafen",
        published="2024-02-10",
        language="de",
        url="https://zeitung.example/schiff",
        paragraphs=["Das Schiff bleibt liegen."],
    ),
    Article(
        id="harbour",
        title="The harbour is quiet",
        published="2022-11-05",
        language="en",
        paragraphs=["No boat left the harbour on Sunday.", "A bakery opened again."],
    ),
    Article(
        id="jab",
        title="Jab for all",
        published="2021-01-20",
        language="en",
        paragraphs=["The jab is free.", "A physician explains it."],
    ),
    Article(id="blaze", title="Blaze at night", language="en", paragraphs=["The blaze took the mill."]),
    Article(
        id="bread", title="Bread", published="2023-11", language="en", paragraphs=["Flour, water and salt."]
    ),
]
# Of what the tiny model knows: boat, ferries, freighter, schiff are one topic.
BY_MEANING = {"boat": {"ferries", "freighter", "schiff"}, "inoculation": {"jab"}, "inferno": {"blaze"}}


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Config:
    return Config(index=tmp_path_factory.mktemp("meaning") / "index", model=str(tiny_model))


@pytest.fixture(scope="module")
def index(config: Config) -> Iterator[Index]:
    """The articles, with vectors of the tiny model."""
    with Index(config, today=lambda: TODAY) as opened:
        fill(opened, ARTICLES)
        yield opened


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """The same articles, without vectors and without a model."""
    with Index(Config(index=tmp_path_factory.mktemp("words") / "index"), today=lambda: TODAY) as opened:
        opened.put(ARTICLES)
        yield opened


def fill(index: Index, articles: Sequence[Article]) -> None:
    """Add articles and their vectors."""
    index.put(articles)
    assert index.embed().remaining == 0


def by_meaning(page: Page) -> set[str]:
    """The ids of the hits that are found by their meaning alone."""
    return {hit.article.id for hit in page.hits if hit.by_meaning}


def write(page: Page) -> bytes:
    """All bytes of a page as JSON, but for the time that it took."""
    return msgspec.json.encode(msgspec.structs.replace(page, took_ms=0.0))


def codes(page: Page) -> set[str]:
    return {note.code for note in page.notes}


# What is found


@pytest.mark.parametrize("query", BY_MEANING)
def test_an_article_without_the_words_is_found_by_its_meaning(index: Index, query: str) -> None:
    page = index.search(query)
    assert by_meaning(page) == BY_MEANING[query]
    assert page.by_meaning == len(BY_MEANING[query])
    assert page.shown == len(page.hits)
    assert all(0 < hit.score <= 1 for hit in page.hits)


def test_its_passage_is_the_nearest_paragraph_and_nothing_is_marked(index: Index) -> None:
    (hit,) = (hit for hit in index.search("boat").hits if hit.article.id == "ferries")
    (passage,) = hit.passages
    assert (passage.number, passage.text, passage.spans) == (2, "The ferries leave at ten.", ())
    assert (hit.title_spans, hit.missing) == ((), ())


def test_what_is_found_by_its_meaning_is_not_counted(index: Index, words: Index) -> None:
    asked: dict[str, Any] = {"facets": ["year", "language"], "timeline": "year"}
    page, by_words = index.search("boat", **asked), words.search("boat", **asked)
    assert page.by_meaning == 3
    for name in ("total", "partial", "collapsed", "facets", "timeline", "did_you_mean", "no_results"):
        assert getattr(page, name) == getattr(by_words, name), name


def test_why_no_article_has_the_words_is_said_all_the_same(index: Index) -> None:
    page = index.search("inoculation")
    assert (page.total, page.partial, ids(page.hits)) == (0, 0, ["jab"])
    assert page.no_results is not None


def test_full_matches_come_first_and_the_others_are_one_list(index: Index) -> None:
    page = index.search("boat harbour sunday bakery")
    assert ids(page.hits)[0] == "harbour"
    page = index.search("boat salt")
    kinds = {hit.article.id: (hit.by_meaning, hit.missing) for hit in page.hits}
    assert kinds == {
        "harbour": (False, ("salt",)),
        "bread": (False, ("boat",)),
        **dict.fromkeys(BY_MEANING["boat"], (True, ())),
    }
    scores = [hit.score for hit in page.hits]
    assert scores == sorted(scores, reverse=True)
    assert not any(hit.by_meaning for hit in page.hits if hit.passages[0].spans)


def test_what_is_closer_by_meaning_is_ranked_higher_among_equal_words(
    tmp_path: Path, tiny_model: Path
) -> None:
    with open_index(tmp_path / "index", model=str(tiny_model)) as index:
        fill(
            index,
            [
                Article(id="a", paragraphs=["A new crane arrived by the road from town."]),
                Article(id="b", paragraphs=["A new crane arrived by the ship from town."]),
            ],
        )
        assert index.search("crane vessel", meaning=0).hits[0].article.id == "a"
        assert index.search("crane vessel", meaning=0.4).hits[0].article.id == "b"


def test_no_more_than_a_hundred_are_found_by_their_meaning(tmp_path: Path, tiny_model: Path) -> None:
    with open_index(tmp_path / "index", model=str(tiny_model)) as index:
        near = [Article(id=f"n{number:03}", paragraphs=[f"Ferries, row {number}."]) for number in range(130)]
        far = [Article(id=f"f{number:03}", paragraphs=[f"Cash, row {number}."]) for number in range(130)]
        fill(index, [*near, *far])
        page = index.search("boat", limit=300, collapse=False)
        assert (page.by_meaning, len(page.hits)) == (MOST_BY_MEANING, MOST_BY_MEANING)
        # All are as close, so the order of their ids chooses.
        assert ids(page.hits) == [f"n{number:03}" for number in range(MOST_BY_MEANING)]


def test_the_closeness_is_the_part_of_the_way_from_the_average_paragraph_to_the_same_text(
    index: Index,
) -> None:
    texts = [paragraph for article in ARTICLES for paragraph in article.paragraphs]
    for query in ("boat", "boat salt", "inoculation", "cash for a physician"):
        (vector,) = index.embed_texts([query])
        mean = float((index.embed_texts(texts) @ vector).mean())
        assert 0 < mean < 0.5
        for hit in index.search(query, explain=True).hits:
            assert hit.explanation is not None
            assert hit.explanation.meaning is not None
            way = (hit.explanation.meaning.cosine - mean) / (1 - mean)
            assert hit.explanation.meaning.closeness == pytest.approx(min(max(way / 0.8, 0), 1), abs=0.01)


def test_an_article_is_about_as_close_among_many_others_as_among_few(
    tmp_path: Path, tiny_model: Path
) -> None:
    others = [Article(id=f"fire {number}", paragraphs=["The blaze took the mill."]) for number in range(60)]
    with open_index(tmp_path / "index", model=str(tiny_model)) as index:
        found = []
        for added in (others[:3], others[3:]):
            fill(index, [Article(id="jab", paragraphs=["A doctor and his vaccine."]), *added])
            (hit,) = (hit for hit in index.search("inoculation", explain=True).hits)
            assert hit.explanation is not None
            assert hit.explanation.meaning is not None
            found.append(hit.explanation.meaning.closeness)
        assert 0.4 < found[0] < 1
        assert found[1] == pytest.approx(found[0], abs=0.15)


def test_an_article_that_is_no_closer_than_the_average_is_not_found(index: Index) -> None:
    found = by_meaning(index.search("boat", limit=100))
    assert found == BY_MEANING["boat"]
    assert by_meaning(index.search("wheelbarrow", limit=100)) == set()


def test_an_article_with_a_title_only_is_found_by_the_meaning_of_its_title(
    tmp_path: Path, tiny_model: Path
) -> None:
    fields = {"summary": {"type": "text"}}
    with open_index(tmp_path / "index", model=str(tiny_model), fields=fields) as index:
        lone = [
            Article(id="title", title="Ferries at noon", language="en"),
            Article(id="summary", title="The freighter", language="en", fields={"summary": "Of cash."}),
            Article(id="unknown", title="Of nothing that it knows"),
            Article(id="nothing", title=""),
        ]
        fill(index, [*ARTICLES, *lone])
        page = index.search("boat", explain=True)
        assert by_meaning(page) == BY_MEANING["boat"] | {"title", "summary"}
        hits = {hit.article.id: hit for hit in page.hits}
        for name in ("title", "summary"):
            assert [*hits[name].passages, *hits[name].title_spans, *hits[name].missing] == []
            explanation = hits[name].explanation
            assert explanation is not None
            assert explanation.meaning is not None
            assert explanation.meaning.cosine > 0.5
        # The title of an article with paragraphs has no vector, and custom texts have none.
        assert by_meaning(index.search("currency")) == {"freighter"}
        assert {"title", "summary"} <= {hit.article.id for hit in index.find_similar("schiff")}
        assert "ferries" in ids(index.find_similar("title"))
        assert by_meaning(index.restricted({"filter": "id:title"}).search("boat")) == set()
        view = index.restricted({"filter": "id:title OR id:jab OR id:blaze OR id:bread OR id:nothing"})
        assert by_meaning(view.search("boat")) == {"title"}


@pytest.mark.parametrize("query", ["boat", "inferno", "money", "nothing"])
def test_an_article_of_which_the_model_knows_nothing_is_never_found_by_its_meaning(
    tmp_path: Path, tiny_model: Path, query: str
) -> None:
    with open_index(tmp_path / "index", model=str(tiny_model)) as index:
        empty = [Article(id=f"empty{number}", title="") for number in range(5)]
        fill(index, [*ARTICLES, *empty, Article(id="unknown", title="Of which it has no idea")])
        found = {
            *by_meaning(index.search(query, limit=100, meaning=1)),
            *ids(index.nearest(-vector_of(index, "boat jab cash blaze"), 100)),
            *ids(index.find_similar("schiff", 100)),
        }
        assert not found & {"unknown", *(article.id for article in empty)}
        only = index.restricted({"filter": "id:empty*"})
        assert only.search(query).by_meaning == 0
        assert list(only.nearest(vector_of(index, "boat"))) == []


def test_the_best_matches_by_words_are_chosen_whatever_their_numbers() -> None:
    def choose(full: Sequence[float], partial: Sequence[float]) -> list[int]:
        numbers = np.arange(len(full) + len(partial), dtype=np.int32)
        found = QueryMatches(
            Matches(numbers[: len(full)], np.array(full, float)),
            Matches(numbers[len(full) :], np.array(partial, float)),
            (),
        )
        return [*map(int, select_best(found))]

    assert choose([], []) == []
    assert choose([1, 3, 2], [9, 8]) == [0, 1, 2, 3, 4]
    rising = list(range(DEPTH + 5))
    assert choose(rising, [10_000]) == list(range(5, DEPTH + 5))
    assert choose([1, 2], rising) == [0, 1, *range(9, DEPTH + 7)]
    # Equal scores are all in, unless there are many of them.
    assert choose([*rising[:3], *[5] * DEPTH, 6], []) == list(range(3, DEPTH + 4))
    assert choose([7, *[5] * 3 * DEPTH], []) == [0]


def test_a_search_for_counts_alone_does_not_ask_the_model(index: Index, words: Index) -> None:
    assert write(index.search("boat", limit=0)) == write(words.search("boat", limit=0))


def test_the_share_of_the_meaning_is_halved_where_an_article_has_all_the_words(index: Index) -> None:
    def weights(query: str, **options: Any) -> set[float]:
        hits = index.search(query, explain=True, **options).hits
        return {hit.explanation.meaning.weight for hit in hits if hit.explanation and hit.explanation.meaning}

    assert weights("inoculation") == {0.4}
    assert weights("boat") == {0.2}
    assert weights("boat", meaning=1) == {0.5}
    assert weights("boat", filters={"language": "de"}) == {0.4}


TYPED = [
    "boat", "jab", "port", "cash", "salt", "the", "Hafen", "港", "\ud800", "😀", "-boat", "lang:en", '"the',
    "(", "2024", "last week", "feuer", "Flour,",
]  # fmt: skip

# When it counts

LEXICAL = [
    '"boat"', "=boat", "title:boat", "boat*", "b?at", "boat~", "boat^2", "+boat", "boat -cash", "-boat",
    "NOT boat", "boat OR vessel", "boat AND vessel", "boat NEAR vessel", "boat (vessel OR quay)",
    'boat "left the"', "boat title:x", "2024", "last week", "date:2024", "lang:en",
    "lang:en -site:news.example", "", "*", "...", "https://news.example/boat", "boat@news.example",
]  # fmt: skip


def test_a_query_of_more_than_plain_words_is_searched_by_words_alone(index: Index, words: Index) -> None:
    for query in LEXICAL:
        for limit in (1, 100):
            page, by_words = (own.search(query, limit=limit) for own in (index, words))
            assert write(page) == write(by_words), query
        assert not index.can_use_meaning(query), query


def test_whether_the_meaning_of_a_query_can_count_is_told_without_a_search(
    index: Index, words: Index
) -> None:
    for query in ("boat", "Boats of May", "ferries last week", "boat lang:en"):
        assert index.can_use_meaning(query), query
        assert not words.can_use_meaning(query), query
    assert index.can_use_meaning("boat ", prefix=True)
    assert not index.can_use_meaning("boat", prefix=True)
    with Index(replace(index.config, meaning=0.0), today=lambda: TODAY) as off:
        assert off.can_use_meaning("boat")


@pytest.mark.parametrize("sort", [sort for sort in SORTS if sort != "relevance"])
def test_other_orders_than_relevance_show_none_by_meaning(index: Index, words: Index, sort: str) -> None:
    assert write(index.search("boat", sort=sort)) == write(words.search("boat", sort=sort))


def test_nothing_is_found_by_meaning_while_the_last_word_is_typed(index: Index, words: Index) -> None:
    assert write(index.search("boat", prefix=True)) == write(words.search("boat", prefix=True))
    assert by_meaning(index.search("boat ", prefix=True)) == BY_MEANING["boat"]


@pytest.mark.parametrize("options", [{}, {"limit": 1, "explain": True}, {"half_life": 30, "offset": 1}])
def test_without_a_share_of_the_meaning_each_byte_is_as_without_vectors(
    index: Index, words: Index, options: dict[str, Any]
) -> None:
    asked = {"facets": ["year"], "timeline": True, **options}
    with Index(replace(index.config, meaning=0.0), today=lambda: TODAY) as off:
        for query in (*(query for query, _ in GOLDEN), *BY_MEANING, "boat salt", *LEXICAL):
            expected = write(words.search(query, **asked))
            assert write(index.search(query, meaning=0, **asked)) == expected
            assert write(off.search(query, **asked)) == expected


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("Boats of May", "Boats of May"),
        ("boat lang:en", "boat"),
        ("lang:en ferry site:news.example to sea", "ferry to sea"),
        ("(lang:en OR lang:de) ferry", "ferry"),
        ("ferry * boat", "ferry boat"),
        ("ferries last week", "ferries"),
        ("What is a jab?", "What is a jab"),
        ("storms, floods & fire", "storms, floods fire"),
        ("ferry/boat", "ferry boat"),
        ("covid-19", "covid-19"),
        ("ferry 1.2.2021", "ferry 1.2.2021"),
        ("港の計画", "港の計画"),
        ("don't", "don't"),
        ("cats -lang:de", ""),
        *((query, "") for query in LEXICAL),
    ],
)
def test_what_is_embedded_are_the_plain_words_as_typed(index: Index, query: str, text: str) -> None:
    assert read_plain_text(settings_of(index).parse(query).tree, TODAY) == text


# Filters and restrictions


@pytest.mark.parametrize(
    ("query", "options", "expected"),
    [
        ("boat lang:de", {}, {"schiff"}),
        ("boat", {"language": "en"}, {"ferries", "freighter"}),
        ("boat", {"site": "news.example"}, {"ferries", "freighter"}),
        ("boat site:news.example", {"since": "2024"}, {"ferries"}),
        ("boat", {"until": "2023"}, {"freighter"}),
        ("boat date:2024", {}, {"ferries", "schiff"}),
        ("boat (lang:de OR site:news.example)", {"until": "2024-02"}, {"schiff", "freighter"}),
        ("boat", {"filter": "lang:de"}, {"schiff"}),
        ("boat", {"source": []}, set()),
        ("boat", {"undated": True}, set()),
        ("inferno", {"undated": True}, {"blaze"}),
    ],
)
def test_filters_hold_for_what_is_found_by_its_meaning(
    index: Index, query: str, options: dict[str, Any], expected: set[str]
) -> None:
    page = index.search(query, **options)
    assert by_meaning(page) == expected
    assert page.by_meaning == len(expected)


def test_a_restricted_index_finds_and_scores_as_one_of_its_articles_alone(
    index: Index, tmp_path: Path
) -> None:
    view = index.restricted({"language": "en"})
    with open_index(tmp_path / "index", model=index.config.model) as alone:
        fill(alone, [article for article in ARTICLES if article.language == "en"])
        for query in ("boat", "boat salt", "inoculation", "hafen", "bread at the quay"):
            page, expected = view.search(query), alone.search(query, explain=False)
            assert ids(page.hits) == ids(expected.hits)
            assert [hit.score for hit in page.hits] == pytest.approx([hit.score for hit in expected.hits])
            assert (page.total, page.partial, page.by_meaning) == (
                expected.total,
                expected.partial,
                expected.by_meaning,
            )
        for name in ("ferries", "jab"):
            hits, others = view.find_similar(name), alone.find_similar(name)
            assert [(hit.article.id, hit.by_meaning) for hit in hits] == [
                (hit.article.id, hit.by_meaning) for hit in others
            ]
        assert "schiff" not in ids(view.nearest(vector_of(index, "schiff")))
    nothing = index.restricted({"language": "zh"})
    assert nothing.search("boat").by_meaning == 0
    assert list(nothing.nearest(vector_of(index, "boat"))) == []


# Pages

VOCABULARY = ["ferry", "quay", "jab", "coin", "sea", "road"]


@pytest.mark.slow
@settings(max_examples=int(os.environ.get("TEST_EXAMPLES", "40")))
@given(
    rows=st.lists(
        st.tuples(
            st.lists(st.lists(st.sampled_from(VOCABULARY), max_size=4), min_size=1, max_size=3),
            st.sampled_from([None, "2020", "2021-03-04"]),
        ),
        min_size=1,
        max_size=25,
    ),
    limit=st.integers(1, 6),
    half_life=st.sampled_from([None, 400.5]),
    meaning=st.sampled_from([None, 0.05, 1.0]),
)
def test_pages_by_cursor_give_each_hit_once_in_the_order_of_one_large_page(
    tmp_path_factory: pytest.TempPathFactory,
    tiny_model: Path,
    rows: list[tuple[list[list[str]], str | None]],
    limit: int,
    half_life: float | None,
    meaning: float | None,
) -> None:
    with open_index(tmp_path_factory.mktemp("walk") / "index", model=str(tiny_model)) as index:
        articles = [
            Article(id=f"a{place:02}", published=when, paragraphs=map(" ".join, texts))
            for place, (texts, when) in enumerate(rows)
        ]
        index.put(articles[:9])
        fill(index, articles[9:])
        options: dict[str, Any] = {"half_life": half_life, "meaning": meaning}
        for query in ("boat", "sea boat", "sea road quay", "vaccine money", "nowhere"):
            pages = list(walk(index, query, limit=limit, **options))
            hits = [hit for page in pages for hit in page.hits]
            assert len(hits) == pages[0].shown
            assert len({hit.article.id for hit in hits}) == len(hits)
            offsets = range(0, max(len(hits), 1), limit)
            by_offset = [index.search(query, limit=limit, offset=start, **options) for start in offsets]
            assert [hit for page in by_offset for hit in page.hits] == hits
            # A larger page may have partial matches that a small one has no room for.
            if pages[0].total < limit or pages[0].total >= 100:
                assert list(index.search(query, limit=100, **options).hits) == hits
            assert {(page.total, page.partial, page.by_meaning) for page in pages} == {
                (pages[0].total, pages[0].partial, pages[0].by_meaning)
            }


def test_a_cursor_is_valid_for_its_share_of_the_meaning_only(index: Index, words: Index) -> None:
    cursor = index.search("boat", limit=1).cursor
    assert cursor
    assert ids(index.search("boat", limit=1, cursor=cursor).hits) != ["harbour"]
    assert ids(index.search("boat", limit=1, cursor=cursor, meaning=0.4).hits) != ["harbour"]
    for share in (0.0, 0.5):
        with pytest.raises(InvalidRequest, match="of the same query"):
            index.search("boat", limit=1, cursor=cursor, meaning=share)
    with pytest.raises(InvalidRequest, match="of the same query"):
        words.search("boat", limit=1, cursor=cursor)


def read_pages(index: Index, meaning: Meaning, query: str, cursor: str | None, **options: Any) -> list[str]:
    """The ids of the hits of all pages from a cursor on, with another model."""
    found: list[str] = []
    while cursor:
        page = search_with(index, meaning, query, limit=1, cursor=cursor, **options)
        found += ids(page.hits)
        cursor = page.cursor
    return found


QUERIES = ["boat salt", "boat jab", "boat quiet sunday", "the flour in a boat"]


@pytest.mark.parametrize("query", QUERIES)
def test_a_page_by_words_is_followed_by_pages_by_words(index: Index, words: Index, query: str) -> None:
    service = Service(index)
    service.failure = ModelFailed("the service is down")
    meaning = Meaning(service, 0.4, lambda: service.now)
    first = search_with(index, meaning, query, limit=1)
    assert codes(first) >= {"no_model"}
    service.failure, service.now = None, PAUSE
    expected = [hit.article.id for page in walk(words, query, limit=1) for hit in page.hits]
    assert [*ids(first.hits), *read_pages(index, meaning, query, first.cursor)] == expected
    assert first.cursor == words.search(query, limit=1).cursor
    assert by_meaning(search_with(index, meaning, "boat"))


@pytest.mark.parametrize("query", QUERIES)
def test_a_page_with_the_meaning_is_not_followed_by_one_by_words(index: Index, query: str) -> None:
    service = Service(index)
    meaning = Meaning(service, 0.4, lambda: service.now)
    expected = [hit.article.id for page in walk(index, query, limit=1) for hit in page.hits]
    first = search_with(index, meaning, query, limit=1)
    service.failure = ModelFailed("the service is down")
    with pytest.raises(ModelFailed, match="start again without the cursor"):
        search_with(index, meaning, query, limit=1, cursor=first.cursor)
    with pytest.raises(ModelFailed, match="try again later"):
        search_with(index, meaning, query, limit=1, cursor=first.cursor, seconds=1e-9)
    assert search_with(index, meaning, query, limit=0, cursor=first.cursor).hits == ()
    service.failure, service.now = None, PAUSE
    assert [*ids(first.hits), *read_pages(index, meaning, query, first.cursor)] == expected


def test_far_down_the_scores_are_those_by_words_if_the_model_fails(tmp_path: Path, tiny_model: Path) -> None:
    kinds = ("tree", "stone", "lamp")
    with open_index(tmp_path / "index", model=str(tiny_model)) as index:
        fill(
            index,
            [
                Article(id=f"n{n:04}", paragraphs=[f"Quay {kinds[n % 3]} " * (n % 11 + 1) + f"crane {n}"])
                for n in range(DEPTH + 200)
            ],
        )
        service = Service(index)
        service.failure = ModelFailed("the service is down")
        for options in ({"offset": DEPTH + 50, "limit": 100}, {"limit": DEPTH + 20}):
            asked: dict[str, Any] = {"collapse": False, "seconds": 60, **options}
            page = search_with(index, Meaning(service, 0.4), "quay crane", **asked)
            assert codes(page) == {"no_model"}
            assert page.hits == index.search("quay crane", meaning=0, **asked).hits


def test_a_newer_article_is_ranked_higher_with_a_half_life(index: Index) -> None:
    assert ids(index.search("vessel", half_life=1).hits)[0] == "ferries"
    page = index.search("vessel", half_life=10, explain=True)
    assert {hit.explanation.recency < 1 for hit in page.hits[1:] if hit.explanation} == {True}


def test_near_duplicates_are_one_hit_however_they_are_found(tmp_path: Path, tiny_model: Path) -> None:
    story = " ".join(f"Sentence {number} of the long story tells of the day." for number in range(40))
    with open_index(tmp_path / "index", model=str(tiny_model)) as index:
        fill(
            index,
            [
                Article(id="with", title="The boat", paragraphs=[story, "Ferries and a boat."]),
                Article(id="without", paragraphs=[story, "Ferries and a freighter."]),
                Article(id="jab1", paragraphs=[story.replace("day", "jab"), "The jab. One."]),
                Article(id="jab2", paragraphs=[story.replace("day", "jab"), "The jab. Two."]),
                Article(id="bread", paragraphs=["Flour, water and salt."]),
            ],
        )
        page = index.search("boat")
        assert [(hit.article.id, [other.id for other in hit.also]) for hit in page.hits] == [
            ("with", ["without"])
        ]
        assert (page.total, page.by_meaning, page.collapsed) == (1, 1, 1)
        assert page.shown == len(page.hits) == 1
        page = index.search("inoculation")
        assert len(page.hits) == page.shown == 1
        assert len(page.hits[0].also) == 1
        apart = index.search("boat", collapse=False)
        assert ids(apart.hits) == ["with", "without"]


# Explanations


def assert_explained(page: Page) -> None:
    """Check that the shares of the words and of the meaning add up to the score of each hit."""
    best = 0.0
    for hit in page.hits:
        own = hit.explanation
        assert own is not None
        assert own.score == hit.score
        points = sum(word.points for word in own.words) * own.nearness + sum(
            pair.points for pair in own.pairs
        )
        if own.meaning is None:
            assert points * own.recency == pytest.approx(hit.score, abs=1e-5)
            continue
        assert (own.meaning.words + own.meaning.points) * own.recency == pytest.approx(hit.score, abs=1e-9)
        assert own.meaning.points == pytest.approx(own.meaning.weight * own.meaning.closeness)
        assert bool(own.words) != hit.by_meaning
        if own.meaning.words > 0:
            best = best or points * (1 - own.meaning.weight) / own.meaning.words
            assert own.meaning.words == pytest.approx((1 - own.meaning.weight) * points / best, abs=1e-5)


@pytest.mark.parametrize("query", ["boat", "boat salt", "harbour bakery", "inoculation", "quiet boat sunday"])
@pytest.mark.parametrize("options", [{}, {"half_life": 100}, {"meaning": 1}, {"meaning": 0.01, "limit": 2}])
def test_the_shares_of_words_and_meaning_add_up_to_the_score(
    index: Index, query: str, options: dict[str, Any]
) -> None:
    page = index.search(query, explain=True, **options)
    assert page.hits
    assert all(hit.explanation and hit.explanation.meaning for hit in page.hits)
    assert_explained(page)


def test_a_search_by_words_is_explained_without_the_meaning(index: Index) -> None:
    for query, share in (("boat", 0), ('"boat"', None)):
        (hit,) = index.search(query, explain=True, meaning=share).hits
        assert hit.explanation is not None
        assert hit.explanation.meaning is None


# A model that does not answer


class Service:
    """A model behind a service that fails when it is told to; the time is counted, not waited for."""

    def __init__(self, index: Index) -> None:
        self.model = settings_of(index).meaning
        self.failure: Exception | None = None
        self.asked: list[float] = []
        self.started: list[str] = []
        self.now = 0.0

    @property
    def fingerprint(self) -> str:
        assert self.model
        return self.model.model.fingerprint

    @property
    def dimensions(self) -> int:
        assert self.model
        return self.model.model.dimensions

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        assert self.model
        return self.model.model.embed_texts(texts)

    def start_query(self, text: str, seconds: float) -> None:
        self.started.append(text)

    def embed_query(self, text: str, seconds: float = float("inf")) -> NDArray[np.float32]:
        self.asked.append(seconds)
        if self.failure:
            raise self.failure
        assert self.model
        return self.model.model.embed_query(text, seconds)


def settings_of(index: Index) -> SearchSettings:
    return open_commit(index).search_settings


def search_with(
    index: Index, meaning: Meaning, query: str, *, clock: Clock = time.thread_time, **options: Any
) -> Page:
    """The page of an index whose model is another object; the time of a query is that of the clock."""
    opened = open_commit(index)
    return search(
        opened.snapshot,
        replace(opened.search_settings, meaning=meaning, clock=clock),
        SearchRequest.from_keywords(query, **options),
    )


@pytest.mark.parametrize(
    "failure", [ModelFailed("the service is down"), ConfigError("no such folder", "model")]
)
def test_a_model_that_fails_leaves_the_answer_by_words_and_a_note(
    index: Index, words: Index, failure: Exception
) -> None:
    service = Service(index)
    service.failure = failure
    page = search_with(index, Meaning(service, 0.4, lambda: service.now), "boat")
    assert codes(page) == {"no_model"}
    assert "down" not in str(page.notes)
    assert page.hits == words.search("boat").hits
    assert page.by_meaning == 0


def test_a_model_that_failed_is_asked_again_after_a_pause(index: Index) -> None:
    service = Service(index)
    service.failure = ModelFailed("the service is down")
    meaning = Meaning(service, 0.4, lambda: service.now)
    for _ in range(3):
        assert codes(search_with(index, meaning, "boat")) == {"no_model"}
    assert len(service.asked) == 1
    service.failure = None
    service.now = PAUSE - 0.1
    assert codes(search_with(index, meaning, "boat")) == {"no_model"}
    service.now = PAUSE
    assert by_meaning(search_with(index, meaning, "boat")) == BY_MEANING["boat"]


def test_the_model_begins_with_plain_words_before_they_are_searched_for(index: Index) -> None:
    service = Service(index)
    meaning = Meaning(service, 0.4, lambda: service.now)
    meaning.open(open_commit(index).snapshot).result.result()
    search_with(index, meaning, "boat date:2020")
    search_with(index, meaning, '"boat"')
    search_with(index, meaning, "boat", sort="newest")
    assert service.started == ["boat"]
    service.failure = ModelFailed("the service is down")
    search_with(index, meaning, "ship")
    search_with(index, meaning, "crane")
    assert service.started == ["boat", "ship"]


def test_a_query_that_the_model_refuses_does_not_pause_it_for_others(index: Index) -> None:
    service = Service(index)
    service.failure = TextRefused("the text is too long")
    meaning = Meaning(service, 0.4, lambda: service.now)
    assert codes(search_with(index, meaning, "boat")) == {"no_model"}
    service.failure = None
    assert by_meaning(search_with(index, meaning, "boat")) == BY_MEANING["boat"]


class SlowDisk(Service):
    """A model whose files are read when they are told to be."""

    def __init__(self, index: Index) -> None:
        super().__init__(index)
        self.may_read = threading.Event()
        self.reads = 0

    @property
    def fingerprint(self) -> str:
        self.reads += 1
        self.may_read.wait()
        return super().fingerprint


def test_files_that_are_slow_to_read_leave_the_answer_by_words_and_are_there_later(
    index: Index, words: Index
) -> None:
    service = SlowDisk(index)
    meaning = Meaning(service, 0.4)
    snapshot = open_commit(index).snapshot
    try:
        for _ in range(3):
            page = search_with(index, meaning, "boat", seconds=0.1)
            assert codes(page) == {"no_model"}
            assert page.hits == words.search("boat").hits
        number = snapshot.find("schiff")
        assert number is not None
        settings = replace(settings_of(index), meaning=meaning, seconds=0.1, clock=time.thread_time)
        assert [note.code for note in find_similar(snapshot, settings, number, 3).notes] == ["no_model"]
    finally:
        service.may_read.set()
    # All of them waited for the same thread.
    assert service.reads == 1
    assert meaning.open(snapshot).result.result().vectors is not None
    assert by_meaning(search_with(index, meaning, "boat")) == BY_MEANING["boat"]
    assert service.reads == 1


def test_no_file_is_read_for_a_query_that_is_searched_by_words_alone(index: Index) -> None:
    service = SlowDisk(index)
    for query in LEXICAL:
        search_with(index, Meaning(service, 0.4), query)
    search_with(index, Meaning(service, 0.4), "boat", prefix=True)
    assert service.reads == 0


def test_a_filter_that_is_late_is_not_the_fault_of_the_model(index: Index, words: Index) -> None:
    class Slow(Service):
        def embed_query(self, text: str, seconds: float = float("inf")) -> NDArray[np.float32]:
            self.now += 2
            return super().embed_query(text, seconds)

    service = Slow(index)
    query = "boat date:2022"
    page = search_with(index, Meaning(service, 0.4), query, clock=lambda: service.now)
    assert page.timed_out
    assert "no_model" not in codes(page)
    assert ids(page.hits) == ids(words.search(query).hits)


@pytest.mark.parametrize(("takes", "is_asked_again"), [(0.01, False), (0.5, True)])
def test_a_query_in_a_hurry_does_not_pause_the_model_for_others(
    index: Index, takes: float, is_asked_again: bool
) -> None:
    class Slow(Service):
        def embed_query(self, text: str, seconds: float = float("inf")) -> NDArray[np.float32]:
            self.now += takes
            return super().embed_query(text, seconds)

    service = Slow(index)
    meaning = Meaning(service, 0.4, lambda: service.now)
    service.failure = ModelFailed("it fails at once, or takes longer")
    page = search_with(index, meaning, "boat", seconds=0.5, clock=lambda: service.now)
    assert codes(page) == {"no_model"}
    service.failure = None
    assert (search_with(index, meaning, "boat").by_meaning > 0) == is_asked_again


def test_what_is_similar_is_found_by_its_meaning_while_the_model_fails(index: Index) -> None:
    service = Service(index)
    meaning = Meaning(service, 0.4, lambda: service.now)
    search_with(index, meaning, "boat")
    service.failure = ModelFailed("the service is down")
    assert codes(search_with(index, meaning, "boat")) == {"no_model"}
    opened = open_commit(index)
    number = opened.snapshot.find("schiff")
    assert number is not None
    hits = find_similar(opened.snapshot, replace(opened.search_settings, meaning=meaning), number, 10)
    assert any(hit.by_meaning for hit in hits)
    assert hits.notes == ()


def test_the_model_gets_less_than_the_time_of_the_query(index: Index) -> None:
    service = Service(index)
    search_with(index, Meaning(service, 0.4), "boat", seconds=2)
    (seconds,) = service.asked
    assert 0 < seconds <= 1.6


def test_a_query_that_timed_out_does_not_ask_the_model(index: Index) -> None:
    service = Service(index)
    page = search_with(index, Meaning(service, 0.4), "boat", seconds=1e-9)
    assert page.timed_out
    assert service.asked == []


def test_vectors_of_another_kind_than_the_model_gives_are_not_compared(index: Index) -> None:
    class Replaced(Service):
        def embed_query(self, text: str, seconds: float = float("inf")) -> NDArray[np.float32]:
            return np.ones((1, 3), np.float32)

    assert codes(search_with(index, Meaning(Replaced(index), 0.4), "boat")) == {"no_model"}


def test_vectors_of_another_model_are_left_unused_until_they_are_made_anew(
    config: Config, tmp_path: Path, tiny_model: Path
) -> None:
    other = make_tiny_model(tmp_path / "other", {**TOPICS, "bread": ("flour", "loaf")})
    with open_index(tmp_path / "index", model=str(tiny_model)) as first:
        fill(first, ARTICLES)
    with open_index(tmp_path / "index", model=str(other)) as index:
        page = index.search("boat")
        assert codes(page) == {"other_model"}
        assert page.by_meaning == 0
        assert codes(index.search('"boat"')) == set()
        assert codes(index.search("boat", meaning=0)) == set()
        index.embed()
        assert by_meaning(index.search("loaf")) == {"bread"}


def test_an_index_without_vectors_says_so_only_if_the_meaning_is_asked_for(
    words: Index, tmp_path: Path, tiny_model: Path
) -> None:
    with open_index(tmp_path / "index", model=str(tiny_model)) as index:
        index.put(ARTICLES)
        for own in (index, words):
            assert codes(own.search("boat")) == codes(own.search("boat", meaning=0)) == set()
            assert codes(own.search("boat", meaning=0.5)) == {"no_vectors"}


def test_an_article_without_vectors_is_found_by_its_words(tmp_path: Path, tiny_model: Path) -> None:
    with open_index(tmp_path / "index", model=str(tiny_model)) as index:
        fill(index, ARTICLES)
        index.put([Article(id="new", paragraphs=["A boat was bought."]), Article(id="title", title="Boat")])
        page = index.search("boat")
        assert {"new", "title", "harbour"} == {hit.article.id for hit in page.hits if not hit.by_meaning}
        assert by_meaning(page) == BY_MEANING["boat"]
        assert index.find_similar("new")


def test_an_article_without_vectors_is_ranked_as_if_it_were_as_close_as_its_words_say(
    tmp_path: Path, tiny_model: Path
) -> None:
    texts = ["The boat sank.", "The boat came late, and nobody on the long quay was waiting for it."]
    with open_index(tmp_path / "index", model=str(tiny_model)) as index:
        fill(index, [Article(id="embedded", paragraphs=[texts[1]]), *ARTICLES])
        index.put([Article(id="new", paragraphs=[texts[0]])])
        hits = index.search("boat", meaning=1, explain=True).hits
        closeness = {
            hit.article.id: hit.explanation.meaning.closeness
            for hit in hits
            if hit.explanation and hit.explanation.meaning
        }
        assert ids(hits)[0] == "new"
        assert closeness["new"] == max(closeness.values())


@settings(max_examples=150)
@given(st.text(max_size=30) | st.lists(st.sampled_from(TYPED), max_size=5).map(" ".join))
def test_any_text_is_a_query(index: Index, query: str) -> None:
    page = index.search(query, explain=True, limit=100)
    assert page.shown == len(page.hits)
    assert page.by_meaning == sum(hit.by_meaning for hit in page.hits)
    assert_explained(page)


def test_words_that_the_model_does_not_know_are_searched_by_words_alone(index: Index, words: Index) -> None:
    page, by_words = index.search("bakery"), words.search("bakery")
    assert page.hits == by_words.hits
    assert codes(page) == set()


# Similar and nearest articles


def test_similar_articles_are_found_by_their_meaning_too(index: Index, words: Index) -> None:
    hits = index.find_similar("schiff")
    assert {hit.article.id for hit in hits if hit.by_meaning} >= {"ferries", "freighter"}
    assert "schiff" not in ids(hits)
    (hit,) = (hit for hit in hits if hit.article.id == "ferries")
    assert [passage.number for passage in hit.passages] == [2]
    assert not any(hit.by_meaning for hit in words.find_similar("schiff"))
    with Index(replace(index.config, meaning=0.0), today=lambda: TODAY) as off:
        assert off.find_similar("schiff") == words.find_similar("schiff")


def test_how_close_an_article_is_to_itself_does_not_count_among_similar_ones(
    tmp_path: Path, tiny_model: Path
) -> None:
    texts = {"both": "ship money", "ship": "ferries", "money": "coin", "fire": "blaze", "rain": "downpour"}
    with open_index(tmp_path / "index", model=str(tiny_model)) as index:
        fill(index, [Article(id=name, paragraphs=[text]) for name, text in texts.items()])
        assert {hit.article.id for hit in index.find_similar("both") if hit.by_meaning} == {"ship", "money"}


def vector_of(index: Index, text: str) -> NDArray[np.float32]:
    vector: NDArray[np.float32] = index.embed_texts([text])[0]
    return vector


def test_the_articles_nearest_to_a_vector_are_found(index: Index) -> None:
    vector = vector_of(index, "the ferries")
    hits = index.nearest(vector, 2)
    assert ids(hits)[0] == "ferries"
    assert len(hits) == 2
    assert all(hit.by_meaning for hit in hits)
    assert 1 >= hits[0].score > hits[1].score > 0
    assert ids(index.nearest((vector * 1e30).tolist(), 2)) == ids(hits)
    assert ids(index.nearest(vector, filters={"language": "de"})) == ["schiff"]
    assert index.nearest(vector, 0) == ()
    with Index(replace(index.config, model=""), today=lambda: TODAY) as without:
        assert ids(without.nearest(vector, 2)) == ids(hits)


@pytest.mark.parametrize(
    ("vector", "problem"),
    [
        ([], "must have"),
        ([0.0] * 64, "one that is not 0"),
        ([1.0] * 63, "must have 64 numbers"),
        ([float("nan")] * 64, "finite"),
        ([float("inf")] * 64, "finite"),
        ("boat", "must be a list of numbers"),
        (None, "must be a list of numbers"),
        (["1"] * 64, "must be a list of numbers"),
        ([[1.0] * 64], "must be a list of numbers"),
        ([[1.0], [1.0, 2.0]], "must be a list of numbers"),
        ([1j] * 64, "must be a list of numbers"),
    ],
)
def test_a_vector_without_a_direction_is_refused(index: Index, vector: Any, problem: str) -> None:
    with pytest.raises(InvalidRequest, match=f"vector: .*{problem}"):
        index.nearest(vector)


def test_without_vectors_nothing_is_near(words: Index) -> None:
    hits = words.nearest([1.0, 0.0])
    assert list(hits) == []
    assert [note.code for note in hits.notes] == ["no_vectors"]


def test_texts_are_embedded_by_the_model_of_the_configuration(index: Index, words: Index) -> None:
    vectors = index.embed_texts(["ferries", "", "cash"])
    assert vectors.shape == (3, 64)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 0, 1], abs=1e-5)
    assert index.embed_texts([]).shape == (0, 64)
    with pytest.raises(ConfigError, match="model"):
        words.embed_texts(["ferries"])
    for texts in ("ferries", [1], None):
        with pytest.raises(InvalidRequest, match="texts: must be a list of texts"):
            index.embed_texts(texts)  # type: ignore[arg-type]
