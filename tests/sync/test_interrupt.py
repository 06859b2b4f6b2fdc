"""Ctrl-C once keeps the read files, twice the last commit: real signals to a real process."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

from indexer import open_index
from tests.fixtures.folders import Archive, contents
from tests.stress.archive import environment

# A command that reads each file alone, reports it, and then waits for a line of input.
PROGRAM = """
import sys
from indexer.sync import Silence, tasks
tasks._TASK_FILES = 1
from indexer import cli
from indexer.cli import indexing
class Telling(Silence):
    def __enter__(self): return self
    def __exit__(self, *_): pass
    def start(self, files, size): self.say("start")
    def advance(self, size): self.say("read")
    def say(self, what):
        sys.stderr.write(what + "\\n"); sys.stderr.flush()
        sys.stdin.readline()
indexing.show_progress = Telling
sys.exit(cli.run_cli(sys.argv[1:]))
"""


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """Ten files that were indexed and then changed; one was removed since, and one is new."""
    made = Archive(tmp_path)
    for number in range(10):
        made.text(f"a{number}.txt", f"The old crane {number}.")
    made.sync()
    for number in range(9):
        made.text(f"a{number}.txt", f"The new heron {number}.")
    (made.seeds / "a9.txt").unlink()
    made.text("b.txt", "A new tide.")
    return made


KEPT = "nutgraf: keeping what was read; press Ctrl-C again to discard it"


def interrupt(
    archive: Archive, *words: str, files: int, is_kept: bool = True, is_repeated: bool = False
) -> tuple[int, str, list[str]]:
    """Interrupt a command after so many files; returns its exit code, its output and its other messages.

    With `is_kept` it must say that it keeps what was read; with `is_repeated` it is then interrupted again.
    """
    other: list[str] = []
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words, "--index", str(archive.folder), "--jobs", "1"],
        cwd=archive.root,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None

        def wait_for(line: str) -> None:
            for found in process.stderr or ():
                if found.strip() == line:
                    return
                other.append(found.strip())
            raise AssertionError(f"it ended before it said {line!r}: {other}")

        wait_for("start")
        for _ in range(files):
            process.stdin.write("\n")
            process.stdin.flush()
            wait_for("read")
        process.send_signal(signal.SIGINT)
        if is_kept:
            wait_for(KEPT)
        if is_repeated:
            process.send_signal(signal.SIGINT)
        out, err = process.communicate("\n" * 100)
    other += [line for line in err.splitlines() if line not in ("read", "start", "")]
    return process.returncode, out, other


def totals(archive: Archive) -> tuple[int, int]:
    """How many articles are old, and how many are new."""
    with archive.open() as index:
        assert index.verify()
        old, new = (index.search(word, limit=0).total for word in ("crane", "heron OR tide"))
        return old, new


def test_one_interrupt_keeps_the_read_files_and_the_next_run_reads_the_rest(archive: Archive) -> None:
    code, out, said = interrupt(archive, "index", "seeds", "--json", files=4)
    report = json.loads(out)
    assert (code, said) == (
        130,
        ["nutgraf: interrupted; what was read is kept, the next run reads the rest"],
    )
    assert (report["interrupted"], report["removed"]) == (True, 0)
    # Four were read; if the signal came between two checks, one more was begun.
    assert 4 <= report["changed"] <= 5
    assert report["changed"] + report["unchanged"] == 10
    assert totals(archive) == (10 - report["changed"], report["changed"])
    rest = archive.sync()
    assert (rest.added, rest.changed, rest.removed) == (1, 9 - report["changed"], 1)
    assert totals(archive) == (0, 10)


def test_two_interrupts_keep_the_last_commit(archive: Archive) -> None:
    before = contents(archive.folder)
    code, out, said = interrupt(archive, "index", "seeds", files=1, is_repeated=True)
    assert (code, out) == (130, "")
    assert said == ["nutgraf: interrupted; nothing of the last batch was kept"]
    assert contents(archive.folder) == before
    assert archive.sync().changed == 9


def test_one_interrupt_before_the_first_file_keeps_the_last_commit(archive: Archive) -> None:
    before = contents(archive.folder)
    code, _, said = interrupt(archive, "index", "seeds", files=0, is_kept=False)
    assert (code, said) == (130, ["nutgraf: interrupted; nothing of the last batch was kept"])
    assert contents(archive.folder) == before


def test_an_interrupted_rebuild_stops_at_once_and_leaves_nothing(archive: Archive) -> None:
    before = contents(archive.folder)
    code, _, _ = interrupt(archive, "rebuild", "--allow-mass-delete", files=1, is_kept=False)
    assert code == 130
    assert contents(archive.folder) == before
    assert archive.sync().changed == 9


def test_an_interrupted_first_build_has_the_read_files(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    for number in range(5):
        archive.text(f"a{number}.txt", f"The heron {number}.")
    code, out, _ = interrupt(archive, "index", "seeds", "--json", files=1)
    added = json.loads(out)["added"]
    assert (code, 1 <= added <= 2) == (130, True)
    assert totals(archive) == (0, added)
    assert archive.sync().added == 5 - added


@pytest.mark.parametrize("files", range(5))
def test_a_sync_stopped_anywhere_removes_nothing_and_the_next_one_completes_it(
    tmp_path: Path, files: int
) -> None:
    archive = Archive(tmp_path)
    archive.lines("a.jsonl", {"id": "one", "text": "One."}, {"id": "two", "text": "Two."})
    archive.lines("b.jsonl", {"id": "three", "text": "Three."})
    archive.lines("c.jsonl", {"id": "four", "text": "Four."})
    archive.sync()
    with archive.open() as index:
        old = {index.resolve_id(name) for name in ("one", "two", "three", "four")}
    # Records move from file to file, one file is missing, and one article is in no file any more.
    archive.lines("a.jsonl", {"id": "three", "text": "Three, moved."})
    archive.lines("b.jsonl", {"id": "one", "text": "One, moved."}, {"id": "five", "text": "Five."})
    (archive.seeds / "c.jsonl").unlink()
    archive.lines("d.jsonl", {"id": "four", "text": "Four, moved."})
    asked = count(1)
    report = archive.sync(stop=lambda: next(asked) > files)
    assert (report.interrupted, report.removed) == (files < 3, 0 if files < 3 else 4)
    with archive.open() as index:
        assert index.verify().articles >= 4
        for name in old if files < 3 else ():
            assert index.get_article(name)
    archive.sync()
    with archive.open() as index, open_index(tmp_path / "new", sources=[archive.seeds]) as new:
        new.sync()
        assert index.verify().articles == new.verify().articles == 4
        for name in ("one", "three", "four", "five"):
            assert index.get_article(name) == new.get_article(name)
