"""A field of a segment, titles or paragraphs: which documents have a stem, and where in them it stands."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from indexer.engine.format.arrays import AT_ONCE, Ids, ranges
from indexer.engine.format.segment_file import Array, Packed, SegmentFile
from indexer.engine.read.deadline import NO_DEADLINE, Deadline
from indexer.engine.read.postings import NO_POSTINGS, Decoded, Postings
from indexer.files.fork_safe import lazy

FIELDS = ("title", "paragraph")
_NEAR = 2048  # postings that are read with those around them, rather than to stop and begin anew
# Stems that were read last: a query comes back to its own for positions, a suggestion to the word before what
# is typed. So few postings of so few stems are 13 MB at most.
_RECENT = 8
_KEPT = 1 << 17
Positions = tuple[NDArray[np.int64], NDArray[np.int64]]


class Field:
    """The postings of a field by the numbers of their stems; safe to share between threads.

    Raises IndexDamaged where the numbers that it is made of lead elsewhere than into the segment.
    """

    def __init__(self, file: SegmentFile, name: str, documents: int) -> None:
        self._file = file
        self._name = name
        self._documents = documents
        # Losing a race for it costs a stem's reading, nothing more.
        self._recent: dict[int, Decoded] = {}

    @property
    def starts(self) -> Array:
        """Where the postings of each stem begin, and at last where they end."""
        return self._file.sections[f"{self._name}.starts"]

    @property
    def occurrences(self) -> Array:
        """Where the occurrences of each stem begin, and at last where they end."""
        return self._file.sections[f"{self._name}.occurrences"]

    @property
    def variants(self) -> Array:
        """Of each occurrence, which of its stem's words it is."""
        return self._file.sections[f"{self._name}.variants"]

    @lazy
    def gaps(self) -> Packed:
        """Of each posting, the document less the one before."""
        return self._packed("gaps")

    @lazy
    def freqs(self) -> Packed:
        """Of each posting, how often the stem stands in the document."""
        return self._packed("freqs")

    @lazy
    def places(self) -> Packed:
        """Of each occurrence, the position in its text."""
        return self._packed("positions")

    def count(self, stem: int) -> int:
        """How many documents have a stem."""
        starts = self.starts
        return int(starts[stem + 1]) - int(starts[stem])

    def stem(self, number: int) -> Decoded:
        """A stem: its documents, and how often it stands in each."""
        known = self._recent.get(number)
        if known is not None:
            return known
        found = Decoded(*self.decode(number, number + 1))
        if len(found.docs) <= _KEPT:
            if len(self._recent) >= _RECENT:
                self._recent.clear()
            self._recent[number] = found
        return found

    def postings(self, stem: int) -> Postings:
        """The postings of a stem."""
        decoded = self.stem(stem)
        return Postings(decoded.docs, decoded.freqs.astype(np.float64))

    def decode(self, low: int, high: int) -> tuple[Ids, NDArray[np.int32]]:
        """Documents and frequencies of the stems from number `low` up to `high`, one stem after the other."""
        starts = self.starts
        begin, end = int(starts[low]), int(starts[high])
        docs = self.gaps.read(begin, end)
        self._add_up(docs, starts[low:high].astype(np.int64) - begin if high - low > 1 else None)
        return docs, self.freqs.read(begin, end)

    def documents(self, stems: Array) -> Ids:
        """The documents of several stems (ascending), those of one after those of the other."""
        starts = self.starts[stems].astype(np.int64)
        sizes = self.starts[stems + 1] - starts
        total = int(sizes.sum())
        if not total:
            return np.empty(0, np.int32)
        if int(starts[-1] + sizes[-1] - starts[0]) == total:
            docs = self.gaps.read(int(starts[0]), int(starts[-1] + sizes[-1]))
        else:
            docs = self.gaps.pick(ranges(starts, sizes))
        self._add_up(docs, np.cumsum(sizes) - sizes)
        return docs

    def _add_up(self, gaps: Ids, first: NDArray[np.int64] | None) -> None:
        """Turn gaps into documents; `first` is where the stems begin among them, None for one stem."""
        gaps.cumsum(out=gaps)
        if first is not None and len(gaps):
            # What was summed up before a stem began is not part of its gaps.
            before = np.where(first > 0, gaps[np.maximum(first, 1) - 1], 0).astype(np.int32)
            gaps -= np.repeat(before, np.diff(first, append=len(gaps)))
        # As a number without a sign, one that came round is too large, too.
        if len(gaps) and int(gaps.view(np.uint32).max()) >= self._documents:
            self._file.refuse(f"{self._name}.gaps.narrow", f"leads beyond the {self._documents} documents")

    def stretches(
        self, stems: Array, deadline: Deadline = NO_DEADLINE, *, only: bool = False
    ) -> Iterator[tuple[int, Ids, NDArray[np.int32], Array]]:
        """The postings of some stems (ascending), and perhaps of others between them, in few pieces.

        Each piece has the number of its first stem, then of each posting the document, the frequency and the
        stem. With `only`, those of the others are left out. Raises TimeIsUp.
        """
        starts = self.starts
        between = starts[stems[1:]].astype(np.int64) - starts[stems[:-1] + 1]
        # And no more in a piece than there is between two looks at the time.
        pieces = np.diff(starts[stems].astype(np.int64) // AT_ONCE)
        breaks = np.flatnonzero((between > _NEAR) | (pieces > 0)) + 1
        for part in np.split(stems, breaks) if len(stems) else ():
            deadline.check()
            low, high = int(part[0]), int(part[-1]) + 1
            docs, freqs = self.decode(low, high)
            bounds = starts[low : high + 1].astype(np.int64)
            owners = np.repeat(np.arange(low, high), bounds[1:] - bounds[:-1])
            if only and high - low > len(part):
                wanted = np.zeros(high - low, np.bool_)
                wanted[part - low] = True
                kept = wanted[owners - low]
                docs, freqs, owners = docs[kept], freqs[kept], owners[kept]
            yield low, docs, freqs, owners

    def only(self, stem: int, variants: Array) -> Postings:
        """The postings of some of a stem's words, by their variants."""
        begin, end = self.range(stem)
        if begin == end:
            return NO_POSTINGS
        codes = self.variants[begin:end]
        whole = self.stem(stem)
        if whole.occurrences != end - begin or not whole.freqs.all():
            self.refuse_freqs()
        freqs = whole.freqs.astype(np.int64)
        wanted = codes == variants[0] if len(variants) == 1 else np.isin(codes, variants)
        counts = np.add.reduceat(wanted, np.cumsum(freqs) - freqs, dtype=np.float64)
        kept = counts > 0
        return Postings(whole.docs[kept], counts[kept])

    def positions(self, number: int, docs: Ids) -> Positions:
        """Where a stem stands in documents (ascending): their places in `docs`, and the positions there."""
        stem = self.stem(number)
        if not len(stem.docs) or not len(docs):
            return np.empty(0, np.int64), np.empty(0, np.int64)
        begin, end = self.range(number)
        if stem.occurrences != end - begin:
            self.refuse_freqs()
        own = np.minimum(stem.docs.searchsorted(docs), len(stem.docs) - 1)
        places = (stem.docs[own] == docs).nonzero()[0]
        own = own[places]
        counts = stem.freqs[own]
        positions = self.places.pick(ranges(stem.ends[own] - counts + np.int64(begin), counts))
        return places.repeat(counts), positions.astype(np.int64)

    def parts(self) -> Iterator[tuple[int, int]]:
        """All the stems in turn: from which number up to which, with some occurrences at a time."""
        occurrences = self.occurrences.astype(np.int64)
        bounds = np.searchsorted(occurrences, np.arange(0, int(occurrences[-1]), AT_ONCE), "right") - 1
        yield from pairwise(np.unique(np.append(bounds, len(occurrences) - 1)).tolist())

    def everything(self, low: int, high: int) -> tuple[Ids, Array, NDArray[np.int32]]:
        """The occurrences of the stems from number `low` up to `high`: document, variant, position.

        They are in the order of stem, document and position.
        """
        docs, freqs = self.decode(low, high)
        begin, end = int(self.occurrences[low]), int(self.occurrences[high])
        if int(freqs.sum(dtype=np.int64)) != end - begin:
            self.refuse_freqs()
        return np.repeat(docs, freqs), self.variants[begin:end], self.places.read(begin, end)

    def range(self, stem: int) -> tuple[int, int]:
        """The numbers of a stem's first occurrence, and of the one after its last."""
        occurrences = self.occurrences
        return int(occurrences[stem]), int(occurrences[stem + 1])

    def refuse_variants(self) -> NoReturn:
        """Raise IndexDamaged: an occurrence has a variant that its stem has not."""
        self._file.refuse(f"{self._name}.variants", "has a variant that its stem has not")

    def refuse_freqs(self) -> NoReturn:
        """Raise IndexDamaged: frequencies add up to something else than there are occurrences."""
        self._file.refuse(f"{self._name}.freqs.narrow", f"does not agree with {self._name}.occurrences")

    def _packed(self, name: str) -> Packed:
        section = self._file.sections
        return Packed(*(section[f"{self._name}.{name}.{part}"] for part in ("narrow", "at", "wide")))
