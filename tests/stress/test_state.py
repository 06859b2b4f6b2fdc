"""The proofs of what is kept, whoever is killed and whatever the history, in their short form."""

from __future__ import annotations

import random
import sys

import pytest

from tests.stress import kill, model, soak

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="processes are watched through inotify and /proc")


def test_after_any_changes_the_index_equals_its_dict_and_one_made_anew() -> None:
    assert "each equals its dict" in model.run(8, random.Random(6))


@LINUX
def test_a_killed_writer_or_worker_loses_nothing_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    # A process that is being started has the lock until it runs its program, and this machine may be busy.
    monkeypatch.setattr(kill, "FREE_WITHIN", kill.STARTED)
    assert "nothing lost" in kill.run(6, random.Random(6))


@LINUX
def test_what_threads_and_processes_read_beside_two_writers_is_always_one_state() -> None:
    assert "0 errors" in soak.run(300, random.Random(6))
