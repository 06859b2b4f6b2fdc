"""Containers: read record by record, each under limits of its own, and what cannot be read is kept."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest

from indexer import Index, limits, open_index
from indexer.sync import apply
from tests.fixtures.folders import reasons
from tests.fixtures.packing import MAKERS, make_zip
from tests.sync.conftest import RunInWorkers

archives = pytest.mark.parametrize("name", MAKERS)


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty source, in which the age of files does not matter."""
    monkeypatch.setattr(apply, "_YOUNG_NS", 0)
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


def stories(count: int, word: str = "tide") -> dict[str, bytes | str]:
    """Files of an archive, each with its number."""
    return {f"{number:02}.txt": f"Story {number}\n\nA {word} of number{number}." for number in range(count)}


def before_reading_members(code: str) -> str:
    """A program that makes a worker run some code before it reads a member, which is `name`."""
    return (
        "import os, indexer.readers as readers\n"
        "from indexer import limits\n"
        "from indexer.sync.worker import limit_process\n"
        "read = readers.read\n"
        "def other(stream, name, *rest, **more):\n"
        f"{textwrap.indent(code, '    ')}\n"
        "    return read(stream, name, *rest, **more)\n"
        "readers.read = other\n"
    )


def found(index: Index, word: str) -> int:
    """How many articles have a word."""
    return index.search(word, limit=0).total


ENDLESS = "limits.FILE_SECONDS = 0.05; limit_process(1, is_plain=False)\n    while True: pass"
NO_TIMER = pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
NO_LIMIT = pytest.mark.skipif(sys.platform != "linux", reason="there is no such limit")
POISONS = [
    pytest.param(ENDLESS, "reading it takes more time than a document may", marks=NO_TIMER),
    pytest.param("bytes(1 << 30)", "reading it takes more memory than a document may", marks=NO_LIMIT),
    pytest.param("os.abort()", "it ended the process that read it, twice"),
]


@archives
@pytest.mark.parametrize(("code", "reason"), POISONS)
def test_a_record_that_takes_too_much_or_ends_its_worker_is_named_and_the_others_are_read(
    tmp_path: Path,
    source: Path,
    run_in_workers: RunInWorkers,
    name: str,
    code: str,
    reason: str,
) -> None:
    run_in_workers(before_reading_members(f"if name.endswith(('03.txt', '06.txt')):\n    {code}"))
    (source / name).write_bytes(MAKERS[name](stories(9)))
    with open_index(tmp_path / "index", sources=[source]) as index:
        report = index.sync()
        assert reasons(report) == {f"{name}/03.txt": reason, f"{name}/06.txt": reason}
        assert (report.added, index.verify().articles, found(index, "tide")) == (7, 7, 7)
        again = index.sync()
        assert (again.changes, again.unchanged, reasons(again)) == ([], 7, reasons(report))


def test_a_record_that_hangs_is_noticed_within_its_own_time_however_large_the_container_is(
    tmp_path: Path, source: Path, run_in_workers: RunInWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "FILE_WAIT", 5.0)
    # For the container as a whole, hours.
    monkeypatch.setattr(limits, "FILE_WAIT_PER_MB", 1e9)
    run_in_workers(
        "from indexer.sync.worker import Record\n"
        "pack = Record.pack\n"
        "Record.pack = lambda record: pack(record._replace(size=0))\n"
        + before_reading_members("if name.endswith('03.txt'): os.read(os.pipe()[0], 1)")
    )
    (source / "a.zip").write_bytes(make_zip(stories(5)))
    with open_index(tmp_path / "index", sources=[source]) as index:
        assert reasons(index.sync()) == {"a.zip/03.txt": "was not read within 5 s"}
        assert index.verify().articles == 4
