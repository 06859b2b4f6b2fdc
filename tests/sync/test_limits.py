"""A file beyond a limit is named, keeps its articles, and is read again if it or a limit changes."""

from __future__ import annotations

import gzip
import hashlib
import json
import lzma
import zlib
from io import BytesIO
from pathlib import Path

import pytest

from indexer import Failure, Index, InvalidArticle, UnreadableDocument, limits, open_index
from indexer.readers import ReadOptions, document, read, records
from indexer.store import generations
from indexer.sync import apply, catalog, tasks
from indexer.sync.catalog import FileState
from indexer.sync.tasks import Part, PartReader
from indexer.sync.worker_pool import read_all
from tests.fixtures.folders import reasons
from tests.sync.conftest import (
    ENDLESS,
    NO_LIMIT,
    NO_TIMER,
    RunInWorkers,
    Started,
    before_reading,
    ids,
    refusals,
    sixty_lines,
)

OPTIONS = ReadOptions()
BLOCKED = "os.read(os.pipe()[0], 1)"


def run_at_poison(code: str, log: Path) -> str:
    """A program that makes a worker run some code at a document with `poison` in it, and log that."""
    return before_reading(
        f"if b'poison' in data:\n    with open({str(log)!r}, 'a') as log: log.write(name + '\\n')\n    {code}"
    )


def tried(log: Path) -> int:
    """How often a worker began to read a document with `poison`."""
    return len(log.read_text().splitlines()) if log.exists() else 0


@pytest.mark.parametrize("alone", [True, False], ids=["alone", "among others"])
def test_a_worker_that_hangs_is_ended_and_its_file_named(
    tmp_path: Path, run_in_workers: RunInWorkers, monkeypatch: pytest.MonkeyPatch, alone: bool
) -> None:
    monkeypatch.setattr(limits, "FILE_WAIT", 1.0)
    run_in_workers(run_at_poison(BLOCKED, tmp_path / "log"))
    parts = []
    for name, word in (("a.txt", "red"), ("b.txt", "poison"), ("c.txt", "green")):
        (tmp_path / name).write_text(f"A title\n\nA tide, {word}.\n")
        parts.append(Part(str(tmp_path), name, name, 20))
    reads = list(read_all([[part] for part in parts] if alone else [parts], OPTIONS, "en", 2))
    assert ids(reads) == ["a.txt", "failed b.txt", "c.txt"]
    assert refusals(reads) == {"was not read within 1 s"}
    # A second try would wait as long, and is only needed to find the file among several.
    assert tried(tmp_path / "log") == (1 if alone else 2)


def test_the_time_limit_of_a_file_grows_with_its_size_up_to_a_maximum() -> None:
    assert limits.file_wait(0) == 60
    assert limits.file_wait(64 << 20) == 700
    assert limits.file_wait(1 << 60) == 86_400


