"""Other spellings and forms of English words."""

from __future__ import annotations

import pytest

from indexer.text.analyzer import get_analyzer
from indexer.text.variants import list_variants


def _stem(word: str) -> str:
    return get_analyzer("en").tokenize(word)[0].stem


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("colour", "color"),
        ("neighbourhood", "neighborhood"),
        ("nationalisation", "nationalization"),
        ("organised", "organized"),
        ("analyse", "analyze"),
        ("centre", "center"),
        ("kilometres", "kilometer"),
        ("travelling", "traveling"),
        ("defence", "defense"),
        ("programme", "program"),
        ("paediatrician", "pediatrician"),
        ("haemorrhage", "hemorrhage"),
        ("grey", "gray"),
    ],
)
def test_british_and_american_spellings_find_each_other(word: str, other: str) -> None:
    assert other in list_variants(word)
    assert _stem(word) in map(_stem, list_variants(other))


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("crisis", "crises"),
        ("woman", "women"),
        ("spokesman", "spokesmen"),
        ("buy", "bought"),
        ("written", "wrote"),
        ("criteria", "criterion"),
        ("knives", "knife"),
    ],
)
def test_irregular_forms_find_each_other(word: str, other: str) -> None:
    assert other in list_variants(word)
    assert _stem(word) in map(_stem, list_variants(other))


def test_other_inflections_of_an_irregular_verb_find_its_past() -> None:
    assert "bought" in list_variants("buying")


@pytest.mark.parametrize("word", ["rose", "met", "fed", "found", "left", "prize", "tour", "filled"])
def test_a_word_that_means_something_else_has_no_variants(word: str) -> None:
    assert list_variants(word) == []


def test_a_form_that_is_a_word_of_its_own_is_found_by_the_others() -> None:
    assert "rose" in list_variants("rise")
