"""The most frequent words of an index: what misspelt ones are compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_

import numpy as np
from numpy.typing import NDArray

from indexer.engine.read.deadline import NO_DEADLINE, Deadline
from indexer.engine.read.segment import SegmentView
from indexer.text.unspaced import is_unspaced

MOST_WORDS = 50_000
_SAMPLE = 4096  # occurrences of a stem that are looked at to tell which of its words is written most


class Vocabulary:
    """Words of letters only, folded, and about how many paragraphs each is found in."""

    def __init__(self, views: Sequence[SegmentView]) -> None:
        self._views = views
        self.frequencies: Mapping[str, int] = _most_frequent(views)
        self._spellings = FuzzyIndex(list(self.frequencies))

    def near(self, word: str, edits: int) -> list[str]:
        """The words at most so many edits (a swap of neighbours counts one) from a word, ascending."""
        return self._spellings.near(word, edits)

    def written(self, word: str) -> int:
        """About how many paragraphs have a word as it is written, not only its stem; 0 if it is unknown."""
        total = 0
        for view in self._views:
            number = view.words.find(word)
            if number is None:
                continue
            section = view.file.sections
            begin, end = section["word.starts"][number : number + 2].tolist()
            stems = section["word.stems"][begin:end].tolist()
            for stem, variant in zip(stems, section["word.variants"][begin:end].tolist(), strict=True):
                documents = sum(
                    int(section[f"{field}.starts"][stem + 1]) - int(section[f"{field}.starts"][stem])
                    for field in ("paragraph", "title")
                )
                share = float(share_of_stem(view, stem)[variant])
                total += max(1, round(documents * share)) if documents else 0
        return total


def share_of_stem(view: SegmentView, stem: int) -> NDArray[np.float64]:
    """How the occurrences of a stem are shared among its words, by variant: float64, adds up to 1."""
    section = view.file.sections
    starts = section["stem.starts"]
    counts = np.zeros(int(starts[stem + 1]) - int(starts[stem]))
    for field in ("paragraph", "title"):
        edges = section[f"{field}.occurrences"]
        begin, end = int(edges[stem]), int(edges[stem + 1])
        seen = section[f"{field}.variants"][begin : min(end, begin + _SAMPLE)]
        found = np.bincount(seen, minlength=len(counts))
        if len(found) > len(counts):
            view.fields[field].refuse_variants()
        counts += found
    shares: NDArray[np.float64] = counts / max(counts.sum(), 1.0)
    return shares


def _most_frequent(views: Sequence[SegmentView]) -> dict[str, int]:
    found: dict[str, int] = {}
    for view in views:
        section = view.file.sections
        if not len(view.words):
            continue
        documents = np.zeros(len(view.stems), np.int64)
        for field in ("paragraph", "title"):
            edges = section[f"{field}.starts"].astype(np.int64)
            documents += edges[1:] - edges[:-1]
        weights = np.maximum.reduceat(documents[section["word.stems"]], section["word.starts"][:-1])
        words = view.words.words()
        if len(weights) > MOST_WORDS:
            best = np.argpartition(-weights, MOST_WORDS)[:MOST_WORDS]
            words, weights = [words[number] for number in best.tolist()], weights[best]
        letters = (
            (word, count) for word, count in zip(words, weights.tolist(), strict=True) if word.isalpha()
        )
        for word, count in letters if found else ():
            found[word] = found.get(word, 0) + count
        found = found or dict(letters)
    if not all(map(str.isascii, found)):
        found = {word: count for word, count in found.items() if not is_unspaced(word)}
    return found


class FuzzyIndex:
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

    def near(self, word: str, distance: int, deadline: Deadline = NO_DEADLINE) -> list[str]:
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
