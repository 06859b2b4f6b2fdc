"""What every test is run with, so that none depends on how busy the machine is."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from functools import partial

import pytest
from hypothesis import HealthCheck, settings

from indexer.search.settings import SearchSettings
from indexer.store import reader

# How long an example takes says how busy the machine is. A fixture that all examples of a test share is
# always meant: an index that is made once.
settings.register_profile(
    "any machine",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("any machine")

# A shell without job control starts what runs in the background deaf to interrupts, and all that this starts;
# some tests interrupt a program of their own.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

LANES = ("browser", "stress", "slow", "shared")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip the lanes that take longer or need more, unless `-m` chooses what to run."""
    if config.option.markexpr:
        return
    for item in items:
        for lane in LANES:
            if item.get_closest_marker(lane):
                item.add_marker(pytest.mark.skip(reason=f"run it with: pytest -m {lane}"))


@pytest.fixture(autouse=True, scope="session")
def _computing_time() -> Iterator[None]:
    """A query's time is what its thread computes: one that has to wait for other programs is not cut."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "SearchSettings", partial(SearchSettings, clock=time.thread_time))
        yield
