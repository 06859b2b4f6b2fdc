"""Reading in several processes: nothing is lost, nothing is out of order, and no process stays behind."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer import (
    Article,
    Config,
    Failure,
    SyncReport,
    WorkerFailed,
    catalog,
    effort,
    generations,
    intake,
    open_index,
    reconcile,
    sync,
    workers,
)
from indexer.engine.gather import Chunk
from indexer.intake import Intake, Part, divide, is_divisible
from indexer.readers import ReadOptions
from indexer.workers import Read, read_all
from tests.fixtures.folders import state

ROOT = Path(__file__).parents[2]
OPTIONS = ReadOptions()
# What a worker runs, with something of the test's before its work.
PROGRAM = "import sys; sys.path[:] = sys.argv[1:]; {}; from indexer.workers import main; main()"
WORDS = ["harbour", "crane", "tide", "vaccine", "Zürich", "road", "belt", "東京", "café", "number"]


@pytest.fixture
def hired(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Every worker process that a test starts; at its end none may be left."""
    started: list[subprocess.Popen[bytes]] = []

    class Recorded(workers._Worker):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            started.append(self.process)

    monkeypatch.setattr(workers, "_Worker", Recorded)
    yield started
    left = [process.pid for process in started if process.poll() is None]
    for process in started:
        process.kill()
        process.wait()
    assert left == []


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take workers for any amount of work, one task a file, and divide JSON Lines into small pieces."""
    monkeypatch.setattr(effort, "_WORTH_WORKERS", 0)
    monkeypatch.setattr(reconcile, "_TASK_BYTES", 1)
    monkeypatch.setattr(reconcile, "SPLIT", 500)
    monkeypatch.setattr(intake, "SPLIT", 500)
    # How long the reading takes decides nothing here, and no catalog tells it.
    monkeypatch.setattr(sync, "_SETTLED_NS", 0)


def before_work(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Let every worker run some code before it begins."""
    monkeypatch.setattr(workers, "_PROGRAM", PROGRAM.format(f"exec({code!r})"))


def tasks_of(folder: Path, sizes: list[int]) -> list[list[Part]]:
    """Tasks of one text file each, with so many words."""
    tasks = []
    for number, size in enumerate(sizes):
        file = folder / f"{number:04}.txt"
        words = " ".join(WORDS[(number * 7 + place) % len(WORDS)] for place in range(size))
        file.write_text(f"Title {number}\n\n{words} n{number}.\n")
        tasks.append([Part(file, file.name, f"a{number}", file.stat().st_size)])
    return tasks


def ids(reads: list[Read]) -> list[str]:
    """What was found, in order: ids of articles and paths of failures."""
    found: list[str] = []
    for parts, results, _, _ in reads:
        for part, result in zip(parts, results, strict=True):
            found += [f"failed {part.path}"] if result.refusal else []
            found += [f"failed {i.path}" if isinstance(i, Failure) else i.id for i in result.found]
    return found


# A pool by itself


def test_results_come_in_order_whatever_the_speed(
    tmp_path: Path, hired: list[subprocess.Popen[bytes]]
) -> None:
    sizes = [20_000, 1, 1, 1, 30_000, 1, 1, 10_000, *[1] * 20, 40_000, 1, 1]
    tasks = tasks_of(tmp_path, sizes)
    reads = list(read_all(tasks, OPTIONS, "en", 2))
    assert [parts for parts, _, _, _ in reads] == tasks
    assert ids(reads) == [f"a{number}" for number in range(len(sizes))]
    assert [chunk.ids for _, _, chunk, _ in reads] == [[f"a{number}"] for number in range(len(sizes))]
    assert len(hired) == 2


def test_more_workers_than_tasks_and_no_task_at_all(
    tmp_path: Path, hired: list[subprocess.Popen[bytes]]
) -> None:
    assert list(read_all([], OPTIONS, "en", 2)) == []
    assert ids(list(read_all(tasks_of(tmp_path, [5]), OPTIONS, "en", 3))) == ["a0"]
    assert len(hired) == 5


