"""Batches that wait for the rest of their task: in order, few of them in memory, none lost without a word."""

from __future__ import annotations

import gzip
import json
import re
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from indexer import StorageFailed, open_index, waiting, workers
from indexer.intake import Intake, Part
from indexer.readers import ReadOptions
from indexer.waiting import Waiting
from tests.fixtures.folders import state

LINES = "".join(
    json.dumps({"id": f"a{number}", "text": f"Tide {number}. " * 200}) + "\n" for number in range(60)
)
IN_BATCHES = (
    "import sys; sys.path[:] = sys.argv[1:]; import indexer.intake as i; i._BATCH = 4000; "
    "from indexer.workers import main; main()"
)


@pytest.fixture
def crowded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Hardly anything may wait in memory; returns the folder where the rest waits."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(waiting, "IN_MEMORY", 10_000)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setattr(workers, "_PROGRAM", IN_BATCHES)
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with a packed file of sixty articles."""
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(LINES.encode()))
    return folder


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let the system refuse to write more to any file, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_batches_are_taken_in_order_each_once_and_few_are_in_memory(
    crowded: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.intake._BATCH", 4000)
    part = Part(source / "a.jsonl.gz", "a.jsonl.gz", "a", len(LINES))
    batches = list(Intake(ReadOptions(), "en").read([part]))
    wanted = [([result.found for _, result in results], chunk.ids, chunk.forms) for results, chunk in batches]
    held = Waiting()
    for batch in batches:
        held.add(batch)
    assert 4000 <= held.size <= 10_000
    given = held.take()
    took = [([result.found for _, result in results], chunk.ids, chunk.forms) for results, chunk in given]
    assert took == wanted
    assert sum(len(ids) for _, ids, _ in took) == 60


def test_an_index_of_batches_that_waited_on_the_disk_is_that_of_the_whole(
    crowded: Path, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files: list[IO[bytes]] = []

    def make() -> IO[bytes]:
        files.append(tempfile.TemporaryFile())  # noqa: SIM115 - closed by whoever takes what is in it
        return files[-1]

    monkeypatch.setattr(waiting, "TemporaryFile", make)
    with open_index(tmp_path / "index", sources=[source]) as index:
        assert index.sync().added == 60
        found = state(index)
    assert [file.closed for file in files] == [True]
    monkeypatch.setattr(waiting, "IN_MEMORY", 1 << 24)
    with open_index(tmp_path / "other", sources=[source]) as index:
        assert index.sync().added == 60
        assert state(index) == found
    assert len(files) == 1


def test_where_nothing_more_can_wait_the_folder_is_named_and_nothing_is_lost(
    crowded: Path, source: Path, tmp_path: Path
) -> None:
    with open_index(tmp_path / "index", sources=[source]) as index:
        index.sync()
        (source / "a.jsonl.gz").write_bytes(gzip.compress(LINES.replace("Tide", "Heron").encode()))
        with files_of_at_most(20_000), pytest.raises(StorageFailed, match=re.escape(str(crowded))) as failed:
            index.sync()
        assert str(failed.value) == (
            f"{crowded} cannot be written to (File too large), where what was read of a large file waits "
            "for the rest of it: make room there, or name another folder with TMPDIR, and try again"
        )
        assert index.search("tide", limit=0).total == 60
        assert index.sync().changed == 60
        assert (index.search("tide", limit=0).total, index.search("heron", limit=0).total) == (0, 60)
