"""kill -9 of a writer on a cluster during put, sync and rebuild, or its sleep until another one has written.

After each, another writer goes on, which waits for no lease, as its clock is ahead. A reader searches all the
time.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import signal
import subprocess
import time
from pathlib import Path

from indexer.opensearch.cluster import Cluster
from indexer.opensearch.commits import read_holder
from tests.fixtures.serving import PATIENCE
from tests.opensearch.server import VERSIONS, start_cluster
from tests.stress.archive import Lost, counted
from tests.stress.clusters import (
    WORKS,
    History,
    Reader,
    check_tidy,
    check_whole,
    describe,
    make_config,
)
from tests.stress.watching import ended

ROUNDS = 100
"""Writers that are killed or sleep."""


def run(rounds: int, chance: random.Random, folder: Path) -> str:
    """Disturb so many writers; returns how often each had committed."""
    version = chance.choice([*VERSIONS])
    with start_cluster(folder / "cluster", version) as cluster:
        address = f"opensearch+{cluster.urls[0]}/archive"
        history = History(folder / "source")
        for work in WORKS:
            history.write(address, work)
        seconds = {work: _measure(address, history, work) for work in WORKS}
        outcomes = []
        with Reader(address, history) as reader:
            for number, work in zip(range(rounds), itertools.cycle(WORKS), strict=False):
                is_killed = chance.random() < 0.8
                moment = chance.uniform(0, 1.1 * seconds[work])
                try:
                    outcome = (
                        _kill(address, history, work, moment, is_repeated=chance.random() < 0.5)
                        if is_killed
                        else _hold_up(address, history, work, moment)
                    )
                    check_whole(address, history)
                    reader.check()
                except Lost as error:
                    how = "killed" if is_killed else "asleep"
                    raise Lost(f"writer {number} ({work}), {how} after {moment:.2f} s: {error}") from error
                outcomes.append(f"{work} {outcome}")
        check_tidy(address, history)
    return f"{version}: {rounds:,} writers, nothing lost: {counted(outcomes)}; {describe([reader])}"


def _measure(address: str, history: History, work: str) -> float:
    """Seconds that a work takes in a process that nothing disturbs."""
    version = history.begin(work)
    with history.start_writer(address, work, version) as process:
        began = time.monotonic()
        if not _has_committed(process):
            raise Lost(f"{work} does not even work when nothing disturbs it")
        history.finish(work, version)
        return time.monotonic() - began


def _kill(address: str, history: History, work: str, moment: float, *, is_repeated: bool) -> str:
    """Kill a writer after some seconds; then another one writes the same version, or the next."""
    version = history.begin(work)
    with history.start_writer(address, work, version) as process:
        ended(process.pid, moment)
        process.kill()
        is_reported = _has_committed(process)
    if is_reported:
        history.finish(work, version)
    state = check_whole(address, history)
    is_committed = getattr(state, WORKS[work]) == version
    history.write(address, work, version if is_repeated else None)
    return "reported" if is_reported else "committed" if is_committed else "cut"


def _hold_up(address: str, history: History, work: str, moment: float) -> str:
    """Let a writer that has the lease sleep until another one has written the next version."""
    version = history.begin(work)
    with history.start_writer(address, work, version) as process:
        _await_lease(address, process)
        ended(process.pid, moment)
        process.send_signal(signal.SIGSTOP)
        # Its last request may still be on the way.
        history.write(address, work)
        process.send_signal(signal.SIGCONT)
        is_reported = _has_committed(process)
    return "reported before it slept" if is_reported else "shut out"


def _await_lease(address: str, process: subprocess.Popen[str]) -> None:
    """Wait until a writer has the lease, or has ended."""
    with contextlib.closing(Cluster.of(make_config(address))) as cluster:
        while process.poll() is None:
            holder = read_holder(cluster)
            if holder and holder[0].startswith(f"process {process.pid} "):
                return


def _has_committed(process: subprocess.Popen[str]) -> bool:
    """Wait for the end of a writer; returns whether it has reported a commit.

    Raises Lost if it ended in another way than by being killed or shut out.
    """
    said, problem = process.communicate(timeout=PATIENCE)
    if said:
        return True
    if process.returncode != -signal.SIGKILL and "another writer has taken over" not in problem:
        raise Lost(f"a writer failed: {problem[-2000:]}")
    return False