def test_a_worker_that_is_killed_at_any_moment_loses_no_article(
    tmp_path: Path, hired: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    pool: list[workers._Worker] = []
    hire = workers._Workers._hire

    def watched(self: workers._Workers) -> None:
        hire(self)
        pool.append(self._workers[-1])

    monkeypatch.setattr(workers._Workers, "_hire", watched)
    chance = random.Random(5)
    tasks = tasks_of(tmp_path, [chance.choice([1, 500, 20_000]) for _ in range(40)])
    reads = []
    moments = chance.sample(range(25), 6)
    killed: list[workers._Worker] = []
    owed = 0
    for number, read in enumerate(read_all(tasks, OPTIONS, "en", 2)):
        reads.append(read)
        owed += number in moments
        # Not those that read again what ended another: twice would be the document's fault. Where all that
        # there are have been killed, the next turn has others.
        alive = [worker for worker in pool if worker not in killed]
        if owed and alive:
            victim = chance.choice(alive)
            os.kill(victim.process.pid, signal.SIGKILL)
            killed.append(victim)
            owed -= 1
    assert len(killed) == 6
    assert ids(reads) == [f"a{number}" for number in range(40)]
    assert len(hired) > 2 + len(killed) // 2


def test_idle_and_starting_workers_may_be_killed_too(
    tmp_path: Path, hired: list[subprocess.Popen[bytes]]
) -> None:
    tasks = tasks_of(tmp_path, [10] * 12)

    def killing() -> Iterator[list[Part]]:
        for number, task in enumerate(tasks):
            if number in (1, 5):
                # Of those that are there some start, some have nothing to do and some are reading.
                for process in hired:
                    process.send_signal(signal.SIGKILL)
            yield task

    assert ids(list(read_all(killing(), OPTIONS, "en", 3))) == [f"a{number}" for number in range(12)]


def test_what_always_ends_its_worker_is_a_failure_and_all_else_is_read(
    tmp_path: Path, hired: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    before_work(
        monkeypatch,
        "import os, indexer.intake as i\n"
        "read = i.read\n"
        "def ending(data, name, *rest, **more):\n"
        "    if b'n3.' in data: os.kill(os.getpid(), 9)\n"
        "    if b'n7.' in data: os._exit(0)\n"
        "    return read(data, name, *rest, **more)\n"
        "i.read = ending\n",
    )
    every = [part for task in tasks_of(tmp_path, [3] * 12) for part in task]
    tasks = [every[:6], every[6:7], every[7:10], every[10:]]
    reads = list(read_all(tasks, OPTIONS, "en", 2))
    wanted = [f"failed {n:04}.txt" if n in (3, 7) else f"a{n}" for n in range(12)]
    assert ids(reads) == wanted
    refusals = {result.refusal for _, results, _, _ in reads for result in results}
    assert refusals == {None, "it ended the process that read it, twice"}
    # Two for a start, one in place of each that was lost, two for each task that is read again.
    assert len(hired) <= 2 + 2 + 4


def test_what_a_worker_prints_does_no_harm(
    tmp_path: Path,
    hired: list[subprocess.Popen[bytes]],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    before_work(
        monkeypatch,
        "import os, sys, indexer.intake as i\n"
        "read = i.read\n"
        "def loud(data, name, *rest, **more):\n"
        "    print('printed'); sys.__stdout__.write('direct'); sys.__stdout__.flush()\n"
        "    os.write(1, b'written'); os.system('echo echoed; cat')\n"
        "    return read(data, name, *rest, **more)\n"
        "i.read = loud\n",
    )
    reads = list(read_all(tasks_of(tmp_path, [3] * 6), OPTIONS, "en", 2))
    assert ids(reads) == [f"a{number}" for number in range(6)]
    out, err = capfd.readouterr()
    assert out == ""
    assert {word for word in ("printed", "direct", "written", "echoed") if word in err} == {
        "printed",
        "direct",
        "written",
        "echoed",
    }


def test_workers_that_cannot_begin_are_not_taken_for_unreadable_documents(
    tmp_path: Path, hired: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "_PROGRAM", "raise SystemExit(3)")
    with pytest.raises(WorkerFailed, match="ended before they began"):
        list(read_all(tasks_of(tmp_path, [3] * 3), OPTIONS, "en", 2))
    assert len(hired) < 20
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    with pytest.raises(WorkerFailed, match="cannot be started"):
        list(read_all(tasks_of(tmp_path, [3] * 3), OPTIONS, "en", 2))


def test_no_worker_stays_behind_when_the_reading_is_given_up(
    tmp_path: Path, hired: list[subprocess.Popen[bytes]]
) -> None:
    with closing(read_all(tasks_of(tmp_path, [3000] * 20), OPTIONS, "en", 2)) as reading:
        next(reading)
        assert [process.poll() for process in hired] == [None, None]
    assert all(process.poll() is not None for process in hired)

    def failing() -> Iterator[list[Part]]:
        yield from tasks_of(tmp_path, [3] * 2)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(read_all(failing(), OPTIONS, "en", 2))


def test_a_worker_whose_writer_is_gone_ends_by_itself() -> None:
    for tasks in (b"", b"\x05", b"\x05" + bytes(7) + b"abc"):
        done = subprocess.run(
            [sys.executable, "-c", "from indexer.workers import main; main()"],
            input=tasks, capture_output=True, cwd=ROOT, timeout=600,
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
    ((results, chunk),) = Intake(OPTIONS, "en").read(list(divide(part, data)))
    return [item for _, result in results for item in result.found], chunk


@pytest.mark.parametrize("size", [1, 40, 300, 1000, 5000, 10**6])
@pytest.mark.parametrize("end", ["", "\n", "\n\n \n"])
def test_lines_read_in_pieces_equal_lines_read_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, end: str
) -> None:
    monkeypatch.setattr(intake, "SPLIT", size)
    file = tmp_path / "sub/lines.jsonl"
    file.parent.mkdir()
    data = ("\n".join(LINES) + end).encode()
    file.write_bytes(data)
    part = Part(file, "sub/lines.jsonl", "lines-1", len(data))
    assert is_divisible(part, data)
    assert b"".join(piece.data or b"" for piece in divide(part, data)) == data
    (([(_, result)], chunk),) = Intake(OPTIONS, "en").read([part])
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
def test_what_may_be_something_else_is_not_divided(tmp_path: Path, name: str, data: bytes) -> None:
    assert not is_divisible(Part(tmp_path / name, name, "a", len(data)), data)


# A whole sync


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    """A source with files of every kind, good and bad."""
    folder = tmp_path / "seeds"
    folder.mkdir()
    tasks_of(folder, [1, 400, 3, 2000, 30, 1])
    (folder / "lines.jsonl").write_text("\n".join(LINES), encoding="utf-8")
    (folder / "more.ndjson").write_text(
        "".join(json.dumps({"id": f"l{n}", "text": f"Taken, or {n} new."}) + "\n" for n in range(50, 90))
    )
    (folder / "page.html").write_text("<html><title>Page</title><p>The tide in Zürich is red.</p></html>")
    (folder / "empty.txt").write_text("")
    (folder / "binary.txt").write_bytes(b"\x00\x01\x02" * 100)
    (folder / "notes.md").write_text("# Notes\n\nA *crane* on the road.\n")
    return folder


QUERIES = (
    "crane",
    "harbour crane",
    "tide OR crane",
    '"red tide"',
    "title:line",
    "har*",
    "zurich -crane",
    "東京",
)


def indexed(folder: Path, seeds: Path, jobs: int) -> tuple[Any, ...]:
    """All that can be found out about an index made with so many processes, its catalog among it."""
    with open_index(Config(index=folder, sources=(seeds,), jobs=jobs)) as index:
        report = index.sync()
        known = catalog.load(*generations.place(folder))
        return (
            state(index, QUERIES),
            known.sources,
            known.apart,
            [(change.action, change.id, change.path) for change in report.changes],
            report.failed,
            (report.files, report.added, report.unchanged),
        )


@pytest.mark.usefixtures("eager")
def test_any_number_of_processes_makes_the_same_index(
    tmp_path: Path, seeds: Path, hired: list[subprocess.Popen[bytes]]
) -> None:
    alone = indexed(tmp_path / "one", seeds, 1)
    assert len(hired) == 1
    assert indexed(tmp_path / "two", seeds, 2) == alone
    assert len(hired) == 1 + 2
    assert alone[5][1] > 90


@pytest.mark.usefixtures("eager")
def test_changes_are_the_same_with_any_number_of_processes(
    tmp_path: Path, seeds: Path, hired: list[subprocess.Popen[bytes]]
) -> None:
    for name, jobs in (("one", 1), ("two", 2)):
        indexed(tmp_path / name, seeds, jobs)
    lines = [line.replace("Zürich crane", "Red tide") if "l1" in line else line for line in LINES]
    (seeds / "lines.jsonl").write_text("\n".join([*lines[5:], *lines[:2]]), encoding="utf-8")
    (seeds / "0003.txt").unlink()
    (seeds / "0001.txt").write_text("Another\n\nThe crane moved.\n")
    assert indexed(tmp_path / "two", seeds, 2) == indexed(tmp_path / "one", seeds, 1)


@pytest.mark.usefixtures("eager")
def test_a_sync_that_fails_leaves_no_worker_and_no_index(
    tmp_path: Path, seeds: Path, hired: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Trip(Exception):
        pass

    def tripping(self: SyncReport, action: str, name: str, path: str, why: str) -> None:
        if path == "more.ndjson":
            raise Trip

    monkeypatch.setattr(SyncReport, "record", tripping)
    with open_index(Config(index=tmp_path / "index", sources=(seeds,), jobs=2)) as index:
        with pytest.raises(Trip) as caught:
            index.sync()
        # Even while somebody holds on to the error, and so to every frame that it went through.
        assert caught.value.__traceback__
        assert all(process.poll() is not None for process in hired)
        assert not index.exists


@pytest.mark.usefixtures("eager")
def test_workers_that_cannot_begin_leave_the_index_as_it_is(
    tmp_path: Path, seeds: Path, hired: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_index(Config(index=tmp_path / "index", sources=(seeds,), jobs=2)) as index:
        index.sync()
        before = state(index, QUERIES)
        (seeds / "lines.jsonl").write_text('{"text": "another"}\n' * 200)
        monkeypatch.setattr(workers, "_PROGRAM", "raise SystemExit(3)")
        with pytest.raises(WorkerFailed):
            index.sync()
        assert state(index, QUERIES) == before


@pytest.mark.usefixtures("eager")
def test_put_articles_and_files_go_together_through_workers(
    tmp_path: Path, seeds: Path, hired: list[subprocess.Popen[bytes]]
) -> None:
    with open_index(Config(index=tmp_path / "index", sources=(seeds,), jobs=2)) as index:
        index.put([Article(id="l3", title="Put in", paragraphs=["The heron."])])
        report = index.sync()
        assert [f.reason for f in report.failed if "'l3'" in f.reason] == [
            "the id 'l3' is taken by an article that an app put in"
        ]
        assert index.article("l3").title == "Put in"
        assert index.rebuild().added == report.added
        assert index.search("heron").total == 1


SCRIPT = """
import sys
sys.path.insert(0, {root!r})
from indexer import Config, effort, open_index
from pathlib import Path
print("started")
effort._WORTH_WORKERS = 0
with open_index(Config(index=Path({index!r}), sources=(Path({seeds!r}),), jobs=2)) as index:
    print(index.sync().added, index.search("crane").total > 0)
"""


def test_workers_start_wherever_and_however_the_program_was_started(tmp_path: Path, seeds: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    # None of these may be taken for the module that it is named after.
    for name in ("json", "regex", "pickle", "indexer"):
        (elsewhere / f"{name}.py").write_text("raise SystemExit('the wrong module')\n")
    script = tmp_path / "scripts" / "script.py"
    script.parent.mkdir()
    script.write_text(SCRIPT.format(root=str(ROOT), index=str(tmp_path / "index"), seeds=str(seeds)))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        capture_output=True, text=True, cwd=elsewhere, env=environment, timeout=600,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    # The script ran once: no worker runs it again.
    assert lines[0] == "started"
    assert len(lines) == 2
    assert lines[1].endswith(" True")


def test_a_piece_that_ends_its_worker_takes_nothing_of_its_file_away(
    tmp_path: Path, eager: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    before_work(
        monkeypatch,
        "import os, indexer.intake as i\n"
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

    with open_index(tmp_path / "index", sources=[file.parent], jobs=2) as index:
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
