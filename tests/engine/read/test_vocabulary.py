"""Fuzzy matching: a word that is ruled out early never matches."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from indexer.engine.read.vocabulary import FuzzyIndex

# Some of them share a bit: they stand 32 apart.
WORDS = st.text(alphabet="abcAB1é東Ň", max_size=6)


@given(words=st.sets(WORDS.filter(bool)), word=WORDS, distance=st.integers(1, 2))
def test_fuzzy_matches_equal_a_comparison_with_every_word(words: set[str], word: str, distance: int) -> None:
    near = [other for other in sorted(words) if OSA.distance(word, other) <= distance]
    spellings = FuzzyIndex(sorted(words))
    assert spellings.find(word, distance) == near
    assert spellings.find(word, distance) == near


def test_a_lone_surrogate_counts_as_one_letter_in_fuzzy_matches() -> None:
    assert FuzzyIndex(["crane"]).find("cran\ud800", 1) == ["crane"]
