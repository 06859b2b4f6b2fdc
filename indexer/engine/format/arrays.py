"""Operations on ascending integer arrays: membership, merging, ranges.

Code that every query runs uses `take` and `compress`, which take half to two thirds of the time of
`array[...]`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Measured costs, in units of setting one flag: clearing 128 flags costs 1, a binary search 7.
_FLAGS_CLEARED = 128
_SEARCH_COST = 7
AT_ONCE = 2**18
"""How many numbers are sorted or looked up between two checks of a deadline: a few milliseconds of work."""


def contains(ids: Ids, wanted: Ids) -> NDArray[np.bool_]:
    """Whether each wanted id is among the ascending `ids`: bool, one of each wanted id."""
    if not len(ids) or not len(wanted):
        return np.zeros(len(wanted), np.bool_)
    if len(ids) + int(ids[-1]) // _FLAGS_CLEARED < len(wanted) * _SEARCH_COST:
        # What is wanted may be far above the ids.
        flags = np.zeros(1 + int(ids[-1]), np.bool_)
        flags[ids] = True
        found: NDArray[np.bool_] = flags.take(wanted, mode="clip") & (wanted <= ids[-1])
        return found
    indices = ids.searchsorted(wanted)
    indices[indices == len(ids)] = 0
    return np.equal(ids.take(indices), wanted)


def intersect_all(parts: Sequence[Ids]) -> Ids:
    """The ids that are in every one of some ascending arrays (at least one)."""
    rarest, *others = sorted(parts, key=len)
    for part in others:
        rarest = rarest.compress(contains(part, rarest))
    return rarest


def find_shared(ids: Ids, others: Ids) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where the ids that two ascending arrays share stand in the first and in the second."""
    if len(ids) > len(others):
        places, own = find_shared(others, ids)
        return own, places
    if not len(ids):
        return np.empty(0, np.intp), np.empty(0, np.intp)
    places = np.minimum(others.searchsorted(ids), len(others) - 1)
    own = (others.take(places) == ids).nonzero()[0]
    return own, places.take(own)


def split_aligned(
    parts: Sequence[NDArray[np.int64]], at_once: int = AT_ONCE
) -> Iterator[list[NDArray[np.int64]]]:
    """Split several ascending arrays at the same values, into groups of about `at_once` integers.

    Each group has one piece of each array. All values of a group are smaller than those of the next.
    """
    yield from map(list, zip(*map(np.split, parts, find_cuts(parts, at_once)), strict=True))


def find_cuts(parts: Sequence[NDArray[np.int64]], at_once: int = AT_ONCE) -> list[NDArray[np.intp]]:
    """The indices at which `split_aligned` splits each array."""
    longest = max(parts, key=len)
    step = max(1, at_once * len(longest) // max(1, sum(map(len, parts))))
    return [part.searchsorted(longest[step::step]) for part in parts]


def find_value(value: int, values: NDArray[Any], indices: NDArray[Any]) -> NDArray[Any]:
    """The indices of a value, put into an array that has room for them: `flatnonzero` in another type.

    It takes less memory, which matters for the largest arrays.
    """
    found = 0
    for start in range(0, len(values), AT_ONCE):
        own = np.flatnonzero(values[start : start + AT_ONCE] == value)
        indices[found : found + len(own)] = own + start
        found += len(own)
    return indices


def expand_ranges(starts: NDArray[Any], lengths: NDArray[Any]) -> NDArray[Any]:
    """The numbers start, start + 1, … of each range, one range after the other."""
    ends = lengths.cumsum()
    found: NDArray[Any] = (starts - ends + lengths).repeat(lengths)
    found += np.arange(len(found))
    return found


Ids = NDArray[np.int32]
Values = NDArray[np.float64]


def merge_sorted(ids: Sequence[Ids], values: Sequence[Values], how: np.ufunc) -> tuple[Ids, Values]:
    """Merge ascending id arrays without repetition; the values of an id are combined by `how`."""
    together = np.concatenate(ids)
    # NumPy's stable sort merges runs that are sorted already.
    order = np.argsort(together, kind="stable")
    return sum_runs(together.take(order), np.concatenate(values).take(order), how)


def find_changes(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether each value differs from the one before it; the first one does: bool, one of each."""
    is_new = np.ones(len(values), np.bool_)
    np.not_equal(values[1:], values[:-1], out=is_new[1:])
    return is_new


def drop_repeated(ids: Ids) -> Ids:
    """The distinct ids of an ascending array."""
    return ids.compress(find_changes(ids))


def sum_runs(ids: Ids, values: Values, how: np.ufunc = np.add) -> tuple[Ids, Values]:
    """The distinct ids of an ascending array; the values of an id are combined by `how`."""
    if not len(ids):
        return ids, values
    first = find_changes(ids).nonzero()[0]
    if len(first) == len(ids):
        return ids, values
    return ids.take(first), how.reduceat(values, first)
