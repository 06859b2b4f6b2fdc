"""Phrases: which words are counted after which others, and which of these phrases are kept."""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
import pytest

from indexer.engine.format.phrases import FormSequence, Phrases, find_phrases

# Two forms of each stem; the last two words are common.
WORDS = ["bank", "banks", "crane", "cranes", "mill", "mills", "river", "rivers", "of", "the"]
STEMS = np.array([0, 0, 1, 1, 2, 2, 3, 3, 4, 5])
COMMON = np.array([word in ("of", "the") for word in WORDS])
Found = dict[tuple[str, ...], int]


def find(texts: Sequence[Sequence[str]], documents: int, max_keys: int = 2**20) -> Found:
    """The phrases of texts, of which there are said to be so many: a stem and the words after it."""
    sequence = FormSequence(np.array([*map(len, texts)]))
    for number, text in enumerate(texts):
        forms = np.array([WORDS.index(word) for word in text], np.int64)
        sequence.add(np.full(len(text), number), np.arange(len(text)), forms)
    return read(find_phrases(sequence, STEMS, COMMON, 6, documents, max_keys=max_keys))


def read(phrases: Phrases) -> Found:
    """The phrases, each with its count."""
    found: Found = {}
    for stem in range(6):
        for length, end, count in zip(*phrases.of(stem), strict=True):
            words = [WORDS[form] for form in phrases.forms[end - length : end].tolist()]
            found[(WORDS[2 * stem], *words)] = int(count)
    assert len(found) == len(phrases.counts)
    return found


def expect(texts: Sequence[Sequence[str]], least: int) -> Found:
    """The same by plain loops."""
    counts: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    stems = Counter(stem_of(word) for text in texts for word in text)
    total = stems.total()
    for text in texts:
        for place, word in enumerate(text):
            if is_common(word):
                continue
            for end in range(place + 1, min(place + 4, len(text))):
                between = tuple(text[place + 1 : end])
                if not is_common(text[end]):
                    counts[stem_of(word), *between, stem_of(text[end])][text[end]] += 1
                    break
                if not between:
                    counts[stem_of(word), text[end]][text[end]] += 1
    kept = {}
    for (first, *links, last), own in counts.items():
        count = own.total()
        chance = stems[first] * stems[last]
        cohesion = math.log(count * total / chance) / math.log(total / count)
        needed = 0.5 if count < least else 0.3 if links or is_common(last) else 0
        if cohesion > needed:
            kept[first, *links, min(own, key=lambda word: (-own[word], word))] = count
    return kept


def stem_of(word: str) -> str:
    return word.removesuffix("s")


def is_common(word: str) -> bool:
    return word in ("of", "the")


def test_a_phrase_is_a_word_and_the_next_that_is_not_common() -> None:
    texts = ["bank of the river", "crane mill", "mill the", "of crane", "river of the of bank"]
    assert find([text.split() for text in texts], 5) == {
        ("bank", "of", "the", "river"): 1,
        ("crane", "mill"): 1,
        ("mill", "the"): 1,
    }


def test_the_forms_of_the_last_word_are_one_phrase_with_the_most_frequent_of_them() -> None:
    texts = [["crane", "mills"], ["cranes", "mill"], ["crane", "mills"], ["of", "bank"], ["river", "the"]]
    assert find(texts, 5)["crane", "mills"] == 3


@pytest.mark.parametrize(("documents", "least"), [(999, 1), (1000, 2), (299_999, 2), (300_000, 3)])
@pytest.mark.parametrize("max_keys", [1, 2**20])
def test_phrases_by_chance_and_rare_ones_are_dropped(documents: int, least: int, max_keys: int) -> None:
    chance = random.Random(7)
    weights = [20, 9, 1, 1, 5, 1, 3, 1, 60, 40]
    texts = [chance.choices(WORDS, weights, k=chance.randrange(12)) for _ in range(9)]
    assert find(texts, documents, max_keys) == expect(texts, least)


def test_many_texts_have_the_phrases_of_each() -> None:
    chance = random.Random(8)
    # More words than are looked at in one go.
    texts = [chance.choices(WORDS, k=10) + ["bank", "river"] * 3 for _ in range(5000)]
    assert find(texts, 5000) == expect(texts, 2)
