"""Operations on ascending integer arrays: membership, merging, ranges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

# In the time that one id takes to be ticked in an empty list of all: so many can be made empty, and the place
# of a wanted one takes so many times as long to be searched for.
_CLEARED = 128
_FOUND = 7
AT_ONCE = 2**18
"""Numbers that are sorted or looked up in one go: in a few milliseconds."""


def contains(ids: Ids, wanted: Ids) -> NDArray[np.bool_]:
    """Whether each of the wanted ids is among the ascending `ids`: bool, one of each."""
    if not len(ids) or not len(wanted):
        return np.zeros(len(wanted), np.bool_)
    if len(ids) + int(ids[-1]) // _CLEARED < len(wanted) * _FOUND:
        among = np.zeros(1 + max(int(ids[-1]), int(wanted.max())), np.bool_)
        among[ids] = True
        found: NDArray[np.bool_] = among[wanted]
        return found
    places = ids.searchsorted(wanted)
    places[places == len(ids)] = 0
    return np.equal(ids[places], wanted)


def stretches(
    parts: Sequence[NDArray[np.int64]], at_once: int = AT_ONCE
) -> Iterator[list[NDArray[np.int64]]]:
    """Ascending integers of several arrays, cut into stretches of about `at_once` integers.

    Each stretch has, of all parts in turn, what lies between two bounds: none is in two of them, and the
    stretches ascend.
    """
    yield from map(list, zip(*map(np.split, parts, cuts(parts, at_once)), strict=True))


def cuts(parts: Sequence[NDArray[np.int64]], at_once: int = AT_ONCE) -> list[NDArray[np.intp]]:
    """Where `stretches` cuts each part."""
    longest = max(parts, key=len)
    step = max(1, at_once * len(longest) // max(1, sum(map(len, parts))))
    return [part.searchsorted(longest[step::step]) for part in parts]


def places_of(value: int, values: NDArray[Any], count: int, kind: type[np.integer[Any]]) -> NDArray[Any]:
    """Where a value stands, which it does so often: flatnonzero in integers of another kind."""
    places: NDArray[Any] = np.empty(count, kind)
    found = 0
    for begin in range(0, len(values), AT_ONCE):
        own = np.flatnonzero(values[begin : begin + AT_ONCE] == value)
        places[found : found + len(own)] = own + begin
        found += len(own)
    return places


def ranges(starts: NDArray[Any], lengths: NDArray[Any]) -> NDArray[Any]:
    """The numbers start, start + 1, … of several ranges, one after the other."""
    ends = lengths.cumsum()
    found: NDArray[Any] = (starts - ends + lengths).repeat(lengths)
    found += np.arange(len(found))
    return found


Ids = NDArray[np.int32]
Values = NDArray[np.float64]


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
