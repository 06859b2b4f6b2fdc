"""Filters by date, source, site, language: given as arguments, alone, together, and with any query."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer import Article, Index, InvalidRequest
from tests.contract.answers import facet, found, ids, matches, near_duplicates, partial_matches, search
from tests.contract.strategies import EXAMPLES, QUERIES

Made = Callable[..., Index]
HARBOUR = {"ferry", "crane", "pier"}


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"since": "2024"}, {"regatta", "bunting"}),
        ({"since": "2024-06-05"}, {"regatta", "bunting"}),
        ({"since": "2024-06-06"}, {"bunting"}),
        ({"since": date(2024, 6, 6)}, {"bunting"}),
        ({"since": date(2021, 11, 5), "until": date(2021, 11, 5)}, {"ferry", "inn", "tram"}),
        ({"until": "1931"}, {"charter", "library"}),
        ({"until": "1930"}, {"charter"}),
        ({"since": "2021-11-05", "until": "2021-11-05"}, {"ferry", "inn", "tram"}),
        ({"since": "2021-11", "until": "2021-11"}, {"ferry", "inn", "tram", "divers", "school", "hafen"}),
        ({"since": "2022-11", "until": "2022-12"}, {"fener", "statek", "mayak"}),
        ({"since": "2024", "until": "2023"}, set()),
        ({"undated": True}, {"lighthouse"}),
        ({"language": "de"}, {"hafen", "apfel"}),
        ({"language": ["de", "ko"]}, {"hafen", "apfel", "hanggu"}),
        ({"language": "en-GB"}, {"pier"}),
        ({"language": "EN_gb"}, {"pier"}),
        ({"site": "barn.example"}, {"school"}),
        ({"site": ["barn.example", "news.coast.example"]}, {"school", "crane", "clock", "regatta"}),
        (
            {"site": "www.coast.example"},
            {"ferry", "inn", "envoy", "tram", "pier", "storm", "crane", "clock", "regatta"},
        ),
        ({"site": "nowhere.example"}, set()),
        ({"site": "arn.example"}, set()),
        ({"site": "hafen.example", "source": "wire"}, {"hafen"}),
        ({"site": "hafen.example", "source": "letters"}, set()),
        ({"source": "oast"}, set()),
        ({"source": []}, set()),
        ({"source": [""]}, set()),
        ({"language": (), "undated": True}, set()),
        ({"source": "letters", "site": None, "since": "2022"}, {"bakery", "choir", "bunting"}),
        ({"source": "letters", "site": " ", "since": "2022"}, {"bakery", "choir", "bunting"}),
        ({"source": "letters", "since": "2022"}, {"bakery", "choir", "bunting"}),
        ({"source": ["letters", "wire/town"], "until": "2018"}, {"library", "flood", "chronicle"}),
        ({"language": "en", "source": "wire/coast", "until": "2021-03"}, {"crane"}),
        ({"language": "en", "undated": True}, {"lighthouse"}),
        ({"language": "de", "undated": True}, set()),
        ({"undated": True, "since": "2021"}, set()),
    ],
)
def test_a_filter_alone_finds_every_article_that_passes_it(
    archive: Index, filters: dict[str, Any], expected: set[str]
) -> None:
    assert found(archive, **filters) == expected


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"since": "2021-11"}, {"ferry", "pier"}),
        ({"until": "2021-11-05"}, {"ferry", "crane"}),
        ({"site": "news.coast.example"}, {"crane"}),
        ({"language": "en"}, HARBOUR),
        ({"language": "de"}, set()),
        ({"source": "wire"}, HARBOUR),
        ({"source": "letters"}, set()),
        ({"undated": True}, set()),
    ],
)
def test_a_filter_holds_for_the_hits_of_a_query(
    archive: Index, filters: dict[str, Any], expected: set[str]
) -> None:
    assert found(archive, "harbour", **filters) == expected


def test_the_full_name_of_a_source_matches_no_other_source_that_ends_alike(make: Made) -> None:
    sources = {"a": "wire", "b": "news/wire", "c": "blog", "d": None}
    index = make(*(Article(name, "Kettle", source=source) for name, source in sources.items()))
    assert found(index, "kettle", source="wire") == {"a"}
    assert found(index, "kettle", source="news/wire") == {"b"}
    assert found(index, "kettle", source=["wire", "blog"]) == {"a", "c"}


@pytest.mark.parametrize("language", ["pt_BR", "pt-br", "PT"])
def test_a_language_matches_however_its_tag_is_written(make: Made, language: str) -> None:
    index = make(*(Article(tag, "Chaleira", language=tag) for tag in ("pt_BR", "pt-BR", "de")))
    assert found(index, language=language) == {"pt_BR", "pt-BR"}


FILTERS: list[tuple[dict[str, Any], str]] = [
    ({"since": "2021-11"}, "since:2021-11"),
    ({"until": "2021-03"}, "until:2021-03"),
    ({"since": "2021", "until": "2022-06"}, "date:2021..2022-06"),
    ({"language": "en"}, "lang:en"),
    ({"site": "coast.example"}, "site:coast.example"),
    ({"source": "letters"}, "source:letters"),
    ({"source": "wire"}, "source:wire"),
]


@settings(max_examples=EXAMPLES)
@given(query=QUERIES, chosen=st.sampled_from(FILTERS))
def test_a_filter_means_the_same_as_an_argument_and_as_a_clause(
    archive: Index, query: str, chosen: tuple[dict[str, Any], str]
) -> None:
    arguments, clause = chosen
    inside = found(archive, query, **arguments)
    assert inside == found(archive, query) & found(archive, **arguments)
    # In parentheses that AND joins to something, every word is required; in a query by itself, common words
    # are ignored. The two then ask for different things.
    if not any(note.code == "common_words" for note in archive.search(query).notes):
        assert inside == found(archive, f"({query}) AND {clause}")


SEVERAL_VALUES = st.one_of(
    *(
        st.tuples(st.just(name), st.lists(st.sampled_from(values), min_size=1))
        for name, values in (
            ("language", ["en", "de", "ko", "haw"]),
            ("source", ["wire/coast", "letters", "none"]),
            ("site", ["example", "hills.example", "none"]),
        )
    )
)


@settings(max_examples=EXAMPLES)
@given(query=QUERIES, chosen=SEVERAL_VALUES)
def test_several_values_of_a_filter_find_the_articles_of_any_of_them(
    archive: Index, query: str, chosen: tuple[str, list[str]]
) -> None:
    name, values = chosen
    each = [found(archive, query, **{name: value}) for value in values]
    assert found(archive, query, **{name: values}) == set().union(*each)


@settings(max_examples=EXAMPLES)
@given(query=QUERIES, chosen=st.sampled_from(FILTERS))
def test_a_filter_holds_for_everything_that_a_page_shows_and_counts(
    archive: Index, query: str, chosen: tuple[dict[str, Any], str]
) -> None:
    arguments, _ = chosen
    allowed = found(archive, **arguments)
    page = search(archive, query, facets=["language"], timeline="year", **arguments)
    named = {name for hit in page.hits for name in near_duplicates(hit)}
    assert {*ids(page.hits), *named} <= allowed
    assert sum(facet(page, "language").values()) == page.total <= len(allowed)
    assert page.timeline is not None
    dated = sum(bar.articles for bar in page.timeline.bars)
    assert dated + page.timeline.inexact + page.timeline.undated == page.total


def test_partial_matches_and_near_duplicates_stay_within_the_filter(archive: Index) -> None:
    page = search(archive, "weathercock zeppelin", source="wire")
    (hit,) = page.hits
    assert partial_matches(page) == [hit.article.id]
    assert {hit.article.id, *near_duplicates(hit)} == {"storm", "storm-copy"}
    assert matches(search(archive, "weathercock", source="letters")) == ["storm-edit"]


@pytest.mark.parametrize(
    "arguments",
    [
        {"since": "soon"},
        {"since": "2021-13"},
        {"sort": "size"},
        {"limit": -1},
        {"offset": -1},
        {"facets": "weight"},
        {"timeline": "hour"},
        {"half_life": 0},
        {"seconds": 0},
        {"source": 7},
        {"language": ["en", None]},
    ],
)
def test_an_invalid_argument_is_refused_by_name(archive: Index, arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        search(archive, "harbour", **arguments)
