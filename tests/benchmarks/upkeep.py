"""Keeping an index of many files up to date: nothing changed, and one file changed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from indexer import open_index
from tests.benchmarks.corpus import Story, write_texts

_TIMES = 5
# Files that were touched a moment ago are read again by the next sync, for they could change once more
# without a newer time; that is over after two seconds.
_SETTLING = 2.5
# Finished, or finished with files skipped.
_DONE = (0, 3)


@dataclass(frozen=True, slots=True)
class UpkeepFigures:
    """Medians in seconds.

    `unchanged` is a sync that finds nothing to do and `unchanged_command` the same from a shell; `walk` looks
    at the same files with stat and does nothing else, and `walk_command` does that from a shell. `changed` is
    a sync after one file changed, until a search in the same process finds the new word; `changed_command`
    is `nutgraf index` from a shell.
    """

    files: int
    first: float
    walk: float
    walk_command: float
    unchanged: float
    unchanged_command: float
    changed: float
    changed_command: float

    @property
    def ratio(self) -> float:
        """A sync that finds nothing to do, in bare walks."""
        return self.unchanged / self.walk


def nutgraf_command() -> list[str]:
    """How a shell starts Nutgraf: the installed command, or the module where that is not there."""
    script = shutil.which("nutgraf", path=str(Path(sys.executable).parent))
    return [script] if script else [sys.executable, "-m", "indexer.cli"]


def wall(command: list[str]) -> float:
    """Seconds from starting a command to its end; raises CalledProcessError when it fails."""
    began = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    seconds = time.perf_counter() - began
    if done.returncode not in _DONE:
        done.check_returncode()
    return seconds


def walk(folder: str) -> int:
    """Look at every file below a folder with stat; how many there are."""
    count = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                count += walk(entry.path)
            else:
                os.stat(entry.path)  # noqa: PTH116  (the barest call there is, to be compared with)
                count += 1
    return count


def measure_upkeep(
    stories: Iterable[Story], folder: Path, files: int, say: Callable[[str], None]
) -> UpkeepFigures:
    """Write so many text files, index them, and change some, one at a time."""
    source, place = folder / "texts", folder / "texts-index"
    written = write_texts(stories, source, files)
    say(f"{written} text files are written")
    index_command = [*nutgraf_command(), "index", str(source), "--index", str(place)]
    walk_command = [sys.executable, "-c", _WALK, str(source)]
    with open_index(place) as index:
        time.sleep(_SETTLING)
        first = index.sync(source).seconds
        say(f"they are indexed, in {first:.1f} s")
        time.sleep(_SETTLING)
        index.sync(source)
        walks = [_timed(lambda: walk(str(source))) for _ in range(_TIMES)]
        still = [_timed(lambda: index.sync(source)) for _ in range(_TIMES)]
        changed = []
        for path in _some(source, _TIMES):
            word = f"qzx{path.stem}"
            _append(path, word)
            began = time.perf_counter()
            index.sync(source)
            if not index.search(word).total:
                raise RuntimeError(f"the word {word} was not found after a sync")
            changed.append(time.perf_counter() - began)
    time.sleep(_SETTLING)
    wall(index_command)
    still_command = [wall(index_command) for _ in range(_TIMES)]
    changed_command = []
    for path in _some(source, _TIMES):
        _append(path, f"qzxx{path.stem}")
        changed_command.append(wall(index_command))
    return UpkeepFigures(
        files=written,
        first=first,
        walk=median(walks),
        walk_command=median(wall(walk_command) for _ in range(_TIMES)),
        unchanged=median(still),
        unchanged_command=median(still_command),
        changed=median(changed),
        changed_command=median(changed_command),
    )


_WALK = """
import os, sys
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        os.stat(os.path.join(folder, name))
"""


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _some(source: Path, count: int) -> list[Path]:
    paths = sorted(source.rglob("*.txt"))
    return [paths[place * len(paths) // count] for place in range(count)]


def _append(path: Path, word: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(f"\nOne more paragraph with a word that is new, {word}, stands here.\n")
