"""Sorted runs: the occurrences of some texts by stem, to be put together with those of others in one pass.

Inversion by sorting (Witten, Moffat and Bell 1999, "Managing Gigabytes", 5.3): whoever reads texts sorts
their words, few enough at a time to stay in the processor's cache. Whoever writes has nothing to compare: how
many occurrences each run has of a stem says where they go.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from indexer.engine.segment import Array, compact

_none = partial(np.empty, 0, np.int32)


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """The occurrences of some texts, in one group for each stem that is there; in a group, as they stand.

    `counts` says how many a group has. The other arrays say of each occurrence its form and its text, by
    number, and its position in the text.
    """

    counts: Array = field(default_factory=_none)
    forms: Array = field(default_factory=_none)
    texts: Array = field(default_factory=_none)
    positions: Array = field(default_factory=_none)

    def __len__(self) -> int:
        return len(self.forms)

    @property
    def heads(self) -> Array:
        """The form of the first occurrence of each group."""
        heads: Array = self.forms[np.cumsum(self.counts) - self.counts]
        return heads

    def only(self, wanted: NDArray[np.bool_]) -> Run:
        """The run without the texts that are not wanted, the others numbered anew."""
        if wanted.all():
            return self
        kept = wanted[self.texts]
        ends = np.concatenate(([0], np.cumsum(kept)))[np.cumsum(self.counts)]
        counts = np.diff(ends, prepend=0)
        numbers = np.cumsum(wanted, dtype=np.int32) - 1
        return Run(counts[counts > 0], self.forms[kept], numbers[self.texts[kept]], self.positions[kept])


def make_run(forms: Array, terms: Array, stem_of: Array) -> Run:
    """The run of texts that are given as form numbers, text after text.

    `terms` says how many there are of each text, `stem_of` which stem, by number, each form has.
    """
    stems = stem_of[forms]
    order = stable_order(stems, len(stem_of))
    first = np.flatnonzero(np.diff(stems[order], prepend=-1))
    texts = np.repeat(np.arange(len(terms), dtype=np.int32), terms)
    positions = np.arange(len(forms), dtype=np.int32)
    positions -= np.repeat(np.cumsum(terms, dtype=np.int32) - terms, terms)
    return Run(
        np.diff(first, append=len(forms)), forms[order], compact(texts)[order], compact(positions)[order]
    )


def stable_order(keys: Array, limit: int) -> Array:
    """The places of the keys (less than `limit`) in ascending order, equal keys as they stand.

    NumPy sorts 16-bit integers by counting, in linear time: larger keys are sorted by their halves.
    """
    low: Array = np.argsort(keys.astype(np.uint16), kind="stable")
    if limit <= 1 << 16:
        return low
    low = low.astype(np.uint32)  # half the memory
    high = (keys >> 16).astype(np.uint16)[low]
    order: Array = low[np.argsort(high, kind="stable")]
    return order
