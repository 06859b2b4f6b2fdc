"""Dates among the words of a query: which are found, and what the query is without them."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.query import find_typed_dates

TODAY = date(2026, 6, 1)


@pytest.mark.parametrize(
    ("query", "typed", "value", "rest"),
    [
        ("2008-11-05", "2008-11-05", "2008-11-05", ""),
        ("November 5, 2008", "November 5, 2008", "2008-11-05", ""),
        ("July 2008", "July 2008", "2008-07", ""),
        ("cocoa prices 1987", "1987", "1987", "cocoa prices"),
        ("news in July 2008", "July 2008", "2008-07", "news"),
        ("flood 05/03/2024", "05/03/2024", "2024-03-05", "flood"),
        ("Wahl 5. März 2019", "5. März 2019", "2019-03-05", "Wahl"),
        ("ley 5 de marzo de 2019", "5 de marzo de 2019", "2019-03-05", "ley"),
        ("疫苗 2019年3月5日", "2019年3月5日", "2019-03-05", "疫苗"),
        ('"cocoa prices" source:wire 1987?', "1987", "1987", '"cocoa prices" source:wire'),
    ],
)
def test_a_date_typed_plainly_is_found(query: str, typed: str, value: str, rest: str) -> None:
    (found,) = find_typed_dates(query, TODAY)
    assert (found.text, found.value, found.rest) == (typed, value, rest)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "cocoa",
        "date:2008",
        "date:July 2008 cocoa",
        "cocoa since 1987",
        "crane between 1990 and 2000",
        '"1987"',
        "-1987",
        "+1987",
        "cocoa OR 1987",
        "NOT 1987",
        "(cocoa 1987)",
        "0123",
        "4000 jobs",
        "2027",
        "1987-1990",
        "1987..1990",
        "last week",
        "12345",
        "F-1987",
        "word " * 20 + "1987",
    ],
)
def test_what_is_part_of_something_else_is_no_date(query: str) -> None:
    assert find_typed_dates(query, TODAY) == []


def test_each_of_several_dates_is_found() -> None:
    found = find_typed_dates("cocoa 1987 1988", TODAY)
    assert [(typed.value, typed.rest) for typed in found] == [("1987", "cocoa 1988"), ("1988", "cocoa 1987")]


@given(st.text(max_size=60) | st.from_regex(r"\A(?:[\w\"():,.-]{1,8} ){0,4}\d{4}(?: \w{1,8})?\Z"))
def test_no_text_makes_it_fail(text: str) -> None:
    for typed in find_typed_dates(text, TODAY):
        assert typed.text in text
