"""Postings: the documents that have a term, and how often."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from indexer.files.fork_safe import lazy

Ids = NDArray[np.int32]
Values = NDArray[np.float64]


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


def merge_sorted(ids: Sequence[Ids], values: Sequence[Values], how: np.ufunc) -> tuple[Ids, Values]:
    """Ascending id arrays as one, without repetition; values of the same id are joined by `how`."""
    together = np.concatenate(ids)
    # A stable sort of runs that are sorted already merges them.
    order = np.argsort(together, kind="stable")
    return sum_runs(together[order], np.concatenate(values)[order], how)


def sum_runs(ids: Ids, values: Values, how: np.ufunc = np.add) -> tuple[Ids, Values]:
    """The distinct ids of an ascending array, and the values of each joined by `how`."""
    if not len(ids):
        return ids, values
    is_first = np.empty(len(ids), np.bool_)
    is_first[0] = True
    np.not_equal(ids[1:], ids[:-1], out=is_first[1:])
    first = is_first.nonzero()[0]
    if len(first) == len(ids):
        return ids, values
    return ids[first], how.reduceat(values, first)
