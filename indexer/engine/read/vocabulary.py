"""The most frequent words of an index, and fuzzy matching: for spelling suggestions and fuzzy queries."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import reduce
from itertools import compress
from operator import or_
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.engine.read.deadline import NO_DEADLINE, Deadline
from indexer.engine.read.segment import SegmentView
from indexer.text.unspaced import is_unspaced

MAX_WORDS = 50_000


class Vocabulary:
    """The most frequent words of letters only, normalized, and roughly how many paragraphs have each."""

    def __init__(self, views: Sequence[SegmentView]) -> None:
        self._views = views
        self.frequencies: Mapping[str, int] = _count_words(views)
        self._fuzzy_index = FuzzyIndex(list(self.frequencies), self.frequencies)

    def find_near(self, word: str, distance: int, *, min_frequency: int = 0) -> list[tuple[str, int]]:
        """The words at most `distance` edits from a word, as `FuzzyIndex.find` finds them."""
        return self._fuzzy_index.find(word, distance, min_frequency=min_frequency)

    def estimate_frequency(self, word: str) -> int:
        """Roughly how many paragraphs have exactly this word, not only its stem; 0 if it is unknown."""
        total = 0
        for view in self._views:
            number = view.words.find(word)
            if number is None:
                continue
            _, stems, variants = view.list_forms(range(number, number + 1))
            counts = view.count_postings(stems).tolist()
            for stem, variant, documents in zip(stems.tolist(), variants.tolist(), counts, strict=True):
                share = float(view.estimate_shares(stem)[variant])
                total += max(1, round(documents * share)) if documents else 0
        return total


def _count_words(views: Sequence[SegmentView]) -> dict[str, int]:
    found: dict[str, int] = {}
    for view in views:
        if not len(view.words):
            continue
        weights = view.word_frequencies()
        words = view.list_words()
        if len(weights) > MAX_WORDS:
            best = np.argpartition(-weights, MAX_WORDS)[:MAX_WORDS]
            words, weights = [words[number] for number in best.tolist()], weights[best]
        counts = compress(zip(words, weights.tolist(), strict=True), map(str.isalpha, words))
        for word, count in counts if found else ():
            found[word] = found.get(word, 0) + count
        found = found or dict(counts)
    if not all(map(str.isascii, found)):
        found = {word: count for word, count in found.items() if not is_unspaced(word)}
    return found


class FuzzyIndex:
    """Words by their length, each with the set of its letters as bits; safe to share between threads.

    One edit changes at most two letters of the set, so that nearly all words are ruled out by their sets,
    without being compared letter by letter. Letters whose code points differ by 32 share a bit, which rules
    out a few words less and never a right one.
    """

    def __init__(self, words: Sequence[str], frequencies: Mapping[str, int] | None = None) -> None:
        self._frequencies = frequencies or {}
        self._words: dict[int, list[str]] = {}
        for word in words:
            self._words.setdefault(len(word), []).append(word)
        self._sorted: dict[int, _SortedWords] = {}

    def find(
        self, word: str, distance: int, deadline: Deadline = NO_DEADLINE, *, min_frequency: int = 0
    ) -> list[tuple[str, int]]:
        """The words at most `distance` edits from a word, ascending, each with its edits.

        A swap of neighbours is one edit. Words with less than `min_frequency` are ignored. Raises TimedOut.
        """
        found: list[tuple[str, int]] = []
        letters = np.uint32(reduce(or_, (1 << (ord(letter) & 31) for letter in word), 0))
        for length in range(max(len(word) - distance, 1), len(word) + distance + 1):
            if length not in self._words:
                continue
            deadline.check()
            if length not in self._sorted:
                # If two threads race for it, both make the same.
                self._sorted[length] = _sort_words(self._words[length], self._frequencies)
            own = self._sorted[length]
            start = bisect_left(own.frequencies, min_frequency) if min_frequency else 0
            indices = (np.bitwise_count(own.letters[start:] ^ letters) <= 2 * distance).nonzero()[0]
            if len(indices):
                found += _measure(word, [*map(own.words.__getitem__, (indices + start).tolist())], distance)
        return sorted(found)


class _SortedWords(NamedTuple):
    """Words of one length, ascending by frequency, and the set of the letters of each."""

    words: list[str]
    frequencies: list[int]
    letters: NDArray[np.uint32]


def _sort_words(words: Sequence[str], frequencies: Mapping[str, int]) -> _SortedWords:
    ordered = sorted(words, key=frequencies.__getitem__) if frequencies else [*words]
    return _SortedWords(ordered, [frequencies.get(word, 0) for word in ordered], _make_letter_sets(ordered))


def _measure(word: str, others: Sequence[str], distance: int) -> list[tuple[str, int]]:
    """The others that are at most `distance` edits from a word, each with its edits."""
    # Imported here, because many processes never need it.
    from rapidfuzz.distance import OSA
    from rapidfuzz.process import extract

    near = extract(word, others, scorer=OSA.distance, score_cutoff=distance, limit=None)
    return [(match, int(edits)) for match, edits, _ in near]


def _make_letter_sets(words: Sequence[str]) -> NDArray[np.uint32]:
    """The set of the letters of each word (all of one length, not 0): a bit for each code point modulo 32."""
    points = np.frombuffer("".join(words).encode("utf-32-le"), "<u4").reshape(len(words), -1)
    letters: NDArray[np.uint32] = np.bitwise_or.reduce(np.uint32(1) << (points & np.uint32(31)), axis=1)
    return letters
