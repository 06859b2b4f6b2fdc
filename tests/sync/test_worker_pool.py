"""Reading in several processes: nothing is lost, nothing is out of order, and no process stays behind."""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer import Config, Failure, StorageFailed, SyncReport, WorkerFailed, open_index
from indexer.engine.build.gather import Chunk
from indexer.engine.format.text_store import TextWriter, train
from indexer.readers import ReadOptions
from indexer.store import generations
from indexer.sync import apply, catalog, tasks, worker_pool
from indexer.sync.tasks import Part, PartReader, divide, is_divisible
from indexer.sync.worker_pool import read_all
from tests.fixtures import folders
from tests.fixtures.folders import state
from tests.sync.conftest import (
    RunInWorkers,
    Started,
    before_reading,
    ids,
    refusals,
    sixty_lines,
    spell,
    tasks_of,
)

ROOT = Path(__file__).parents[2]
OPTIONS = ReadOptions()


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take workers for any amount of work, one task a file, and divide JSON Lines into small pieces."""
    monkeypatch.setattr(worker_pool, "WORTH_WORKERS", 0)
    monkeypatch.setattr(tasks, "_TASK_BYTES", 1)
    monkeypatch.setattr(tasks, "SPLIT", 500)
    # The time that reading takes must not matter here.
    monkeypatch.setattr(apply, "_YOUNG_NS", 0)


# The pool by itself


def test_results_come_in_order_whatever_the_speed(tmp_path: Path, started: Started) -> None:
    sizes = [4000, 1, 1, 1, 6000, 1, 1, 2000, *[1] * 20, 8000, 1, 1]
    tasks = tasks_of(tmp_path, sizes)
    reads = list(read_all(tasks, OPTIONS, "en", 2))
    assert [parts for parts, _, _, _ in reads] == tasks
    assert ids(reads) == [f"a{number}" for number in range(len(sizes))]
    assert [chunk.ids for _, _, chunk, _ in reads] == [[f"a{number}"] for number in range(len(sizes))]
    assert len(started) == 2


def test_workers_compress_texts_with_the_dictionary_that_there_is_when_a_task_begins(tmp_path: Path) -> None:
    texts = TextWriter()
    for number in range(10_000):
        texts.add([b"The tide of day %d stood at %d." % (number, number * 7919 % 4001)])
    dictionary = train(texts).dictionary
    known = [b"", dictionary]
    reads = read_all(tasks_of(tmp_path, [9] * 40), OPTIONS, "en", 2, lambda: known[0])
    used = {next(reads).chunk.items["dictionary"].tobytes()}
    known.pop(0)
    used |= {read.chunk.items["dictionary"].tobytes() for read in reads}
    assert used == {b"", dictionary}


def test_more_workers_than_tasks_and_no_task_at_all(tmp_path: Path, started: Started) -> None:
    assert list(read_all([], OPTIONS, "en", 2)) == []
    assert ids(list(read_all(tasks_of(tmp_path, [5]), OPTIONS, "en", 3))) == ["a0"]
    # No worker is started without a task.
    assert len(started) == 1


@pytest.mark.parametrize("kills", [2, pytest.param(6, marks=pytest.mark.slow)])
def test_a_worker_that_is_killed_at_any_moment_loses_no_article(
    tmp_path: Path, started: Started, kills: int
) -> None:
    chance = random.Random(5)
    count = 12 * kills + 8
    tasks = tasks_of(tmp_path, [chance.choice([1, 500, 8000]) for _ in range(count)])
    reads = []
    killed = 0
    for number, read in enumerate(read_all(tasks, OPTIONS, "en", 2)):
        reads.append(read)
        # At most eight tasks are running: none loses its worker twice, which would be blamed on the document.
        if number in range(2, 12 * kills, 12):
            victim = chance.choice([process for process in started if process.poll() is None])
            victim.send_signal(signal.SIGKILL)
            killed += 1
    assert killed == kills
    assert ids(reads) == [f"a{number}" for number in range(count)]
    assert len(started) > 2 + killed // 2


def test_idle_and_starting_workers_may_be_killed_too(tmp_path: Path, started: Started) -> None:
    tasks = tasks_of(tmp_path, [10] * 30)

    def killing() -> Iterator[list[Part]]:
        for number, task in enumerate(tasks):
            if number == 1:
                started.any.wait()
            if number in (1, 20):
                # Some workers are starting, some are idle and some are reading.
                for process in list(started):
                    process.send_signal(signal.SIGKILL)
            yield task

    assert ids(list(read_all(killing(), OPTIONS, "en", 2))) == [f"a{number}" for number in range(30)]


@pytest.mark.parametrize(
    "ends",
    [
        {3: "os.kill(os.getpid(), 9)"},
        pytest.param({3: "os.kill(os.getpid(), 9)", 7: "os._exit(0)"}, marks=pytest.mark.slow),
    ],
    ids=["killed", "killed or at an end"],
)
def test_a_document_that_always_ends_its_worker_is_a_failure_and_the_others_are_read(
    tmp_path: Path, started: Started, run_in_workers: RunInWorkers, ends: dict[int, str]
) -> None:
    run_in_workers(
        before_reading("\n".join(f"if b'n{spell(n)}.' in data: {code}" for n, code in ends.items()))
    )
    every = [part for task in tasks_of(tmp_path, [3] * 12) for part in task]
    tasks = [every[:6], every[6:7], every[7:10], every[10:]]
    reads = list(read_all(tasks, OPTIONS, "en", 2))
    wanted = [f"failed {n:04}.txt" if n in ends else f"a{n}" for n in range(12)]
    assert ids(reads) == wanted
    assert refusals(reads) == {"it ended the process that read it, twice"}
    # Two at the start, and for each document one in place of the lost one, and two when it is read again.
    assert len(started) <= 2 + 3 * len(ends)


def test_output_of_a_worker_is_harmless(
    tmp_path: Path,
    started: Started,
    run_in_workers: RunInWorkers,
    capfd: pytest.CaptureFixture[str],
) -> None:
    run_in_workers(
        before_reading(
            "print('printed'); sys.__stdout__.write('direct'); sys.__stdout__.flush()\n"
            "os.write(1, b'written'); os.system('echo echoed; cat')"
        )
    )
    reads = list(read_all(tasks_of(tmp_path, [3] * 3), OPTIONS, "en", 1))
    assert ids(reads) == [f"a{number}" for number in range(3)]
    out, err = capfd.readouterr()
    assert out == ""
    for word in ("printed", "direct", "written", "echoed"):
        assert word in err


def test_workers_that_cannot_start_are_not_reported_as_unreadable_documents(
    tmp_path: Path, started: Started, run_in_workers: RunInWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_in_workers("import os; os._exit(3)")
    with pytest.raises(WorkerFailed, match="ended before they were ready"):
        list(read_all(tasks_of(tmp_path, [3] * 3), OPTIONS, "en", 2))
    assert len(started) < 20
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    with pytest.raises(WorkerFailed, match="cannot be started"):
        list(read_all(tasks_of(tmp_path, [3] * 3), OPTIONS, "en", 2))


def test_no_worker_outlives_an_abandoned_sync(tmp_path: Path, started: Started) -> None:
    with closing(read_all(tasks_of(tmp_path, [1000] * 20), OPTIONS, "en", 2)) as reading:
        next(reading)
        assert [process.poll() for process in started] == [None, None]
    assert all(process.poll() is not None for process in started)

    def failing() -> Iterator[list[Part]]:
        yield from tasks_of(tmp_path, [3] * 2)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(read_all(failing(), OPTIONS, "en", 2))


def test_a_worker_ends_when_its_supervisor_has_ended() -> None:
    code = "from indexer.sync.worker import make_shared_file, run_worker; run_worker(0, make_shared_file())"
    for sent in (b"", b"\x05", b"\x05" + bytes(7) + b"abc"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            input=sent, capture_output=True, cwd=ROOT, timeout=600,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, b"")


# JSON Lines in pieces


LINES = [
    *(json.dumps({"id": f"l{n}", "title": f"Line {n}", "text": "Zürich crane. " * (n % 9)})
      for n in range(60)),
    "",
    "no json",
    '{"id": 5}',
    "<html><head><meta charset=latin-1></head><body>é",
    "# A heading",
    json.dumps({"text": "without a name \u2028 and with a break", "url": "javascript:1"}, ensure_ascii=False),
    "   ",
    '["list"]',
    json.dumps({"id": "last", "text": "x" * 3000}),
    *[""] * 1500,
]  # fmt: skip


def pieces_of(part: Part, data: bytes) -> tuple[list[Any], Chunk]:
    """What reading in pieces finds."""
    ((results, chunk),) = PartReader(OPTIONS, "en").read(list(divide(part, data)))
    return [item for _, result in results for item in result.found], chunk


@pytest.mark.parametrize("size", [1, 40, 300, 1000, 5000, 10**6])
@pytest.mark.parametrize("end", ["", "\n", "\n\n \n"])
def test_lines_read_in_pieces_equal_lines_read_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, end: str
) -> None:
    monkeypatch.setattr(tasks, "SPLIT", size)
    file = tmp_path / "sub/lines.jsonl"
    file.parent.mkdir()
    data = ("\n".join(LINES) + end).encode()
    file.write_bytes(data)
    part = Part(str(tmp_path), "sub/lines.jsonl", "lines-1", len(data))
    assert is_divisible(part, data)
    assert b"".join(piece.data or b"" for piece in divide(part, data)) == data
    (([(_, result)], chunk),) = PartReader(OPTIONS, "en").read([part])
    found, gathered = pieces_of(part, data)
    assert found == result.found
    assert {item.path for item in found if isinstance(item, Failure)} >= {"sub/lines.jsonl:62"}
    np.testing.assert_equal(asdict(gathered), asdict(chunk))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.txt", b'{"text": "x"}'),
        ("a.jsonl.gz", b'{"text": "x"}'),
        ("a.jsonl", b"\xef\xbb\xbf" + b'{"text": "x"}'),
        ("a.jsonl", '{"text": "é"}'.encode("latin-1")),
        ("a.jsonl", '{"text": "é"}'.encode("utf-16-le")),
        ("a.jsonl", b'{"text": "\x1b$B"}'),
        ("a.jsonl", b'{"text": "x"}\n' * 9 + b"\0"),
        ("a.jsonl", b"<html>{"),
        ("a.jsonl", b"\n \n"),
        ("a.jsonl", b""),
    ],
)
def test_a_file_that_may_be_of_another_type_is_not_divided(tmp_path: Path, name: str, data: bytes) -> None:
    assert not is_divisible(Part(str(tmp_path), name, "a", len(data)), data)


# A whole sync


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """A source with a few texts."""
    folder = tmp_path / "seeds"
    folder.mkdir()
    tasks_of(folder, [1, 400, 3])
    return folder


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    """A source with files of several kinds, good and bad."""
    folder = tmp_path / "seeds"
    folder.mkdir()
    tasks_of(folder, [1, 400, 3, 2000, 30, 1])
    (folder / "lines.jsonl").write_text("\n".join(LINES), encoding="utf-8")
    (folder / "more.ndjson").write_text(
        "".join(json.dumps({"id": f"l{n}", "text": f"Taken, or {n} new."}) + "\n" for n in range(50, 90))
    )
    (folder / "page.rtf").write_text("{\\rtf1 The tide in Z\\'fcrich is red.}")
    (folder / "empty.txt").write_text("")
    (folder / "binary.txt").write_bytes(b"\x00\x01\x02" * 100)
    (folder / "notes.md").write_text("# Notes\n\nA *crane* on the road.\n")
    return folder


QUERIES = (*folders.QUERIES, "title:line", "zurich -crane", "東京")


def indexed(folder: Path, seeds: Path, jobs: int) -> tuple[Any, ...]:
    """Everything about an index made with so many processes, with its catalog."""
    with open_index(Config(index=folder, sources=(seeds,), jobs=jobs)) as index:
        report = index.sync()
        known = catalog.load(*generations.live_commit(folder))
        return (
            state(index, QUERIES),
            known.sources,
            known.api_articles,
            [(change.action, change.id, change.path) for change in report.changes],
            report.failed,
            (report.files, report.added, report.unchanged),
        )


@pytest.mark.usefixtures("eager")
def test_any_number_of_processes_makes_the_same_index_and_the_same_changes(
    tmp_path: Path, seeds: Path, started: Started
) -> None:
    alone = indexed(tmp_path / "one", seeds, 1)
    assert len(started) == 1
    assert indexed(tmp_path / "two", seeds, 2) == alone
    assert len(started) == 1 + 2
    assert alone[5][1] > 90
    lines = [line.replace("Zürich crane", "Red tide") if "l1" in line else line for line in LINES]
    (seeds / "lines.jsonl").write_text("\n".join([*lines[5:], *lines[:2]]), encoding="utf-8")
    (seeds / "0003.txt").unlink()
    (seeds / "0001.txt").write_text("Another\n\nThe crane moved.\n")
    assert indexed(tmp_path / "two", seeds, 2) == indexed(tmp_path / "one", seeds, 1)


@pytest.mark.usefixtures("eager")
def test_a_sync_that_fails_leaves_no_worker_and_no_index(
    tmp_path: Path, texts: Path, started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Trip(Exception):
        pass

    def tripping(self: SyncReport, action: str, name: str, path: str, why: str) -> None:
        if path == "0001.txt":
            raise Trip

    monkeypatch.setattr(SyncReport, "record", tripping)
    with open_index(Config(index=tmp_path / "index", sources=(texts,), jobs=2)) as index:
        with pytest.raises(Trip) as caught:
            index.sync()
        # Even while the error is kept, and with it every frame that it went through.
        assert caught.value.__traceback__
        assert all(process.poll() is not None for process in started)
        assert not index.exists


@pytest.mark.usefixtures("eager")
def test_workers_that_cannot_start_do_not_change_the_index(
    tmp_path: Path, texts: Path, started: Started, run_in_workers: RunInWorkers
) -> None:
    with open_index(Config(index=tmp_path / "index", sources=(texts,), jobs=2)) as index:
        index.sync()
        before = state(index, QUERIES)
        (texts / "lines.jsonl").write_text('{"text": "another"}\n' * 200)
        run_in_workers("import os; os._exit(3)")
        with pytest.raises(WorkerFailed):
            index.sync()
        assert state(index, QUERIES) == before


# Scripts without a guard: if a worker ran one again, it would print once more.
SYNC = """
import sys
print("started", flush=True)
sys.path.insert(0, {root!r})
from pathlib import Path
from indexer import Config, open_index
from indexer.sync import worker_pool
worker_pool.WORTH_WORKERS = 0
def run():
    with open_index(Config(index=Path({index!r}), sources=(Path({seeds!r}),), jobs=2)) as index:
        print(index.sync().added, index.search("crane").total > 0, flush=True)
