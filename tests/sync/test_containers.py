"""Containers: read record by record, each under limits of its own, and what cannot be read is kept."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from pathlib import Path

import pytest

from indexer import Index, SourceShrunk, limits, open_index
from indexer.sync import apply
from tests.fixtures.folders import reasons
from tests.fixtures.packing import MAKERS, make_tar, make_zip
from tests.sync.conftest import ENDLESS, NO_LIMIT, NO_TIMER, ROOT, RunInWorkers, Started, spell

_QUICK = ("a.zip", "a.tar.gz")
archives = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in _QUICK else pytest.mark.slow) for name in MAKERS]
)


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty source, in which the age of files does not matter."""
    monkeypatch.setattr(apply, "_YOUNG_NS", 0)
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


def stories(count: int) -> dict[str, bytes | str]:
    """Files of an archive, each with its number."""
    return {
        f"{number:02}.txt": f"Story {spell(number)}\n\nA tide of {spell(number)}." for number in range(count)
    }


def before_reading_members(code: str) -> str:
    """A program that makes a worker run some code before it reads a member, which is `name`."""
    return (
        "import os, indexer.readers.dispatch as dispatch\n"
        "from indexer import limits\n"
        "from indexer.sync.worker import limit_process\n"
        "read = dispatch.read\n"
        "def other(stream, name, *rest, **more):\n"
        f"{textwrap.indent(code, '    ')}\n"
        "    return read(stream, name, *rest, **more)\n"
        "dispatch.read = other\n"
    )


def found(index: Index, word: str) -> int:
    """The number of articles that have a word."""
    return index.search(word, limit=0).total


POISONS = [
    pytest.param(ENDLESS, "reading it takes more time than a document may", marks=NO_TIMER),
    pytest.param("bytes(1 << 30)", "reading it takes more memory than a document may", marks=NO_LIMIT),
    pytest.param("os.abort()", "it ended the process that read it, twice"),
]


# Each poison and each of these containers once in the quick tests, all of both in the slow ones.
_QUICK_POISONS = {("a.zip", 0), ("a.tar.gz", 1), ("a.zip", 2)}


@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [
        pytest.param(
            name,
            *poison.values,
            marks=[*poison.marks, *([] if (name, number) in _QUICK_POISONS else [pytest.mark.slow])],
        )
        for name in MAKERS
        for number, poison in enumerate(POISONS)
    ],
)
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
        "from indexer.sync.worker import CurrentRecord\n"
        "write = CurrentRecord.write\n"
        "CurrentRecord.write = lambda current, record: write(current, record._replace(size=0))\n"
        + before_reading_members("if name.endswith('03.txt'): os.read(os.pipe()[0], 1)")
    )
    (source / "a.zip").write_bytes(make_zip(stories(5)))
    with open_index(tmp_path / "index", sources=[source]) as index:
        assert reasons(index.sync()) == {"a.zip/03.txt": "was not read within 5 s"}
        assert index.verify().articles == 4


@pytest.mark.slow
def test_a_record_has_no_more_time_because_its_container_says_that_it_is_large(
    tmp_path: Path, source: Path, run_in_workers: RunInWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "FILE_WAIT", 5.0)
    monkeypatch.setattr(limits, "FILE_WAIT_PER_MB", 0.01)
    run_in_workers(before_reading_members("if name.endswith('01.txt'): os.read(os.pipe()[0], 1)"))
    data = bytearray(make_zip(stories(3)))
    place = data.index(b"01.txt", data.index(b"PK\x01\x02")) - 46 + 24
    data[place : place + 4] = b"\xf0\xff\xff\xff"
    (source / "a.zip").write_bytes(data)
    with open_index(tmp_path / "index", sources=[source], max_file_mb=1) as index:
        assert reasons(index.sync()) == {"a.zip/01.txt": "was not read within 5 s"}


def test_more_records_than_may_end_their_worker_end_the_reading_and_what_was_read_is_kept(
    tmp_path: Path, source: Path, run_in_workers: RunInWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "FAILED_RECORDS", 1)
    run_in_workers(
        "import indexer.sync.tasks as tasks\ntasks._BATCH = 1\n"
        + before_reading_members("if name.endswith(('02.txt', '05.txt')): os._exit(71)")
    )
    (source / "a.zip").write_bytes(make_zip(stories(8)))
    with open_index(tmp_path / "index", sources=[source]) as index:
        memory = "reading it takes more memory than a document may"
        assert reasons(index.sync()) == {
            "a.zip/02.txt": memory,
            "a.zip": f"a part of it cannot be read (from record 6 on: {memory})",
        }
        assert index.verify().articles == 4


