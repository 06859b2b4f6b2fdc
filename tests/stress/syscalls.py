"""ENOSPC, EIO, EMFILE and KILL at every nth system call by which the index is written (strace)."""

from __future__ import annotations

import multiprocessing
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path

from tests.stress.archive import Lost, Trial, Unavailable, counted, two_states

ROUNDS = 2000
COMMANDS = ("index", "rebuild")
CALLS = ("write", "openat", "rename", "unlink", "unlinkat", "fsync", "mkdir")
FAULTS = ("error=ENOSPC", "error=EIO", "error=EMFILE", "signal=KILL")
# What a command loads, so that loading is not what fails, and takes no time.
PRELOADED = ["indexer.cli.program", "indexer.index", "indexer.store.update", "tests.stress.archive"]
_CALL = re.compile(r"^(?:\d+ +)?\w+\(.*")


@dataclass(frozen=True)
class Fault:
    """What fails: which of a command's calls of a kind, and how."""

    command: str
    call: str
    number: int
    how: str

    def __str__(self) -> str:
        return f"{self.how} at {self.call} {self.number} of {self.command}"


@dataclass(frozen=True)
class Outcome:
    """How a command ended, what it printed, and the calls that strace saw."""

    code: int
    printed: str
    calls: list[str]


def run(rounds: int, chance: random.Random, folder: Path) -> str:
    """Inject so many faults; returns how often the old and the new state were found."""
    if not shutil.which("strace"):
        raise Unavailable("strace is not installed")
    states = two_states(16)
    outcomes: list[str] = []
    harmless = missed = 0
    trial = Trial(folder / "trial")
    trial.write(states["old"])
    trial.sync()
    before = folder / "before"
    shutil.copytree(trial.index, before)
    trial.write(states["new"])
    kinds = [(command, call) for command in COMMANDS for call in CALLS]
    chance.shuffle(kinds)
    # To know the places takes a run for each kind: as a test it is done with few.
    faults = [fault for kind in kinds[: max(rounds // 3, 2)] for fault in _faults(trial, before, *kind)]
    chance.shuffle(faults)
    for number in range(rounds):
        fault = faults[number % len(faults)]
        _restore(trial, before)
        outcome = _under(trial, fault.command, fault.call, f"{fault.how}:when={fault.number}")
        is_injected = any("(INJECTED)" in call and _is_of(trial, call) for call in outcome.calls)
        is_killed = outcome.code == -signal.SIGKILL
        if not is_injected and not is_killed:
            missed += 1
            continue
        try:
            if not is_killed:
                _is_one_line(outcome)
            held = trial.check(states)
            if outcome.code == 0 and held != "new":
                raise Lost(f"exit code 0, and the index holds what was {held}")
        except Lost as error:
            raise Lost(f"{fault}: {error} {outcome.printed}") from error
        harmless += outcome.code == 0
        outcomes.append(f"{fault.command} {held}")
    if missed > rounds // 20:
        raise Lost(f"{missed} of {rounds} faults met nothing of the index")
    return (
        f"{len(outcomes):,} faults at {len(faults):,} places, nothing lost: {counted(outcomes)}; "
        f"{harmless:,} did no harm"
    )


def _faults(trial: Trial, before: Path, command: str, call: str) -> Iterator[Fault]:
    """Every call of this kind by which a command touches the index, with all that can go wrong there."""
    _restore(trial, before)
    seen = _under(trial, command, call, None)
    if seen.code != 0:
        raise Lost(f"{command} fails though nothing is injected: {seen.printed}")
    for number, line in enumerate(seen.calls, 1):
        if _is_of(trial, line):
            yield from (Fault(command, call, number, how) for how in FAULTS)


def _restore(trial: Trial, before: Path) -> None:
    shutil.rmtree(trial.index, ignore_errors=True)
    shutil.copytree(before, trial.index)


def _is_of(trial: Trial, line: str) -> bool:
    return f"{trial.index}/" in line or f"{trial.index}>" in line or f'{trial.index}"' in line


def _is_one_line(outcome: Outcome) -> None:
    lines = outcome.printed.splitlines()
    if "Traceback" in outcome.printed or (outcome.code and len(lines) != 1):
        raise Lost(f"exit code {outcome.code}, and not one line but")


def _under(trial: Trial, command: str, call: str, fault: str | None) -> Outcome:
    """Run a command in another process, with strace making one of its calls fail.

    Strace takes hold of it when all is loaded: what counts are the calls of the command alone.
    """
    context = _context()
    ours, theirs = context.Pipe()
    printed, traced = trial.root / "printed", trial.root / "traced"
    words = [command, str(trial.source), "--jobs", "1", "--index", str(trial.index)]
    process = context.Process(target=_command, args=(theirs, str(printed), words))
    process.start()
    theirs.close()
    ours.recv()
    options = ["-e", f"inject={call}:{fault}"] if fault else []
    with subprocess.Popen(
        [
            "strace",
            "-y",
            "-s",
            "0",
            "-e",
            f"trace={call}",
            *options,
            "-o",
            str(traced),
            "-p",
            str(process.pid),
        ],
        stderr=subprocess.PIPE,
        text=True,
    ) as strace:
        assert strace.stderr is not None
        if "attached" not in (said := strace.stderr.readline()):
            process.kill()
            raise Unavailable(f"strace cannot take hold of a process here: {said.strip()}")
        ours.send(None)
        process.join()
    assert process.exitcode is not None
    calls = [line for line in traced.read_text(errors="replace").splitlines() if _CALL.match(line)]
    return Outcome(process.exitcode, printed.read_text(), calls)


def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


def _command(ready: Connection, printed: str, words: Sequence[str]) -> None:
    """Run a command of the command line in this process, once a line comes in; exits with its code."""
    from indexer.cli import run_cli

    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    _load(Path(f"{printed}.first"))
    ready.send(None)
    ready.recv()
    sys.exit(run_cli(words))


def _load(root: Path) -> None:
    """Index, change and rebuild something else, so that everything is loaded."""
    from indexer.cli import run_cli

    shutil.rmtree(root, ignore_errors=True)
    first = Trial(root)
    for command, files in zip(COMMANDS, two_states(2).values(), strict=True):
        first.write(files)
        run_cli([command, str(first.source), "--jobs", "1", "--index", str(first.index)])
