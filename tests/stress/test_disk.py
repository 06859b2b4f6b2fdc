"""What a disk does to an index, in short; `python -m tests.stress` has the long forms."""

from __future__ import annotations

import random
from types import ModuleType

import pytest

from tests.stress import full, power, syscalls
from tests.stress.archive import Unavailable


@pytest.mark.parametrize(
    ("proof", "rounds"), [(syscalls, 12), (full, 8), (power, 2)], ids=["syscalls", "full", "power"]
)
def test_a_disk_that_fails_loses_nothing(proof: ModuleType, rounds: int) -> None:
    try:
        figures = proof.run(rounds, random.Random(6))
    except Unavailable as reason:
        pytest.skip(f"not to be had here: {reason}")
    assert "nothing lost" in figures
