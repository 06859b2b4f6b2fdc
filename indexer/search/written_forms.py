"""How words are written in the texts of an index, whose lexicon has them folded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np

from indexer.engine import Ids, Snapshot
from indexer.text.analyzer import Analyzer
from indexer.text.normalization import normalize

_ENOUGH = 3  # texts that show how a word is written


def sample_texts(snapshot: Snapshot, docs: Ids, most: int) -> Iterator[str]:
    """The texts of at most so many of the documents, evenly spaced, each read when it is asked for."""
    if len(docs) > most:
        docs = docs[np.arange(most) * len(docs) // most]
    return map(snapshot.text_of, docs.tolist())


def find_written_form(words: Analyzer, word: str, texts: Iterable[str]) -> str:
    """A folded word as the texts have it most often, with its accents; see `nicest`.

    No more of the texts are read than it takes to see it in other than capitals. The capital of a text's
    first word says nothing.
    """
    wanted = (word,)
    found: Counter[str] = Counter()
    first: Counter[str] = Counter()
    for number, text in enumerate(texts, 1):
        surfaces = words.split_surfaces(text)
        for seen, own in ((first, surfaces[:1]), (found, surfaces[1:])):
            # Each is looked at once, however often it stands there.
            for surface, times in Counter(own).items():
                if words.analyze_surface(surface)[1] == wanted:
                    seen[surface] += times
        if number >= _ENOUGH and not all(map(str.isupper, found)):
            break
    return prefer_common_form(word, found or Counter(map(str.lower, first.elements())))


def prefer_common_form(normalized: str, found: Counter[str]) -> str:
    """How to show a normalized word or phrase, of the ways in which it was written, by how often each was.

    In small letters if it is anywhere: elsewhere a sentence begins with it. In nothing but capitals only if
    it never is in others: a headline may be set so.
    """
    small = {surface: count for surface, count in found.items() if surface == surface.lower()}
    mixed = {surface: count for surface, count in found.items() if surface != surface.upper()}
    best = Counter(small or mixed or found).most_common()
    return next((surface for surface, _ in best if normalize(surface) == normalized), normalized)


def match_case(writing: str, before: str) -> str:
    """How words are shown after what was typed before them: in small letters where that has no others.

    Who types "hong k" wants no "hong Kong". What stands in nothing but capitals, such as "TV", stays.
    """
    if not before.islower():
        return writing
    return " ".join(word if word.isupper() else word.lower() for word in writing.split(" "))
