"""Which capitals of a query say something, and which common words count because of them."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from whoosh.query.qcore import Query

from indexer.engine.score.names import find_common_acronyms, find_names, list_kept_words, reads_capitals
from indexer.query import parse_query


def parse(text: str) -> Query:
    return parse_query(text, today=date(2021, 11, 12)).tree


@pytest.mark.parametrize(
    ("text", "is_read"),
    [
        ("US", True),
        ("WHO bird flu", True),
        ("BIRD FLU WARNING", True),
        ("WHO WARNS OF BIRD FLU", False),
        ("WHO 2021 2020 2019 2018", True),
    ],
)
def test_capitals_say_nothing_in_a_long_query_all_in_capitals(text: str, is_read: bool) -> None:
    assert reads_capitals(parse(text)) == is_read


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Will Smith", [("Will", "Smith")]),
        ("films of Will Smith", [("Will", "Smith")]),
        ("Aung San Suu", [("Aung", "San"), ("San", "Suu")]),
        ("will smith", []),
        ("Will", []),
        ("Storm Hits Coast of Wales", []),
        ("songs by Crosby Stills Nash Young", []),
    ],
)
def test_two_or_three_capitalized_neighbours_are_a_name_but_not_those_of_a_headline(
    text: str, names: list[tuple[str, str]]
) -> None:
    assert find_names(parse(text), "en") == names


@pytest.mark.parametrize(
    ("text", "acronyms"),
    [("WHO bird flu", ["WHO"]), ("who bird flu", []), ("NASA bird flu", []), ("WHO WARNS OF FLU", [])],
)
def test_common_words_in_capitals_may_be_acronyms(text: str, acronyms: list[str]) -> None:
    assert [word.text for word in find_common_acronyms(parse(text), ("en", "de"))] == acronyms


def test_common_words_are_kept_where_they_are_acronyms_or_parts_of_names() -> None:
    kept = list_kept_words(("en", "de"), {"WHO": np.array([3.0, 0.0])}, [[("Will", "Smith")], []])
    assert kept == [{"WHO", "Will"}, frozenset()]
