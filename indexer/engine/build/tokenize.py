"""Tokenizes many texts at a time into the numbers of their forms, without a Python object for each word.

A text is split into *units*: runs of letters, digits, the marks that may stand inside a word, and everything
that is not ASCII. A word never extends beyond its unit, and its form depends on nothing outside. So each
distinct unit is analyzed once; after that, a hash table of arrays finds it by its bytes, eight at a time.

Units in capitals are told apart before case is ignored, except in a text that is mostly in capitals, such as
some headlines, where capitals say nothing.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.engine.format.arrays import expand_ranges
from indexer.text.analyzer import Analyzer, replace_hebrew_quotes
from indexer.text.normalization import is_in_capitals

Numbers = NDArray[np.int32]
Keys = NDArray[np.uint64]
Flags = NDArray[np.bool_]
SEPARATOR = "\0"
"""Separates the stem and the word of a form; it sorts before every letter."""
_INSIDE = bytes(chr(byte).isalnum() or byte in b"'.,&@#+" or byte >= 0x80 for byte in range(256))
# These marks are not part of a word at its end.
_TRIMMED = np.array([byte in b"'.," for byte in range(256)])
_UPPER, _LOWER, _DIGITS = (
    np.array([chr(byte).isascii() and test(chr(byte)) for byte in range(256)])
    for test in (str.isupper, str.islower, str.isdigit)
)
# The second bytes in UTF-8 of the capitals of other scripts end before these, by the first byte.
_MORE_CAPITALS = np.zeros(256, np.uint8)
_MORE_CAPITALS[[0xC3, 0xCE, 0xD0]] = 0x9F, 0xAC, 0xB0  # Latin, Greek and Cyrillic
_APOSTROPHE = np.array([byte in (ord("'"), 0xE2) for byte in range(256)])  # 0xE2 starts that of typography
_HEBREW = b"\xd7"  # the first byte of Hebrew letters in UTF-8
_WORD = 8  # bytes
_MAX_WORDS = 3  # longer units are analyzed again with every call, because they are rarely repeated
_MASKS = np.array([2 ** (8 * size) - 1 for size in range(_WORD + 1)], np.uint64)
_BATCH = 1 << 14  # units whose arrays fit into the cache of the processor
_MAX_UNITS = 400_000


def split_forms(forms: Sequence[str]) -> tuple[list[str], list[str]]:
    """The stems and the words of some forms."""
    # In one call, since there are hundreds of thousands; no stem or word has a line break.
    parts = "\n".join(forms).replace(SEPARATOR, "\n").split("\n") if forms else []
    return parts[::2], parts[1::2]


class Tokenizer:
    """Tokenizes texts in one language into the numbers of their forms.

    `analyzer` gives the stems and words of a unit, `number` the number of a form.
    `batch` units are looked up at a time. With more than `max_units` known units, all are forgotten.
    """

    def __init__(
        self,
        analyzer: Analyzer,
        number: Callable[[str], int],
        *,
        batch: int = _BATCH,
        max_units: int = _MAX_UNITS,
    ) -> None:
        self._analyzer = analyzer
        self._number = number
        self._batch = batch
        self._max_units = max_units
        self._clear()

    def tokenize(self, texts: Sequence[bytes]) -> tuple[Numbers, Numbers, Flags]:
        """The numbers of the forms of texts in UTF-8, text after text, and how many each text has (int32).

        And whether each form is written in capitals, in a text that is not mostly in capitals (bool).
        """
        if len(self._counts) > self._max_units or len(self._in_capitals) > self._max_units:
            self._clear()
        texts = [replace_hebrew_quotes(text.decode()).encode() if _HEBREW in text else text for text in texts]
        data = as_written = b"\n".join((*texts, bytes(_MAX_WORDS * _WORD)))
        if self._analyzer.ignores_case:
            # This lowers ASCII letters; the analyzer lowers the others.
            data = data.lower()
        starts, lengths = _find_units(data)
        none, step = np.empty(0, np.int32), self._batch
        parts = [
            self._look_up(data, starts[first : first + step], lengths[first : first + step])
            for first in range(0, len(starts), step)
        ]
        numbers, counts = (np.concatenate(part) for part in zip((none, none), *parts, strict=True))
        ends = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)) + 1)
        bounds, first = np.searchsorted(starts, ends), np.concatenate(([0], np.cumsum(counts)))
        in_capitals = np.zeros(len(numbers), np.bool_)
        units = self._find_capitals(as_written, starts, lengths, bounds)
        in_capitals[expand_ranges(first[units], counts[units])] = True
        return numbers, np.diff(first[bounds], prepend=0).astype(np.int32), in_capitals

    def _find_capitals(self, data: bytes, starts: Any, lengths: Any, bounds: Any) -> NDArray[np.int64]:
        """The indices of the units in capitals; `bounds` has the first unit after each text."""
        view = np.frombuffer(data, np.uint8)
        first, second = view[starts], view[starts + 1]
        may_be = (_UPPER[first] & ~_LOWER[second]) | (second < _MORE_CAPITALS[first])
        may_be |= _LOWER[first] & _APOSTROPHE[second]
        candidates = np.flatnonzero(may_be & (lengths > 1))
        if not len(candidates):
            return candidates
        at, sizes = starts[candidates], lengths[candidates]
        places, offsets = expand_ranges(at, sizes), np.cumsum(sizes) - sizes
        # Nearly all have capital ASCII letters only.
        found = np.logical_and.reduceat(_UPPER[view[places]], offsets)
        known = self._in_capitals
        for number in np.flatnonzero(~found).tolist():
            unit = data[at[number] : at[number] + sizes[number]]
            answer = known.get(unit)
            if answer is None:
                answer = known[unit] = is_in_capitals(unit.decode())
            found[number] = answer
        capitals = candidates[found]
        # Numbers have no case, and the capital of "A" or "I" says nothing.
        is_word = ~_DIGITS[first] & (lengths > 1)
        words = np.diff(np.concatenate(([0], np.cumsum(is_word)))[bounds], prepend=0)
        owners = np.searchsorted(bounds, capitals, "right")
        is_mostly_so = 2 * np.bincount(owners, minlength=len(bounds)) > words
        found_units: NDArray[np.int64] = capitals[~is_mostly_so[owners]]
        return found_units

    def _clear(self) -> None:
        self._tables = [_Table(width) for width in range(1, _MAX_WORDS + 1)]
        # How many forms each unit has, and where they start in `_forms`.
        self._counts = array("i")
        self._starts = array("i")
        self._forms = array("i")
        # Which units, as written, are in capitals, of those whose first letters are.
        self._in_capitals: dict[bytes, bool] = {}

    def _look_up(self, data: bytes, starts: Any, lengths: Any) -> tuple[Numbers, Numbers]:
        """The numbers of the forms of some units, and how many each unit has."""
        units = np.empty(len(starts), np.int32)
        widths = (lengths + _WORD - 1) // _WORD
        for width, table in enumerate(self._tables, 1):
            indices = np.flatnonzero(widths == width)
            keys = _make_keys(data, starts[indices], lengths[indices], width)
            found = table.find(keys)
            new = np.flatnonzero(found < 0)
            if len(new):
                at = indices[new]
                found[new], first = self._learn(data, starts[at], lengths[at])
                table.add(keys[:, new[first]], found[new[first]])
            units[indices] = found
        known = len(self._counts), len(self._forms)
        indices = np.flatnonzero(widths > _MAX_WORDS)
        if len(indices):
            units[indices], _ = self._learn(data, starts[indices], lengths[indices])
        # Views, which are gone when the arrays change again.
        counts = np.frombuffer(self._counts, np.int32)[units]
        starts = np.frombuffer(self._starts, np.int32)[units]
        numbers = np.frombuffer(self._forms, np.int32)[expand_ranges(starts, counts)]
        del self._counts[known[0] :], self._starts[known[0] :], self._forms[known[1] :]
        return numbers, counts

    def _learn(self, data: bytes, starts: Any, lengths: Any) -> tuple[list[int], Any]:
        """Analyze new units; returns the number of each, and the index of the first of each distinct one."""
        numbers: dict[bytes, int] = {}
        known = len(self._counts)
        found = [
            numbers.setdefault(data[start : start + length], known + len(numbers))
            for start, length in zip(starts.tolist(), lengths.tolist(), strict=True)
        ]
        stems: list[str] = []
        words: list[str] = []
        for own_stems, own_words in self._analyzer.analyze_each([unit.decode() for unit in numbers]):
            self._starts.append(len(self._forms) + len(stems))
            self._counts.append(len(own_stems))
            stems += own_stems
            words += own_words
        self._forms.extend(map(self._number, map(SEPARATOR.join, zip(stems, words, strict=True))))
        return found, np.unique(found, return_index=True)[1]


class _Table:
    """A hash table from keys of `width` 64-bit words to numbers: open addressing, many keys at a time.

    Keys are arrays of `width` rows with a column for each key. The first word of a key is never 0.
    """

    def __init__(self, width: int) -> None:
        # Random, so that nobody can write a text whose words all hash to the same slot.
        self._factors = [np.uint64(random.getrandbits(64) | 1) for _ in range(width)]
        self._count = 0
        self._clear(bits=12)

    def find(self, keys: Keys) -> Numbers:
        """The number of each key; -1 for an unknown one."""
        found = np.full(keys.shape[1], -1, np.int32)
        slots = self._hash(keys)
        rest = np.arange(len(slots))
        while len(rest):
            same = self._keys[0][slots] == keys[0]
            for row, key in zip(self._keys[1:], keys[1:], strict=True):
                same &= row[slots] == key
            found[rest[same]] = self._numbers[slots[same]]
            # After a slot with another key comes the next slot; an empty slot ends the search.
            other = ~same & (self._keys[0][slots] != 0)
            rest, keys, slots = rest[other], keys[:, other], slots[other] + 1 & self._last
        return found

    def add(self, keys: Keys, numbers: Numbers) -> None:
        """Add distinct keys that are not in the table yet."""
        self._count += len(numbers)
        if 2 * self._count > self._last:
            taken = self._keys[0] != 0
            keys = np.concatenate((self._keys[:, taken], keys), axis=1)
            numbers = np.concatenate((self._numbers[taken], numbers))
            self._clear(bits=(4 * self._count).bit_length())
        slots = self._hash(keys)
        while len(slots):
            free = self._keys[0][slots] == 0
            self._numbers[slots[free]] = numbers[free]
            # If several keys hash to one slot, the last one gets it.
            free &= self._numbers[slots] == numbers
            self._keys[:, slots[free]] = keys[:, free]
            keys, numbers, slots = keys[:, ~free], numbers[~free], slots[~free] + 1 & self._last

    def _clear(self, bits: int) -> None:
        self._last = (1 << bits) - 1
        self._shift = np.uint64(64 - bits)
        self._keys = np.zeros((len(self._factors), 1 << bits), np.uint64)
        self._numbers = np.zeros(1 << bits, np.int32)

    def _hash(self, keys: Keys) -> NDArray[np.int64]:
        """The first slot for each key, by multiplicative hashing (Dietzfelbinger et al. 1997)."""
        mixed = keys[0] * self._factors[0]
        for key, factor in zip(keys[1:], self._factors[1:], strict=True):
            mixed += key * factor
        slots: NDArray[np.int64] = (mixed >> self._shift).astype(np.int64)
        return slots


def _find_units(data: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the units of a text start, and how long they are, in bytes."""
    # The text ends with zeros, which are not part of a unit, so that every unit has an end.
    inside = np.frombuffer(data.translate(_INSIDE), np.bool_)
    edges = np.flatnonzero(inside[1:] != inside[:-1]) + 1
    if inside[0]:
        edges = np.concatenate(([0], edges))
    starts, ends = edges[::2], edges[1::2]
    lengths = ends - starts - _TRIMMED[np.frombuffer(data, np.uint8)[ends - 1]]
    has_letters = lengths > 0
    return starts[has_letters], lengths[has_letters]


def _make_keys(data: bytes, starts: NDArray[np.int64], lengths: NDArray[np.int64], width: int) -> Keys:
    """The bytes of units as rows of words, padded with zeros."""
    words = np.ndarray((len(data) - _WORD + 1,), "<u8", data, strides=(1,))
    keys = np.empty((width, len(starts)), np.uint64)
    for row in range(width):
        keys[row] = words[starts + row * _WORD]
    keys[-1] &= _MASKS[lengths - (width - 1) * _WORD]
    return keys
