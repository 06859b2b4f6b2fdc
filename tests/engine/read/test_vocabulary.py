"""Fuzzy matching: a word that is ruled out early never matches."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from indexer.engine.read.vocabulary import FuzzyIndex

# Some of them share a bit: they stand 32 apart.
WORDS = st.text(alphabet="abcAB1é東Ň", max_size=6)


@given(
    frequencies=st.dictionaries(WORDS.filter(bool), st.integers(0, 3)),
    word=WORDS,
    distance=st.integers(1, 2),
    least=st.integers(0, 4),
)
def test_fuzzy_matches_equal_a_comparison_with_every_word(
    frequencies: dict[str, int], word: str, distance: int, least: int
) -> None:
    near = [(other, OSA.distance(word, other)) for other in sorted(frequencies)]
    near = [(other, edits) for other, edits in near if edits <= distance]
    assert FuzzyIndex(sorted(frequencies)).find(word, distance) == near
    index = FuzzyIndex([*frequencies], frequencies)
    for _ in range(2):
        found = index.find(word, distance, min_frequency=least)
        assert found == [(other, edits) for other, edits in near if frequencies[other] >= least]


def test_a_lone_surrogate_counts_as_one_letter_in_fuzzy_matches() -> None:
    assert FuzzyIndex(["crane"]).find("cran\ud800", 1) == [("crane", 1)]
