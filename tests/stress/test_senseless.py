from __future__ import annotations

import random

from tests.stress import senseless


def test_numbers_that_make_no_sense_are_not_believed_whatever_the_checksums_say() -> None:
    assert "none believed" in senseless.run(60, random.Random(7))
