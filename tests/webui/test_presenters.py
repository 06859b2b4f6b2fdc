from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.article import Published
from webui.presenters import date_text, language_tag, pieces


def test_a_date_tells_where_it_was_found_and_what_disagreed() -> None:
    found = Published("2021-11-05", "day", "dateline", (("2021-11-04", "url"),), "day before month assumed")
    date = date_text(found)
    assert (date.value, date.machine) == ("2021-11-05", "2021-11-05")
    assert date.place == "found in the dateline"
    assert date.others == (("2021-11-04", "found in the address"),)
    assert date.note == "day before month assumed"
    assert date_text(Published("2021", "year", "a stone")).place == "a stone"
    assert date_text(Published("2021", "year")).place == ""


def test_a_date_that_is_none_is_shown_as_it_stands() -> None:
    date = date_text(Published("soon", "day"))
    assert (date.value, date.machine) == ("soon", "")


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([], [("one two three", False)]),
        ([(0, 3)], [("one", True), (" two three", False)]),
        ([(4, 7), (0, 3)], [("one", True), (" ", False), ("two", True), (" three", False)]),
        ([(8, 13)], [("one two ", False), ("three", True)]),
        ([(0, 5), (2, 7)], [("one t", True), ("wo", True), (" three", False)]),
        ([(8, 99), (40, 50), (3, 3)], [("one two ", False), ("three", True)]),
    ],
)
def test_a_text_is_cut_at_its_spans(spans: list[tuple[int, int]], expected: list[tuple[str, bool]]) -> None:
    assert list(pieces("one two three", spans)) == expected


@given(st.text(), st.lists(st.tuples(st.integers(-5, 40), st.integers(-5, 40))))
def test_the_pieces_of_a_text_are_the_text(text: str, spans: list[tuple[int, int]]) -> None:
    assert "".join(piece for piece, _ in pieces(text, spans)) == text


@pytest.mark.parametrize(
    ("language", "tag"),
    [("en", "en"), ("zh_Hant", "zh-Hant"), (None, None), ("", None), ('"><b>', None), ("english (UK)", None)],
)
def test_a_language_is_an_attribute_only_where_it_is_a_tag(language: str | None, tag: str | None) -> None:
    assert language_tag(language) == tag
