from __future__ import annotations

import random

import pytest

from tests.stress import largest
from tests.stress.archive import Unavailable


def test_a_large_file_of_each_kind_is_read_and_written_in_little_memory() -> None:
    try:
        figures = largest.run(1, random.Random(2))
    except Unavailable as reason:
        pytest.skip(str(reason))
    assert len(figures.split("; ")) == 14
    assert "a.html.gz of 1.0 MB: writer" in figures
