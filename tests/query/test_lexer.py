"""The tokens of a text: one lexer for the parser and for type-ahead."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.query.lexer import Kind, is_address, is_whole, split_phrase, tokenize
from indexer.query.tree import DateRange

Y2021 = DateRange(datetime(2021, 1, 1), datetime(2022, 1, 1))


def read_dates(field: str, text: str) -> DateRange | None:
    return None if "nonsense" in text else Y2021


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("belt road", [("WORD", "belt"), ("WORD", "road")]),
        ("=a com* w?rd fuz~2 x^3", [("WORD", text) for text in ("=a", "com*", "w?rd", "fuz~2", "x^3")]),
        ("東京、大阪", [("WORD", "東京"), ("WORD", "大阪")]),
        ('ארה"ב', [("WORD", 'ארה"ב')]),
        ('="a b"~2^3 c', [("PHRASE", '="a b"~2^3'), ("WORD", "c")]),
        ("«a “b”» “c", [("PHRASE", "«a “b”»"), ("QUOTE", "“"), ("WORD", "c")]),
        ("Title:a -b", [("FIELD", "Title:"), ("WORD", "a"), ("MINUS", "-"), ("WORD", "b")]),
        ("foo:a title: b", [("WORD", "foo:a"), ("WORD", "title:"), ("WORD", "b")]),
        ("(a)^2)", [("OPEN", "("), ("WORD", "a"), ("CLOSE", ")^2"), ("CLOSE", ")")]),
        ("a AND NEAR/5(", [("WORD", "a"), ("AND", "AND"), ("NEAR", "NEAR/5"), ("OPEN", "(")]),
        ("OR NOT ANDY --c", [("OR", "OR"), ("NOT", "NOT"), ("WORD", "ANDY"), ("WORD", "--c")]),
        ("+a -(b", [("PLUS", "+"), ("WORD", "a"), ("MINUS", "-"), ("OPEN", "("), ("WORD", "b")]),
        ("date:last week a", [("FIELD", "date:"), ("DATES", "last week"), ("WORD", "a")]),
        ("a since 2020!", [("WORD", "a"), ("DATES", "since 2020!")]),
        ("a last week b", [("WORD", text) for text in ("a", "last", "week", "b")]),
        ("a OR last week", [("WORD", "a"), ("OR", "OR"), ("WORD", "last"), ("WORD", "week")]),
    ],
)  # fmt: skip
def test_a_text_is_read_as_tokens(text: str, tokens: list[tuple[str, str]]) -> None:
    found = [token for token in tokenize(text, read_dates) if token.kind is not Kind.SPACE]
    assert [(token.kind.name, token.text) for token in found] == tokens


_WORDS = st.sampled_from(
    ["a", "AND", "NOT", "NEAR", "US", "2024", "last", "Zoë", "東京", "x_y", "a-b", "", "\n"]
)


@given(st.one_of(st.text(), st.lists(_WORDS, max_size=9).map(" ".join)))
def test_words_alone_are_the_tokens_that_they_are_beside_others(text: str) -> None:
    # Where dates are looked for, and none are found, nothing is taken for words alone.
    assert tokenize(text) == tokenize(text, lambda _, __: None)


@pytest.mark.parametrize(
    ("text", "operators"),
    [
        ("EFFECT OF HEAT AND COLD ON BREAD", []),
        ("WHAT IS NOT KNOWN OR SEEN NEAR ROME?", []),
        ("HEAT AND COLD (KELVIN) AND BREAD", []),  # an abbreviation
        ("HEAT (IN ALL OVENS) OF BREAD OR RICE", []),  # no operator beside the parentheses
        ("ÜBER DIE KÄLTE OR DIE HITZE", []),
        ("HEAT AND COLD OF BREAD SINCE 2021", []),
        ("US OR UK", ["OR"]),
        ("BREAD AND RICE OR CORN", ["AND", "OR"]),  # three words
        ("疫苗 OR 病毒 OR 医院 OR 医生 OR 药", ["OR"] * 4),  # without capitals
        ("Effect OF HEAT AND COLD ON BREAD", ["AND"]),
        ("EFFECT OF HEAT AND COLD ON ßBREAD", ["AND"]),
        ("(EFFECT OF HEAT) AND COLD BREAD", ["AND"]),
        ("COLD BREAD AND (HEAT OF OVENS)", ["AND"]),
        ("COLD BREAD (HEAT AND OVENS)", ["AND"]),
        ("COLD BREAD OR RICE -(HEAT OVENS)", ["OR"]),
        ('EFFECT OF "HEAT" AND COLD BREAD', ["AND"]),
        ("EFFECT OF HEAT AND COLD BREAD”", ["AND"]),
        ("TITLE:EFFECT OF HEAT AND COLD BREAD", ["AND"]),
        ("EFFECT OF HEAT NEAR/3 BREAD", ["NEAR/3"]),  # nobody writes a number so
    ],
)
def test_a_question_in_capitals_has_no_operators(text: str, operators: list[str]) -> None:
    kinds = (Kind.AND, Kind.OR, Kind.NOT, Kind.NEAR)
    assert [token.text for token in tokenize(text, read_dates) if token.kind in kinds] == operators


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("https://news.example/new?x=1", True),
        ("www.news.example", True),
        ("news.example/new", True),
        ("new.desk@news.example", True),
        ("a+b@news.example,", True),
        ("WWW.NEWS.EXAMPLE", True),
        ("news.example", False),  # also a sentence's end without the space
        ("@desk", False),
        ("R&D", False),
        ("either/or", False),
        ("a@b", False),
        ("covid-19", False),
    ],
)
def test_an_address_is_known_by_its_form(word: str, expected: bool) -> None:
    assert is_address(word) == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("2008-11-05", True),
        ("5.11.2008", True),
        ("020-79460-123", True),
        ("a@news.example", True),
        ("1914-1918", False),  # each is a year
        ("covid-19-20", False),
        ("1987", False),
    ],
)
def test_a_row_of_three_numbers_or_more_is_whole(word: str, expected: bool) -> None:
    assert is_whole(word) == expected


def test_words_are_dates_only_if_they_can_be_read_as_dates() -> None:
    assert [token.dates for token in tokenize("a last week", read_dates)] == [None, None, Y2021]
    without = [token.kind for token in tokenize("a last week")]
    assert without == [token.kind for token in tokenize("a last week", lambda field, text: None)]
    assert Kind.DATES not in without


@given(st.text() | st.text("ab()+-*~:=^\"“”'.,、 0ANDORTlast week", max_size=60))
def test_the_tokens_cover_any_text_without_gaps(text: str) -> None:
    tokens = tokenize(text, read_dates)
    assert "".join(token.text for token in tokens) == text
    assert all(text[token.start : token.end] == token.text != "" for token in tokens)
    for token in tokens:
        if token.kind is Kind.PHRASE:
            assert split_phrase(token.text).text in token.text


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ('"a b"', ("a b", 1, False, 1.0)),
        ('="a  b"~3', ("a  b", 3, True, 1.0)),
        ("“a 'b' \"c”~^1.5", ("a 'b' \"c", 1, False, 1.5)),
        ('""~0', ("", 0, False, 1.0)),
    ],
)
def test_a_phrase_is_taken_apart(text: str, phrase: tuple[str, int, bool, float]) -> None:
    found = split_phrase(text)
    assert (found.text, found.slop, found.is_exact, found.boost) == phrase
