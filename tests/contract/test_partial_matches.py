"""Partial matches follow if there are few full ones, and each names the words that it lacks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings

from indexer import Article, Index
from tests.contract.answers import found, ids, matches, partial_matches, search
from tests.contract.strategies import EXAMPLES, QUERIES

Made = Callable[..., Index]


@pytest.mark.parametrize(
    ("query", "full", "partial"),
    [
        ("harbour crane", ["crane"], {"ferry", "pier"}),
        ("ladder zeppelin", [], {"crane", "orchard", "hive"}),
        ("goose barrels", [], {"charter", "inn", "chronicle"}),
        ('"rope and anchor" kettle', [], {"inn", "envoy", "choir"}),
        ("harb* goose", [], {"ferry", "crane", "pier", "charter"}),
        ("zeppelin airship", [], set()),
        ("+harbour ladder goose", [], {"crane"}),
        ("harbour goose -crane", [], {"ferry", "pier", "charter"}),
        ("ladder zeppelin source:wire/town", [], {"orchard", "hive"}),
        ("ladder zeppelin date:2020", [], {"orchard", "hive"}),
        ("ladder zeppelin (date:2020 OR site:nowhere.example)", [], {"orchard", "hive"}),
        ("harbour zeppelin (lang:ja OR date:1850)", [], set()),
    ],
)
def test_articles_with_some_of_the_words_follow_those_with_all(
    archive: Index, query: str, full: list[str], partial: set[str]
) -> None:
    page = search(archive, query)
    assert matches(page) == full
    assert set(partial_matches(page)) == partial
    assert (page.total, page.partial) == (len(full), len(partial))
    assert ids(page.hits) == full + partial_matches(page)
    assert bool(page.notes) == bool(partial)


@pytest.mark.parametrize(
    ("query", "name", "missing"),
    [
        ("harbour crane", "ferry", ("crane",)),
        ("ladder goose zeppelin", "charter", ("ladder", "zeppelin")),
        ("ladder goose zeppelin", "crane", ("goose", "zeppelin")),
        ("goose barrels", "inn", ("goose",)),
        ('"rope and anchor" kettle', "envoy", ('"rope and anchor"',)),
        ("captain-lantern band", "ferry", ("captain-lantern",)),  # it has both, but not together
        ("captain-lantern band", "lantern", ("captain", "band")),
        ("title:harbour harbour tickets", "ferry", ("title:harbour",)),
        ("title:harbour harbour tickets", "crane", ("tickets",)),
    ],
)
def test_a_partial_match_names_the_words_that_it_lacks(
    archive: Index, query: str, name: str, missing: tuple[str, ...]
) -> None:
    (hit,) = [hit for hit in search(archive, query).hits if hit.article.id == name]
    assert hit.missing == missing


@pytest.mark.parametrize(
    "query",
    ["harbour AND crane", "+harbour +crane", "harbour OR zeppelin", "title:(harbour AND crane)"],
)
def test_required_words_have_no_partial_matches(archive: Index, query: str) -> None:
    page = search(archive, query)
    assert "crane" in matches(page)
    assert partial_matches(page) == []


def test_enough_full_matches_are_not_followed_by_partial_ones(archive: Index) -> None:
    assert search(archive, "bees tower", limit=2).partial == 0
    assert search(archive, "bees tower", limit=3).partial > 0


def test_the_partial_match_with_more_of_the_words_comes_first(make: Made) -> None:
    index = make(
        Article("a", "Note", ["A kettle was there."], language="en"),
        Article("b", "Note", ["A spoon was there."], language="en"),
        Article("z", "Note", ["A spoon, a kettle was there."], language="en"),
    )
    assert partial_matches(search(index, "spoon kettle zeppelin", collapse=False))[0] == "z"


def test_partial_matches_of_an_unspaced_run_have_its_parts(archive: Index) -> None:
    page = search(archive, "旧港塔")
    assert matches(page) == []
    assert partial_matches(page)[0] == "gangkou"


@settings(max_examples=EXAMPLES)
@given(query=QUERIES)
def test_every_partial_match_lacks_a_clause_and_is_not_a_full_match(archive: Index, query: str) -> None:
    page = search(archive, query, collapse=False)
    full = found(archive, query)
    assert full == set(matches(page))
    assert full.isdisjoint(partial_matches(page))
    assert (page.total, page.partial) == (len(full), len(partial_matches(page)))
