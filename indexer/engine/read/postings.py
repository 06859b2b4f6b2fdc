"""Postings: which documents have a term, how often, and at which positions."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, pairwise
from typing import Any, NoReturn

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from indexer.engine.format.arrays import (
    AT_ONCE,
    Ids,
    Values,
    contains,
    drop_repeated,
    expand_ranges,
    find_shared,
    intersect_all,
    merge_sorted,
    sum_runs,
)
from indexer.engine.format.segment_file import Array, Packed, SegmentFile
from indexer.engine.read.deadline import NO_DEADLINE, Deadline
from indexer.files.fork_safe import lazy

FIELDS = ("title", "paragraph")
_MAX_SKIP = 2048  # unwanted postings between wanted ones that are read along rather than skipped
# A cache of stems: a query reads the positions of its own stems, a suggestion reads the word before the one
# being typed again and again. Its size is limited to 13 MB.
_MAX_RECENT = 8  # stems
_MAX_CACHED = 1 << 17  # postings of a stem
_DENSE = 16  # with one posting in so few documents or fewer, counting them is faster than sorting them
Positions = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Occurrences in given documents: of each, the index of its document among these, and its position there."""


POSITION_BITS = 32
"""The lower bits of a key have a position; those above have the document, or its index among some."""
Forms = dict[int, Array | None]
"""The stems of a word and, of each, the variants that are the word; None if all are."""


class Postings(Struct, frozen=True, eq=False):
    """The documents that have a term, ascending (int32), and its frequency in each (float64)."""

    docs: Ids
    freqs: Values


NO_POSTINGS = Postings(np.empty(0, np.int32), np.empty(0, np.float64))


def merge_postings(parts: Sequence[Postings], how: np.ufunc = np.add) -> Postings:
    """Merge the postings of several terms; frequencies in the same document are combined by `how`."""
    parts = [part for part in parts if len(part.docs)]
    if len(parts) < 2:
        return parts[0] if parts else NO_POSTINGS
    return Postings(*merge_sorted([p.docs for p in parts], [p.freqs for p in parts], how))


def sum_postings(docs: Ids, freqs: NDArray[np.int32], size: int) -> Postings:
    """The postings of several terms, in any order, as those of one; `size` is the number of documents."""
    if len(docs) * _DENSE < size:
        order = np.argsort(docs, kind="stable")
        return Postings(*sum_runs(docs[order], freqs[order].astype(np.float64)))
    # Whole numbers: the result does not depend on the order in which they are added.
    totals: Values = np.bincount(docs, freqs, minlength=size).astype(np.float64)
    found = np.flatnonzero(totals)
    return Postings(found.astype(np.int32), totals[found])


class StemPostings:
    """The documents that have a stem (int32, ascending) and its frequency in each (int32), as stored."""

    def __init__(self, docs: Ids, freqs: NDArray[np.int32]) -> None:
        self.docs = docs
        self.freqs = freqs

    @lazy
    def ends(self) -> NDArray[np.int32]:
        """Where the occurrences in each document end among those of the stem (int32)."""
        # The occurrences of one stem fit into int32, which takes half the time of int64.
        return self.freqs.cumsum(dtype=np.int32)

    @lazy
    def occurrences(self) -> int:
        """How many occurrences there are."""
        return int(self.freqs.sum(dtype=np.int64))


