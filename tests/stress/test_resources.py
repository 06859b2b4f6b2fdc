from __future__ import annotations

import random

import pytest

from tests.stress import resources
from tests.stress.archive import Unavailable


def test_opening_and_closing_holds_on_to_nothing() -> None:
    try:
        assert "opened and closed" in resources.run(300, random.Random(1))
    except Unavailable as reason:
        pytest.skip(str(reason))
