"""Near spellings: the words of a lexicon that are few edits away from another one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_

import numpy as np
from numpy.typing import NDArray

from indexer.engine.deadline import NEVER, Deadline


class Spellings:
    """Words by their length, each with the set of its letters as bits; safe to share between threads.

    One edit changes at most two letters of the set, so that words with another set are passed over without
    being compared letter by letter: nearly all of them. Letters 32 apart share a bit, which lets a few more
    through and loses none.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._words: dict[int, list[str]] = {}
        for word in words:
            self._words.setdefault(len(word), []).append(word)
        self._letters: dict[int, NDArray[np.uint32]] = {}

    def near(self, word: str, distance: int, deadline: Deadline = NEVER) -> list[str]:
        """The words at most `distance` edits (a swap of neighbours counts one) from a word, ascending.

        Raises TimeIsUp.
        """
        # Here, for processes that look for nothing near need none of it.
        from rapidfuzz.distance import OSA
        from rapidfuzz.process import extract

        found: list[str] = []
        own = np.uint32(reduce(or_, (1 << (ord(letter) & 31) for letter in word), 0))
        for length in range(max(len(word) - distance, 1), len(word) + distance + 1):
            words = self._words.get(length)
            if words is None:
                continue
            deadline.check()
            letters = self._letters.get(length)
            if letters is None:
                # Two threads that come at once make the same.
                letters = self._letters[length] = _letters(words)
            places = (np.bitwise_count(letters ^ own) <= 2 * distance).nonzero()[0]
            likely = [words[place] for place in places.tolist()]
            near = extract(word, likely, scorer=OSA.distance, score_cutoff=distance, limit=None)
            found += (one for one, _, _ in near)
        return sorted(found)


def _letters(words: Sequence[str]) -> NDArray[np.uint32]:
    """The set of the letters of each word (all of one length, not 0): a bit for each code point modulo 32."""
    points = np.frombuffer("".join(words).encode("utf-32-le"), "<u4").reshape(len(words), -1)
    letters: NDArray[np.uint32] = np.bitwise_or.reduce(np.uint32(1) << (points & np.uint32(31)), axis=1)
    return letters