"""
# The output of such a script that runs in none of the processes that it starts.
SYNCED_ONCE = re.compile(r"started\n.* True\n")
CALL = "run()\n"
THREAD = """
import threading
thread = threading.Thread(target=run)
thread.start()
thread.join()
"""
AMONG_THREADS = """
import threading
done, lock = threading.Event(), threading.Lock()
def use_the_lock():
    while not done.is_set():
        with lock:
            done.wait(0.001)
threads = [threading.Thread(target=use_the_lock) for _ in range(4)]
for thread in threads:
    thread.start()
run()
done.set()
"""
DAEMON = """
import multiprocessing
process = multiprocessing.get_context("fork").Process(target=run, daemon=True)
process.start()
process.join()
"""


@pytest.mark.parametrize(
    "way", ["file", "-", *(pytest.param(way, marks=pytest.mark.slow) for way in ("module", "-c", "-i"))]
)
def test_a_script_without_a_guard_runs_once_however_it_is_started(
    tmp_path: Path, texts: Path, way: str
) -> None:
    assert SYNCED_ONCE.fullmatch(run_script(tmp_path, texts, CALL, way))


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(THREAD, id="thread", marks=pytest.mark.slow),
        pytest.param(AMONG_THREADS, id="among threads"),
        pytest.param(DAEMON, id="daemon"),
    ],
)
def test_workers_start_in_threads_and_daemon_processes(tmp_path: Path, texts: Path, call: str) -> None:
    assert SYNCED_ONCE.fullmatch(run_script(tmp_path, texts, call, "file"))


def run_script(folder: Path, seeds: Path, call: str, way: str) -> str:
    """The output of a script that is run this way, and of all processes that it starts."""
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    # None of these may be imported in place of the module that has its name.
    for name in ("json", "regex", "pickle", "indexer"):
        (elsewhere / f"{name}.py").write_text("raise SystemExit('the wrong module')\n")
    script = folder / "scripts" / "script.py"
    script.parent.mkdir()
    text = SYNC.format(root=str(ROOT), index=str(folder / "index"), seeds=str(seeds)) + "\n" + call
    script.write_text(text)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    words = {"file": [str(script)], "module": ["-m", "script"], "-c": ["-c", text], "-": ["-"], "-i": ["-i"]}
    # Only a script's own folder is searched for modules: a text is run in an empty folder.
    cwd = {"file": elsewhere, "module": script.parent}.get(way, seeds)
    done = subprocess.run(
        [sys.executable, "-W", "error", *words[way]],
        input=text if way in ("-", "-i") else None,
        capture_output=True, text=True, cwd=cwd, env=environment, timeout=600,
    )  # fmt: skip
    assert (done.returncode, done.stderr if way != "-i" else "") == (0, "")
    return done.stdout


def test_a_piece_that_ends_its_worker_removes_no_article_of_its_file(
    tmp_path: Path, eager: None, run_in_workers: RunInWorkers
) -> None:
    run_in_workers(
        "import os, indexer.sync.tasks as i\n"
        "read = i._read_piece\n"
        "def ending(part, data, *rest):\n"
        "    if b'killer' in data: os.kill(os.getpid(), 9)\n"
        "    return read(part, data, *rest)\n"
        "i._read_piece = ending\n",
    )
    file = tmp_path / "seeds" / "a.jsonl"
    file.parent.mkdir()

    def write(word: str, killing: int | None) -> None:
        records = [
            {"id": f"a{n}", "title": f"{word} {n}", "text": "killer" if n == killing else f"{word} " * 20}
            for n in range(40)
        ]
        file.write_text("".join(json.dumps(record) + "\n" for record in records))

    with open_index(tmp_path / "index", sources=[file.parent], jobs=1) as index:
        write("heron", None)
        assert index.sync().added == 40
        write("crane", 20)
        report = index.sync()
        assert [failure.path for failure in report.failed] == ["a.jsonl"]
        assert index.verify().articles == 40
        cranes, herons = (index.search(word, limit=0).total for word in ("crane", "heron"))
        assert (cranes + herons, herons > 0, cranes > 20) == (40, True, True)
        write("egret", None)
        assert index.sync().changed == 40
        assert index.verify().articles == 40
        assert index.search("egret", limit=0).total == 40


# Results that wait in a temporary file


@pytest.fixture
def crowded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, run_in_workers: RunInWorkers) -> Path:
    """Keep hardly any results in memory; returns the folder with the others."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(worker_pool, "IN_MEMORY", 10_000)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    run_in_workers("import indexer.sync.tasks as i; i._BATCH = 4000")
    return folder


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """A folder with a packed file of sixty articles."""
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(sixty_lines("Tide", 200).encode()))
    return folder


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Make the system refuse to extend any file, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_results_kept_on_the_disk_give_the_same_index(
    crowded: Path, packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files: list[Any] = []
    make = tempfile.TemporaryFile

    def recorded(*arguments: Any, **options: Any) -> Any:
        files.append(make(*arguments, **options))
        return files[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", recorded)
    with open_index(tmp_path / "index", sources=[packed]) as index:
        assert index.sync().added == 60
        found = state(index)
    assert [file.closed for file in files] == [True]
    monkeypatch.setattr(worker_pool, "IN_MEMORY", 1 << 24)
    with open_index(tmp_path / "other", sources=[packed]) as index:
        assert index.sync().added == 60
        assert state(index) == found
    assert len(files) == 1


# The limit holds for memory that processes share, too: that of a worker has 16 bytes.
@pytest.mark.parametrize("most", [20_000, 5_000, 16])
def test_a_full_temporary_folder_is_named_and_nothing_is_lost(
    crowded: Path, packed: Path, tmp_path: Path, most: int
) -> None:
    with open_index(tmp_path / "index", sources=[packed]) as index:
        index.sync()
        (packed / "a.jsonl.gz").write_bytes(gzip.compress(sixty_lines("Heron", 200).encode()))
        with files_of_at_most(most), pytest.raises(StorageFailed, match=re.escape(str(crowded))) as failed:
            index.sync()
        assert str(failed.value) == (
            f"{crowded} cannot be written to (File too large), which holds parts of a large file "
            "while it is read: free space there, or set TMPDIR to another folder, and try again"
        )
        assert index.search("tide", limit=0).total == 60
        assert index.sync().changed == 60
        assert (index.search("tide", limit=0).total, index.search("heron", limit=0).total) == (0, 60)
