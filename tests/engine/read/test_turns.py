"""Queries take turns; a long one lets younger ones go first, and still gets its share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from indexer.engine.read.deadline import SHORT, Turn

Made = TypeVar("Made")


class Clock:
    """A clock that stands still, or advances by `step` seconds whenever it is read."""

    def __init__(self, step: float = 0.0) -> None:
        self.now = 0.0
        self._step = step

    def __call__(self) -> float:
        self.now += self._step
        return self.now


def elsewhere(make: Callable[[], Made]) -> Made:
    """Call `make` in another thread and return its result."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(make).result()


def begin_elsewhere(clock: Clock) -> Turn:
    """Begin a turn in another thread and return it."""
    return elsewhere(lambda: Turn(patience=0, clock=clock).__enter__())


def test_a_long_query_pauses_until_a_young_one_is_done() -> None:
    clock, order = Clock(), []
    with Turn(clock=clock) as old:
        clock.now = 100 * SHORT
        young = begin_elsewhere(clock)

        def work() -> None:
            order.append("young")
            young.__exit__(None, None, None)

        thread = threading.Thread(target=work)
        thread.start()
        old.give_way()
        order.append("old")
        thread.join()
    assert order == ["young", "old"]


def test_a_new_query_waits_for_the_one_that_runs() -> None:
    order, begins = [], threading.Event()

    def begin() -> None:
        begins.set()
        with Turn(patience=3600):
            order.append("second")

    with Turn():
        thread = threading.Thread(target=begin)
        thread.start()
        begins.wait()
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


@pytest.mark.parametrize(("seconds", "patience"), [(3600, 0.001), (0.002, 3600)])
def test_a_new_query_waits_no_longer_than_its_patience_or_half_of_its_time_limit(
    seconds: float, patience: float
) -> None:
    order = []

    def run() -> None:
        with Turn(seconds, patience=patience):
            order.append("second")

    with Turn():
        elsewhere(run)
        order.append("first")
    assert order == ["second", "first"]


def test_a_new_query_does_not_wait_for_a_paused_query_or_for_its_own_thread() -> None:
    clock = Clock()
    old = begin_elsewhere(clock)
    clock.now = 100 * SHORT
    with Turn(patience=0, clock=clock) as young, ThreadPoolExecutor(1) as pool:
        pausing = pool.submit(old.give_way)
        with Turn(patience=3600, clock=clock):
            assert not pausing.done()
        young.__exit__(None, None, None)
        pausing.result()
    old.__exit__(None, None, None)


def test_a_query_that_waits_for_something_else_is_not_waited_for_and_has_not_worked_meanwhile() -> None:
    clock = Clock()
    with Turn(clock=clock) as waiting:
        with waiting.wait():
            clock.now = 100 * SHORT
            young = elsewhere(lambda: Turn(patience=3600, clock=clock).__enter__())
        # It would pause for the young query if it had worked for long.
        waiting.give_way()
        assert waiting.paused == 0
        young.__exit__(None, None, None)


def test_a_query_that_is_interrupted_before_it_begins_is_not_waited_for() -> None:
    clock = Clock()

    def interrupt() -> float:
        if clock.now:
            raise KeyboardInterrupt
        return 0.0

    with Turn(clock=clock) as old:
        other = elsewhere(lambda: Turn(clock=interrupt))
        clock.now = 100 * SHORT
        with pytest.raises(KeyboardInterrupt):
            other.__enter__()
        old.give_way()
        assert old.paused == 0


def test_a_query_that_failed_is_not_waited_for() -> None:
    clock = Clock(step=0.001)
    with Turn(clock=clock) as old:
        clock.now += 100 * SHORT
        with pytest.raises(KeyError), begin_elsewhere(clock):
            raise KeyError
        old.give_way()
        assert old.paused == 0


def test_a_young_query_does_not_pause() -> None:
    clock = Clock(step=SHORT / 100)
    with begin_elsewhere(clock), Turn(clock=clock) as young:
        young.give_way()
        assert young.paused == 0


def test_of_two_long_queries_neither_pauses() -> None:
    clock = Clock(step=0.001)
    with begin_elsewhere(clock) as one, Turn(clock=clock) as other:
        clock.now += 100 * SHORT
        one.give_way()
        other.give_way()
        assert one.paused == other.paused == 0


def test_a_long_query_works_for_as_long_as_it_pauses() -> None:
    step = SHORT / 7
    clock = Clock(step)
    with Turn(clock=clock) as old:
        clock.now += 2 * SHORT
        for _ in range(20):
            with begin_elsewhere(clock):
                old.give_way()
        assert 0 < old.paused <= clock.now / 2 + step


def test_a_query_that_was_never_begun_does_not_pause() -> None:
    clock = Clock(step=0.001)
    never = Turn(clock=clock)
    clock.now += 100 * SHORT
    with begin_elsewhere(clock), Turn(patience=0, clock=clock):
        never.give_way()
        assert never.paused == 0
