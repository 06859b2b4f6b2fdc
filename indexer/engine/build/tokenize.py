"""Texts to the numbers of their forms, many texts at a time, without an object for a word.

A text is cut into *units*: runs of letters, digits, the marks that may stand inside a word, and everything
that is not ASCII. No word reaches across the end of a unit, nor does what it is depend on anything beyond, so
each distinct unit is analysed once; after that a hash table of arrays finds it by its bytes, eight at a time.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.engine.format.arrays import ranges
from indexer.text.analyzer import Analyzer, replace_hebrew_quotes

Numbers = NDArray[np.int32]
Keys = NDArray[np.uint64]
_INSIDE = bytes(chr(byte).isalnum() or byte in b"'.,&@#+" or byte >= 0x80 for byte in range(256))
# A mark of these at the end of a unit says nothing of the words in it.
_TRIMMED = np.array([byte in b"'.," for byte in range(256)])
_HEBREW = b"\xd7"  # what its letters begin with in UTF-8
_WORD = 8  # bytes
_WIDEST = 3  # words; what is longer is analysed anew with every call, for it rarely comes again
_MASKS = np.array([2 ** (8 * size) - 1 for size in range(_WORD + 1)], np.uint64)
_AT_ONCE = 1 << 14  # what these units need stays in the processor's cache
_MOST_UNITS = 400_000


class Numbering:
    """The numbers of the forms of texts in one language.

    So many units are looked up `at_once`; with more than `most_units` of them known, all are forgotten.
    """

    def __init__(
        self,
        words: Analyzer,
        number: Callable[[str, str], int],
        *,
        at_once: int = _AT_ONCE,
        most_units: int = _MOST_UNITS,
    ) -> None:
        self._words = words
        self._number = number
        self._at_once = at_once
        self._most_units = most_units
        self._begin()

    def of(self, texts: Sequence[bytes]) -> tuple[Numbers, Numbers]:
        """The numbers of the forms of some texts in UTF-8, text after text, and how many each text has."""
        if len(self._counts) > self._most_units:
            self._begin()
        texts = [replace_hebrew_quotes(text.decode()).encode() if _HEBREW in text else text for text in texts]
        data = b"\n".join((*texts, bytes(_WIDEST * _WORD)))
        if self._words.ignores_case:
            # What is not ASCII is left to the analyzer.
            data = data.lower()
        starts, lengths = _units(data)
        none, step = np.empty(0, np.int32), self._at_once
        parts = [
            self._look_up(data, starts[place : place + step], lengths[place : place + step])
            for place in range(0, len(starts), step)
        ]
        numbers, counts = (np.concatenate(part) for part in zip((none, none), *parts, strict=True))
        ends = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)) + 1)
        before = np.concatenate(([0], np.cumsum(counts)))[np.searchsorted(starts, ends)]
        return numbers, np.diff(before, prepend=0).astype(np.int32)

    def _begin(self) -> None:
        self._tables = [_Table(width) for width in range(1, _WIDEST + 1)]
        # Of each unit, how many forms it has, and where they are among the numbers of all.
        self._counts = array("i")
        self._starts = array("i")
        self._forms = array("i")

    def _look_up(self, data: bytes, starts: Any, lengths: Any) -> tuple[Numbers, Numbers]:
        """The numbers of the forms of some units, and how many each unit has."""
        units = np.empty(len(starts), np.int32)
        widths = (lengths + _WORD - 1) // _WORD
        for width, table in enumerate(self._tables, 1):
            places = np.flatnonzero(widths == width)
            keys = _keys(data, starts[places], lengths[places], width)
            found = table.find(keys)
            new = np.flatnonzero(found < 0)
            if len(new):
                at = places[new]
                found[new], first = self._learn(data, starts[at], lengths[at])
                table.add(keys[:, new[first]], found[new[first]])
            units[places] = found
        known = len(self._counts), len(self._forms)
        places = np.flatnonzero(widths > _WIDEST)
        if len(places):
            units[places], _ = self._learn(data, starts[places], lengths[places])
        forms = np.array(self._forms, np.int32)
        counts = np.array(self._counts, np.int32)[units]
        numbers = forms[ranges(np.array(self._starts, np.int32)[units], counts)]
        del self._counts[known[0] :], self._starts[known[0] :], self._forms[known[1] :]
        return numbers, counts

    def _learn(self, data: bytes, starts: Any, lengths: Any) -> tuple[list[int], Any]:
        """Analyse units that are not known; returns the number of each, and where each distinct one is."""
        numbers: dict[bytes, int] = {}
        known = len(self._counts)
        found = [
            numbers.setdefault(data[start : start + length], known + len(numbers))
            for start, length in zip(starts.tolist(), lengths.tolist(), strict=True)
        ]
        for stems, words in self._words.analyze_each([unit.decode() for unit in numbers]):
            self._starts.append(len(self._forms))
            self._counts.append(len(stems))
            self._forms.extend(map(self._number, stems, words))
        return found, np.unique(found, return_index=True)[1]


class _Table:
    """Keys of some 64-bit words each, with a number for each key: open addressing, many keys at a time.

    Keys are given as rows, one for each of their words; none has a first word that is 0.
    """

    def __init__(self, width: int) -> None:
        # By chance, so that nobody can write a text whose words all want the same slot.
        self._factors = [np.uint64(random.getrandbits(64) | 1) for _ in range(width)]
        self._count = 0
        self._clear(bits=12)

    def find(self, keys: Keys) -> Numbers:
        """The number of each key; -1 where there is none."""
        found = np.full(keys.shape[1], -1, np.int32)
        slots = self._homes(keys)
        rest = np.arange(len(slots))
        while len(rest):
            same = self._keys[0][slots] == keys[0]
            for row, key in zip(self._keys[1:], keys[1:], strict=True):
                same &= row[slots] == key
            found[rest[same]] = self._numbers[slots[same]]
            # What met another key goes on to the next slot; an empty slot ends the search.
            other = ~same & (self._keys[0][slots] != 0)
            rest, keys, slots = rest[other], keys[:, other], slots[other] + 1 & self._last
        return found

    def add(self, keys: Keys, numbers: Numbers) -> None:
        """Enter distinct keys that are not there yet."""
        self._count += len(numbers)
        if 2 * self._count > self._last:
            taken = self._keys[0] != 0
            keys = np.concatenate((self._keys[:, taken], keys), axis=1)
            numbers = np.concatenate((self._numbers[taken], numbers))
            self._clear(bits=(4 * self._count).bit_length())
        slots = self._homes(keys)
        while len(slots):
            free = self._keys[0][slots] == 0
            self._numbers[slots[free]] = numbers[free]
            # Of several that want one slot, the last has written its number there.
            free &= self._numbers[slots] == numbers
            self._keys[:, slots[free]] = keys[:, free]
            keys, numbers, slots = keys[:, ~free], numbers[~free], slots[~free] + 1 & self._last

    def _clear(self, bits: int) -> None:
        self._last = (1 << bits) - 1
        self._shift = np.uint64(64 - bits)
        self._keys = np.zeros((len(self._factors), 1 << bits), np.uint64)
        self._numbers = np.zeros(1 << bits, np.int32)

    def _homes(self, keys: Keys) -> NDArray[np.int64]:
        """The slot at which the search for each key begins: by multiplication (Dietzfelbinger 1997)."""
        mixed = keys[0] * self._factors[0]
        for key, factor in zip(keys[1:], self._factors[1:], strict=True):
            mixed += key * factor
        homes: NDArray[np.int64] = (mixed >> self._shift).astype(np.int64)
        return homes


def _units(data: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the units of a text begin, and how long they are."""
    # The text ends outside of a unit, so that every one has an end.
    inside = np.frombuffer(data.translate(_INSIDE), np.bool_)
    edges = np.flatnonzero(inside[1:] != inside[:-1]) + 1
    if inside[0]:
        edges = np.concatenate(([0], edges))
    starts, ends = edges[::2], edges[1::2]
    lengths = ends - starts - _TRIMMED[np.frombuffer(data, np.uint8)[ends - 1]]
    some = lengths > 0
    return starts[some], lengths[some]


def _keys(data: bytes, starts: NDArray[np.int64], lengths: NDArray[np.int64], width: int) -> Keys:
    """The bytes of units as rows of words, the last of them filled up with zeros."""
    words = np.ndarray((len(data) - _WORD + 1,), "<u8", data, strides=(1,))
    keys = np.empty((width, len(starts)), np.uint64)
    for place in range(width):
        keys[place] = words[starts + place * _WORD]
    keys[-1] &= _MASKS[lengths - (width - 1) * _WORD]
    return keys
