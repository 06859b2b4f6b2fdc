"""Queries take turns; a long one lets those go first that came after it, and still gets its share."""

from __future__ import annotations

import threading
import time
from typing import NoReturn

import pytest

from indexer.engine import deadline
from indexer.engine.deadline import SHORT, Deadline


def long_one() -> Deadline:
    """A deadline whose query has been running for a hundred times as long as most do."""
    deadline = Deadline(60)
    deadline._began -= 100 * SHORT
    return deadline


def elsewhere(deadline: Deadline) -> Deadline:
    """The deadline as that of a query in another thread."""
    deadline._thread = 0
    return deadline


def test_a_long_query_rests_until_a_new_one_is_done() -> None:
    looked, order = threading.Event(), []
    with long_one() as old:
        new = elsewhere(Deadline(60))
        new.__enter__()
        # As new as it can be for as long as the test takes.
        new._began += 60

        def look() -> None:
            looked.set()
            old.is_over()
            order.append("old")

        thread = threading.Thread(target=look)
        # However long it takes, the share of the old one is not used up.
        old._began -= 3600
        thread.start()
        looked.wait()
        order.append("new")
        new.__exit__(None, None, None)
        thread.join()
    assert order == ["new", "old"]


def test_a_query_that_begins_waits_for_the_one_that_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "PATIENCE", 60)
    begins, order = threading.Event(), []

    def begin() -> None:
        begins.set()
        with Deadline(60):
            order.append("second")

    with Deadline(60):
        thread = threading.Thread(target=begin)
        thread.start()
        begins.wait()
        time.sleep(0.02)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_but_not_for_long_and_not_for_one_that_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    with Deadline(60):
        began = time.perf_counter()
        with elsewhere(Deadline(60)):
            assert time.perf_counter() - began >= deadline.PATIENCE
    monkeypatch.setattr(deadline, "PATIENCE", 3600)
    with Deadline(60) as resting:
        resting._quiet.set()
        with elsewhere(Deadline(60)):
            pass
        # Nor does a query wait for the one that it is a part of, or longer than it has time.
        resting._quiet.clear()
        with Deadline(60):
            pass
        with elsewhere(Deadline(0.01)) as hasty:
            assert not hasty.is_over()


def test_a_query_that_is_interrupted_before_it_begins_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    with Deadline(60) as first:
        monkeypatch.setattr(first._quiet, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            elsewhere(Deadline(60)).__enter__()
        assert not first._others()


def test_a_new_query_does_not_rest() -> None:
    with long_one(), elsewhere(Deadline(60)) as new:
        new.check()
        assert new._rested == 0


def test_of_two_long_queries_neither_rests() -> None:
    with long_one() as one, elsewhere(long_one()) as other:
        one.check()
        other.check()
        assert one._rested == other._rested == 0


def test_a_long_query_works_for_as_long_as_it_rests() -> None:
    with Deadline(60) as old:
        old._began -= 2 * SHORT
        for _ in range(10):
            with elsewhere(Deadline(60)):
                old.check()
        lasted = time.perf_counter() - old._began
    assert 0 < old._rested <= lasted / 2 + SHORT


def test_what_was_never_begun_does_not_rest() -> None:
    with Deadline(60), elsewhere(Deadline(60)):
        began = time.perf_counter()
        deadline.NEVER.check()
        assert time.perf_counter() - began < SHORT


def test_a_query_that_failed_is_not_waited_for() -> None:
    try:
        with elsewhere(Deadline(60)) as new:
            new._began += 3600
            raise KeyError
    except KeyError:
        pass
    with long_one() as old:
        old.check()
        assert old._rested == 0
