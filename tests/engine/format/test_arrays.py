"""Membership in sorted arrays."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from indexer.engine.format.arrays import contains

KEYS = st.integers(0, 50) | st.integers(0, 2**60)


@example(ids={0, 7}, wanted=[7, 8, *[3] * 100, 2**40])
@given(ids=st.sets(KEYS), wanted=st.lists(KEYS, max_size=200))
def test_ids_are_found_in_an_array_however_far_above_it_others_are(ids: set[int], wanted: list[int]) -> None:
    found = contains(np.array(sorted(ids), np.int64), np.array(wanted, np.int64))
    assert found.tolist() == [number in ids for number in wanted]
