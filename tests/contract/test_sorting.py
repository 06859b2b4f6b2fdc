"""The orders beside relevance: newest, oldest, title."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer import Article, Hit, Index
from tests.contract.answers import found, ids, matches, matches_in_order, search
from tests.contract.strategies import EXAMPLES, QUERIES

Made = Callable[..., Index]


def dates(hits: Sequence[Hit]) -> list[str]:
    """The dates of the hits that have one, to what precision they have it."""
    return [hit.article.published.value for hit in hits if hit.article.published]


@pytest.mark.parametrize(
    ("query", "newest"),
    [
        ("harbour", ["pier", "ferry", "crane"]),
        ("tide", ["ferry", "library"]),
        ("date:2021-11", ["hafen", "school", "ferry", "inn", "tram", "divers"]),
        ("lighthouse OR goose OR regatta", ["bunting", "regatta", "charter", "lighthouse"]),
    ],
)
def test_sorting_by_date_uses_the_start_of_each_date_and_puts_undated_articles_last(
    archive: Index, query: str, newest: list[str]
) -> None:
    assert matches_in_order(archive, query, sort="newest") == newest
    dated = [name for name in newest if name != "lighthouse"]
    oldest = matches_in_order(archive, query, sort="oldest")
    assert dates(search(archive, query, sort="oldest").hits) == sorted(dates(search(archive, query).hits))
    assert sorted(oldest[: len(dated)]) == sorted(dated)
    assert oldest[len(dated) :] == newest[len(dated) :]


@settings(max_examples=EXAMPLES)
@given(query=QUERIES)
def test_hits_that_are_sorted_by_date_are_in_the_order_of_their_dates(archive: Index, query: str) -> None:
    newest, oldest = (
        [hit for hit in search(archive, query, sort=sort, collapse=False).hits if not hit.missing]
        for sort in ("newest", "oldest")
    )
    starts = [hit.article.published.start for hit in newest if hit.article.published]
    assert starts == sorted(starts, reverse=True)
    assert [hit.article.published.start for hit in oldest if hit.article.published] == starts[::-1]
    for hits in (newest, oldest):
        is_dated = [hit.article.published is not None for hit in hits]
        assert is_dated == sorted(is_dated, reverse=True)
        assert set(ids(hits)) == found(archive, query)


def test_articles_of_the_same_moment_are_in_the_order_of_their_ids(make: Made) -> None:
    index = make(
        *(Article(name, "Note", ["A kettle."], "2021-03", language="en") for name in ("c", "a", "d", "b"))
    )
    assert matches_in_order(index, "kettle", sort="newest") == ["a", "b", "c", "d"]
    assert matches_in_order(index, "kettle", sort="oldest") == ["a", "b", "c", "d"]
    assert matches_in_order(index, "kettle", sort="title") == ["a", "b", "c", "d"]


def test_titles_are_in_alphabetical_order_whatever_their_capitals(make: Made) -> None:
    titles = ["apple", "Banana", "cherry", "Äpple", "banana boat", "Cherry"]
    index = make(
        *(Article(f"{n}", title, ["A kettle."], language="en") for n, title in enumerate(titles[::-1]))
    )
    hits = search(index, "kettle", sort="title", collapse=False).hits
    sorted_titles = [hit.article.title.casefold().replace("ä", "a") for hit in hits]
    assert sorted_titles == sorted(sorted_titles)
    assert len(hits) == len(titles)


@pytest.mark.parametrize("sort", ["newest", "oldest", "title"])
def test_partial_matches_come_after_full_ones_in_every_order(archive: Index, sort: str) -> None:
    page = search(archive, "harbour crane", sort=sort)
    assert ids(page.hits)[0] == "crane"
    assert matches(page) == ["crane"]
    assert set(ids(page.hits)[1:]) == {"ferry", "pier"}


@settings(max_examples=EXAMPLES)
@given(query=QUERIES, sort=st.sampled_from(["newest", "oldest", "title"]))
def test_an_order_changes_no_article_and_no_count(archive: Index, query: str, sort: str) -> None:
    page, other = search(archive, query, collapse=False), search(archive, query, sort=sort, collapse=False)
    assert (page.total, page.partial) == (other.total, other.partial)
    assert sorted(ids(page.hits)) == sorted(ids(other.hits))
