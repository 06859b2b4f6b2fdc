from __future__ import annotations

import random

from tests.stress import hostile


def test_no_payload_in_any_place_runs() -> None:
    assert "none ran" in hostile.run(len(hostile.PLACES), random.Random(1))
