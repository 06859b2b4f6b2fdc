"""The proofs of what is kept, whoever is killed and whatever the history, in their short form."""

from __future__ import annotations

import random

from tests.proofs import model


def test_after_any_changes_the_index_equals_its_dict_and_one_made_anew() -> None:
    assert model.run(10, random.Random(6))
