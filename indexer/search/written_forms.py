"""The forms in which words are written in the texts of an index, whose lexicon has them normalized."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np

from indexer.engine import Ids, Snapshot
from indexer.text.analyzer import Analyzer
from indexer.text.normalization import normalize

_MIN_TEXTS = 3  # texts that are read at least


def choose_documents(docs: Ids, most: int) -> Ids:
    """At most `most` of the documents, evenly spaced."""
    return docs[np.arange(most) * len(docs) // most] if len(docs) > most else docs


def sample_texts(snapshot: Snapshot, docs: Ids, most: int) -> Iterator[str]:
    """The texts of at most `most` of the documents, evenly spaced, each read only when needed."""
    return map(snapshot.text_of, choose_documents(docs, most).tolist())


def find_written_form(words: Analyzer, word: str, texts: Iterable[str]) -> str:
    """The form in which the texts have a normalized word most often, with accents; see `prefer_common_form`.

    Texts are read until the word was seen in another form than all capitals. The first word of a text does
    not count, since it is capitalized anyway.
    """
    wanted = (word,)
    found: Counter[str] = Counter()
    first: Counter[str] = Counter()
    for number, text in enumerate(texts, 1):
        surfaces = words.split_surfaces(text)
        for seen, own in ((first, surfaces[:1]), (found, surfaces[1:])):
            for surface, times in Counter(own).items():
                if words.analyze_surface(surface)[1] == wanted:
                    seen[surface] += times
        if number >= _MIN_TEXTS and not all(map(str.isupper, found)):
            break
    return prefer_common_form(word, found or Counter(map(str.lower, first.elements())))


def prefer_common_form(normalized: str, found: Counter[str]) -> str:
    """The form in which to show a normalized word or phrase; `found` counts the forms that were seen.

    Lower case wins if it was seen at all, since sentences capitalize their first word. All capitals lose to
    any other form, since headlines may be set so.
    """
    small = {surface: count for surface, count in found.items() if surface == surface.lower()}
    mixed = {surface: count for surface, count in found.items() if surface != surface.upper()}
    best = Counter(small or mixed or found).most_common()
    return next((surface for surface, _ in best if normalize(surface) == normalized), normalized)


def match_case(writing: str, before: str) -> str:
    """The words in lower case where the text before them is: "hong k" is completed to "hong kong".

    Words in all capitals, such as "TV", stay.
    """
    if not before.islower():
        return writing
    return " ".join(word if word.isupper() else word.lower() for word in writing.split(" "))
