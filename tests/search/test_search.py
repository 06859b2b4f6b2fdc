"""A page of results: the same hits and scores as a simple reference finds, and its shape as JSON."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from indexer import Article, Config, Index
from indexer.text.analyzer import get_analyzer
from tests.engine.reference import Reference
from tests.fixtures.commits import open_commit
from tests.fixtures.words import WORDS

TODAY = date(2024, 6, 15)


def test_the_page_as_json_has_the_documented_shape(examples: Index) -> None:
    page = json.loads(json.dumps(examples.search("river bakery").as_json()))
    assert set(page) == {
        "query", "total", "partial", "collapsed", "offset", "limit", "took_ms", "timed_out", "notes",
        "did_you_mean", "explanation", "no_results", "facets", "timeline", "cursor", "hits",
        "suggested_filters", "by_meaning",
    }  # fmt: skip
    assert (page["facets"], page["timeline"], page["cursor"]) == ({}, None, None)
    hit = page["hits"][0]
    assert set(hit) == {
        "article", "score", "title_spans", "missing", "passages", "also", "explanation",
        "by_meaning",
    }  # fmt: skip
    assert set(hit["article"]) == {
        "id", "title", "url", "language", "language_stated", "published", "source", "authors", "section",
        "tags", "publisher", "fields",
    }  # fmt: skip
    assert (hit["article"]["title"], hit["title_spans"]) == ("River floods the lower town", [[0, 5]])
    published = {"value": "2024-03-19T23:30", "precision": "minute", "provenance": "given"}
    assert hit["article"]["published"] == published | {"others": [], "note": None}
    assert hit["passages"][0]["spans"] == [[4, 9], [33, 39]]


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
    with Index(Config(index=folder / "index", variants=False), today=lambda: TODAY) as index:
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
def test_any_string_gives_a_page_with_spans_inside_their_texts(examples: Index, query: str) -> None:
    page = examples.search(query)
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


def test_a_node_that_no_query_can_have_is_a_programming_error(examples: Index) -> None:
    from whoosh.query.terms import Regex

    from indexer.engine import QueryContext, run_query

    context = QueryContext(open_commit(examples).snapshot, ["en"])
    with pytest.raises(TypeError, match="the engine has no term for Regex"):
        run_query(context, Regex("paragraph", "^harb"))
