"""Lexicons: sorted words as one text, with the end of each word in it."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import compress
from operator import lt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.engine.format.arrays import find_value
from indexer.engine.format.segment_file import Array, DamageReporter
from indexer.errors import RUN_DOCTOR, IndexDamaged
from indexer.files.fork_safe import lazy

# The first word of each block is kept in memory. Bisecting these and then the words of one block takes a
# third of the time that bisecting the whole text does.
_BLOCK = 64  # words
_MAX_REMEMBERED = 4096  # words whose numbers are remembered
_BATCH = 2**13  # words that are Python objects at the same time


class Lexicon:
    """Words in the order of their UTF-8 bytes, numbered from 0; read from the disk as they are looked up.

    The last ones are remembered: a query looks each up several times, in the form of every language.
    Raises IndexDamaged, naming the file at `path`, for bytes that are not UTF-8.
    """

    def __init__(self, text: Array, ends: Array, path: Path = Path()) -> None:
        self._path = path
        # Reading single items is several times as fast from a memory view as from an array.
        self._text = text.data
        self._ends = ends.astype(ends.dtype.newbyteorder("="), copy=False).data
        self._numbers: dict[str, int | None] = {}

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, number: int) -> str:
        with DamageReporter(self._path):
            return self._bytes(number).decode()

    def find(self, word: str) -> int | None:
        """The number of a word, or None."""
        # Without a lock: another thread may clear the dictionary at any moment.
        found = self._numbers.get(word, -1)
        if found == -1:
            # A lone surrogate can be asked for, but no stored text can have one.
            wanted = word.encode(errors="surrogatepass")
            number = self.find_first_from(wanted)
            found = number if number < len(self._ends) and self._bytes(number) == wanted else None
            if len(self._numbers) >= _MAX_REMEMBERED:
                self._numbers.clear()
            self._numbers[word] = found
        return found

    def find_first_from(self, wanted: bytes) -> int:
        """The number of the first word that is not before `wanted`; the number of words if there is none."""
        block = bisect_left(self._heads, wanted)
        if not block:
            return 0
        # It is in the last block whose head is before `wanted`, or is the head of the next one.
        start, end = (block - 1) * _BLOCK, min(block * _BLOCK, len(self._ends))
        return start + bisect_left(self._read(start, end), wanted)

    def find_prefix(self, start: str) -> range:
        """The numbers of the words that start with a text."""
        wanted = start.encode(errors="surrogatepass")
        # No text in UTF-8 has the byte 0xff.
        return range(self.find_first_from(wanted), self.find_first_from(wanted + b"\xff"))

    def find_containing(self, text: str, *, at_end: bool) -> list[int]:
        """The numbers of the words that contain a text, or end with it, ascending; all words are read."""
        wanted = re.escape(text.encode(errors="surrogatepass")) + (rb"(?=\n|\Z)" if at_end else b"")
        matches = re.finditer(wanted, self._text)
        return [*dict.fromkeys(bisect_left(self._ends, match.end()) for match in matches)]

    def words(self) -> list[str]:
        """All the words, decoded."""
        with DamageReporter(self._path):
            return str(self._text, "utf-8").split("\n") if len(self._ends) else []

    def is_sorted(self) -> bool:
        """Whether the words ascend, without repetition; raises IndexDamaged for one that is not UTF-8."""
        last: list[bytes] = []
        for batch in self._read_batches():
            with DamageReporter(self._path):
                b"\n".join(batch).decode()
            words = [*last, *batch]
            if not all(map(lt, words, words[1:])):
                return False
            last = words[-1:]
        return True

    def select(self, is_wanted: NDArray[np.bool_], batch: int = _BATCH) -> Lexicon:
        """The lexicon of the wanted words; `is_wanted` has one flag for each word."""
        starts = range(0, len(is_wanted), batch)
        flags = (is_wanted[start : start + batch].tolist() for start in starts)
        return _make_lexicon(
            list(compress(*both)) for both in zip(self._read_batches(batch), flags, strict=True)
        )

    def make_sections(self) -> dict[str, Array]:
        """Its sections: "text" (uint8) and "ends"."""
        return {"text": np.asarray(self._text), "ends": np.asarray(self._ends)}

    @lazy
    def _heads(self) -> list[bytes]:
        return [self._bytes(number) for number in range(0, len(self._ends), _BLOCK)]

    def _read_batches(self, batch: int = _BATCH) -> Iterator[list[bytes]]:
        """All the words, `batch` at a time."""
        for start in range(0, len(self._ends), batch):
            yield self._read(start, min(start + batch, len(self._ends)))

    def _read(self, first: int, end: int) -> list[bytes]:
        """The words from number `first` up to `end`, which must be larger."""
        start = self._ends[first - 1] + 1 if first else 0
        return bytes(self._text[start : self._ends[end - 1]]).split(b"\n")

    def _bytes(self, number: int) -> bytes:
        # A line break stands between two words.
        start = self._ends[number - 1] + 1 if number else 0
        return bytes(self._text[start : self._ends[number]])


def merge_lexicons(
    lexicons: Sequence[Lexicon], release: Callable[[], object] = lambda: None, *, batch: int = _BATCH
) -> tuple[Lexicon, list[NDArray[np.int32]]]:
    """Merge lexicons; returns the merged one, and for each of the others its words' numbers there (int32).

    Of each lexicon, at most `batch` words are Python objects at the same time; `release` is called after
    every batch. Raises IndexDamaged if the words do not ascend.
    """
    numbers = [np.empty(len(lexicon), np.int32) for lexicon in lexicons]

    def merge_batches() -> Iterator[list[bytes]]:
        count = 0
        starts = [0] * len(lexicons)
        for ends in _find_bounds(lexicons, batch):
            parts = [
                lexicon._read(start, end) if start < end else []
                for lexicon, start, end in zip(lexicons, starts, ends, strict=True)
            ]
            words = sorted(set().union(*parts))
            number_of = dict(zip(words, range(count, count + len(words)), strict=True))
            for own, part, start, end in zip(numbers, parts, starts, ends, strict=True):
                own[start:end] = np.fromiter(map(number_of.__getitem__, part), np.int32, len(part))
            count, starts = count + len(words), ends
            release()
            yield words

    return _make_lexicon(merge_batches()), numbers


def _find_bounds(lexicons: Sequence[Lexicon], batch: int) -> Iterator[list[int]]:
    """Where to split the lexicons at the same words, so that no part has more than `batch` words."""
    bounds = [0] * len(lexicons)
    while True:
        candidates = [
            lexicon._bytes(bound + batch)
            for lexicon, bound in zip(lexicons, bounds, strict=True)
            if bound + batch < len(lexicon)
        ]
        if not candidates:
            break
        first = min(candidates)
        previous, bounds = bounds, [lexicon.find_first_from(first) for lexicon in lexicons]
        if bounds == previous or any(map(lt, bounds, previous)):
            # The caller has checked that they ascend.
            raise IndexDamaged("a segment was altered while it was read", RUN_DOCTOR)
        yield bounds
    yield [len(lexicon) for lexicon in lexicons]


def _make_lexicon(batches: Iterable[list[bytes]]) -> Lexicon:
    """The lexicon of ascending words."""
    text, count = bytearray(), 0
    for words in filter(None, batches):
        if count:
            text += b"\n"
        text += b"\n".join(words)
        count += len(words)
    letters = np.frombuffer(text, np.uint8)
    return Lexicon(letters, _find_ends(letters, count))


def sort_words(words: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
    """The distinct words in the order of a lexicon, and the number there of each given word (int64)."""
    # Strings compare by code points, which is the order of their UTF-8 bytes.
    ordered = sorted(set(words))
    numbers = dict(zip(ordered, range(len(ordered)), strict=True))
    return ordered, np.fromiter(map(numbers.__getitem__, words), np.int64, len(words))


def encode_lexicon(words: Sequence[str]) -> dict[str, Array]:
    """The sections of a lexicon, "text" (uint8) and "ends", of sorted words without line breaks."""
    text = np.frombuffer("\n".join(words).encode(), np.uint8)
    return {"text": text, "ends": _find_ends(text, len(words))}


def _find_ends(text: Array, words: int) -> Array:
    """Where each word ends in a text; `words` is how many there are."""
    if not words:
        return np.empty(0, np.uint8)
    kind = np.min_scalar_type(len(text)).type
    return np.append(find_value(ord("\n"), text, np.empty(words - 1, kind)), kind(len(text)))
