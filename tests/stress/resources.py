"""An index opened, searched and closed repeatedly, and damaged ones too: nothing leaks."""

from __future__ import annotations

import gc
import os
import random
import resource
import shutil
from contextlib import suppress
from pathlib import Path

from indexer import NutgrafError
from indexer.store import generations
from tests.fixtures.processes import held_by_this_process
from tests.stress.archive import Lost, Trial, Unavailable, article

ROUNDS = 10_000
_WARM = 200
_GROWTH = 8 * 2**20
"""Bytes that the process may have grown by; a leak in each round would be many times that."""


def run(rounds: int, chance: random.Random, folder: Path) -> str:
    """Open and close so often; returns descriptors, maps and memory before and after."""
    if not Path("/proc/self/statm").exists():
        raise Unavailable("what a process holds is read from /proc, which is not here")
    sound, broken = Trial(folder / "sound"), Trial(folder / "broken")
    sound.write({f"a{number}.txt": article(number) for number in range(8)})
    sound.sync()
    shutil.copytree(sound.root, broken.root)
    for path in generations.live_folder(broken.index).glob("*.nut"):
        os.truncate(path, path.stat().st_size // 2)
    for _ in range(_WARM):
        _open(sound, broken, chance)
    before = _held()
    for _ in range(rounds):
        _open(sound, broken, chance)
    after = _held()
    if after[:2] != before[:2]:
        raise Lost(f"descriptors and maps grew from {before[:2]} to {after[:2]}")
    if after[2] - before[2] > _GROWTH:
        raise Lost(f"memory grew from {before[2]:,} to {after[2]:,} bytes")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return (
        f"opened and closed {rounds:,} times: {before[0]} descriptors before and {after[0]} after, "
        f"{before[2] / 2**20:.1f} and {after[2] / 2**20:.1f} MB of memory (at most {most:.0f} MB)"
    )


def _open(sound: Trial, broken: Trial, chance: random.Random) -> None:
    with sound.open() as index:
        index.search(chance.choice(("harbour", "crane", '"harbour master"')))
    if chance.random() < 0.1:
        with suppress(NutgrafError), broken.open() as index:
            index.search("harbour")
            raise Lost("a file of half its length was searched")


def _held() -> tuple[int, int, int]:
    """Open descriptors, mapped segments, and bytes of memory in use by this process."""
    gc.collect()
    maps = sum(".nut" in line for line in Path("/proc/self/maps").read_text().splitlines())
    descriptors, memory = held_by_this_process()
    return descriptors, maps, memory
