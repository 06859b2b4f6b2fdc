"""kill -9 at random during index, merge, rebuild, put, the first of them and the cleaning up; workers too.

A moment is either a time after the writer has taken the lock, or an event: so many changes in the index's
folder, seen from outside, so that the short steps of a commit are met as often as the long reading.
"""

from __future__ import annotations

import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from indexer import Article, Config, open_index
from indexer.store.lock import lock_for_writing
from tests.engine.embedding import add_vectors
from tests.fixtures.commits import open_commit
from tests.fixtures.processes import children_of
from tests.stress.archive import ROOT, Lost, States, Trial, content, counted, environment, two_states
from tests.stress.watching import Watch, ended

ROUNDS = 1000
"""Kills."""
_FREE_WITHIN = 10.0
"""Seconds after which the lock of a dead writer must be free.

Usually it is free at once. A process that is being forked holds it until it runs its own program, which takes
longer on a busy machine.
"""
_ORPHANS_END = 60.0
_MARK = "STRESS_KILL"
_PADDING = "The crane on the quay turns round and the tide goes out before the harbour master wakes up."


@dataclass(frozen=True)
class Work:
    """Something that a writer does: the states it leads from and to, how it is prepared and called."""

    name: str
    states: Mapping[str, States]
    prepare: Callable[[Trial, States], None]
    command: Callable[[Trial], list[str]]
    again: Callable[[Trial], None] = Trial.sync
    """The next writer, which has to reach the last state."""
    is_first: bool = False
    """Whether there is no index before, which is the old state then: one without articles is none of them."""


@dataclass
class Prepared:
    """A work, its archive, which is put back before each round, and how long it is when nothing cuts it."""

    work: Work
    trial: Trial
    seconds: float = 0.0
    events: int = 0

    def reset(self) -> None:
        """The index as before the work."""
        shutil.rmtree(self.trial.index, ignore_errors=True)
        shutil.copytree(self.trial.root / "before", self.trial.index)

    def holds(self) -> str:
        """The name of the state that is found; raises Lost when it is none."""
        if not self.work.is_first:
            return self.trial.holds(self.work.states)
        if not self.trial.open().exists:
            return "old"
        return self.trial.holds({"new": self.work.states["new"]})

    def check(self) -> None:
        """Raise Lost unless the next writer succeeds and leaves no temporary files."""
        states = self.work.states
        if self.work.is_first:
            self.work.again(self.trial)
            states = {"new": states["new"]}
        self.trial.check(states, self.work.again)


def run(rounds: int, chance: random.Random, folder: Path) -> str:
    """Kill so many processes; returns how often the old and the new state were found."""
    outcomes: list[str] = []
    killed: list[str] = []
    longest = 0.0
    prepared: dict[str, Prepared] = {}
    for work in itertools.cycle(works()):
        if len(killed) >= rounds:
            break
        if work.name not in prepared:
            prepared[work.name] = _prepared(work, Trial(folder / work.name))
        chosen = prepared[work.name]
        chosen.reset()
        name = f"{chosen.work.name}, kill {len(killed)}"
        state = "old"
        # The next writer may be cut short, too, while it clears up after the first.
        for _ in range(chance.choice([1, 1, 2, 3])):
            what, code = _cut(chosen, chance, f"{os.getpid()}.{len(killed)}")
            longest = max(longest, _waited(chosen.trial))
            if longest > _FREE_WITHIN:
                raise Lost(f"{name}: the lock of a dead writer was free only after {longest:.1f} s")
            if what:
                killed.append(what)
            found = chosen.holds()
            if found == "old" and (state == "new" or code == 0):
                raise Lost(f"{name}: what was committed is gone")
            if what == "worker" and code != 0:
                raise Lost(f"{name}: a dead worker made its writer fail with exit code {code}")
            state = found
        chosen.check()
        outcomes.append(f"{chosen.work.name} {state}")
    return (
        f"{len(killed):,} kills ({counted(killed)}), nothing lost: {counted(outcomes)}; "
        f"the lock free after at most {longest:.2f} s, no process and no file left"
    )


def works() -> list[Work]:
    """The works that are interrupted."""
    small, large = two_states(), _padded(two_states())
    first = {"old": {}, "new": small["new"]}
    return [
        Work("first index", first, _none, lambda t: t.command("index", t.source), is_first=True),
        Work("first put", first, _none, _putting, _put, is_first=True),
        Work("rebuild", large, _rebuilt, lambda t: t.command("rebuild", t.source, "--jobs", "2")),
        Work("merge", small, _in_segments, lambda t: t.command("index", t.source)),
        Work("index", small, _synced, lambda t: t.command("index", t.source)),
        Work("read", large, _synced, lambda t: t.command("index", t.source, "--jobs", "2")),
        # An app's articles stay until it takes them out.
        Work("put", {**small, "new": {**small["old"], **small["new"]}}, _put_in, _putting, _put),
    ]


