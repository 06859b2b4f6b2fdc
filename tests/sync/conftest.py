"""For tests of workers: code that runs in every worker, a list of the started ones, tasks and results."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from indexer import Failure
from indexer.sync.tasks import Part
from indexer.sync.worker_pool import Read

ROOT = Path(__file__).parents[2]
WORDS = ["harbour", "crane", "tide", "vaccine", "Zürich", "of", "the", "東京", "café", "road"]
_LETTERS = str.maketrans("0123456789", "abcdefghij")
NO_TIMER = pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
NO_LIMIT = pytest.mark.skipif(sys.platform != "linux", reason="there is no such limit")
ENDLESS = "limits.FILE_SECONDS = 0.05; limit_process(1, is_plain=False)\n    while True: pass"
"""Code that a worker never ends, indented for the body of a condition."""
RunInWorkers: TypeAlias = Callable[[str], None]
"""Lets every worker that starts from now on run some code first."""


@pytest.fixture
def run_in_workers(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> RunInWorkers:
    """Let workers run code by way of the module `sitecustomize`, which Python imports at its start."""
    folder = tmp_path_factory.mktemp("site")

    def write(code: str) -> None:
        (folder / "sitecustomize.py").write_text(code)
        monkeypatch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{ROOT}")

    return write


def before_reading(code: str) -> str:
    """A program that makes a worker run some code before it reads a document, which is `name` and `data`."""
    return (
        "import os, sys, indexer.sync.tasks as tasks\n"
        "from indexer import limits\n"
        "from indexer.sync.worker import limit_process\n"
        "read = tasks.read\n"
        "def other(stream, name, *rest, **more):\n"
        "    data = stream.read()\n"
        "    stream.seek(0)\n"
        f"{textwrap.indent(code, '    ')}\n"
        "    return read(stream, name, *rest, **more)\n"
        "tasks.read = other\n"
    )


class Started(list["subprocess.Popen[bytes]"]):
    """Processes that were started."""

    def __init__(self) -> None:
        super().__init__()
        self.any = threading.Event()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[Started]:
    """Every process that the test starts; none may run at its end."""
    processes = Started()

    class Recorded(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            processes.append(self)
            processes.any.set()

    monkeypatch.setattr(subprocess, "Popen", Recorded)
    yield processes
    running = [process.pid for process in processes if process.poll() is None]
    for process in processes:
        process.kill()
        process.wait()
    assert running == []


def spell(number: int) -> str:
    """A number in letters: a worker that meets digits loads the names of months, in case they are a date."""
    return str(number).translate(_LETTERS)


def tasks_of(folder: Path, sizes: list[int]) -> list[list[Part]]:
    """Tasks of one text file each, with so many words; file number 3 has the word `nd` as well (`spell`)."""
    tasks = []
    for number, size in enumerate(sizes):
        file = folder / f"{number:04}.txt"
        words = " ".join(WORDS[(number * 7 + place) % len(WORDS)] for place in range(size))
        file.write_text(f"Title {spell(number)}\n\n{words} n{spell(number)}.\n")
        tasks.append([Part(str(folder), file.name, f"a{number}", file.stat().st_size)])
    return tasks


def ids(reads: list[Read]) -> list[str]:
    """The results in order: ids of articles and paths of failures."""
    found: list[str] = []
    for parts, results, _, _ in reads:
        for part, result in zip(parts, results, strict=True):
            found += [f"failed {part.path}"] if result.refusal else []
            found += [f"failed {i.path}" if isinstance(i, Failure) else i.id for i in result.found]
    return found


def refusals(reads: list[Read]) -> set[str]:
    """Why parts could not be read."""
    return {result.refusal for _, results, _, _ in reads for result in results if result.refusal}


def sixty_lines(word: str, repeated: int) -> str:
    """JSON Lines of sixty articles, each of which says its number so many times."""
    records = ({"id": f"a{number}", "text": f"{word} {number}. " * repeated} for number in range(60))
    return "".join(json.dumps(record) + "\n" for record in records)
