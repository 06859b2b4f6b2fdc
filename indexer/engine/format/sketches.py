"""What tells near-duplicates: a sketch of each article's text, from which their likeness can be estimated.

The likeness of two texts is the Jaccard coefficient of their shingles, that is of all runs of three words
(Broder 1997, "On the resemblance and containment of documents"). Each shingle falls by its hash into one of
64 bins; of each bin the least hash is kept (Li, Owen and Zhang 2012, "One permutation hashing"), of which one
byte stays (Li and König 2010, "b-bit minwise hashing"). The share of places in which two sketches agree
estimates the likeness, with a standard deviation of 0.05 at 0.8. A bin without a shingle borrows from another
(Shrivastava 2017, "Optimal densification for fast and accurate minwise hashing").
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
SHORTEST = 30
"""Words below which only texts with the same words in the same order, under the same title, are alike."""
FEWEST = 5
"""Words below which a text says too little to be like any other."""
ENOUGH = 51
"""In so many places two sketches agree that are alike: an estimated likeness of 0.8."""
_EMPTY = np.uint32(2**32 - 1)
_BINS = 58  # bits below those that say the bin
# Odd numbers with the bits well mixed: one for each word of a shingle, and two to mix the sum (Steele, Lea
# and Flood 2014, "Fast splittable pseudorandom number generators").
_FIRST, _SECOND, _THIRD = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], np.uint64)
_MIX, _MIX_AGAIN = np.array([0xBF58476D1CE4E5B9, 0x94D049BB133111EB], np.uint64)
# Where an empty bin looks for one that is not: at its number with these bits turned, in this order.
_TURNS = [37 * step % WIDTH for step in range(1, WIDTH)]


class Sketcher:
    """Makes sketches of texts that are given as form numbers; it knows the forms, numbered from 0."""

    def __init__(self) -> None:
        self._hashes = np.empty(0, np.uint64)

    def learn(self, words: Iterable[str]) -> None:
        """Take in the words of the forms with the next numbers."""
        new = [zlib.crc32(word.encode()) for word in words]
        self._hashes = np.concatenate((self._hashes, np.array(new, np.uint64)))

    def sketches(
        self,
        titles: Array,
        title_terms: Array,
        texts: Array,
        text_terms: Array,
        counts: Array,
    ) -> Sketches:
        """The sketches of articles, whose titles and texts are form numbers one after the other.

        `title_terms` says how many there are of each title, `text_terms` of each paragraph, `counts` how many
        paragraphs each article has. An article of fewer than FEWEST words has zeros. One of fewer than
        SHORTEST has bytes that only the same title with the same words in the same order gives.
        """
        ends = np.concatenate(([0], np.cumsum(text_terms, dtype=np.int64)))
        terms = np.diff(ends[np.concatenate(([0], np.cumsum(counts, dtype=np.int64)))])
        shingles = _shingles(self._hashes[texts], terms)
        found = np.zeros((len(terms), WIDTH), np.uint8)
        is_long = terms >= SHORTEST
        found[is_long] = _densified(_least(shingles, terms)[is_long]).astype(np.uint8)
        is_short = ~is_long & (terms >= FEWEST)
        sums = _sums(shingles, terms)
        sums += _sums(_shingles(self._hashes[titles], title_terms), title_terms) * _SECOND
        steps = np.arange(1, WIDTH + 1, dtype=np.uint64) * _FIRST
        found[is_short] = _mixed(sums[is_short, None] + steps).astype(np.uint8)
        return found


def agreeing(these: Sketches, those: Sketches) -> NDArray[np.int64]:
    """In how many places each of these sketches agrees with that of those in the same row."""
    found: NDArray[np.int64] = np.count_nonzero(these == those, axis=1)
    return found


def _shingles(words: NDArray[np.uint64], terms: Array) -> NDArray[np.uint64]:
    """The hash of the three words that begin at each word; after the end of a text there are none."""
    ends = np.cumsum(terms)
    ends = ends[ends > 0]
    mixed = words * _FIRST
    for ahead, factor in ((1, _SECOND), (2, _THIRD)):
        following = np.zeros_like(words)
        following[:-ahead] = words[ahead:]
        for back in range(1, ahead + 1):
            following[np.maximum(ends - back, 0)] = 0
        mixed += following * factor
    return _mixed(mixed)


def _sums(shingles: NDArray[np.uint64], terms: Array) -> NDArray[np.uint64]:
    """What the hashes of each text add up to."""
    found = np.zeros(len(terms), np.uint64)
    has_some = np.flatnonzero(terms)
    if len(has_some):
        found[has_some] = np.add.reduceat(shingles, (np.cumsum(terms) - terms)[has_some])
    return found


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    numbers ^= numbers >> np.uint64(30)
    numbers *= _MIX
    numbers ^= numbers >> np.uint64(27)
    numbers *= _MIX_AGAIN
    numbers ^= numbers >> np.uint64(31)
    return numbers


def _least(shingles: NDArray[np.uint64], terms: Array) -> NDArray[np.uint32]:
    """The least hash in each bin of each text (uint32, texts by WIDTH); _EMPTY where there is none."""
    found = np.full(len(terms) * WIDTH, _EMPTY)
    bins = (shingles >> np.uint64(_BINS)).astype(np.int64)
    bins += np.repeat(np.arange(len(terms)) * WIDTH, terms)
    np.minimum.at(found, bins, shingles.astype(np.uint32))
    return found.reshape(-1, WIDTH)


def _densified(least: NDArray[np.uint32]) -> NDArray[np.uint32]:
    filled = least.copy()
    rows, bins = np.nonzero(least == _EMPTY)
    for turn in _TURNS:
        if not len(rows):
            break
        filled[rows, bins] = borrowed = least[rows, bins ^ turn]
        rest = borrowed == _EMPTY
        rows, bins = rows[rest], bins[rest]
    return filled