def test_a_worker_that_is_ended_from_outside_loses_no_record(
    tmp_path: Path, source: Path, run_in_workers: RunInWorkers
) -> None:
    ended = tmp_path / "ended"
    run_in_workers(
        before_reading_members(
            f"if name.endswith('03.txt') and not os.path.exists({str(ended)!r}):\n"
            f"    open({str(ended)!r}, 'w').close(); os.kill(os.getpid(), 9)"
        )
    )
    (source / "a.zip").write_bytes(make_zip(stories(8)))
    with open_index(tmp_path / "index", sources=[source]) as index:
        report = index.sync()
        assert (ended.exists(), report.added, report.failed) == (True, 8, [])


@pytest.mark.usefixtures("either_way")
@archives
def test_a_file_that_is_unchanged_in_a_changed_archive_is_unchanged(
    tmp_path: Path, source: Path, name: str
) -> None:
    make = MAKERS[name]
    (source / name).write_bytes(make(stories(9)))
    with open_index(tmp_path / "index", sources=[source]) as index:
        assert index.sync().added == 9
        files = stories(9)
        del files["08.txt"]
        files |= {"03.txt": "Another story\n\nA heron.", "new.txt": "A new story\n\nA heron."}
        (source / name).write_bytes(make(dict(reversed(files.items()))))
        report = index.sync()
        assert (report.added, report.changed, report.removed, report.unchanged) == (1, 1, 1, 7)
        assert (index.verify(deep=True).differences, found(index, "heron")) == ((), 2)


def test_an_unchanged_container_is_not_read(tmp_path: Path, source: Path, started: Started) -> None:
    (source / "a.zip").write_bytes(make_zip({**stories(3), "empty.txt": "", "b.jpg": "x"}))
    with open_index(tmp_path / "index", sources=[source]) as index:
        first = index.sync()
        assert len(started) == 1
        for dry_run in (False, True):
            again = index.sync(dry_run=dry_run)
            assert (again.changes, again.unchanged, again.failed) == ([], 3, first.failed)
        (source / "other.txt").write_text("Another\n\nA heron.")
        assert index.sync().unchanged == 3
        assert len(started) == 1


@pytest.mark.usefixtures("either_way")
def test_what_an_archive_has_of_other_kinds_is_counted_with_the_files_of_the_source(
    tmp_path: Path, source: Path
) -> None:
    (source / "a.zip").write_bytes(make_zip({**stories(3), "b.jpg": "x", "in/c.jpg": "x", "LICENSE": "x"}))
    (source / "d.jpg").write_bytes(b"x")
    kinds = {".jpg": 3, "": 1}
    with open_index(tmp_path / "index", sources=[source]) as index:
        assert index.sync(dry_run=True).kinds_not_read == kinds
        for _ in range(2):
            report = index.sync()
            assert (report.kinds_not_read, report.failed) == (kinds, [])
            assert index.get_status().kinds_not_read == index.diagnose().kinds_not_read == kinds
        (source / "e.txt").write_text("Another\n\nA heron.")
        assert index.sync().kinds_not_read == kinds
        assert index.rebuild().kinds_not_read == kinds
        (source / "a.zip").write_bytes(make_zip(stories(3)))
        assert index.sync().kinds_not_read == {".jpg": 1}