@pytest.fixture
def source(tmp_path: Path, run_in_workers: RunInWorkers, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source with one page, and workers that a poisonous page ends."""
    # The age of the files must not matter here.
    monkeypatch.setattr(apply, "_YOUNG_NS", 0)
    run_in_workers(run_at_poison("os._exit(1)", tmp_path / "log"))
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "good.md").write_text("# Good\n\nA good tide.")
    return folder


def failures(index: Index) -> dict[str, str]:
    """The failures in the status, with their reasons."""
    return {failure.path: failure.reason for failure in index.get_status().failures}


def test_a_refused_file_is_reported_and_not_read_until_it_changes(tmp_path: Path, source: Path) -> None:
    page, log = source / "page.md", tmp_path / "log"
    page.write_text("# Bad\n\nA poison tide.")
    with open_index(tmp_path / "index", sources=[source]) as index:
        report = index.sync()
        assert {failure.path for failure in report.failed} == {"page.md"}
        count = tried(log)
        for _ in range(2):
            again = index.sync()
            assert (again.failed, again.unchanged, tried(log)) == (report.failed, 1, count)
        assert failures(index) == {"page.md": "cannot be read (it ended the process that read it, twice)"}
        page.write_text("# Better\n\nA better tide.")
        assert index.sync().added == 1
        assert failures(index) == {}


def test_a_refused_file_is_read_again_when_the_limits_change(tmp_path: Path, source: Path) -> None:
    (source / "page.md").write_text("# Bad\n\nA poison tide.")
    log = tmp_path / "log"
    with open_index(tmp_path / "index", sources=[source]) as index:
        index.sync()
    count = tried(log)
    with open_index(tmp_path / "index", sources=[source], max_file_mb=65) as index:
        for _ in range(2):
            report = index.sync()
            assert {failure.path for failure in report.failed} == {"page.md"}
            assert tried(log) == 2 * count


def test_articles_stay_while_their_file_is_refused(tmp_path: Path, source: Path) -> None:
    page, log = source / "page.md", tmp_path / "log"
    page.write_text("# Before\n\nA heron stood in the tide.")
    with open_index(tmp_path / "index", sources=[source]) as index:
        assert index.sync().added == 2
        page.write_text("# After\n\nA poison tide.")
        for _ in range(3):
            report = index.sync()
            ((path, reason),) = [(failure.path, failure.reason) for failure in report.failed]
            assert path == "page.md"
            assert reason.endswith("twice); what was indexed from it before is kept")
            assert (report.changes, report.unchanged) == ([], 2)
            assert failures(index) == {path: reason}
            assert index.search("heron", limit=0).total == 1
        count = tried(log)
        index.sync()
        assert tried(log) == count
        page.unlink()
        assert index.sync().removed == 1
        assert failures(index) == {}


def test_a_page_that_is_restored_is_unchanged(tmp_path: Path, source: Path) -> None:
    page, before = source / "page.md", "# Before\n\nA heron stood in the tide."
    page.write_text(before)
    with open_index(tmp_path / "index", sources=[source]) as index:
        index.sync()
        page.write_text("# After\n\nA poison tide.")
        index.sync()
        page.write_text(before)
        report = index.sync()
        assert (report.changes, report.unchanged, report.failed) == ([], 2, [])


@pytest.mark.usefixtures("in_process")
def test_a_file_that_is_too_large_is_recognized_by_its_times(tmp_path: Path, source: Path) -> None:
    (source / "large.txt").write_text("heron " * 200_000)
    (source / "tight.txt.gz").write_bytes(gzip.compress(" ".join(map(str, range(200_000))).encode()))
    (source / "lines.jsonl.gz").write_bytes(gzip.compress(LINES.encode()))
    with open_index(tmp_path / "index", sources=[source], max_file_mb=1) as index:
        report = index.sync()
        assert {failure.path for failure in report.failed} == {"large.txt", "tight.txt.gz"}
        ((_, files),) = catalog.load(*generations.live_commit(tmp_path / "index")).sources.items()
        assert {path for path, entry in files.items() if not entry.stamp.sha256} == set(failures(index))
        assert {entry.state for entry in files.values()} == {FileState.REFUSED, FileState.UNCHANGED}
        assert index.sync().failed == report.failed
    with open_index(tmp_path / "index", sources=[source], max_file_mb=2) as index:
        assert (index.sync().added, failures(index)) == (2, {})


@pytest.mark.usefixtures("in_process")
def test_a_file_with_too_many_articles_is_indexed_up_to_the_limit(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source / "lines.jsonl").write_text(LINES)
    monkeypatch.setattr(limits, "ARTICLES_PER_MB", 40)
    with open_index(tmp_path / "index", sources=[source], max_file_mb=1) as index:
        for added in (41, 0):
            report = index.sync()
            assert report.added == added
            assert [failure.reason for failure in report.failed] == [
                "has more than 40 articles; the rest were skipped: split the file"
            ]
            assert [index.search(f'"tide {number}"', limit=0).total for number in (39, 40)] == [1, 0]
    with open_index(tmp_path / "index", sources=[source], max_file_mb=2) as index:
        report = index.sync()
        assert (report.added, report.unchanged, report.failed) == (20, 41, [])
        assert index.verify().articles == 61


SLOW = "cannot be read (reading it takes more time than a document may)"
LARGE = "cannot be read (reading it takes more memory than a document may)"
ENDED = "cannot be read (it ended the process that read it, twice)"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        pytest.param(ENDLESS, SLOW, marks=NO_TIMER),
        pytest.param("bytes(1 << 30)", LARGE, marks=NO_LIMIT),
        pytest.param("[bytes(1 << 20) for _ in range(1000)]", LARGE, marks=NO_LIMIT),
        ("os.abort()", ENDED),
    ],
)
def test_a_page_that_takes_too_much_or_ends_its_worker_is_named_and_the_others_are_indexed(
    tmp_path: Path, run_in_workers: RunInWorkers, code: str, reason: str
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in ("good", "poison"):
        (source / f"{name}.md").write_text(f"# {name}\n\nA {name} tide.")
    run_in_workers(before_reading(f"if b'poison' in data:\n    {code}"))
    with open_index(tmp_path / "index", sources=[source]) as index:
        assert reasons(index.sync()) == {"poison.md": reason}
        assert index.verify().articles == 1
        assert index.search("good", limit=0).total == 1


@NO_LIMIT
def test_memory_that_earlier_documents_hold_is_not_held_against_the_next_ones(
    tmp_path: Path, run_in_workers: RunInWorkers
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in ("a-held", "b-used", "c-used", "d-used"):
        (source / f"{name}.md").write_text(f"# {name}\n\nA tide.")
    run_in_workers(
        before_reading(
            "if b'held' in data:\n    sys.held = bytes(220 << 20)\nif b'used' in data:\n    bytes(230 << 20)"
        )
    )
    with open_index(tmp_path / "index", sources=[source]) as index:
        report = index.sync()
        assert (report.added, reasons(report)) == (4, {})


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.html", b"<p>A tide."),
        ("a.md", b"A tide."),
        ("a.txt.gz", b"A tide."),
        ("a.txt", b" \n\xef\xbb\xbf<html><p>A tide."),
        ("a.txt", b"\xff\xfe<\0h\0t\0m\0l\0>\0"),
        ("a.txt", b"\x1f\x8b\x08"),
        ("a.txt", b"tide " * 60_000),
        ("a.txt", b"\n" * 5000 + b"<html>"),
    ],
)
def test_only_a_little_plain_text_is_read_without_a_process_of_its_own(
    tmp_path: Path, started: Started, name: str, data: bytes
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "plain.txt").write_text("A story.\n\nA tide.")
    with open_index(tmp_path / "index", sources=[source]) as index:
        assert (index.sync().added, started) == (1, [])
        (source / name).write_bytes(data)
        index.sync()
        assert len(started) == 1
        assert index.search("story", limit=0).total == 1


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize(
    "page",
    [
        "<p>Shown.<script>hidden()</script></p>",
        "<p>Shown.<textarea><p>hidden</p></textarea></p>",
        "<p>Shown.</p><noscript><div>hidden</noscript>",
        "<template><p>hidden</p></template><p>Shown.",
        "<h1>Shown.</h1><style>hidden</style>",
        "<head><noscript><h1>hidden</h1></noscript></head><body><p>Shown.",
        "<p>Shown.<script>hidden",
    ],
)
def test_hidden_text_of_a_page_is_not_found(tmp_path: Path, page: str) -> None:
    (tmp_path / "a.html").write_text(f"<html>{page}{'<p>Other words stand here. ' * 30}")
    with open_index(tmp_path / "index", sources=[tmp_path / "a.html"]) as index:
        index.sync()
        assert index.search("hidden", limit=0).total == 0
        assert index.get_status().articles == 1


def test_the_first_of_many_bad_lines_are_named_and_the_others_counted() -> None:
    lines = ['{"text": "A tide."}', *["bad"] * 150, '{"text": "A heron."}']
    found = list(read(BytesIO("\n".join(lines).encode()), "a.jsonl", "a", OPTIONS))
    failed = [item for item in found if isinstance(item, Failure)]
    assert (len(found), [item.path for item in failed[:2]]) == (103, ["a.jsonl:2", "a.jsonl:3"])
    assert failed[-1] == Failure("a.jsonl", "50 more lines up to line 152 are not articles")


LONG = "The tide was red. " * 100


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.txt", f"A title\n\n{LONG}"),
        ("a.md", f"# A title\n\n{LONG}"),
        ("a.html", f"<title>A title</title><p>{LONG}"),
        ("a.html", f"<title>{LONG}</title><p>A tide."),
    ],
)
def test_an_article_with_too_much_text_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    assert len(list(read(BytesIO(text.encode()), name, "a", OPTIONS))) == 1
    monkeypatch.setattr(document, "ARTICLE_TEXT", 1000)
    with pytest.raises(UnreadableDocument, match=r"has 0\.0 MB of text, and must have at most 0 MB"):
        read(BytesIO(text.encode()), name, "a", OPTIONS)


def test_a_line_with_too_much_text_is_refused_and_the_others_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(document, "ARTICLE_TEXT", 1000)
    monkeypatch.setattr(records, "ARTICLE_TEXT", 1000)
    lines = [
        json.dumps({"id": name, "text": text}) for name, text in (("a", "A tide."), ("b", LONG), ("c", "."))
    ]
    found = list(read(BytesIO("\n".join(lines).encode()), "a.jsonl", "a", OPTIONS))
    assert [item.path if isinstance(item, Failure) else item.id for item in found] == [
        "a/a",
        "a.jsonl:2",
        "a/c",
    ]


def test_a_worker_can_read_a_text_of_the_largest_size() -> None:
    document.check_length(12 << 20)
    with pytest.raises(InvalidArticle, match=r"has 13\.0 MB of text, and must have at most 12 MB: split it"):
        document.check_length(13 << 20)


LINES = sixty_lines("Tide", 20)


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
@pytest.mark.parametrize(
    "start", ["", "no JSON\n", "\ufeff"], ids=["plain", "with a bad line", "with a mark"]
)
def test_a_large_file_gives_several_batches_that_are_complete_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, start: str
) -> None:
    data = (start + LINES).encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    part = Part(str(tmp_path), name, "a", len(data))
    (([(place, whole)], _),) = PartReader(OPTIONS, "en").read([part])
    monkeypatch.setattr(tasks, "_BATCH", 1000)
    monkeypatch.setattr(tasks, "SPLIT", 700)
    batches = list(PartReader(OPTIONS, "en").read([part]))
    results = [result for every, _ in batches for _, result in every]
    assert (place, len(batches) > 10) == (0, True)
    assert [item for result in results for item in result.found] == whole.found
    assert [result.is_more for result in results] == [False, *[True] * (len(results) - 1)]
    assert results[0].sha256 == whole.sha256
    assert [name for _, chunk in batches for name in chunk.ids] == [f"a/a{number}" for number in range(60)]


def test_a_worker_that_ends_between_batches_gives_no_article_twice(
    tmp_path: Path, run_in_workers: RunInWorkers
) -> None:
    ended = tmp_path / "ended"
    run_in_workers(
        "import os, indexer.sync.tasks as i\n"
        "i._BATCH = 1000\n"
        "read = i.PartReader.read\n"
        "def ending(*given):\n"
        "    for number, batch in enumerate(read(*given)):\n"
        f"        if number == 4 and not os.path.exists({str(ended)!r}):\n"
        f"            open({str(ended)!r}, 'w').close(); os._exit(1)\n"
        "        yield batch\n"
        "i.PartReader.read = ending\n"
    )
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(LINES.encode()))
    part = Part(str(tmp_path), "a.jsonl.gz", "a", (tmp_path / "a.jsonl.gz").stat().st_size)
    reads = list(read_all([[part]], OPTIONS, "en", 1))
    assert ended.exists()
    assert len(reads) > 5
    assert ids(reads) == [f"a/a{number}" for number in range(60)]


def test_an_index_made_in_batches_equals_one_made_at_once(
    tmp_path: Path, run_in_workers: RunInWorkers
) -> None:
    for name, text in (("a.jsonl.gz", LINES), ("b.jsonl.gz", LINES.replace('"a', '"b'))):
        (tmp_path / name).write_bytes(gzip.compress(text.encode()))
    lines = LINES.replace("Tide 7.", "Heron.")
    with open_index(tmp_path / "index", sources=[tmp_path / "a.jsonl.gz", tmp_path / "b.jsonl.gz"]) as index:
        run_in_workers("import indexer.sync.tasks as i; i._BATCH = 1000")
        assert index.sync().added == 120
        file = tmp_path / "a.jsonl.gz"
        known = catalog.load(*generations.live_commit(tmp_path / "index")).sources[str(file)]
        assert known[file.name].stamp.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
        file.write_bytes(gzip.compress(lines.encode()))
        report = index.sync()
        assert (report.added, report.changed, report.removed, report.unchanged) == (0, 1, 0, 119)
        assert index.search("heron", limit=0).total == 1
        assert index.verify().articles == 120


@NO_LIMIT
def test_xz_data_that_asks_for_too_much_memory_is_refused(tmp_path: Path) -> None:
    data = bytearray(lzma.compress(b"A title\n\nA tide."))
    # The header of its first block, in which a byte stands for the memory: 40 is the most, 4 GB.
    header = slice(12, 12 + 4 * (data[12] + 1) - 4)
    data[data.index(b"\x21\x01", 12) + 2] = 40
    data[header.stop : header.stop + 4] = zlib.crc32(data[header]).to_bytes(4, "little")
    (tmp_path / "a.txt.xz").write_bytes(data)
    (tmp_path / "b.txt.xz").write_bytes(lzma.compress(b"A title\n\nA tide."))
    reads = list(
        read_all(
            [[Part(str(tmp_path), name, name, 100)] for name in ("a.txt.xz", "b.txt.xz")], OPTIONS, "en", 1
        )
    )
    assert ids(reads) == ["failed a.txt.xz", "b.txt.xz"]
    assert refusals(reads) == {"reading it takes more memory than a document may"}
