"""Which articles may be near-duplicates of each other: found once for a snapshot, from their sketches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.engine.format.arrays import Ids
from indexer.engine.format.sketches import ENOUGH, WIDTH, Sketches, agreeing

# Two articles are compared when one of so many bands of four bytes is the same in both: of those with a
# likeness of 0.8 these are 98.5 in a hundred, of those with 0.9 all but one in five thousand.
_BANDS = 8
_BAND = 4
_KIN = 38  # in so many places the sketches of near-duplicates agree at least, if they are of one family
_REACH = 8  # in a band, each is compared with so many of those that follow it
_FACTORS = np.arange(1, WIDTH, 8, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class NearDuplicates:
    """The families of a snapshot: articles that are joined by a chain of near-duplicates.

    `of` is the family of each article, -1 for one that stands alone (int32). `members` are the articles that
    have a family (ascending), `sketches` theirs. A story that grows may have a family whose first and last
    have little in common: such are not taken for near-duplicates (`alike`).
    """

    of: Ids
    members: Ids
    sketches: Sketches

    def alike(self, these: Ids, those: Ids) -> NDArray[np.bool_]:
        """Whether the articles in the same place, which are of one family, are near-duplicates (or the same).

        They are when they have a likeness of 0.6: two versions that are each near the same third one may be
        that far from each other.
        """
        first, second = (self.sketches[self.members.searchsorted(numbers)] for numbers in (these, those))
        return agreeing(first, second) >= _KIN

    def duplicates(self, article: int) -> Ids:
        """The near-duplicates of an article in its family, without itself; ascending."""
        family = self.of[article]
        if family < 0:
            return np.empty(0, np.int32)
        others = self.members[self.of[self.members] == family]
        others = others[others != article]
        found: Ids = others[self.alike(others, np.full_like(others, article))]
        return found


def find_near_duplicates(sketches: Sketches) -> NearDuplicates:
    """The families of articles with these sketches, whatever order they are in."""
    labels = _joined(len(sketches), *_pairs(sketches))
    is_family = np.bincount(labels, minlength=len(labels)) > 1
    numbers = np.where(is_family, np.cumsum(is_family) - 1, -1).astype(np.int32)
    of = numbers[labels]
    members = np.flatnonzero(of >= 0).astype(np.int32)
    return NearDuplicates(of, members, sketches[members])


def _pairs(sketches: Sketches) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Articles that are near-duplicates: enough pairs to join them, not all."""
    words = np.ascontiguousarray(sketches).view(np.uint64)
    prints = words @ _FACTORS
    table = np.empty(1 << (16 * len(words)).bit_length(), np.int32)
    has_text = words[:, 0] != 0
    # Of those that say the same one stands for all.
    places = _repeated(prints.astype(np.uint32), table)
    places = places[has_text[places]]
    places = places[np.argsort(prints[places])]
    same = np.flatnonzero(prints[places[1:]] == prints[places[:-1]])
    found = [np.stack((places[same], places[same + 1]))]
    is_distinct = has_text.copy()
    is_distinct[places[same + 1]] = False
    for band in words[:, : _BANDS * _BAND // 8].copy().view(np.uint32).T:
        places = _repeated(band, table)
        places = places[is_distinct[places]]
        # In the order of what they say, not that in which they were added.
        keys = band[places].astype(np.uint64)
        order = np.argsort(keys << np.uint64(32) | prints[places] >> np.uint64(32))
        places, keys = places[order], keys[order]
        for gap in range(1, _REACH + 1):
            same = np.flatnonzero(keys[gap:] == keys[:-gap])
            if not len(same):
                break
            found.append(np.stack((places[same], places[same + gap])))
    left, right = np.concatenate(found, axis=1)
    are_alike = agreeing(sketches[left], sketches[right]) >= ENOUGH
    return left[are_alike], right[are_alike]


def _repeated(values: NDArray[np.uint32], table: NDArray[np.int32]) -> NDArray[np.int64]:
    """Where the values stand that occur more than once, and a few others; faster than sorting them all.

    `table` has a power of two of places, for use by this function alone.
    """
    places = np.arange(len(values), dtype=np.int32)
    slots = values & np.uint32(len(table) - 1)
    table[slots] = places
    last = table[slots]
    is_shared = np.zeros(len(values), np.bool_)
    is_shared[last[last != places]] = True
    return np.flatnonzero(is_shared[last])


def _joined(size: int, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each number below `size` the least that pairs join it with, over any number of others."""
    labels = np.arange(size)
    while len(left):
        least = np.minimum(labels[left], labels[right])
        # What stands for them goes over to the least, and takes all with it; they do not go by themselves.
        for numbers in (labels[left], labels[right]):
            np.minimum.at(labels, numbers, least)
        while not np.array_equal(further := labels[labels], labels):
            labels = further
        apart = labels[left] != labels[right]
        left, right = left[apart], right[apart]
    return labels
