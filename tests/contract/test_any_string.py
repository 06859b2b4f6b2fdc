"""Any string is a query, and none runs without end: bounds that were met are noted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings

from indexer import Article, Index, InvalidRequest
from tests.contract.answers import found, search, timed_out
from tests.contract.strategies import ANY_STRING, EXAMPLES

Made = Callable[..., Index]


@settings(max_examples=EXAMPLES * 5)
@example(query="\0")
@example(query="\ud800")
@example(query="*" * 600)
@example(query="(" * 600)
@example(query="NEAR NEAR/5 NEAR")
@example(query="date:9999-99..0000 since until between and")
@example(query="-(-(-harbour))")
@given(query=ANY_STRING)
def test_any_string_is_a_query_and_is_answered_as_any_other(archive: Index, query: str) -> None:
    page = search(archive, query, facets=["year", "source"], timeline=True, explain=True)
    assert page.query == query
    assert len(page.hits) <= page.total + page.partial
    assert all(note.message for note in page.notes)
    archive.mark_article("ferry", query)


@pytest.mark.parametrize("value", [None, 7, b"harbour", ["harbour"]])
def test_a_query_that_is_not_a_string_is_refused(archive: Index, value: Any) -> None:
    with pytest.raises(InvalidRequest):
        archive.search(value)


@pytest.mark.parametrize(
    "query",
    [
        "harbour " * 300,  # characters
        " ".join(f"w{number}" for number in range(140)),  # clauses
        "(" * 30 + "harbour" + ")" * 30,  # parentheses
        "x" * 300,  # characters of one word
        "harbour^1000",
        "harbour~9",
        '"harbour crane"~500',
        "harbour NEAR/500 crane",
    ],
)
def test_a_bound_that_a_query_meets_is_noted(archive: Index, query: str) -> None:
    assert search(archive, query).notes


def test_what_is_beyond_the_bound_of_a_query_is_not_searched_for(make: Made) -> None:
    article = Article("a", "Note", ["A kettle."], language="en")
    assert found(make(article, query_characters=6), "kettle zeppelin") == {"a"}
    assert found(make(article), "kettle zeppelin") == set()


def test_a_pattern_expands_to_a_bounded_number_of_the_most_common_words(make: Made) -> None:
    rare = Article("rare", "Note", [" ".join(f"qz{number}" for number in range(1200))], language="en")
    common = [Article(f"common{n}", "Note", [f"Entry {n}: qzz."], language="en") for n in range(3)]
    page = search(make(rare, *common), "qz*")
    assert page.total == 4
    assert any("1,000" in note.message for note in page.notes)


@pytest.mark.parametrize("query", ["harbour", "harb* OR storm~2", "night ferry zeppelin", "-crane"])
def test_a_search_that_times_out_says_so_and_shows_no_wrong_hit(archive: Index, query: str) -> None:
    page = search(archive, query, seconds=1e-9, facets="year", timeline=True, explain=True)
    assert timed_out(page)
    assert page.notes
    everything = search(archive, query)
    assert not timed_out(everything)
    assert page.total <= everything.total
    assert {hit.article.id for hit in page.hits if not hit.missing} <= found(archive, query)
