"""Postings: the documents that have a term, and how often."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from indexer.engine.format.arrays import Ids, Values, merge_sorted, sum_runs
from indexer.files.fork_safe import lazy


class Postings(Struct, frozen=True, eq=False):
    """Where a term stands: document numbers, ascending (int32), and how often in each (float64)."""

    docs: Ids
    freqs: Values


class Decoded:
    """A stem in a field: the documents that have it, how often, and where each one's occurrences end."""

    def __init__(self, docs: Ids, freqs: NDArray[np.int32]) -> None:
        self.docs = docs
        self.freqs = freqs

    @lazy
    def ends(self) -> NDArray[np.int32]:
        """How many occurrences of the stem there are up to the last of each document."""
        # int32 holds what one stem has, and is added up in half the time.
        return self.freqs.cumsum(dtype=np.int32)

    @lazy
    def occurrences(self) -> int:
        """How many occurrences there are."""
        return int(self.freqs.sum(dtype=np.int64))


NO_POSTINGS = Postings(np.empty(0, np.int32), np.empty(0, np.float64))


def merge_postings(parts: Sequence[Postings], how: np.ufunc = np.add) -> Postings:
    """Postings of several terms as those of one; frequencies in the same document are joined by `how`."""
    parts = [part for part in parts if len(part.docs)]
    if len(parts) < 2:
        return parts[0] if parts else NO_POSTINGS
    return Postings(*merge_sorted([p.docs for p in parts], [p.freqs for p in parts], how))


def collect(docs: Ids, freqs: NDArray[np.int32], size: int) -> Postings:
    """Postings in any order, of `size` documents, as those of one term."""
    if len(docs) * 16 < size:
        order = np.argsort(docs, kind="stable")
        return Postings(*sum_runs(docs[order], freqs[order].astype(np.float64)))
    # Whole numbers: the order in which they are added does not matter.
    totals: Values = np.bincount(docs, freqs, minlength=size).astype(np.float64)
    found = np.flatnonzero(totals)
    return Postings(found.astype(np.int32), totals[found])