def half(data: bytes) -> bytes:
    """The first half of some bytes."""
    return data[: len(data) // 2]


def bulky(count: int) -> dict[str, bytes | str]:
    """Files of an archive that do not compress much."""
    return {
        name: f"{text!s} " + " ".join(str(int(name[:2]) * 999_983 * place) for place in range(99, 999))
        for name, text in stories(count).items()
    }


@pytest.mark.usefixtures("either_way")
@archives
def test_a_truncated_archive_removes_no_article(tmp_path: Path, source: Path, name: str) -> None:
    data = MAKERS[name](bulky(40))
    (source / name).write_bytes(data)
    with open_index(tmp_path / "index", sources=[source]) as index:
        index.sync()
        (source / name).write_bytes(half(data))
        for _ in range(2):
            report = index.sync()
            assert (report.removed, report.unchanged, list(reasons(report))) == (0, 40, [name])
            assert (index.verify().articles, found(index, "tide")) == (40, 40)
        # What comes after the damage is there again, or is missing now.
        (source / name).write_bytes(MAKERS[name](bulky(39)))
        report = index.sync()
        assert (report.removed, report.unchanged, report.failed) == (1, 39, [])


@pytest.mark.usefixtures("either_way")
@archives
def test_an_archive_that_is_truncated_in_another_one_removes_no_article(
    tmp_path: Path, source: Path, name: str
) -> None:
    tar = make_tar(bulky(40))
    whole: dict[str, bytes | str] = {"in.tar": tar, "other.txt": "Another\n\nA heron."}
    (source / name).write_bytes(MAKERS[name](whole))
    with open_index(tmp_path / "index", sources=[source]) as index:
        assert index.sync().added == 41
        (source / name).write_bytes(MAKERS[name](whole | {"in.tar": half(tar)}))
        report = index.sync()
        assert (report.removed, report.unchanged, list(reasons(report))) == (0, 41, [f"{name}/in.tar"])
        (source / name).write_bytes(MAKERS[name](whole))
        assert index.sync().unchanged == 41


@pytest.mark.usefixtures("either_way")
def test_a_new_archive_that_is_truncated_gives_what_is_whole(tmp_path: Path, source: Path) -> None:
    (source / "a.tar").write_bytes(half(make_tar(bulky(40))))
    with open_index(tmp_path / "index", sources=[source]) as index:
        report = index.sync()
        assert 15 < report.added < 25
        assert "a part of it cannot be read (damaged: " in reasons(report)["a.tar"]


@pytest.mark.usefixtures("either_way")
@archives
def test_an_archive_that_has_lost_most_of_its_files_is_a_mass_deletion(
    tmp_path: Path, source: Path, name: str
) -> None:
    make = MAKERS[name]
    (source / name).write_bytes(make(stories(40)))
    with open_index(tmp_path / "index", sources=[source]) as index:
        index.sync()
        for count in (9, 0):
            (source / name).write_bytes(make(stories(count)))
            with pytest.raises(SourceShrunk, match=r"of its 40 articles would be removed"):
                index.sync()
        assert index.verify().articles == 40
        assert index.sync(allow_mass_delete=True).removed == 40


@pytest.mark.usefixtures("either_way")
def test_the_limit_of_size_holds_for_each_file_in_an_archive(tmp_path: Path, source: Path) -> None:
    large = "A title\n\n" + " ".join(str(number * 999_983) for number in range(200_000))
    (source / "a.tar").write_bytes(make_tar({"large.txt": large, **stories(3)}))
    (source / "b.tar").write_bytes(
        make_tar({**bulky(80), "d.txt": "words " * 99_999, "e.txt": "sea " * 99_999})
    )
    assert (source / "b.tar").stat().st_size > 1 << 20
    with open_index(tmp_path / "index", sources=[source], max_file_mb=1) as index:
        report = index.sync()
        assert reasons(report) == {"a.tar/large.txt": "larger than 1 MB"}
        assert report.added == 3 + 82


@pytest.mark.usefixtures("either_way")
def test_a_container_may_have_more_articles_the_larger_it_is(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ARTICLES_PER_MB", 20)
    (source / "a.tar").write_bytes(make_tar(stories(30) | {"b.jpg": bytes(1 << 21)}))
    (source / "b.tar").write_bytes(make_tar(stories(30)))
    with open_index(tmp_path / "index", sources=[source], max_file_mb=1) as index:
        report = index.sync()
        assert (report.added, list(reasons(report))) == (30 + 20, ["b.tar"])


def test_the_first_of_many_failures_in_a_container_are_named_and_the_others_counted(
    tmp_path: Path, source: Path, run_in_workers: RunInWorkers
) -> None:
    run_in_workers("from indexer import limits; limits.LISTED_FAILURES = 10")
    (source / "a.tar").write_bytes(make_tar({f"{number}.txt": "" for number in range(30)} | stories(3)))
    with open_index(tmp_path / "index", sources=[source]) as index:
        report = index.sync()
        assert (report.added, len(report.failed)) == (3, 11)
        assert reasons(report)["a.tar"] == "20 more records cannot be read"


def test_a_misnamed_document_that_is_no_text_is_not_read_in_this_process(
    tmp_path: Path, source: Path, started: Started
) -> None:
    (source / "a.txt").write_bytes(gzip.compress(b"A title\n\nA tide."))
    with open_index(tmp_path / "index", sources=[source]) as index:
        assert index.sync().added == 1
    assert len(started) == 1


PAGE = b"<html><title>A captured page</title><body><p>A heron stood in the tide.</body></html>"
CAPTURE = (
    b"WARC/1.0\r\nWARC-Type: resource\r\nWARC-Target-URI: http://news.example/tide.html\r\n"
    b"Content-Type: text/html\r\nContent-Length: %d\r\n\r\n%b\r\n\r\n" % (len(PAGE), PAGE)
)


@pytest.mark.usefixtures("in_process")
def test_files_that_need_the_extra_are_counted_and_read_when_it_is_installed(
    tmp_path: Path, source: Path
) -> None:
    (source / "a.zip").write_bytes(make_zip({"tide.warc": CAPTURE, "a.jpg": "x", **stories(2)}))
    (source / "b.warc").write_bytes(CAPTURE)
    mail = EmailMessage()
    mail["Subject"] = "The crawl"
    mail.add_attachment(CAPTURE, "application", "warc", filename="tide.warc")
    (source / "c.eml").write_bytes(mail.as_bytes())
    # In a process in which the library of the extra cannot be found.
    index_twice = (
        "import sys; sys.modules['fastwarc'] = None; "
        "from indexer.cli import run_cli; from indexer.sync import apply; "
        "apply.count_workers = lambda files, jobs: 0; "
        "sys.exit(max(run_cli(['index', sys.argv[1], '--index', sys.argv[2]]) for _ in range(2)))"
    )
    command = [sys.executable, "-c", index_twice, str(source), str(tmp_path / "index")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert re.findall(r"3 (?:added|unchanged)", done.stdout) == ["3 added", "3 unchanged"]
    message = "4 files of kinds that are not read: .warc 3, .jpg 1; install nutgraf[documents] to read .warc"
    assert done.stderr.count(message) == 2
    with open_index(tmp_path / "index", sources=[source]) as index:
        report = index.sync()
        # The mail no longer has the note that its attachment was skipped.
        assert (report.added, report.unchanged, report.kinds_not_read) == (3, 2, {".jpg": 1})
        assert found(index, "heron") == 3


def record(number: int, words: str = "A tide") -> dict[str, str]:
    """A record of an export, with its number."""
    return {"title": f"Story {number}", "text": f"{words} of number{number}."}


def as_lines(records: Sequence[dict[str, str]]) -> str:
    """JSON Lines of records."""
    return "".join(json.dumps(one) + "\n" for one in records)


def as_table(records: Sequence[dict[str, str]]) -> str:
    """A table of records."""
    return "".join(
        f"{one['title']},{one['text']}\n" for one in [{"title": "title", "text": "text"}, *records]
    )


def as_mailbox(records: Sequence[dict[str, str]]) -> str:
    """A mailbox with a mail for each record."""
    return "".join(f"From - 10:00\nSubject: {one['title']}\n\n{one['text']}\n\n" for one in records)


EXPORTS: list[tuple[str, Callable[[Sequence[dict[str, str]]], str]]] = [
    ("a.jsonl", as_lines),
    ("a.json", json.dumps),
    ("a.csv", as_table),
    ("a.mbox", as_mailbox),
    ("a.txt", as_mailbox),
]


@pytest.mark.parametrize(("name", "write"), [*EXPORTS, ("Inbox", as_mailbox)])
@pytest.mark.parametrize("is_packed", [False, True])
def test_the_limit_of_size_holds_for_each_record_of_an_export(
    tmp_path: Path,
    source: Path,
    name: str,
    write: Callable[[Sequence[dict[str, str]]], str],
    is_packed: bool,
) -> None:
    words = " ".join(f"tide{n}" for n in range(4000))
    records = [record(n, f"A tide {words * (40 if n == 30 else 1)}") for n in range(60)]
    data = write(records).encode()
    assert len(data) > 2 << 20
    file = source / (f"{name}.gz" if is_packed else name)
    file.write_bytes(gzip.compress(data) if is_packed else data)
    with open_index(tmp_path / "index", sources=[file], max_file_mb=1) as index:
        report = index.sync()
        ((place, reason),) = reasons(report).items()
        assert place.startswith(f"{file.name}:3")
        assert reason.startswith("larger than 1 MB")
        assert (report.added, found(index, "tide"), found(index, "number59")) == (59, 59, 1)


@pytest.mark.parametrize(("name", "write"), EXPORTS)
def test_a_record_of_an_export_that_ends_its_worker_is_named_and_the_others_are_read(
    tmp_path: Path,
    source: Path,
    run_in_workers: RunInWorkers,
    name: str,
    write: Callable[[Sequence[dict[str, str]]], str],
) -> None:
    run_in_workers(
        "import os\n"
        "from indexer import Article\n"
        "make = Article.__init__\n"
        "def other(self, *rest, **more):\n"
        "    make(self, *rest, **more)\n"
        "    if 'number5.' in str(self.paragraphs):\n"
        "        os.abort()\n"
        "Article.__init__ = other\n"
    )
    (source / name).write_text(write([record(n) for n in range(9)]))
    (source / "b.html").write_text("<p>A page, which is read by a worker.")
    with open_index(tmp_path / "index", sources=[source]) as index:
        report = index.sync()
        ((place, why),) = reasons(report).items()
        assert (place.startswith(f"{name}:"), why) == (True, "it ended the process that read it, twice")
        assert (report.added, found(index, "tide"), found(index, "number8")) == (9, 8, 1)


def test_a_truncated_array_removes_no_article(tmp_path: Path, source: Path) -> None:
    data = json.dumps([record(n) for n in range(40)])
    (source / "a.json").write_text(data)
    with open_index(tmp_path / "index", sources=[source]) as index:
        assert index.sync().added == 40
        (source / "a.json").write_text(data[: len(data) // 2])
        report = index.sync()
        assert reasons(report) == {"a.json": "a part of it cannot be read (not JSON: it ends too early)"}
        assert (report.removed, found(index, "tide")) == (0, 40)
