"""Power cuts: the index on an ext4 disk is whole at any moment while a writer commits to it."""

from __future__ import annotations

import filecmp
import random
import shutil
import subprocess
import sys
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from tests.stress.archive import Lost, States, Trial, Unavailable, article, environment, mounted, run_tool

ROUNDS = 100
SECONDS = 40.0
"""How long a writer works, at most; the power is cut at moments in that time."""
_CUTS = 10  # in the time of one writer
_ARTICLES = 16
_SIZE = 24 << 20
_TRIES = 200


@dataclass(frozen=True)
class Disk(Trial):
    """An archive whose index lies on a disk of its own: an image of it, mounted beside the source."""

    image: Path

    @property
    def mounted(self) -> Path:
        return self.root / "disk"

    @property
    def index(self) -> Path:
        return self.mounted / "index"

    def mount(self, image: Path) -> AbstractContextManager[None]:
        """With an image as the disk."""
        self.mounted.mkdir(exist_ok=True)
        return mounted(self.mounted, "-o", "loop", str(image))

    def cut(self, copy: Path) -> None:
        """What would be on the disk if the power went now: an image of one moment, not of several."""
        again = copy.with_suffix(".again")
        for _ in range(_TRIES):
            shutil.copyfile(self.image, copy)
            shutil.copyfile(self.image, again)
            # What was the same twice did not change from the end of the first reading on until the second.
            if filecmp.cmp(copy, again, shallow=False):
                again.unlink()
                return
        raise Unavailable("the disk does not stand still for long enough to be copied")


def run(rounds: int, chance: random.Random, folder: Path) -> str:
    """Cut the power so many times; returns how many commits were there and how far they had come."""
    made = written = last = 0
    while made < rounds:
        disk = Disk(folder / str(made), folder / str(made) / "image")
        disk.root.mkdir()
        with disk.image.open("wb") as file:
            file.truncate(_SIZE)
        run_tool("mkfs.ext4", "-q", "-F", str(disk.image))
        moments = sorted(chance.uniform(0, _seconds(rounds)) for _ in range(min(_CUTS, rounds - made)))
        cuts, commits = _work(disk, moments)
        for number, (image, least, most) in enumerate(cuts):
            try:
                last += _check(disk, image, least, most) == most
            except Lost as error:
                raise Lost(f"cut {made + number}, {moments[number]:.2f} s on: {error}") from error
        made += len(cuts)
        written += commits
        shutil.rmtree(disk.root)
    return (
        f"{made:,} cuts during {written:,} commits, nothing lost that was acknowledged: "
        f"in {last:,} the commit under way was there already"
    )


def state(number: int) -> States:
    """The files of a state: every state changes a quarter of the one before, and adds an article."""
    files = {f"a{place:04}.txt": article(place, 1 + (number + place) // 4) for place in range(_ARTICLES)}
    return files | {"last.txt": article(2000 + number)}


def write(root: str) -> None:
    """Commit one state after the other, and say each that is acknowledged, until the end of the input."""
    disk = Disk(Path(root), Path(root) / "image")
    number = 0
    while True:
        number += 1
        disk.write(state(number))
        with disk.open() as index:
            if number % 5:
                index.sync(disk.source)
            else:
                index.rebuild()
        with (disk.root / "acknowledged").open("a") as log:
            log.write(f"{number}\n")


def _seconds(rounds: int) -> float:
    """How long a writer works: as a test, not so long."""
    return SECONDS if rounds >= _CUTS else SECONDS / 20


def _work(disk: Disk, moments: list[float]) -> tuple[list[tuple[Path, int, int]], int]:
    """Cut the power at these seconds of a writer's work; returns images, and which states each may hold.

    That is from the last one acknowledged before the cut on to the one under way after it.
    """
    acknowledged = disk.root / "acknowledged"
    acknowledged.write_text("")
    cuts = []
    with disk.mount(disk.image):
        program = f"from tests.stress.power import write; write({str(disk.root)!r})"
        writer = subprocess.Popen([sys.executable, "-c", program], cwd=disk.root, env=environment())
        try:
            began = time.monotonic()
            for number, moment in enumerate(moments):
                time.sleep(max(0.0, began + moment - time.monotonic()))
                least = len(acknowledged.read_text().split())
                image = disk.root / f"cut-{number}"
                disk.cut(image)
                cuts.append((image, least, len(acknowledged.read_text().split()) + 1))
                if writer.poll() is not None:
                    raise Lost("the writer has ended")
        finally:
            writer.kill()
            writer.wait()
    return cuts, len(acknowledged.read_text().split())


def _check(disk: Disk, image: Path, least: int, most: int) -> int:
    """Which state an image holds; raises Lost unless it is one of those that it may hold."""
    with disk.mount(image):
        disk.write(state(most))
        if not least and not disk.open().exists:
            held = "0"
            disk.sync()
        else:
            held = disk.check({str(number): state(number) for number in range(max(least, 1), most + 1)})
        if disk.holds({str(most): state(most)}) != str(most):
            raise Lost("the next writer does not bring the index in step")
        disk.tidy()
    image.unlink()
    return int(held)
