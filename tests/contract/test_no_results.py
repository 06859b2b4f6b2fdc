"""Why there are no results, which searches have some, and how a query was understood."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer import Index
from tests.contract.answers import (
    blocking_clauses,
    explanation,
    found,
    has_explanation_of_nothing,
    relax,
    relaxations,
    search,
)
from tests.contract.strategies import EXAMPLES, QUERIES

Made = Callable[..., Index]


@pytest.mark.parametrize(
    ("query", "arguments", "clauses"),
    [
        ("zeppelin", {}, {"zeppelin"}),
        ("harbour zeppelin", {}, {"zeppelin"}),
        ("goose barrels", {}, {"goose", "barrels"}),
        ("osterby goose barrels", {}, {"goose", "barrels"}),  # the fewest that cannot be met together
        ('"roof second"', {}, {'"roof second"'}),
        ("kettle -quay -choir", {}, {"kettle", "-quay", "-choir"}),
        ("kettle date:1900", {}, {"date:1900"}),
        ("harbour lang:de", {}, {"harbour", "language:de"}),
        ("kettle", {"source": "wire/town"}, {"kettle", "source:wire/town"}),
        ("kettle", {"undated": True}, {"kettle", "undated"}),
        ("", {"site": "nowhere.example"}, {"site:nowhere.example"}),
        ("(goose OR zeppelin) AND kettle", {}, {"goose OR zeppelin", "kettle"}),
    ],
)
def test_the_clauses_that_no_article_meets_together_are_named(
    archive: Index, query: str, arguments: dict[str, Any], clauses: set[str]
) -> None:
    page = search(archive, query, **arguments)
    assert page.total == 0
    assert set(blocking_clauses(page)) == clauses


@pytest.mark.parametrize(
    ("query", "arguments", "offered"),
    [
        ("goose barrels", {}, {"barrels": 2, "goose": 1}),
        ("kettle zeppelin", {}, {"kettle": 2}),
        ('"roof second"', {}, {"roof second": 1}),
        ("anchor NEAR/2 coins", {}, {"anchor coins": 2}),
        ("=harbours", {}, {"harbours": 3}),
        ("title:ladder", {}, {"ladder": 3}),
        ("kettle date:1900", {}, {"kettle": 2}),
        ("kettle", {"since": "2024"}, {"kettle": 2}),
        ("kettle", {"since": "2020", "until": "2021"}, {"kettle": 2}),
        ("kettle", {"language": "de"}, {"kettle": 2}),
        ("kettle -quay -choir", {}, {"kettle -choir": 1, "kettle -quay": 1}),
        ("lanter barrels", {}, {"lanter~ barrels": 1, "barrels": 2}),
        ("harbou crane", {}, {"harbou~ crane": 1, "harbou* crane": 1, "crane": 1}),
        ("+zeppelin goose", {}, {"goose": 1}),
        ("lang:xx kettle", {}, {"kettle": 2}),
        ("=paintings", {}, {"paintings": 1}),
        ("zeppelin", {}, {}),
    ],
)
def test_relaxed_searches_are_suggested_with_their_counts_those_that_change_least_first(
    archive: Index, query: str, arguments: dict[str, Any], offered: dict[str, int]
) -> None:
    page = search(archive, query, **arguments)
    assert [(other.query, other.count) for other in relaxations(page)] == [*offered.items()]


@pytest.mark.parametrize(
    "arguments",
    [{"since": "2025"}, {"since": "2020", "until": "2021"}, {"site": "hafen.example"}, {"undated": True}],
)
def test_a_suggested_search_names_the_arguments_that_it_drops(
    archive: Index, arguments: dict[str, Any]
) -> None:
    (other,) = relaxations(search(archive, "kettle", **arguments))
    assert (other.query, other.without) == ("kettle", tuple(arguments))


_NOTHING = st.tuples(
    QUERIES, st.sampled_from(["goose", "zeppelin", "-the", "date:1850", "title:kettle", "lang:de"])
)


@settings(max_examples=EXAMPLES)
@given(
    query=st.one_of(QUERIES, _NOTHING.map(" ".join)),
    arguments=st.sampled_from(
        [{}, {"since": "2023"}, {"since": "2030", "until": "1900"}, {"source": "letters"}, {"undated": True}]
    ),
)
def test_each_suggested_search_finds_as_many_articles_as_it_says(
    archive: Index, query: str, arguments: dict[str, Any]
) -> None:
    page = search(archive, query, **arguments)
    assert has_explanation_of_nothing(page) == (page.total == 0)
    assert page.total or len(relaxations(page)) <= 3
    for other in relaxations(page) if page.total == 0 else ():
        assert relax(archive, other, **arguments).total == other.count > 0
        assert other.change.message


@pytest.mark.parametrize("query", ["harbour", "zeppelin OR harbour", "*", "", "😀"])
def test_a_page_with_hits_or_without_a_query_has_no_reason_for_no_results(archive: Index, query: str) -> None:
    assert not has_explanation_of_nothing(search(archive, query))


def test_an_empty_index_finds_nothing_and_says_so(make: Made) -> None:
    index = make()
    assert blocking_clauses(search(index, "harbour")) == ()
    assert index.suggest("har") == ()
    assert index.get_status().articles == 0


@pytest.mark.parametrize(
    ("query", "roles"),
    [
        ("harbour crane", {"harbour": "wanted", "crane": "wanted"}),
        ("+harbour -crane", {"+harbour": "required", "-crane": "excluded"}),
        ("kettle lang:en", {"kettle": "wanted", "language:en": "filter"}),
        ("the harbour", {"the": "ignored", "harbour": "wanted"}),
    ],
)
def test_an_explained_search_says_how_each_clause_was_read_and_how_many_articles_have_it(
    archive: Index, query: str, roles: dict[str, str]
) -> None:
    said = explanation(search(archive, query, explain=True))
    assert {clause.label: clause.role for clause in said.clauses} == roles
    assert said.reading
    for clause in said.clauses:
        if clause.articles is not None:
            assert clause.articles == len(found(archive, clause.label.lstrip("-+")))


def test_an_explained_score_is_made_of_the_words_that_the_hit_has(archive: Index) -> None:
    page = search(archive, "harbour crane ladder", explain=True)
    assert page.hits
    for hit in page.hits:
        assert hit.explanation is not None
        assert hit.explanation.score == hit.score
        assert {word.label for word in hit.explanation.words} == {"harbour", "crane", "ladder"} - {
            *hit.missing
        }
        assert all(word.points > 0 for word in hit.explanation.words)
    plain = search(archive, "harbour")
    assert plain.explanation is None
    assert all(hit.explanation is None for hit in plain.hits)