class Field:
    """The postings of a field of a segment, by the numbers of their stems; safe to share between threads.

    Raises IndexDamaged if the stored numbers lead outside of the segment.
    """

    def __init__(self, file: SegmentFile, name: str, documents: int) -> None:
        self._file = file
        self._name = name
        self._documents = documents
        # Without a lock: if two threads race for one of these, it is read once more.
        self._packed: dict[str, Packed] = {}
        self._recent: dict[int, StemPostings] = {}

    def section(self, name: str) -> Array:
        """An array of the field.

        "starts" and "occurrences" say where the postings and the occurrences of each stem start, and where
        the last ones end; "capitals" has the numbers of the occurrences in capitals. See `list_variants` for
        "variants".
        """
        return self._file.sections[f"{self._name}.{name}"]

    def open_packed(self, name: str) -> Packed:
        """An array of the field that is stored packed.

        "gaps" has the document of each posting less that of the posting before, "freqs" its frequency, and
        "positions" the position of each occurrence in its text.
        """
        if name not in self._packed:
            parts = (self.section(f"{name}.{part}") for part in ("narrow", "at", "wide"))
            self._packed[name] = Packed(*parts)
        return self._packed[name]

    def document_frequency(self, stem: int) -> int:
        starts = self.section("starts")
        return int(starts[stem + 1]) - int(starts[stem])

    def count_postings(self, stems: Array) -> NDArray[np.int64]:
        """The number of postings of each of these stems; removed documents are counted, too."""
        starts = self.section("starts")
        counts: NDArray[np.int64] = (starts[stems + 1] - starts[stems]).astype(np.int64)
        return counts

    def read_stem(self, stem: int) -> StemPostings:
        """The postings of a stem, as stored."""
        known = self._recent.get(stem)
        if known is not None:
            return known
        found = StemPostings(*self.decode(stem, stem + 1))
        if len(found.docs) <= _MAX_CACHED:
            if len(self._recent) >= _MAX_RECENT:
                self._recent.clear()
            self._recent[stem] = found
        return found

    def decode(self, low: int, high: int) -> tuple[Ids, NDArray[np.int32]]:
        """Documents and frequencies of the stems from number `low` up to `high`, stem after stem."""
        starts = self.section("starts")
        start, end = int(starts[low]), int(starts[high])
        docs = self.open_packed("gaps").read(start, end)
        self._add_gaps(docs, starts[low:high].astype(np.int64) - start if high - low > 1 else None)
        return docs, self.open_packed("freqs").read(start, end)

    def read_documents(self, stems: Array) -> Ids:
        """The documents of several stems (ascending), stem after stem."""
        starts = self.section("starts")[stems].astype(np.int64)
        sizes = self.section("starts")[stems + 1] - starts
        total = int(sizes.sum())
        if not total:
            return np.empty(0, np.int32)
        if int(starts[-1] + sizes[-1] - starts[0]) == total:
            docs = self.open_packed("gaps").read(int(starts[0]), int(starts[-1] + sizes[-1]))
        else:
            docs = self.open_packed("gaps").take(expand_ranges(starts, sizes))
        self._add_gaps(docs, np.cumsum(sizes) - sizes)
        return docs

    def _add_gaps(self, gaps: Ids, first: NDArray[np.int64] | None) -> None:
        """Turn gaps into documents, in place; `first` is where each stem starts, None for a single stem."""
        gaps.cumsum(out=gaps)
        if first is not None and len(gaps):
            # The sum of the stems before is not part of a stem's documents.
            before = np.where(first > 0, gaps[np.maximum(first, 1) - 1], 0).astype(np.int32)
            gaps -= np.repeat(before, np.diff(first, append=len(gaps)))
        # A sum that overflowed is negative, which as an unsigned number is too large as well.
        if len(gaps) and int(gaps.view(np.uint32).max()) >= self._documents:
            self._file.raise_damaged(
                f"{self._name}.gaps.narrow", f"leads beyond the {self._documents} documents"
            )

    def iter_postings(
        self, stems: Array, deadline: Deadline = NO_DEADLINE, *, skip_others: bool = False
    ) -> Iterator[tuple[int, Ids, NDArray[np.int32], Array]]:
        """Yield the postings of some stems (ascending) in few pieces.

        A piece is the number of its first stem, and of each posting the document, the frequency and the
        stem. It may have postings of stems in between, unless `skip_others`. Raises TimedOut.
        """
        starts = self.section("starts")
        between = starts[stems[1:]].astype(np.int64) - starts[stems[:-1] + 1]
        # A piece is not longer than what is read between two checks of a deadline.
        crossings = np.diff(starts[stems].astype(np.int64) // AT_ONCE)
        breaks = np.flatnonzero((between > _MAX_SKIP) | (crossings > 0)) + 1
        for part in np.split(stems, breaks) if len(stems) else ():
            deadline.check()
            low, high = int(part[0]), int(part[-1]) + 1
            docs, freqs = self.decode(low, high)
            bounds = starts[low : high + 1].astype(np.int64)
            owners = np.repeat(np.arange(low, high), bounds[1:] - bounds[:-1])
            if skip_others and high - low > len(part):
                is_wanted = np.zeros(high - low, np.bool_)
                is_wanted[part - low] = True
                kept = is_wanted[owners - low]
                docs, freqs, owners = docs[kept], freqs[kept], owners[kept]
            yield low, docs, freqs, owners

    def read_variants(self, stem: int, variants: Array) -> Postings:
        """The postings of some words of a stem, given by their variants."""
        start, end = self.occurrence_range(stem)
        if start == end:
            return NO_POSTINGS
        codes = self.list_variants(stem, stem + 1)
        whole = self.read_stem(stem)
        if whole.occurrences != end - start or not whole.freqs.all():
            self.raise_bad_freqs()
        is_wanted = codes == variants[0] if len(variants) == 1 else np.isin(codes, variants)
        # Differences of running sums: for a common stem, a quarter of the time of `reduceat`.
        reached = is_wanted.cumsum(dtype=np.int32).take(whole.ends - 1)
        counts = reached.astype(np.float64)
        counts[1:] -= reached[:-1]
        kept = counts > 0
        return Postings(whole.docs.compress(kept), counts.compress(kept))

    def read_capitals(self, start: int, end: int) -> Array:
        """Which occurrences, of those from `start` up to `end`, are in capitals: from 0, ascending."""
        capitals = self.section("capitals")
        low, high = bisect_left(capitals, start), bisect_left(capitals, end)
        return capitals[low:high].astype(np.int64) - start

    def read_in_capitals(self, stem: int, variants: Array) -> Postings:
        """The postings of some words of a stem, given by their variants, where they are in capitals."""
        start, end = self.occurrence_range(stem)
        found = self.read_capitals(start, end)
        found = found[np.isin(self.list_variants(stem, stem + 1)[found], variants)]
        if not len(found):
            return NO_POSTINGS
        whole = self.read_stem(stem)
        if whole.occurrences != end - start:
            self.raise_bad_freqs()
        docs = whole.docs[whole.ends.searchsorted(found, "right")]
        return Postings(*sum_runs(docs, np.ones(len(docs))))

    def read_positions(self, stem: int, docs: Ids) -> Positions:
        """The occurrences of a stem in the given documents (ascending); see `Positions`."""
        return self._find_positions(stem, self.read_stem(stem), docs)

    def _find_positions(
        self, stem: int, whole: StemPostings, docs: Ids, variants: Array | None = None
    ) -> Positions:
        """The occurrences of a stem, or of some of its words, given by their variants, in some documents."""
        start, end = self.occurrence_range(stem)
        if whole.occurrences != end - start:
            self.raise_bad_freqs()
        own, indices = find_shared(whole.docs, docs)
        counts = whole.freqs.take(own)
        indices = indices.repeat(counts)
        occurrences = expand_ranges(whole.ends.take(own) - counts + np.int64(start), counts)
        if variants is not None:
            codes = self.list_variants(stem, stem + 1).take(occurrences - start)
            is_wanted = codes == variants[0] if len(variants) == 1 else np.isin(codes, variants)
            indices, occurrences = indices.compress(is_wanted), occurrences.compress(is_wanted)
        positions = self.open_packed("positions").take(occurrences)
        return indices, positions.astype(np.int64)

    def find_phrase(self, rows: Sequence[Forms], slop: int, deadline: Deadline = NO_DEADLINE) -> Postings:
        """The documents that have words in this order, each at most `slop` positions after the one before.

        Raises TimedOut.
        """
        if not all(any(map(self.document_frequency, row)) for row in rows):
            return NO_POSTINGS
        known: dict[int, StemPostings] = {}
        for stem in dict.fromkeys(chain(*rows)):
            deadline.check()
            known[stem] = self.read_stem(stem)
        doc_lists = [_join([known[stem].docs for stem in row]) for row in rows]
        docs = intersect_all(doc_lists)
        if not len(docs):
            return NO_POSTINGS
        sizes = [sum(known[stem].occurrences for stem in row) for row in rows]
        order: Sequence[int] = range(len(rows))
        if slop == 1:
            # The rarest first: the others are read only in the documents that still match.
            order = sorted(order, key=sizes.__getitem__)
        work = sum(size * len(docs) // len(own) for size, own in zip(sizes, doc_lists, strict=True))
        # Of most phrases, one block.
        blocks = np.array_split(docs, 1 + work // AT_ONCE) if work >= AT_ONCE else [docs]
        ends = np.concatenate(
            [self._find_phrase_ends(rows, order, slop, known, block, deadline) for block in blocks]
        )
        return Postings(*sum_runs((ends >> POSITION_BITS).astype(np.int32), np.ones(len(ends))))

    def _find_phrase_ends(
        self,
        rows: Sequence[Forms],
        order: Sequence[int],
        slop: int,
        known: Mapping[int, StemPostings],
        docs: Ids,
        deadline: Deadline,
    ) -> NDArray[Any]:
        """The keys of the last words of a phrase in some documents (int64, ascending). Raises TimedOut."""
        ends: NDArray[Any] | None = None
        for place in order:
            if ends is not None and len(ends) < len(docs):
                docs = drop_repeated((ends >> POSITION_BITS).astype(np.int32))
            deadline.check()
            found = []
            for stem, variants in rows[place].items():
                indices, positions = self._find_positions(stem, known[stem], docs, variants)
                found.append((docs.take(indices).astype(np.int64) << POSITION_BITS) + positions)
            keys = _join(found)
            if slop == 1:
                # Where the phrase would end: it might begin before the text.
                keys += len(rows) - 1 - place
            if ends is None:
                ends = keys
            elif slop == 1:
                few, many = sorted((ends, keys), key=len)
                ends = few.compress(contains(many, few))
            else:
                before = ends.searchsorted(keys) - 1
                ends = keys[(before >= 0) & (keys - ends[before] <= slop)]
            if not len(ends):
                break
        assert ends is not None
        return ends

    def split_stems(self) -> Iterator[tuple[int, int]]:
        """Yield ranges of stem numbers that cover all stems, each with a limited number of occurrences."""
        occurrences = self.section("occurrences").astype(np.int64)
        bounds = np.searchsorted(occurrences, np.arange(0, int(occurrences[-1]), AT_ONCE), "right") - 1
        yield from pairwise(np.unique(np.append(bounds, len(occurrences) - 1)).tolist())

    def read_occurrences(self, low: int, high: int) -> tuple[Ids, Array, NDArray[np.int32]]:
        """The document, variant and position of each occurrence of the stems from `low` up to `high`.

        They are in the order of stem, document and position.
        """
        docs, freqs = self.decode(low, high)
        start, end = int(self.section("occurrences")[low]), int(self.section("occurrences")[high])
        if int(freqs.sum(dtype=np.int64)) != end - start:
            self.raise_bad_freqs()
        return (
            np.repeat(docs, freqs),
            self.list_variants(low, high),
            self.open_packed("positions").read(start, end),
        )

    def list_variants(self, low: int, high: int) -> Array:
        """Which word of its stem each occurrence of the stems from `low` up to `high` is, stem after stem."""
        stored = self.section("variants")[self._variant_starts[low] : self._variant_starts[high]]
        bounds = self.section("occurrences")[low : high + 1]
        if len(stored) == int(bounds[-1]) - int(bounds[0]):
            return stored
        variants = np.zeros(int(bounds[-1]) - int(bounds[0]), stored.dtype)
        variants[self._has_variants[low:high].repeat(np.diff(bounds).astype(np.int64))] = stored
        return variants

    def take_variants(self, occurrences: NDArray[np.int64], owners: Array) -> Array:
        """Which word of its stem each of these occurrences is; `owners` are their stems."""
        is_stored = self._has_variants[owners]
        own = owners[is_stored]
        starts = self._variant_starts[own] - self.section("occurrences")[own].astype(np.int64)
        stored = self.section("variants")
        variants = np.zeros(len(occurrences), stored.dtype)
        variants[is_stored] = stored[starts + occurrences[is_stored]]
        return variants

    @lazy
    def _has_variants(self) -> NDArray[np.bool_]:
        """Whether each stem has several words; the variants of others are 0 and not stored."""
        return np.diff(self._file.sections["stem.starts"]) > 1

    @lazy
    def _variant_starts(self) -> NDArray[np.int64]:
        """Where the stored variants of each stem start, and where the last ones end."""
        counts = np.diff(self.section("occurrences"))
        starts = np.zeros(len(counts) + 1, np.int64)
        np.cumsum(counts * self._has_variants, out=starts[1:])
        return starts

    def find_occurrences(self, low: int, freqs: Array, owners: Array) -> NDArray[np.int64]:
        """The number of the first occurrence of each posting in a piece of `iter_postings` with all stems."""
        first, _ = self.occurrence_range(low)
        ends = np.cumsum(freqs, dtype=np.int64) + first
        if len(ends) and ends[-1] != self.occurrence_range(int(owners[-1]))[1]:
            self.raise_bad_freqs()
        return ends - freqs

    def occurrence_range(self, stem: int) -> tuple[int, int]:
        """Where the occurrences of a stem start and end."""
        occurrences = self.section("occurrences")
        return int(occurrences[stem]), int(occurrences[stem + 1])

    def raise_bad_variants(self) -> NoReturn:
        """Raise IndexDamaged: an occurrence has a variant that its stem does not have."""
        self._file.raise_damaged(f"{self._name}.variants", "has a variant that its stem does not have")

    def raise_bad_freqs(self) -> NoReturn:
        """Raise IndexDamaged: the frequencies do not add up to the number of occurrences."""
        self._file.raise_damaged(
            f"{self._name}.freqs.narrow", f"does not agree with {self._name}.occurrences"
        )


def _join(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """The distinct integers of some ascending arrays, ascending."""
    return parts[0] if len(parts) == 1 else np.unique(np.concatenate([np.empty(0, np.int32), *parts]))
