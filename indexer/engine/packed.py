"""Integers in fewer bytes than the largest of them needs: what does not fit is kept apart.

Most gaps between documents, frequencies and positions are small. They are stored in one width; the largest
number of that width stands for one that is too large, whose place and value are in two further arrays.
"""

from __future__ import annotations

from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray

from indexer.engine.segment import Array

_APART = 8  # bytes that a number kept apart takes, besides its place in the array


class Packed:
    """Integers by place, any range of them at once."""

    def __init__(self, narrow: Array, at: Array, wide: Array) -> None:
        self._narrow = narrow
        self._at = at
        self._wide = wide
        self._mark = np.iinfo(narrow.dtype).max

    def read(self, begin: int, end: int) -> NDArray[np.int32]:
        """The integers from place `begin` up to `end` (int32)."""
        narrow = self._narrow[begin:end]
        values = narrow.astype(np.int32)
        if len(self._at):
            # Two numbers are found in a view of memory before NumPy has begun to look for them.
            low = bisect_left(self._at.data, begin)
            high = bisect_left(self._at.data, end, low)
            if low < high:
                values[self._at[low:high] - begin] = self._wide[low:high]
        return values

    def pick(self, places: Array) -> NDArray[np.int32]:
        """The integers at the given places (int32)."""
        values = self._narrow[places].astype(np.int32)
        if len(self._at):
            marked = np.flatnonzero(values == self._mark)
            values[marked] = self._wide[np.searchsorted(self._at, places[marked].astype(self._at.dtype))]
        return values


def pack(values: Array) -> dict[str, Array]:
    """The sections of some non-negative integers below 2**31: "narrow", "at" and "wide"."""
    best: tuple[int, type[np.unsignedinteger]] | None = None
    for kind in (np.uint8, np.uint16, np.uint32):
        apart = int(np.count_nonzero(values >= np.iinfo(kind).max))
        size = len(values) * kind().itemsize + apart * _APART
        if best is None or size < best[0]:
            best = size, kind
    assert best is not None
    mark = np.iinfo(best[1]).max
    at = np.flatnonzero(values >= mark)
    narrow = values.astype(best[1])
    narrow[at] = mark
    return {
        "narrow": narrow,
        "at": at.astype(np.uint32),
        "wide": values[at].astype(np.uint32),
    }
