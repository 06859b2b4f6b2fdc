"""The most frequent words of an index: what misspelt ones are compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.engine.spellings import Spellings
from indexer.engine.view import SegmentView
from indexer.text.unspaced import is_unspaced

MOST_WORDS = 50_000
_SAMPLE = 4096  # occurrences of a stem that are looked at to tell which of its words is written most


class Vocabulary:
    """Words of letters only, folded, and about how many paragraphs each is found in."""

    def __init__(self, views: Sequence[SegmentView]) -> None:
        self._views = views
        self.frequencies: Mapping[str, int] = _most_frequent(views)
        self._spellings = Spellings(list(self.frequencies))

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
