"""A search request: what its fields may be, and how an error names the invalid one."""

from __future__ import annotations

import pickle
from datetime import date, datetime
from typing import Any

import pytest

from indexer import InvalidRequest, SearchRequest
from indexer.search.request import FILTERS

TODAY = date(2024, 6, 15)


def test_one_value_or_several_are_values_without_blanks_or_repetitions() -> None:
    request = SearchRequest.from_keywords(
        "crane", source=" wire ", site=iter(["a.example", "a.example", " "]), language=None, facets="year"
    )
    assert request.filters == {"source": ("wire",), "site": ("a.example",)}
    assert request.facets == ("year",)


def test_empty_texts_and_flags_that_are_off_ask_for_nothing() -> None:
    request = SearchRequest.from_keywords("", since="", until=None, cursor="", undated=False, timeline=False)
    assert request == SearchRequest()


def test_both_dates_are_included() -> None:
    request = SearchRequest(since="2021-03", until="2021-11")
    assert request.period(TODAY, day_first=True) == (datetime(2021, 3, 1), datetime(2021, 12, 1))
    assert SearchRequest(until="yesterday").period(TODAY, day_first=True) == (None, datetime(2024, 6, 15))


def test_a_search_without_some_of_its_dates_and_filters_keeps_the_others() -> None:
    request = SearchRequest.from_keywords("crane", since="2020", until="2021", source="wire", undated=True)
    assert request.without(("until", "source")) == SearchRequest.from_keywords(
        "crane", since="2020", undated=True
    )


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"sort": "best"}, "sort: must be relevance, newest, oldest or title; not “best”"),
        (
            {"facets": ["year", "title"]},
            "facets: must be one or more of year, month, day, source, site, language, author, section, tag, "
            "publisher; not “title”",
        ),
        ({"timeline": 7}, "timeline: must be auto, day, week, month or year; not 7"),
        ({"half_life": 0}, "half_life: must be a number of days above 0; not 0"),
        (
            {"half_life": 30, "sort": "newest"},
            "half_life: can only be used when sorting by relevance; not “newest”",
        ),
        ({"undated": "1"}, "undated: must be True or False; not “1”"),
        ({"collapse": None}, "collapse: must be True or False; not None"),
        ({"prefix": 1}, "prefix: must be True or False; not 1"),
        ({"source": [1]}, "source: must be text; not 1"),
        (
            {"language": ["en", "klingon"]},
            "language: must be the code of a language, such as en or pt-BR; not “klingon”",
        ),
        (
            {"filters": {"title": "x"}},
            "filters: must be one or more of source, site, language, author, section, tag, publisher, "
            "filter, undated; not “title”",
        ),
        (
            {"cursor": "x", "offset": 10},
            "offset: must be 0 with a cursor, which has a position of its own; not 10",
        ),
        (
            {"offset": 9_000, "limit": 2_000},
            "offset: must be at most 10,000 together with the limit; not 11,000. To go deeper, use the "
            "cursor of a page, or filter, for instance by date.",
        ),
    ],
)
def test_an_invalid_value_is_refused_by_the_name_of_its_field(keywords: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        SearchRequest(**keywords) if "filters" in keywords else SearchRequest.from_keywords("x", **keywords)
    assert str(caught.value) == message
    assert caught.value.field == message.partition(":")[0]


def test_a_caller_may_name_the_field_as_its_users_do() -> None:
    with pytest.raises(InvalidRequest) as caught:
        SearchRequest.from_keywords("x", facets="title")
    renamed = caught.value.rename_field({"facets": "--facet"})
    assert str(renamed).startswith("--facet: must be one or more of year")
    assert str(pickle.loads(pickle.dumps(renamed))) == str(renamed)


def test_an_unknown_keyword_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="desk"):
        SearchRequest.from_keywords("x", desk="y")


def test_every_filter_says_what_it_does() -> None:
    assert all(kind.description.endswith(".") for kind in FILTERS.values())
