"""Groups of near-duplicates among the articles of a snapshot, found from their sketches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.engine.format.arrays import Ids
from indexer.engine.format.sketches import MIN_AGREEING, WIDTH, Sketches, count_agreeing

# Two articles are compared if one band of their sketches is the same: this finds 98.5 % of the pairs with a
# similarity of 0.8, and all but one in five thousand of those with 0.9.
_BANDS = 8
_BAND_BYTES = 4
_MIN_AGREEING_IN_GROUP = 38  # bytes that are the same in the sketches of near-duplicates in one group
_MAX_COMPARED = 8  # following articles with the same band that each article is compared with
_FACTORS = np.arange(1, WIDTH, 8, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class NearDuplicates:
    """The groups of a snapshot: articles that are connected by chains of near-duplicates.

    `group_of` is the group of each article (int32), -1 for none. `members` are the articles that have a group
    (ascending), `sketches` are theirs. The first and the last version of a story that grew may be in one
    group and have little in common; they are no near-duplicates of each other (`are_near`).
    """

    group_of: Ids
    members: Ids
    sketches: Sketches

    def are_near(self, these: Ids, those: Ids) -> NDArray[np.bool_]:
        """Whether the articles at the same index, both in one group, are near-duplicates: bool, one of each.

        A similarity of 0.6 suffices: so far apart may two versions be that are both near a third one.
        """
        first, second = (self.sketches[self.members.searchsorted(numbers)] for numbers in (these, those))
        return count_agreeing(first, second) >= _MIN_AGREEING_IN_GROUP

    def find(self, article: int) -> Ids:
        """The near-duplicates of an article, without itself; ascending."""
        group = self.group_of[article]
        if group < 0:
            return np.empty(0, np.int32)
        others = self.members[self.group_of[self.members] == group]
        others = others[others != article]
        found: Ids = others[self.are_near(others, np.full_like(others, article))]
        return found


def find_near_duplicates(sketches: Sketches) -> NearDuplicates:
    """The groups of articles with these sketches; they do not depend on the order of the articles."""
    labels = _connect(len(sketches), *_find_pairs(sketches))
    is_group = np.bincount(labels, minlength=len(labels)) > 1
    numbers = np.where(is_group, np.cumsum(is_group) - 1, -1).astype(np.int32)
    group_of = numbers[labels]
    members = np.flatnonzero(group_of >= 0).astype(np.int32)
    return NearDuplicates(group_of, members, sketches[members])


def split_bands(sketches: Sketches) -> NDArray[np.uint32]:
    """The bands of sketches, one row for each: near-duplicates have the same number in some column."""
    return np.ascontiguousarray(sketches[:, : _BANDS * _BAND_BYTES]).view(np.uint32)


def _find_pairs(sketches: Sketches) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of near-duplicates: not all of them, but enough to connect the groups."""
    words = np.ascontiguousarray(sketches).view(np.uint64)
    fingerprints = words @ _FACTORS
    table = np.empty(1 << (16 * len(words)).bit_length(), np.int32)
    has_text = words[:, 0] != 0
    # One article stands for all with the same sketch.
    indices = _find_repeated(fingerprints.astype(np.uint32), table)
    indices = indices[has_text[indices]]
    indices = indices[np.argsort(fingerprints[indices])]
    same = np.flatnonzero(fingerprints[indices[1:]] == fingerprints[indices[:-1]])
    found = [np.stack((indices[same], indices[same + 1]))]
    is_distinct = has_text.copy()
    is_distinct[indices[same + 1]] = False
    for band in split_bands(sketches).T:
        indices = _find_repeated(band, table)
        indices = indices[is_distinct[indices]]
        # Sorted by their content, so that the result does not depend on the order of the articles.
        keys = band[indices].astype(np.uint64)
        order = np.argsort(keys << np.uint64(32) | fingerprints[indices] >> np.uint64(32))
        indices, keys = indices[order], keys[order]
        for gap in range(1, _MAX_COMPARED + 1):
            same = np.flatnonzero(keys[gap:] == keys[:-gap])
            if not len(same):
                break
            found.append(np.stack((indices[same], indices[same + gap])))
    left, right = np.concatenate(found, axis=1)
    is_near = count_agreeing(sketches[left], sketches[right]) >= MIN_AGREEING
    return left[is_near], right[is_near]


def _find_repeated(values: NDArray[np.uint32], table: NDArray[np.int32]) -> NDArray[np.int64]:
    """The indices of the values that occur more than once, and of a few others; faster than sorting them.

    `table` is working memory; its length is a power of two.
    """
    indices = np.arange(len(values), dtype=np.int32)
    slots = values & np.uint32(len(table) - 1)
    table[slots] = indices
    last = table[slots]
    is_shared = np.zeros(len(values), np.bool_)
    is_shared[last[last != indices]] = True
    return np.flatnonzero(is_shared[last])


def _connect(size: int, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each number below `size`, the smallest number that it is connected with by any chain of pairs."""
    labels = np.arange(size)
    while len(left):
        smallest = np.minimum(labels[left], labels[right])
        # Relabel the two representatives; all that have their labels follow below.
        for numbers in (labels[left], labels[right]):
            np.minimum.at(labels, numbers, smallest)
        while not np.array_equal(further := labels[labels], labels):
            labels = further
        differs = labels[left] != labels[right]
        left, right = left[differs], right[differs]
    return labels
