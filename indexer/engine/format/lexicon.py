"""Sorted words on the disk: one text, and where each word ends in it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import compress
from operator import lt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.engine.format.arrays import places_of
from indexer.engine.format.segment_file import Array, trusting
from indexer.errors import IndexDamaged
from indexer.files.fork_safe import lazy

# Every so many words one is kept in memory. A search among those and then in one stretch of the text takes a
# third of the time that it takes to read a word from the text at each step.
_STRETCH = 64
_AT_ONCE = 2**13  # words of a lexicon that are objects at a time


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
        return first + bisect_left(self._between(first, after), wanted)

    def words(self) -> list[str]:
        """All the words, decoded."""
        with trusting(self._path):
            return str(self._text, "utf-8").split("\n") if len(self._ends) else []

    def is_sorted(self) -> bool:
        """Whether every word is text, and stands after the one before it."""
        last: list[bytes] = []
        for own in self._stretches():
            with trusting(self._path):
                b"\n".join(own).decode()
            words = [*last, *own]
            if not all(map(lt, words, words[1:])):
                return False
            last = words[-1:]
        return True

    def only(self, wanted: NDArray[np.bool_], at_once: int = _AT_ONCE) -> Lexicon:
        """The lexicon of the words that are wanted; so many are objects at a time."""
        places = range(0, len(wanted), at_once)
        kept = (wanted[place : place + at_once].tolist() for place in places)
        return _lexicon(list(compress(*both)) for both in zip(self._stretches(at_once), kept, strict=True))

    def sections(self) -> dict[str, Array]:
        """Its sections: "text" and "ends"."""
        return {"text": np.asarray(self._text), "ends": np.asarray(self._ends)}

    @lazy
    def _heads(self) -> list[bytes]:
        return [self._bytes(number) for number in range(0, len(self._ends), _STRETCH)]

    def _stretches(self, at_once: int = _AT_ONCE) -> Iterator[list[bytes]]:
        """All the words, some at a time."""
        for first in range(0, len(self._ends), at_once):
            yield self._between(first, min(first + at_once, len(self._ends)))

    def _between(self, first: int, after: int) -> list[bytes]:
        """The words from number `first` up to `after`, which is more."""
        start = self._ends[first - 1] + 1 if first else 0
        return bytes(self._text[start : self._ends[after - 1]]).split(b"\n")

    def _bytes(self, number: int) -> bytes:
        # A word is followed by a line break, but for the last.
        start = self._ends[number - 1] + 1 if number else 0
        return bytes(self._text[start : self._ends[number]])


def merge_lexicons(
    lexicons: Sequence[Lexicon], release: Callable[[], object] = lambda: None, *, at_once: int = _AT_ONCE
) -> tuple[Lexicon, list[NDArray[np.int32]]]:
    """The lexicon of the words of several, and for each of these the numbers there of its words (int32).

    So many words of each are objects `at_once`; `release` is called whenever some were read. Raises
    IndexDamaged when they are not in order.
    """
    numbers = [np.empty(len(lexicon), np.int32) for lexicon in lexicons]

    def merged() -> Iterator[list[bytes]]:
        count = 0
        places = [0] * len(lexicons)
        for bounds in _bounds(lexicons, at_once):
            parts = [
                lexicon._between(place, bound) if place < bound else []
                for lexicon, place, bound in zip(lexicons, places, bounds, strict=True)
            ]
            words = sorted(set().union(*parts))
            number_of = dict(zip(words, range(count, count + len(words)), strict=True))
            for own, part, place, bound in zip(numbers, parts, places, bounds, strict=True):
                own[place:bound] = np.fromiter(map(number_of.__getitem__, part), np.int32, len(part))
            count, places = count + len(words), bounds
            release()
            yield words

    return _lexicon(merged()), numbers


def _bounds(lexicons: Sequence[Lexicon], at_once: int) -> Iterator[list[int]]:
    """Where to cut lexicons so that their pieces follow one another, none longer than so many words."""
    places = [0] * len(lexicons)
    while True:
        further = [
            lexicon._bytes(place + at_once)
            for lexicon, place in zip(lexicons, places, strict=True)
            if place + at_once < len(lexicon)
        ]
        if not further:
            break
        nearest = min(further)
        before, places = places, [lexicon.first_from(nearest) for lexicon in lexicons]
        if places == before or any(map(lt, places, before)):
            # They were in order when they were looked at.
            raise IndexDamaged("a segment was altered while it was read: run `nutgraf doctor --fix`")
        yield places
    yield [len(lexicon) for lexicon in lexicons]


def _lexicon(stretches: Iterable[list[bytes]]) -> Lexicon:
    """The lexicon of words that come some at a time, ascending."""
    text, count = bytearray(), 0
    for words in filter(None, stretches):
        if count:
            text += b"\n"
        text += b"\n".join(words)
        count += len(words)
    letters = np.frombuffer(text, np.uint8)
    return Lexicon(letters, _ends(letters, count))


def sorted_words(words: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
    """The distinct words in the order of a lexicon, and the place in it of each word as given (int64)."""
    # Code points are in the order of their bytes in UTF-8.
    ordered = sorted(set(words))
    numbers = dict(zip(ordered, range(len(ordered)), strict=True))
    return ordered, np.fromiter(map(numbers.__getitem__, words), np.int64, len(words))


def encode_lexicon(words: Sequence[str]) -> dict[str, Array | bytes]:
    """The sections of a lexicon: "text" and "ends". The words are sorted, and have no line breaks."""
    text = "\n".join(words).encode()
    return {"text": text, "ends": _ends(np.frombuffer(text, np.uint8), len(words))}


def _ends(text: Array, words: int) -> Array:
    """Where each of so many words ends in a text."""
    if not words:
        return np.empty(0, np.uint8)
    kind = np.min_scalar_type(len(text)).type
    return np.append(places_of(ord("\n"), text, words - 1, kind), kind(len(text)))
