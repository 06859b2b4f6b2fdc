"""Near spellings: what is passed over is never near."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from indexer.engine.read.vocabulary import FuzzyIndex

# Some of them share a bit: they stand 32 apart.
WORDS = st.text(alphabet="abcAB1é東Ň", max_size=6)


@given(words=st.sets(WORDS.filter(bool)), word=WORDS, distance=st.integers(1, 2))
def test_what_is_near_is_what_every_word_compared_would_give(
    words: set[str], word: str, distance: int
) -> None:
    near = [other for other in sorted(words) if OSA.distance(word, other) <= distance]
    spellings = FuzzyIndex(sorted(words))
    assert spellings.find(word, distance) == near
    assert spellings.find(word, distance) == near


def test_a_lone_surrogate_is_near_like_any_letter() -> None:
    assert FuzzyIndex(["crane"]).find("cran\ud800", 1) == ["crane"]
