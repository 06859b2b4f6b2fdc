"""Words in capitals and capitalized words."""

from __future__ import annotations

import pytest

from indexer.text.normalization import is_capitalized, is_in_capitals


@pytest.mark.parametrize(
    "word", ["US", "U.S.", "WHO's", "WHO\u2019s", "l'ONU", "l\u2019ONU", "AT&T", "B2B", "ООН", "ÉTAT"]
)
def test_a_word_of_capitals_is_in_capitals(word: str) -> None:
    assert is_in_capitals(word)


@pytest.mark.parametrize("word", ["", "us", "Us", "MPs", "A", "G7", "F-16", "'s", "I'm", "2004", "東京"])
def test_a_word_with_one_capital_or_another_letter_is_not(word: str) -> None:
    assert not is_in_capitals(word)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("Smith", True),
        ("McNeil", True),
        ("BBC", True),
        ("(Smith", True),
        ("smith", False),
        ("2nd", False),
        ("", False),
    ],
)
def test_a_word_is_capitalized_by_its_first_letter(word: str, expected: bool) -> None:
    assert is_capitalized(word) == expected
