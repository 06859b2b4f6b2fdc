"""Places of several words are put together in stretches, so that the time can be looked at between them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.engine import arrays, occurrences
from indexer.engine.deadline import NEVER, Deadline, TimeIsUp


@given(st.lists(st.sets(st.integers(0, 60)).map(sorted), max_size=5), st.integers(1, 9))
def test_stretches_of_any_length_make_the_same_whole(parts: list[list[int]], at_once: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrays, "AT_ONCE", at_once)
        found = occurrences._distinct([np.array(part, np.int64) for part in parts], NEVER)
    assert found.tolist() == sorted({place for part in parts for place in part})


def test_between_stretches_the_time_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "AT_ONCE", 4)
    clock = iter(range(100)).__next__
    with pytest.raises(TimeIsUp):
        occurrences._distinct([np.arange(100), np.arange(100)], Deadline(5, clock))
    assert clock() < 10
