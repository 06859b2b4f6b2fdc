"""Fixtures for tests of workers: code that runs in every worker, and a list of the started ones."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

ROOT = Path(__file__).parents[2]
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
