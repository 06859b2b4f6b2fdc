"""A page of results: its hits, their order, and its notes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from indexer import Article, Config, Index, InvalidRequest
from indexer.text.analyzer import get_analyzer
from tests.engine.reference import Reference
from tests.fixtures.words import WORDS

TODAY = date(2024, 6, 15)

ARTICLES = [
    Article(
        id="syria",
        title="Aid convoy reaches Aleppo",
        published="2021-11-05T21:01",
        paragraphs=[
            "Trucks crossed into Syria before dawn, drivers said.",
            "The harbour at Latakia stayed closed.",
            "Doctors asked for vaccine and clean water.",
        ],
    ),
    Article(
        id="vaccine",
        title="A vaccine for every harbour town",
        published="2021-03",
        paragraphs=["Vaccination began on Monday.", "The belt and road of clinics runs along the coast."],
    ),
    Article(
        id="road",
        title="Road repairs",
        published="2022",
        paragraphs=[
            "The ring road needs a new belt of trees.",
            "R&D in C++ helped, U.S. engineers of @roadlab said.",
        ],
    ),
    Article(
        id="zurich",
        title="Zürich opens a café",
        paragraphs=["COVID-19 rules ended in Zürich.", "Don't wait."],
    ),
    Article(
        id="tokyo",
        title="東京の港",
        language="ja",
        published="2023-01-02",
        paragraphs=["東京都は港を広げる。"],
    ),
    Article(
        id="es",
        title="Educación",
        language="es",
        published="2020-07-09",
        paragraphs=["Las canciones y la educación."],
    ),
    Article(id="empty", title="Only a title about lighthouses"),
]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """An index of the articles above."""
    folder = tmp_path_factory.mktemp("search")
    with Index(Config(index=folder / "index"), today=lambda: TODAY) as opened:
        opened.put(ARTICLES)
        yield opened


def found(index: Index, query: str, **options: object) -> list[str]:
    """The ids of the articles that meet the whole query."""
    page = index.search(query, limit=50, **options)  # type: ignore[arg-type]
    return [hit.article.id for hit in page.hits if not hit.missing]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("syria", {"syria"}),
        ("syria vaccine", {"syria"}),
        ("SYRIA Vaccine", {"syria"}),
        ('"clean water"', {"syria"}),
        ('"water clean"', set()),
        ('"closed doctors"', set()),
        ('"belt and road"', {"vaccine"}),
        ('"aid convoy"', {"syria"}),
        ("vaccinations", {"syria", "vaccine"}),
        ("harbour -vaccine", set()),
        ("road NOT trees", {"vaccine"}),
        ("aleppo OR lighthouse", {"syria", "empty"}),
        ("(aleppo OR tokyo) harbour", {"syria"}),
        ("title:harbour", {"vaccine"}),
        ("paragraph:harbour", {"syria"}),
        ("zurich", {"zurich"}),
        ("ZÜRICH", {"zurich"}),
        ("zu\u0308rich", {"zurich"}),
        ("cafe", {"zurich"}),
        ("covid-19", {"zurich"}),
        ("covid", {"zurich"}),
        ("dont", {"zurich"}),
        ("don’t", {"zurich"}),
        ("R&D", {"road"}),
        ("C++", {"road"}),
        ("U.S.", {"road"}),
        ("US", {"road"}),
        ("@roadlab", {"road"}),
        ("@road", set()),
        ("東京", {"tokyo"}),
        ("東京都", {"tokyo"}),
        ("港", {"tokyo"}),
        ("都", {"tokyo"}),
        ("東都", set()),
        ("educacion", {"es"}),
        ("canción", {"es"}),
        ("vacc*", {"syria", "vaccine"}),
        ("vaccination*", {"vaccine"}),
        ("harb?ur", {"syria", "vaccine"}),
        ("*pair*", {"road"}),
        ("harbor~", {"syria", "vaccine"}),
        ("+the lighthouse", set()),
        ("the lighthouse", {"empty"}),
        ("date:2021", {"syria", "vaccine"}),
        ("date:2021-11-05", {"syria"}),
        ("date:2021-03..2021-05", {"vaccine"}),
        ("after:2022", {"road", "tokyo"}),
        ("before:2021", {"es"}),
        ("harbour before:2021-11-05", {"vaccine"}),
        ("-harbour", {"road", "zurich", "tokyo", "es", "empty"}),
        ("lighthouse 😀", {"empty"}),
        ("😀", set()),
        ("", set()),
        ("   ", set()),
    ],
)
def test_a_query_finds_exactly(index: Index, query: str, ids: set[str]) -> None:
    page = index.search(query, limit=50)
    assert {hit.article.id for hit in page.hits if not hit.missing} == ids
    assert page.total == len(ids)


def test_partial_matches_follow_and_name_what_they_lack(index: Index) -> None:
    page = index.search("syria harbour lighthouse")
    assert page.total == 0
    assert page.partial == 3
    assert {hit.article.id: hit.missing for hit in page.hits} == {
        "syria": ("lighthouse",),
        "vaccine": ("syria", "lighthouse"),
        "empty": ("syria", "harbour"),
    }
    assert any("No article has all" in note for note in page.notes)


def test_an_article_with_all_pieces_of_a_word_but_not_together_lacks_the_word(index: Index) -> None:
    page = index.search("syria/water vaccine")
    assert page.total == 0
    assert {hit.article.id: hit.missing for hit in page.hits} == {
        "syria": ("syria/water",),
        "vaccine": ("syria", "water"),
    }
    assert all(hit.missing for hit in index.search("text:trees/belt").hits)


def test_alternatives_of_filters_are_never_relaxed(index: Index) -> None:
    assert {hit.article.id for hit in index.search("harbour lighthouse").hits} > {"empty"}
    page = index.search("harbour lighthouse (date:2021-11 OR date:2022)")
    assert {hit.article.id: hit.missing for hit in page.hits} == {"syria": ("lighthouse",)}
    assert index.search("harbour (lang:ja OR site:nowhere.example)").hits == ()


def test_full_matches_come_before_partial_ones_over_the_pages(index: Index) -> None:
    whole = index.search("harbour vaccine road", limit=10)
    assert [hit.missing == () for hit in whole.hits] == [True, False, False]
    pages = [index.search("harbour vaccine road", limit=1, offset=place).hits for place in range(1)]
    assert pages[0][0].article.id == whole.hits[0].article.id


def test_required_words_and_dates_are_never_relaxed(index: Index) -> None:
    assert index.search("+syria lighthouse").partial == 0 or all(
        hit.article.id == "syria" for hit in index.search("+syria lighthouse").hits
    )
    page = index.search("harbour lighthouse after:2021-06")
    assert {hit.article.id for hit in page.hits} == {"syria"}
    assert index.search("harbour AND lighthouse").hits == ()


def test_common_words_are_not_asked_for_and_the_page_says_so(index: Index) -> None:
    page = index.search("the lighthouse of")
    assert page.total == 1
    assert any("the, of" in note for note in page.notes)
    assert index.search("the").total > 1


def test_a_month_is_no_day_and_the_page_says_so(index: Index) -> None:
    page = index.search("date:2021-03-04")
    assert page.total == 0
    assert any("1 more article may be" in note for note in page.notes)


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        ({"since": "2021", "until": "2021"}, ["syria", "vaccine"]),
        ({"since": "2021-11-05"}, ["syria"]),
        ({"until": "2021-11-04"}, ["vaccine"]),
        ({"sort": "oldest"}, ["vaccine", "syria"]),
        ({"sort": "newest"}, ["syria", "vaccine"]),
        ({"sort": "title"}, ["vaccine", "syria"]),
    ],
)
def test_dates_and_order_as_arguments(index: Index, options: dict[str, str], ids: list[str]) -> None:
    answer = found(index, "harbour", **options)
    assert answer == ids if "sort" in options or len(ids) == 1 else set(answer) == set(ids)


def test_dates_alone_list_what_was_published_then(index: Index) -> None:
    assert found(index, "", since="2022") == ["tokyo", "road"]


def test_undated_articles_come_last_in_every_order(index: Index) -> None:
    for sort in ("newest", "oldest"):
        ids = found(index, "-nothing", sort=sort)
        assert set(ids[-2:]) == {"empty", "zurich"}
        assert len(ids) == len(ARTICLES)


@pytest.mark.parametrize(
    "options",
    [
        {"sort": "best"},
        {"limit": -1},
        {"offset": -1},
        {"limit": 20_000},
        {"offset": 10_000},
        {"since": "banana"},
        {"until": "0000"},
        {"limit": True},
    ],
)
def test_invalid_arguments_are_refused_with_what_they_must_be(index: Index, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="must be"):
        index.search("harbour", **options)


def test_a_limit_of_0_still_counts(index: Index) -> None:
    page = index.search("harbour", limit=0)
    assert (page.total, page.hits) == (2, ())


def test_a_passage_shows_the_paragraph_with_its_number_anchor_and_matches(index: Index) -> None:
    hit = index.search("vaccine water").hits[0]
    (passage,) = hit.passages
    assert passage.number == 3
    assert passage.anchor == index.mark_article("syria").paragraphs[2].anchor
    assert [passage.text[a:b] for a, b in passage.spans] == ["vaccine", "water"]


def test_a_hit_by_its_title_alone_shows_how_the_article_begins(index: Index) -> None:
    hit = index.search("aleppo").hits[0]
    assert [hit.article.title[a:b] for a, b in hit.title_spans] == ["Aleppo"]
    assert [(passage.number, passage.spans) for passage in hit.passages] == [(1, ())]


def test_an_excluded_word_is_not_highlighted(index: Index) -> None:
    hit = index.search("trucks -lighthouse").hits[0]
    assert [hit.passages[0].text[a:b] for a, b in hit.passages[0].spans] == ["Trucks"]


def test_a_title_word_is_highlighted_in_the_title_only(index: Index) -> None:
    hit = index.search("title:road").hits[0]
    assert hit.title_spans == ((0, 4),)
    assert all(not passage.spans for passage in hit.passages)


def test_an_article_with_matches_highlights_every_paragraph(index: Index) -> None:
    marked = index.mark_article("vaccine", "vaccine coast")
    assert [marked.article.title[a:b] for a, b in marked.title_spans] == ["vaccine"]
    assert [[p.text[a:b] for a, b in p.spans] for p in marked.paragraphs] == [["Vaccination"], ["coast"]]
    assert not any(p.spans for p in index.mark_article("vaccine").paragraphs)


def test_the_page_as_json_has_the_documented_shape(index: Index) -> None:
    page = json.loads(json.dumps(index.search("syria trucks").as_json()))
    assert set(page) == {
        "query", "total", "partial", "collapsed", "offset", "limit", "took_ms", "timed_out", "notes",
        "did_you_mean", "explanation", "no_results", "facets", "timeline", "cursor", "hits",
    }  # fmt: skip
    assert (page["facets"], page["timeline"], page["cursor"]) == ({}, None, None)
    hit = page["hits"][0]
    assert set(hit) == {
        "article", "score", "title_spans", "missing", "passages", "also", "explanation",
    }  # fmt: skip
    assert set(hit["article"]) == {
        "id", "title", "url", "language", "language_stated", "published", "source",
    }  # fmt: skip
    assert (hit["article"]["title"], hit["title_spans"]) == ("Aid convoy reaches Aleppo", [])
    published = {"value": "2021-11-05T21:01", "precision": "minute", "provenance": "given"}
    assert hit["article"]["published"] == published | {"others": [], "note": None}
    assert hit["passages"][0]["spans"] == [[0, 6], [20, 25]]


TEXTS = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)
COLLECTIONS = st.lists(
    st.tuples(
        TEXTS,
        st.lists(TEXTS, max_size=4),
        st.sampled_from([None, "2020", "2021-03", "2021-03-04", "2021-03-04T05:06", "2022-12"]),
        st.sampled_from([None, "en", "de", "es", "ja"]),
    ),
    min_size=1,
    max_size=12,
)
ATOMS = st.sampled_from(
    [*WORDS, '"belt road"', '"the sea"~3', "harb*", "h?rbour*", "*ine", "harbor~", "title:road",
     "paragraph:sea", "-road", "+belt", "date:2021", "after:2021-03-04", "before:2022", "東", "京*", "zurich",
     '"東京都 sea"', "😀"]
)  # fmt: skip
QUERIES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4).map(" ".join),
        st.tuples(inner, inner).map(" AND ".join),
        st.tuples(inner, inner).map(" OR ".join),
        inner.map("({})".format),
        inner.map("NOT {}".format),
    ),
    max_leaves=6,
)


@settings(max_examples=int(os.environ.get("TEST_EXAMPLES", "60")))
@given(collection=COLLECTIONS, queries=st.lists(QUERIES, min_size=1, max_size=8))
def test_the_engine_agrees_with_the_reference(
    tmp_path_factory: pytest.TempPathFactory, collection: list[tuple[Any, ...]], queries: list[str]
) -> None:
    articles = [
        Article(id=f"a{place}", title=title, paragraphs=paragraphs, published=published, language=language)
        for place, (title, paragraphs, published, language) in enumerate(collection)
    ]
    reference = Reference(articles)
    folder: Path = tmp_path_factory.mktemp("reference")
    with Index(Config(index=folder / "index"), today=lambda: TODAY) as index:
        index.put(articles)
        for query in queries:
            expected = reference.search(query, today=TODAY, min_full_matches=100)
            page = index.search(query, limit=100, collapse=False)
            wanted = expected.full + expected.partial
            assert [hit.article.id for hit in page.hits] == [name for name, _ in wanted], query
            assert [hit.score for hit in page.hits] == pytest.approx([score for _, score in wanted]), query
            assert (page.total, page.partial) == (len(expected.full), len(expected.partial))


@settings(max_examples=100)
@given(query=st.text(max_size=60) | QUERIES)
@example("*" * 50)
@example("a*b*c*d*e*f*")
@example("((((((((")
@example('"' * 9)
@example("\ud800 harbour")
def test_any_string_gives_a_page_with_spans_inside_their_texts(index: Index, query: str) -> None:
    page = index.search(query)
    for hit in page.hits:
        assert_sound(hit.article.title, hit.title_spans)
        for passage in hit.passages:
            assert_sound(passage.text, passage.spans)


def assert_sound(text: str, spans: tuple[tuple[int, int], ...]) -> None:
    """Spans are ascending, disjoint, inside the text and begin and end with tokens."""
    tokens = get_analyzer("en").tokenize(text)
    starts, ends = {t.start for t in tokens}, {t.end for t in tokens} | {t.start + 1 for t in tokens}
    place = 0
    for start, end in spans:
        assert place <= start < end <= len(text)
        assert start in starts
        assert end in ends
        place = end


def test_the_same_word_asked_for_in_two_fields_is_lacking_in_the_one(index: Index) -> None:
    page = index.search("title:harbour harbour latakia")
    assert {hit.article.id: hit.missing for hit in page.hits} == {
        "syria": ("title:harbour",),
        "vaccine": ("latakia",),
    }


def test_a_node_that_no_query_can_have_is_a_programming_error(index: Index) -> None:
    from whoosh.query.terms import Regex

    from indexer.engine import QueryContext, run_query

    context = QueryContext(index._open_last_commit().snapshot, ["en"])
    with pytest.raises(TypeError, match="the engine has no term for Regex"):
        run_query(context, Regex("paragraph", "^harb"))
