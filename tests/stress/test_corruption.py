from __future__ import annotations

import random

from tests.stress import corruption


def test_harm_to_any_file_is_detected_and_gives_no_wrong_answer() -> None:
    assert "none silently wrong" in corruption.run(150, random.Random(3))
