"""No results: which clauses no article meets, and which searches have results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer import Config, Index, Page
from tests.query.examples import QUERIES

REASONS: list[tuple[str, dict[str, Any], str, tuple[str, ...]]] = [
    ("cathedral", {}, "No article has “cathedral”.", ("cathedral",)),
    ("river cathedral", {}, "No article has “cathedral”.", ("cathedral",)),
    ("the cathedral", {}, "No article has “cathedral”.", ("cathedral",)),
    ("oven flood", {}, "No article has both “oven” (1) and “flood” (1).", ("oven", "flood")),
    ("+oven +flood", {}, "No article has both “oven” (1) and “flood” (1).", ("+oven", "+flood")),
    ("oven wheel", {}, "No article has both “oven” (1) and “wheel” (3).", ("oven", "wheel")),
    (
        "baker river low date:2023",
        {},
        "No article with “river” is published in 2023.",
        ("river", "date:2023"),
    ),
    ("baker", {"since": "2025"}, "No article is published from 1 January 2025 on.", ("after:2025",)),
    (
        "oven",
        {"since": "2024"},
        "No article with “oven” is published from 1 January 2024 on.",
        ("oven", "after:2024"),
    ),
    ("oven -flour", {}, "Every article with “oven” has “flour”, which is left out.", ("oven", "-flour")),
    ("-*", {}, "Every article has “*”, which is left out.", ("-*",)),
    (
        "lang:en date:2024 -river",
        {},
        "Every article that is published in 2024 has “river”, which is left out.",
        ("date:2024", "-river"),
    ),
    ("lang:xx wheel", {}, "No article is in the language “xx”.", ("language:xx",)),
    ("wheel", {"until": "0001"}, "No article is published before 1 January 2.", ("before:0002",)),
    (
        "wheel",
        {"since": "2024", "until": "2021"},
        "No article is published from 1 January 2024 on and before 1 January 2022.",
        ("(after:2024 before:2022)",),
    ),
    (
        "wheel (lang:xx OR site:nowhere.example)",
        {},
        "No article is in the language “xx” or from the site “nowhere.example”.",
        ("language:xx OR site:nowhere.example",),
    ),
    ('"the wheel sings" river', {}, 'No article has "the wheel sings".', ('"the wheel sings"',)),
]


@pytest.mark.parametrize(("query", "arguments", "reason", "labels"), REASONS)
def test_the_reason_for_no_results_is_a_sentence(
    examples: Index, query: str, arguments: dict[str, Any], reason: str, labels: tuple[str, ...]
) -> None:
    page = examples.search(query, **arguments)
    assert page.total == 0
    assert page.no_results is not None
    assert (page.no_results.reason, page.no_results.clauses) == (reason, labels)


@pytest.mark.parametrize("query", ["", "😀", "wheel", "*", "oven OR cathedral"])
def test_a_search_with_hits_or_without_a_query_has_no_reason(examples: Index, query: str) -> None:
    assert examples.search(query).no_results is None


def test_an_empty_index_says_so(tmp_path: Path) -> None:
    with Index(Config(index=tmp_path / "index")) as empty:
        empty.put([])
        end = empty.search("wheel").no_results
    assert end is not None
    assert end.reason == "There are no articles in the index."


RELAXED: list[tuple[str, dict[str, Any], list[tuple[str, int, tuple[str, ...]]]]] = [
    ("rivr flood", {}, [("rivr~ flood", 1, ()), ("flood", 1, ())]),
    ("whee low", {}, [("whee~ low", 1, ()), ("whee* low", 1, ()), ("low", 2, ())]),
    ('"wheel river"', {}, [("wheel river", 2, ())]),
    ("=baked", {}, []),
    ("=wheels", {}, [("wheels", 3, ())]),
    ("oven wheel", {}, [("wheel", 3, ()), ("oven", 1, ())]),
    ("title:bakery", {}, [("bakery", 1, ())]),
    ("low date:1850", {}, [("low", 2, ())]),
    ("low", {"since": "2025"}, [("low", 2, ("since",))]),
    ("low", {"since": "2025", "until": "2025"}, [("low", 2, ("since", "until"))]),
    ("oven -flour", {}, [("oven", 1, ())]),
    ("river NEAR/1 low", {}, [("river low", 1, ())]),
    ("lang:xx wheel", {}, [("wheel", 3, ())]),
    ("+cathedral wheel", {}, [("wheel", 3, ())]),
    ("cathedral", {}, []),
]


def offered(page: Page) -> list[tuple[str, int, tuple[str, ...]]]:
    assert page.no_results is not None
    return [(r.query, r.count, r.without) for r in page.no_results.suggestions]


@pytest.mark.parametrize(("query", "arguments", "expected"), RELAXED)
def test_searches_that_find_something_are_suggested(
    examples: Index, query: str, arguments: dict[str, Any], expected: list[Any]
) -> None:
    assert offered(examples.search(query, **arguments)) == expected


_ASKED = st.lists(
    st.one_of(QUERIES, st.sampled_from(["cathedral", "rivr", "title:bakery", '"low wheel"', "date:1850"])),
    min_size=1,
    max_size=3,
).map(" ".join)


@settings(max_examples=300)
@given(_ASKED, st.sampled_from([None, "2022", "2030"]), st.sampled_from([None, "2024", "1900"]))
def test_each_suggestion_finds_as_many_as_it_says(
    examples: Index, query: str, since: str | None, until: str | None
) -> None:
    arguments: dict[str, Any] = {"since": since, "until": until}
    page = examples.search(query, **arguments, seconds=30)
    if page.no_results is None:
        # Nothing was asked for, or something was found.
        assert page.total or examples.search(query, explain=True).explanation is not None
        return
    assert page.total == 0
    assert page.no_results.reason
    assert len(page.no_results.suggestions) <= 3
    for suggestion in page.no_results.suggestions:
        kept = {name: value for name, value in arguments.items() if name not in suggestion.without}
        assert examples.search(suggestion.query, **kept).total == suggestion.count > 0


def test_the_reason_for_no_results_is_json(examples: Index) -> None:
    page = json.loads(json.dumps(examples.search("oven wheel").as_json()))
    assert page["no_results"]["clauses"] == ["oven", "wheel"]
    assert page["no_results"]["suggestions"][0] == {
        "change": "without oven",
        "query": "wheel",
        "count": 3,
        "without": [],
    }


@pytest.mark.parametrize(
    ("query", "arguments", "reason", "labels", "relaxed"),
    [
        (
            "river",
            {"site": "x.example"},
            "No article is from the site “x.example”.",
            ("site:x.example",),
            "site",
        ),
        (
            "oven",
            {"language": ["de", "fr"]},
            "No article with “oven” is in the language “de” or “fr”.",
            ("oven", "language:de language:fr"),
            "language",
        ),
        (
            "oven",
            {"undated": True},
            "No article with “oven” is without a date.",
            ("oven", "undated"),
            "undated",
        ),
        ("", {"source": "x"}, "No article is from the source “x”.", ("source:x",), "source"),
    ],
)
def test_filters_and_dates_can_be_the_reason_for_no_results(
    examples: Index, query: str, arguments: dict[str, Any], reason: str, labels: tuple[str, ...], relaxed: str
) -> None:
    end = examples.search(query, **arguments).no_results
    assert end is not None
    assert (end.reason, end.clauses) == (reason, labels)
    for suggestion in end.suggestions:
        assert suggestion.without == (relaxed,)
        assert examples.search(suggestion.query).total == suggestion.count
    assert bool(end.suggestions) == bool(query)
