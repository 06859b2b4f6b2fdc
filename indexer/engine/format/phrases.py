"""Phrases: which words follow each word in the texts of a segment, and how often.

A phrase is a word and the next one that is not common, with at most two common words between them, as in
*bank of England*; or a word and the common word right after it, as in *Take That*. They are found in the
postings, so a merged segment has the same phrases as one that is made of the same articles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import DTypeLike, NDArray

from indexer.engine.format.arrays import find_changes
from indexer.engine.format.lexicon import Lexicon
from indexer.engine.format.segment_file import Array, Section, compact, pack
from indexer.files.fork_safe import lazy
from indexer.text.analyzer import get_analyzer, get_tag
from indexer.text.languages import stop_words

MAX_FOLLOWING = 3
"""The most words after the first word of a phrase."""
# From so many documents on, a phrase that occurs once, or twice, is rare.
_WITHOUT_ONCE, _WITHOUT_TWICE = 1000, 300_000
_MIN_COHESION = 0.3  # of phrases with common words, which are nothing to complete a word with
_MIN_RARE = 0.5  # of rare phrases
_UNCOMMON, _COMMON, _OTHER = range(3)
# The parts of a key: the stem of the first word, two common words as bytes, 0 for none, and the last form.
_FORM_BITS, _BYTE = 24, 8
_STEM_SHIFT = np.uint64(_FORM_BITS + 2 * _BYTE)
_MAX_FORMS, _MAX_COMMON = 2**_FORM_BITS - 1, 2**_BYTE - 1
_LAST = np.uint64(_MAX_FORMS)
_MAX_KEYS = 2**22  # phrases that are sorted at once, in 32 MB
_AT_ONCE = 2**15  # numbers that stay in the processor's cache

Numbers = NDArray[np.int64]


class FormSequence:
    """The forms of some texts in the order in which they stand there; `terms` is how many each text has.

    `allocate` returns an array of a size and a type, as `numpy.empty` does.
    """

    def __init__(self, terms: Array, allocate: Callable[[int, DTypeLike], Array] = np.empty) -> None:
        self._first = np.cumsum(terms + np.int64(1)) - terms
        # Shifted by one: 0 stands between texts, and for what was not added.
        self.numbers = allocate(int(terms.sum()) + len(terms) + 1 + MAX_FOLLOWING, np.uint32)
        self.numbers[:] = 0

    def add(self, texts: Array, positions: Array, forms: Array) -> None:
        """Add occurrences: the text of each, its position there, and its form."""
        self.numbers[self._first[texts] + positions] = forms + 1


class Phrases:
    """The phrases of a segment, those of each stem together, by the last words.

    `sizes` has the number of phrases of each stem; `lengths` the number of words after the first one of each
    phrase, and `forms` these words, one phrase after the other; `counts` has how often each occurs.
    """

    def __init__(self, sizes: Numbers, lengths: Array, forms: Array, counts: Array) -> None:
        self.sizes, self.lengths, self.forms, self.counts = sizes, lengths, forms, counts

    @lazy
    def _starts(self) -> Numbers:
        return np.concatenate(([0], np.cumsum(self.sizes)))

    @lazy
    def _ends(self) -> Numbers:
        return np.cumsum(self.lengths, dtype=np.int64)

    def of(self, stem: int) -> tuple[Array, Array, Array]:
        """The phrases of a stem: the length of each, where its words end in `forms`, and its count."""
        own = slice(int(self._starts[stem]), int(self._starts[stem + 1]))
        return self.lengths[own], self._ends[own], self.counts[own]

    def make_sections(self) -> Iterator[Section]:
        """Its sections, without the prefix of their names."""
        yield "sizes", compact(self.sizes)
        yield "lengths", self.lengths
        yield "forms", compact(self.forms)
        for part, array in pack(self.counts).items():
            yield f"counts.{part}", array


def find_common_forms(
    stems: Lexicon, words: Lexicon, stem_of: Array, word_of: Array, languages: Sequence[str]
) -> NDArray[np.bool_]:
    """Which forms are common words of the language that they were analyzed in (bool).

    `stem_of` and `word_of` have the stem and the word of each form.
    """
    found = np.zeros(len(stem_of), np.bool_)
    for language in {get_analyzer(language).language for language in languages}:
        is_wanted = np.zeros(len(words), np.bool_)
        numbers = map(words.find, sorted(stop_words(language)))
        is_wanted[[number for number in numbers if number is not None]] = True
        for form in np.flatnonzero(is_wanted[word_of]).tolist():
            found[form] |= get_tag(stems[int(stem_of[form])]) == language
    return found


def find_phrases(
    sequence: FormSequence,
    stem_of: Array,
    is_common: NDArray[np.bool_],
    stems: int,
    documents: int,
    *,
    max_keys: int = _MAX_KEYS,
) -> Phrases:
    """The phrases of some texts that stand together more often than by chance.

    `stem_of` has the stem of each form, `is_common` whether it is a common word; `stems` and `documents` are
    how many there are. About `max_keys` phrases are sorted at once. Which phrases are kept is decided by
    their normalized pointwise mutual information (Bouma 2009) and how often they occur.
    """
    numbers = sequence.numbers
    found = np.zeros(len(stem_of) + 1, np.int64)
    for start in range(0, len(numbers), _AT_ONCE):
        found += np.bincount(numbers[start : start + _AT_ONCE], minlength=len(found))
    found[0] = 0
    stem_counts = np.bincount(stem_of, found[1:], minlength=stems).astype(np.float64)
    least = 1 + (documents >= _WITHOUT_ONCE) + (documents >= _WITHOUT_TWICE)
    # Of the common words, the most frequent.
    common = np.flatnonzero(is_common & (found[1:] > 0)) + 1
    common = np.sort(common[np.argsort(-found[common], kind="stable")][:_MAX_COMMON])
    kinds = np.full(len(found), _OTHER, np.uint8)
    kinds[1:][~is_common] = _UNCOMMON
    kinds[common] = _COMMON
    kinds[_MAX_FORMS + 1 :] = _OTHER
    codes = np.zeros(len(found), np.uint64)
    codes[common] = np.arange(1, len(common) + 1)
    heads = np.zeros(len(found), np.uint64)
    heads[1:] = stem_of.astype(np.uint64) << _STEM_SHIFT
    # Only the phrases of some stems are sorted at a time, to save memory.
    firsts = np.bincount(stem_of, found[1:] * (kinds[1:] == _UNCOMMON), minlength=stems)
    starts = np.concatenate(([0], np.cumsum(firsts, dtype=np.int64)))
    inner = np.searchsorted(starts, np.arange(max_keys, starts[-1], max_keys))
    parts = [(np.empty(0, np.uint64), np.empty(0, np.int64))]
    for low, high in pairwise(np.unique([0, *inner.tolist(), stems]).tolist()):
        # A word begins two phrases at most.
        keys, size = np.empty(2 * int(starts[high] - starts[low]), np.uint64), 0
        for start in range(0, len(numbers) - MAX_FOLLOWING, _AT_ONCE):
            own = _list_keys(numbers[start : start + _AT_ONCE + MAX_FOLLOWING], kinds, codes, heads)
            if high - low < stems:
                first = own >> _STEM_SHIFT
                own = own[(first >= np.uint64(low)) & (first < np.uint64(high))]
            keys[size : size + len(own)] = own
            size += len(own)
        keys = keys[:size]
        keys.sort()
        heads_of = np.unique(keys[::_AT_ONCE] >> _STEM_SHIFT) << _STEM_SHIFT
        for own in np.split(keys, np.searchsorted(keys, heads_of[1:])):
            parts.append(_count_keys(own, stem_of, stem_counts, kinds, least))
    every, counts = (np.concatenate(part) for part in zip(*parts, strict=True))
    words = np.zeros((len(every), MAX_FOLLOWING), np.int64)
    for place, codes_of in enumerate((_read_byte(every, 1), _read_byte(every, 0))):
        words[:, place] = np.concatenate(([0], common))[codes_of]
    words[:, -1] = every & _LAST
    is_word = words > 0
    sizes = np.bincount((every >> _STEM_SHIFT).astype(np.int64), minlength=stems)
    return Phrases(sizes, is_word.sum(axis=1).astype(np.uint8), words[is_word] - 1, counts)


def _list_keys(numbers: Array, kinds: Array, codes: Array, heads: Array) -> NDArray[np.uint64]:
    """A key for each phrase in a part of a sequence, whose last MAX_FOLLOWING numbers begin the next part."""
    size = len(numbers) - MAX_FOLLOWING
    own = kinds[numbers]
    stops = np.flatnonzero(own != _COMMON)
    is_uncommon = own[stops] == _UNCOMMON
    is_phrase = is_uncommon[:-1] & is_uncommon[1:]
    first, last = stops[:-1][is_phrase], stops[1:][is_phrase]
    gaps = last - first
    is_near = (gaps <= MAX_FOLLOWING) & (first < size)
    first, last, gaps = first[is_near], last[is_near], gaps[is_near]
    keys: NDArray[np.uint64] = heads[numbers[first]]
    keys |= numbers[last]
    for gap in range(2, MAX_FOLLOWING + 1):
        wider = np.flatnonzero(gaps >= gap)
        keys[wider] |= codes[numbers[last[wider] - gap + 1]] << np.uint64(_FORM_BITS + _BYTE * (gap - 2))
    names = np.flatnonzero((own[:size] == _UNCOMMON) & (own[1 : size + 1] == _COMMON))
    return np.concatenate((keys, heads[numbers[names]] | numbers[names + 1]))


def _count_keys(
    keys: NDArray[np.uint64], stem_of: Array, stem_counts: NDArray[np.float64], kinds: Array, least: int
) -> tuple[NDArray[np.uint64], Numbers]:
    """The distinct phrases of some sorted keys that are not there by chance, and how often each occurs.

    Those whose last words have one stem are one phrase, which has the most frequent of these words.
    """
    new = np.flatnonzero(find_changes(keys))
    times, keys = np.diff(new, append=len(keys)), keys[new]
    lasts = (keys & _LAST).astype(np.int64)
    rest, second = keys >> np.uint64(_FORM_BITS), stem_of[lasts - 1]
    starts = np.flatnonzero(find_changes(rest) | find_changes(second))
    if not len(starts):
        return keys, times
    together = np.add.reduceat(times, starts)
    most = np.maximum.reduceat(times, starts).repeat(np.diff(starts, append=len(keys)))
    best = np.flatnonzero(times == most)
    best = best[np.searchsorted(best, starts)]
    keys = keys[best]
    first = stem_counts[(keys >> _STEM_SHIFT).astype(np.int64)]
    total = stem_counts.sum()
    cohesion = np.log(together * total / (first * stem_counts[second[best]])) / np.log(total / together)
    has_common = (kinds[lasts[best]] == _COMMON) | (_read_byte(keys, 0) > 0)
    needed = np.where(has_common, _MIN_COHESION, 0.0)
    needed[together < least] = _MIN_RARE
    kept = cohesion > needed
    return keys[kept], together[kept]


def _read_byte(keys: NDArray[np.uint64], place: int) -> Numbers:
    """The code of a common word in each key; the last one before the last word is at place 0."""
    codes: Numbers = (keys >> np.uint64(_FORM_BITS + _BYTE * place)).astype(np.int64) & _MAX_COMMON
    return codes
