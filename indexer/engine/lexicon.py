"""Sorted words on the disk: one text, and where each word ends in it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from operator import lt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.engine.segment import Array, compact
from indexer.engine.trusting import trusting
from indexer.sharing import lazy

# Every so many words one is kept in memory. A search among those and then in one stretch of the text takes a
# third of the time that it takes to read a word from the text at each step.
_STRETCH = 64
_AT_ONCE = 2**16  # words that are compared together


class Lexicon:
    """Words ascending by their UTF-8 bytes, numbered from 0; little is read but what is looked at.

    Raises IndexDamaged, naming the file at `path`, for what is no text.
    """

    def __init__(self, text: Array, ends: Array, path: Path = Path()) -> None:
        self._path = path
        # One item of a view of memory is read several times as fast as one of an array.
        self._text = text.data
        self._ends = ends.astype(ends.dtype.newbyteorder("="), copy=False).data

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, number: int) -> str:
        with trusting(self._path):
            return self._bytes(number).decode()

    def find(self, word: str) -> int | None:
        """The number of a word, or None."""
        # A lone surrogate, which no text can have, is found nowhere.
        wanted = word.encode(errors="surrogatepass")
        number = self.first_from(wanted)
        return number if number < len(self._ends) and self._bytes(number) == wanted else None

    def first_from(self, wanted: bytes) -> int:
        """The number of the first word that is not before `wanted`; as many as there are when all are."""
        stretch = bisect_left(self._heads, wanted)
        if not stretch:
            return 0
        # It stands after the last head before `wanted`, and is the next head at the latest.
        first, after = (stretch - 1) * _STRETCH, min(stretch * _STRETCH, len(self._ends))
        start = self._ends[first - 1] + 1 if first else 0
        words = bytes(self._text[start : self._ends[after - 1]]).split(b"\n")
        return first + bisect_left(words, wanted)

    def words(self) -> list[str]:
        """All the words, decoded."""
        with trusting(self._path):
            return str(self._text, "utf-8").split("\n") if len(self._ends) else []

    def is_sorted(self) -> bool:
        """Whether every word is text, and stands after the one before it."""
        last: list[bytes] = []
        for first in range(0, len(self._ends), _AT_ONCE):
            start = self._ends[first - 1] + 1 if first else 0
            text = bytes(self._text[start : self._ends[min(first + _AT_ONCE, len(self._ends)) - 1]])
            with trusting(self._path):
                text.decode()
            words = [*last, *text.split(b"\n")]
            if not all(map(lt, words, words[1:])):
                return False
            last = words[-1:]
        return True

    @lazy
    def _heads(self) -> list[bytes]:
        return [self._bytes(number) for number in range(0, len(self._ends), _STRETCH)]

    def _bytes(self, number: int) -> bytes:
        # A word is followed by a line break, but for the last.
        start = self._ends[number - 1] + 1 if number else 0
        return bytes(self._text[start : self._ends[number]])


def sorted_words(words: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
    """The distinct words in the order of a lexicon, and the place in it of each word as given (int64)."""
    # Code points are in the order of their bytes in UTF-8.
    ordered = sorted(set(words))
    numbers = dict(zip(ordered, range(len(ordered)), strict=True))
    return ordered, np.fromiter(map(numbers.__getitem__, words), np.int64, len(words))


def encode_lexicon(words: Sequence[str]) -> dict[str, Array | bytes]:
    """The sections of a lexicon: "text" and "ends". The words are sorted, and have no line breaks."""
    text = "\n".join(words).encode()
    ends = np.flatnonzero(np.frombuffer(text, np.uint8) == ord("\n"))
    return {"text": text, "ends": compact(np.append(ends, len(text)) if words else ends)}
