"""kill -9 at a random moment of an index, a rebuild, their merges and cleaning up; workers too."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from tests.proofs.archive import Lost, States, Trial, counted, environment, two_states

ROUNDS = 1000
COMMANDS = ("index", "rebuild")
FREE_WITHIN = 1.0
"""Seconds after which the lock of a dead writer must be free."""


def run(rounds: int, chance: random.Random) -> str:
    """Kill so many writers; returns how often the old and the new state were found."""
    states = two_states()
    outcomes = []
    longest = _length(states)
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            trial = Trial(Path(folder))
            trial.write(states["old"])
            trial.sync()
            trial.write(states["new"])
            command = COMMANDS[number % len(COMMANDS)]
            is_worker = chance.random() < 0.25
            _cut(trial, command, chance.uniform(0, longest * 1.1), only_a_worker=is_worker)
            held = trial.check(states)
            if is_worker and held != "new":
                raise Lost(f"round {number}: a dead worker cost {command} its commit")
            outcomes.append(f"{command} {held}")
    return f"{rounds:,} kills, nothing lost: {counted(outcomes)}"


def _length(states: Mapping[str, States]) -> float:
    """Seconds that a rebuild takes here."""
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(Path(folder))
        trial.write(states["old"])
        trial.sync()
        began = time.monotonic()
        trial.run("rebuild")
        return time.monotonic() - began


def _cut(trial: Trial, command: str, after: float, *, only_a_worker: bool) -> None:
    """Start a writer and kill it, or one of the processes that read for it, so many seconds later."""
    words: list[str | Path] = [command, trial.source, "--jobs", "2", "--lock-timeout", "5"]
    writer = subprocess.Popen(
        trial.command(*words), cwd=trial.root, env=environment(), stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        writer.wait(after)
    except subprocess.TimeoutExpired:
        if only_a_worker:
            for child in _children(writer.pid)[:1]:
                _kill(child)
            writer.wait(60)
        else:
            _kill(writer.pid)
    killed = time.monotonic()
    writer.wait(60)
    with trial.open() as index:
        # It takes the lock, or says who holds it.
        index.remove([])
    if (waited := time.monotonic() - killed) > FREE_WITHIN + 2 and not only_a_worker:
        raise Lost(f"the lock was free only after {waited:.1f} s")


def _children(process: int) -> list[int]:
    try:
        listed = Path(f"/proc/{process}/task/{process}/children").read_text()
    except OSError:
        return []  # it has ended
    return [int(child) for child in listed.split()]


def _kill(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        pass  # it was done before