def put(root: str) -> None:
    """Put the files of the archive's folder in as an app would."""
    trial = Trial(Path(root))
    given = []
    for path in sorted(trial.source.iterdir()):
        title, *paragraphs = content(path.read_text())
        given.append(Article(path.name, title, paragraphs, source=path.name))
    with open_index(Config(index=trial.index, lock_timeout=5)) as index:
        index.put(given)


def _padded(states: Mapping[str, States]) -> dict[str, States]:
    """So much text that reading it in several processes pays; in the new state, all of it is other text."""
    padding = f"\n{_PADDING * 12}\n" * 165
    return {
        name: {path: f"{file}\nAs of the {name} state.\n{padding}" for path, file in files.items()}
        for name, files in states.items()
    }


def _none(trial: Trial, old: States) -> None:
    """An empty folder, so that it can be watched from the beginning."""
    trial.index.mkdir()


def _synced(trial: Trial, old: States) -> None:
    trial.write(old)
    trial.sync()


def _in_segments(trial: Trial, old: States) -> None:
    """In seven commits, so that the next one merges; each segment with vectors."""
    names = list(old)
    for step in range(1, 8):
        trial.write({name: old[name] for name in names[: step * len(names) // 7]})
        trial.sync()
    with trial.open() as index:
        add_vectors(open_commit(index).snapshot)


def _rebuilt(trial: Trial, old: States) -> None:
    """With a generation before the live one, which the next one clears away."""
    _synced(trial, old)
    with trial.open() as index:
        index.rebuild()


def _put_in(trial: Trial, old: States) -> None:
    trial.write(old)
    _put(trial)


def _put(trial: Trial) -> None:
    put(str(trial.root))


def _putting(trial: Trial) -> list[str]:
    return [
        sys.executable,
        "-c",
        "import sys; from tests.stress.kill import put; put(sys.argv[1])",
        str(trial.root),
    ]


def _prepared(work: Work, trial: Trial) -> Prepared:
    """Make the archive and see how long the work is."""
    trial.root.mkdir(parents=True)
    old, new = work.states.values()
    work.prepare(trial, old)
    trial.index.rename(trial.root / "before")
    trial.write(new)
    prepared = Prepared(work, trial)
    prepared.reset()
    with Watch(trial.index) as watch, _writer(prepared, "measured") as writer:
        began = time.monotonic()
        for event in watch.events(writer.pid):
            if event == "writer.json" and not prepared.events:
                began = time.monotonic()
            prepared.events += 1
        prepared.seconds = time.monotonic() - began
    if writer.returncode != 0 or prepared.holds() != "new":
        raise Lost(f"{work.name} does not even work when nothing is killed (exit code {writer.returncode})")
    return prepared


def _writer(prepared: Prepared, mark: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        prepared.work.command(prepared.trial), cwd=ROOT, env=environment(**{_MARK: mark}),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def _cut(prepared: Prepared, chance: random.Random, mark: str) -> tuple[str, int]:
    """Start a writer and kill it, one of its workers, or all; returns the killed one and its exit code.

    Nothing was killed when the moment was past its end. Afterwards no process of it is left. Raises Lost.
    """
    target = chance.choice(["writer", "writer", "writer", "all", "worker"])
    is_event = target != "worker" and chance.random() < 0.5
    seconds, event = chance.uniform(0, prepared.seconds * 1.1), chance.randrange(prepared.events)
    what = ""
    with Watch(prepared.trial.index) as watch, _writer(prepared, mark) as writer:
        for number, name in enumerate(watch.events(writer.pid)):
            if number >= event if is_event else name == "writer.json":
                if is_event or not ended(writer.pid, seconds):
                    what = _kill(target, writer)
                break
    if _left(mark, _ORPHANS_END):
        raise Lost(
            f"{prepared.work.name}: {target} killed, and a process of it was there {_ORPHANS_END:g} s on"
        )
    return what, writer.returncode


def _kill(target: str, writer: subprocess.Popen[bytes]) -> str:
    children = children_of(writer.pid)
    chosen = {"writer": [writer.pid], "worker": children[:1], "all": [writer.pid, *children]}[target]
    for process in chosen:
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it had ended by itself
    return target if chosen else ""


def _waited(trial: Trial) -> float:
    """Seconds until the lock is free."""
    began = time.monotonic()
    with lock_for_writing(trial.index, 6 * _FREE_WITHIN):
        return time.monotonic() - began


def _left(mark: str, within: float) -> bool:
    """Whether processes that a writer started outlive it by so many seconds: they have its environment."""
    marked = f"{_MARK}={mark}\0".encode()
    until = time.monotonic() + within
    while any(marked in _environment(path) for path in Path("/proc").glob("[0-9]*/environ")):
        if time.monotonic() > until:
            return True
        time.sleep(0.01)
    return False


def _environment(path: Path) -> bytes:
    try:
        return path.read_bytes() + b"\0"
    except OSError:
        return b""  # it has ended, or belongs to another user
