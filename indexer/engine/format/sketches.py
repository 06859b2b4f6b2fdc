"""Sketches of texts, from which the similarity of two articles is estimated to find near-duplicates.

The similarity of two texts is the Jaccard coefficient of their shingles, which are all runs of three words
(Broder 1997, "On the resemblance and containment of documents"). The hash of a shingle puts it into one of
64 bins. A sketch has one byte of the smallest hash in each bin (Li, Owen and Zhang 2012, "One permutation
hashing"; Li and König 2010, "b-bit minwise hashing"). The share of bytes that are the same in two sketches
estimates the similarity, with a standard deviation of 0.05 at 0.8. An empty bin takes the value of another
one (Shrivastava 2017, "Optimal densification for fast and accurate minwise hashing").
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from indexer.engine.format.segment_file import Array

Sketches = NDArray[np.uint8]
"""One row of WIDTH bytes for each article."""
WIDTH = 64
MIN_LONG = 30
"""Texts with fewer words are near-duplicates only if they have the same title and the same words in order."""
MIN_WORDS = 5
"""Texts with fewer words are never near-duplicates."""
MIN_AGREEING = 51
"""The least number of equal bytes in the sketches of near-duplicates: an estimated similarity of 0.8."""
_EMPTY = np.uint32(2**32 - 1)
_BIN_SHIFT = 58  # the bits above these are the number of the bin
# Odd multipliers for the words of a shingle, and two that mix their sum (Steele, Lea and Flood 2014, "Fast
# splittable pseudorandom number generators").
_FIRST, _SECOND, _THIRD = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], np.uint64)
_MIX, _MIX_AGAIN = np.array([0xBF58476D1CE4E5B9, 0x94D049BB133111EB], np.uint64)
# An empty bin takes the value of the first bin that is not empty, at its own number xor these.
_PROBES = [37 * step % WIDTH for step in range(1, WIDTH)]


class Sketcher:
    """Makes sketches of texts that are given as numbers of forms; it remembers the hash of each form."""

    def __init__(self) -> None:
        self._hashes = np.empty(0, np.uint64)

    def add_words(self, words: Iterable[str]) -> None:
        """Add the words of the forms that are numbered next."""
        new = [zlib.crc32(word.encode()) for word in words]
        self._hashes = np.concatenate((self._hashes, np.array(new, np.uint64)))

    def make_sketches(
        self,
        titles: Array,
        title_terms: Array,
        texts: Array,
        text_terms: Array,
        counts: Array,
    ) -> Sketches:
        """The sketches of articles; `titles` and `texts` are form numbers, one text after the other.

        `title_terms` has the number of words of each title, `text_terms` of each paragraph, `counts` the
        number of paragraphs of each article. The sketch of an article with fewer than MIN_WORDS words is
        zeros. With fewer than MIN_LONG words, it is a hash of the title and the words in their order.
        """
        ends = np.concatenate(([0], np.cumsum(text_terms, dtype=np.int64)))
        terms = np.diff(ends[np.concatenate(([0], np.cumsum(counts, dtype=np.int64)))])
        shingles = _hash_shingles(self._hashes[texts], terms)
        found = np.zeros((len(terms), WIDTH), np.uint8)
        is_long = terms >= MIN_LONG
        found[is_long] = _densify(_find_minima(shingles, terms)[is_long]).astype(np.uint8)
        is_short = ~is_long & (terms >= MIN_WORDS)
        sums = _add_hashes(shingles, terms)
        sums += _add_hashes(_hash_shingles(self._hashes[titles], title_terms), title_terms) * _SECOND
        steps = np.arange(1, WIDTH + 1, dtype=np.uint64) * _FIRST
        found[is_short] = _mix(sums[is_short, None] + steps).astype(np.uint8)
        return found


def count_agreeing(these: Sketches, those: Sketches) -> NDArray[np.int64]:
    """How many bytes of each sketch are the same as in the same row of the others (int64)."""
    found: NDArray[np.int64] = np.count_nonzero(these == those, axis=1)
    return found


def _hash_shingles(words: NDArray[np.uint64], terms: Array) -> NDArray[np.uint64]:
    """The hash of the three words that start at each word; words beyond the end of a text count as 0."""
    ends = np.cumsum(terms)
    ends = ends[ends > 0]
    mixed = words * _FIRST
    for ahead, factor in ((1, _SECOND), (2, _THIRD)):
        following = np.zeros_like(words)
        following[:-ahead] = words[ahead:]
        for back in range(1, ahead + 1):
            following[np.maximum(ends - back, 0)] = 0
        mixed += following * factor
    return _mix(mixed)


def _add_hashes(shingles: NDArray[np.uint64], terms: Array) -> NDArray[np.uint64]:
    """The sum of the hashes of each text."""
    found = np.zeros(len(terms), np.uint64)
    has_some = np.flatnonzero(terms)
    if len(has_some):
        found[has_some] = np.add.reduceat(shingles, (np.cumsum(terms) - terms)[has_some])
    return found


def _mix(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    numbers ^= numbers >> np.uint64(30)
    numbers *= _MIX
    numbers ^= numbers >> np.uint64(27)
    numbers *= _MIX_AGAIN
    numbers ^= numbers >> np.uint64(31)
    return numbers


def _find_minima(shingles: NDArray[np.uint64], terms: Array) -> NDArray[np.uint32]:
    """The smallest hash in each bin of each text (uint32, texts by WIDTH); _EMPTY for an empty bin."""
    found = np.full(len(terms) * WIDTH, _EMPTY)
    bins = (shingles >> np.uint64(_BIN_SHIFT)).astype(np.int64)
    bins += np.repeat(np.arange(len(terms)) * WIDTH, terms)
    np.minimum.at(found, bins, shingles.astype(np.uint32))
    return found.reshape(-1, WIDTH)


def _densify(minima: NDArray[np.uint32]) -> NDArray[np.uint32]:
    filled = minima.copy()
    rows, bins = np.nonzero(minima == _EMPTY)
    for probe in _PROBES:
        if not len(rows):
            break
        filled[rows, bins] = borrowed = minima[rows, bins ^ probe]
        is_empty = borrowed == _EMPTY
        rows, bins = rows[is_empty], bins[is_empty]
    return filled
