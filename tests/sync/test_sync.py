"""Sync: whatever happens to the files, the index ends up with their content."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer import Article, ArticleMissing, Config, Failure, SourceMissing, open_index
from indexer.article import make_record_id, record_name
from indexer.readers import read
from indexer.reports import SyncReport
from indexer.sync import tasks
from indexer.sync.plan import default_id
from tests.fixtures.folders import Archive, Meanwhile, articles, contents, counts, reasons, state

EXAMPLES = int(os.environ.get("SYNC_EXAMPLES", "40"))

ONE = {"id": "one", "text": "First crane."}


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    made = Archive(tmp_path)
    made.text("a.txt", "A crane in the harbour.")
    made.text("sub/b.txt", "A red tide.")
    made.lines("c.jsonl", ONE, {"id": "two", "text": "Second."}, {"id": "three", "text": "Third."})
    return made


def shift_clock(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + int(seconds * 10**9))


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that is an hour ahead: every file is old enough for its times to be trusted."""
    shift_clock(monkeypatch, 3600.0)


@pytest.fixture
def young(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that is an hour behind: no file is old enough for its times to be trusted."""
    shift_clock(monkeypatch, -3600.0)


_opened: list[str] | None = None


def _note_opening(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and _opened is not None and not arguments[2] & os.O_DIRECTORY:
        _opened.append(str(arguments[0]))


sys.addaudithook(_note_opening)


@contextmanager
def noting_files_opened() -> Iterator[list[str]]:
    global _opened
    _opened = []
    try:
        yield _opened
    finally:
        _opened = None


# Changes


def test_new_changed_and_missing_files_are_one_commit(archive: Archive) -> None:
    assert counts(archive.sync()) == (5, 0, 0, 0)
    with archive.open() as index:
        first = index.get_status().generation
        commits = {path.name for path in (archive.folder / first).glob("*.toc")}
        archive.text("a.txt", "A crane that moved.")
        archive.text("new.txt", "News of the tide.")
        (archive.seeds / "sub/b.txt").unlink()
        report = index.sync()
        assert counts(report) == (1, 1, 1, 3)
        assert {(change.action, change.path, change.why) for change in report.changes} == {
            ("change", "a.txt", "the file changed"),
            ("add", "new.txt", "the file is new"),
            ("remove", "sub/b.txt", "the file is missing"),
        }
        assert index.get_status().generation == first
        after = {path.name for path in (archive.folder / first).glob("*.toc")}
    assert (commits, after) == ({"_MAIN_1.toc"}, {"_MAIN_2.toc"})
    assert archive.texts() == {
        "a.txt:a": ("A crane that moved.",),
        "new.txt:new": ("News of the tide.",),
        "c.jsonl:one": ("First crane.",),
        "c.jsonl:two": ("Second.",),
        "c.jsonl:three": ("Third.",),
    }


@pytest.mark.usefixtures("settled")
def test_a_run_without_changes_opens_no_source_file(archive: Archive) -> None:
    archive.sync()
    before = contents(archive.folder)
    with noting_files_opened() as opened:
        assert counts(archive.sync()) == (0, 0, 0, 5)
    assert opened
    assert not {"a.txt", "b.txt", "c.jsonl"} & {Path(name).name for name in opened}
    assert contents(archive.folder) == before


@pytest.mark.usefixtures("young")
def test_a_recently_written_file_is_read_again_and_nothing_is_written(archive: Archive) -> None:
    archive.sync()
    before = contents(archive.folder)
    with noting_files_opened() as opened:
        assert counts(archive.sync()) == (0, 0, 0, 5)
    assert {"a.txt", "b.txt", "c.jsonl"} <= {Path(name).name for name in opened}
    assert contents(archive.folder) == before


@pytest.mark.parametrize("when", [1, 10**9, None], ids=["1970", "2001", "the same time"])
@pytest.mark.usefixtures("settled")
def test_changed_content_is_noticed_despite_unchanged_times(archive: Archive, when: int | None) -> None:
    path = archive.text("a.txt", "AAAA crane.")
    archive.sync()
    before = path.stat()
    archive.text("a.txt", "BBBB crane.")
    time = before.st_mtime_ns if when is None else when * 10**9
    os.utime(path, ns=(time, time))
    assert path.stat().st_size == before.st_size
    assert counts(archive.sync()) == (0, 1, 0, 4)
    assert archive.texts()["a.txt:a"] == ("BBBB crane.",)


@pytest.mark.usefixtures("settled")
def test_a_touched_file_is_unchanged_and_recognized_by_its_new_time(archive: Archive) -> None:
    archive.sync()
    (archive.seeds / "a.txt").touch()
    os.utime(archive.seeds / "c.jsonl", (10**9, 10**9))
    assert counts(archive.sync()) == (0, 0, 0, 5)
    with noting_files_opened() as opened:
        assert counts(archive.sync()) == (0, 0, 0, 5)
    assert not {"a.txt", "b.txt", "c.jsonl"} & {Path(name).name for name in opened}


def test_a_renamed_file_leaves_no_stale_article(archive: Archive) -> None:
    archive.sync()
    (archive.seeds / "a.txt").rename(archive.seeds / "z.txt")
    (archive.seeds / "c.jsonl").rename(archive.seeds / "b.jsonl")
    assert counts(archive.sync()) == (4, 0, 4, 1)
    assert set(archive.texts()) == {"z.txt:z", "sub/b.txt:b", "b.jsonl:one", "b.jsonl:two", "b.jsonl:three"}
    with archive.open() as index:
        assert index.search("crane").total == 2


def test_only_the_changed_articles_of_a_file_are_written(archive: Archive) -> None:
    archive.sync()
    archive.lines("c.jsonl", ONE, {"id": "two", "text": "Other."}, {"id": "four", "text": "New."})
    report = archive.sync()
    assert counts(report) == (1, 1, 1, 3)
    assert {(change.action, record_name(change.id), change.why) for change in report.changes} == {
        ("change", "two", "the file changed"),
        ("add", "four", "the file changed"),
        ("remove", "three", "it is no longer in the file"),
    }


def test_an_emptied_source_empties_the_index_and_fills_it_again(archive: Archive) -> None:
    archive.sync()
    with archive.open() as index:
        before = state(index)
        kept = [(path, path.read_bytes()) for path in archive.seeds.rglob("*") if path.is_file()]
        for path, _ in kept:
            path.unlink()
        assert counts(index.sync(allow_mass_delete=True)) == (0, 0, 5, 0)
        assert (index.get_status().articles, index.search("crane").total, articles(index)) == (0, 0, [])
        for path, data in kept:
            path.write_bytes(data)
        assert counts(index.sync()) == (5, 0, 0, 0)
        assert state(index) == before


# Ids


def test_records_of_two_files_may_state_one_id(archive: Archive) -> None:
    archive.lines("d.jsonl", {"id": "one", "text": "Also first."}, {"id": "five", "text": "Fifth."})
    report = archive.sync()
    assert (counts(report), report.failed) == ((7, 0, 0, 0), [])
    with archive.open() as index:
        assert {"c.jsonl:one", "d.jsonl:one", "d.jsonl:five"} <= set(archive.texts())
        found = {
            query: index.search(query).total for query in ("id:one", "id:five", "id:t*", "id:d-*", "id:ne")
        }
        assert found == {"id:one": 2, "id:five": 1, "id:t*": 2, "id:d-*": 2, "id:ne": 0}
        assert index.get_article("five").source == "d.jsonl"
        with pytest.raises(ArticleMissing, match="2 records state the id 'one': give the whole id of one"):
            index.get_article("one")
    (archive.seeds / "c.jsonl").unlink()
    assert archive.sync().failed == []
    with archive.open() as index:
        assert index.get_article("one").paragraphs == ("Also first.",)


def test_the_id_of_a_record_does_not_depend_on_other_files(archive: Archive) -> None:
    archive.sync()
    with archive.open() as index:
        two = index.resolve_id("two")
        archive.lines("b.jsonl", {"id": "two", "text": "Mine."})
        foreseen = index.sync(dry_run=True)
        report = index.sync()
        assert counts(foreseen) == counts(report) == (1, 0, 0, 5)
        assert index.get_article(two).paragraphs == ("Second.",)
        ours = state(index)
        index.rebuild()
        assert state(index) == ours
        (archive.seeds / "b.jsonl").unlink()
        assert counts(index.sync()) == (0, 0, 1, 5)
        assert index.resolve_id("two") == two


def test_the_id_of_an_article_is_found_before_the_one_that_a_record_states(archive: Archive) -> None:
    archive.sync()
    with archive.open() as index:
        index.put([Article("two", "Put in")])
        assert index.get_article("two").title == "Put in"
        assert index.search("id:two").total == 1
        index.remove(["two"])
        assert index.get_article("two").paragraphs == ("Second.",)


@pytest.mark.usefixtures("settled")
def test_an_id_twice_in_one_file_is_a_failure_of_the_second(archive: Archive) -> None:
    archive.lines("d.jsonl", {"id": "x", "text": "This."}, {"id": "x", "text": "That."})
    for _ in range(2):
        assert reasons(archive.sync()) == {"d.jsonl": "the id 'x' is taken by d.jsonl"}
        assert archive.texts()["d.jsonl:x"] == ("This.",)
    with noting_files_opened() as opened:
        archive.sync()
    assert "d.jsonl" not in {Path(name).name for name in opened}


def test_an_id_is_a_slug_of_the_name_and_distinguishes_paths() -> None:
    names = [
        default_id(Path("/x/seeds"), path) for path in ("Ünï côde!.txt", "a/b.txt", "c/b.txt", "東京.md")
    ]
    assert [name.rpartition("-")[0] for name in names] == ["uni-code", "b", "b", "article"]
    assert len(set(names)) == 4
    assert default_id(Path("/elsewhere/seeds"), "a/b.txt") == names[1]


# What cannot be read


UNUSABLE: dict[str, tuple[Callable[[Path], None], str]] = {
    "a FIFO": (os.mkfifo, "is not a regular file"),
    "a dangling link": (
        lambda path: path.symlink_to("nowhere.txt"),
        "cannot be opened (No such file or directory)",
    ),
    "a link to itself": (
        lambda path: path.symlink_to(path.name),
        "cannot be opened (Too many levels of symbolic links)",
    ),
    "a link out of the source": (
        lambda path: path.symlink_to("/etc/hostname"),
        "the link leads out of the source",
    ),
}


@pytest.mark.parametrize("bad", UNUSABLE)
def test_articles_stay_while_their_file_cannot_be_examined(archive: Archive, bad: str) -> None:
    archive.sync()
    before = archive.texts()
    path = archive.seeds / "a.txt"
    text = path.read_bytes()
    path.unlink()
    make, reason = UNUSABLE[bad]
    make(path)
    report = archive.sync()
    assert counts(report) == (0, 0, 0, 5)
    assert reasons(report) == {"a.txt": reason}
    assert archive.texts() == before
    path.unlink()
    path.write_bytes(text)
    report = archive.sync()
    assert (counts(report), report.failed) == ((0, 0, 0, 5), [])


def test_a_file_that_became_a_folder_is_missing(archive: Archive) -> None:
    archive.sync()
    (archive.seeds / "a.txt").unlink()
    archive.text("a.txt/inner.txt", "Within.")
    report = archive.sync()
    assert (counts(report), report.failed) == ((1, 0, 1, 4), [])


@pytest.mark.parametrize("longer", [False, True], ids=["same size", "other size"])
def test_a_file_that_vanishes_meanwhile_is_reported_and_keeps_its_article(
    archive: Archive, longer: bool
) -> None:
    archive.sync()
    before = archive.texts()
    archive.text("a.txt", "A crane in the Harbour." + "!" * longer)
    report = archive.sync(progress=Meanwhile((archive.seeds / "a.txt").unlink))
    assert counts(report) == (0, 0, 0, 5)
    assert reasons(report)["a.txt"].startswith("cannot be read (No such file or directory)")
    assert archive.texts() == before
    assert counts(archive.sync()) == (0, 0, 1, 4)


def test_a_new_file_that_vanishes_meanwhile_is_forgotten_with_the_next_sync(archive: Archive) -> None:
    path = archive.text("new.txt", "News.")
    report = archive.sync(progress=Meanwhile(path.unlink))
    assert (counts(report), set(reasons(report))) == ((5, 0, 0, 0), {"new.txt"})
    report = archive.sync()
    assert (counts(report), report.failed) == ((0, 0, 0, 5), [])


def test_a_file_that_changes_while_it_is_read_is_read_again(archive: Archive) -> None:
    archive.sync()
    archive.text("a.txt", "Half.")
    archive.sync(progress=Meanwhile(lambda: archive.text("a.txt", "The whole of it.")))
    archive.sync()
    assert archive.texts()["a.txt:a"] == ("The whole of it.",)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RecursionError("too deep"), "its reader failed (RecursionError: too deep)"),
        (ValueError(), "its reader failed (ValueError: )"),
        (OSError("odd"), "its reader failed (OSError: odd)"),
        # An error of the system is not blamed on the document.
        (OSError(5, "odd"), "cannot be read (odd)"),
    ],
    ids=repr,
)
def test_a_document_that_crashes_its_reader_stops_no_other(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    def tripping(stream: BinaryIO, name: str, *rest: Any, **more: Any) -> Iterator[Article | Failure]:
        if name == "b.txt":
            raise error
        return read(stream, name, *rest, **more)

    monkeypatch.setattr(tasks, "read", tripping)
    archive.text("b.txt", "Harmless.")
    report = archive.sync()
    assert counts(report) == (5, 0, 0, 0)
    assert reasons(report) == {"b.txt": said}


# Sources


def test_a_file_can_be_a_source_whatever_its_suffix(archive: Archive, tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("Notes\n\nThe heron notes.\n")
    with archive.open() as index:
        assert counts(index.sync(tmp_path / "notes")) == (1, 0, 0, 0)
        assert counts(index.sync(archive.seeds)) == (5, 0, 0, 0)
        assert counts(index.sync(tmp_path / "notes", archive.seeds)) == (0, 0, 0, 6)
        assert index.get_status().sources == (str(tmp_path / "notes"), str(archive.seeds))
        (tmp_path / "notes").write_text("Notes\n\nThe egret notes.\n")
        assert counts(index.sync(tmp_path / "notes")) == (0, 1, 0, 0)


def test_a_sync_without_sources_is_of_those_that_the_index_has_and_those_configured(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docs, more = archive.beside("docs"), archive.beside("more")
    monkeypatch.chdir(tmp_path)
    with open_index(Config(index=tmp_path / "other")) as index:
        assert counts(index.sync(docs.seeds)) == (1, 0, 0, 0)
        docs.text("new.txt", "A new tide.")
        assert counts(index.sync(dry_run=True)) == (1, 0, 0, 1)
        assert counts(index.sync()) == (1, 0, 0, 1)
        assert index.get_status().sources == (str(docs.seeds),)
    with open_index(Config(index=tmp_path / "other", sources=(more.seeds,))) as index:
        assert counts(index.sync()) == (1, 0, 0, 2)
        assert index.get_status().sources == (str(docs.seeds), str(more.seeds))


def test_the_folder_seeds_is_the_source_only_where_there_is_no_other(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert archive.seeds == tmp_path / "seeds"
    with open_index(Config(index=tmp_path / "other")) as index:
        assert counts(index.sync()) == (5, 0, 0, 0)
        assert index.get_status().sources == (str(archive.seeds),)


def test_the_same_folder_is_the_same_source_however_it_is_named(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.sync()
    (archive.root / "link").symlink_to("seeds")
    monkeypatch.chdir(archive.root)
    with archive.open() as index:
        assert counts(index.sync("seeds")) == (0, 0, 0, 5)
        assert counts(index.sync(archive.root / "link", "seeds/../seeds")) == (0, 0, 0, 5)


@pytest.mark.parametrize(
    "sources", [("seeds", "seeds/sub"), ("seeds/sub", "seeds"), ("seeds", "seeds/a.txt")], ids=str
)
def test_sources_that_overlap_are_refused(archive: Archive, sources: tuple[str, ...]) -> None:
    with archive.open() as index, pytest.raises(SourceMissing, match="which is a source too"):
        index.sync(*(archive.root / source for source in sources))
    assert not archive.open().exists
    archive.sync()
    before = contents(archive.folder)
    for source in ("seeds/sub", "."):
        with archive.open() as index, pytest.raises(SourceMissing, match="which is a source too"):
            index.sync(archive.root / source)
    assert contents(archive.folder) == before


def test_a_missing_source_does_no_harm(archive: Archive) -> None:
    with archive.open() as index:
        with pytest.raises(SourceMissing, match=r"nowhere does not exist\. Give a folder: nutgraf"):
            index.sync(archive.root / "nowhere")
        assert not index.exists
        index.sync()
        before = contents(archive.folder)
        archive.seeds.rename(archive.root / "away")
        archive_is_away = pytest.raises(SourceMissing, match="seeds does not exist")
        with archive_is_away:
            index.sync()
        with archive_is_away:
            index.sync(archive.root / "away", archive.seeds)
        with archive_is_away:
            index.rebuild()
        assert contents(archive.folder) == before
        assert index.search("crane").total == 2


def test_two_sources_of_one_name_keep_their_articles_apart(archive: Archive) -> None:
    other = Archive(archive.root / "other")
    other.text("a.txt", "The other crane.")
    with archive.open() as index:
        index.sync(archive.seeds, other.seeds)
        assert index.search("crane").total == 3
        assert counts(index.sync(archive.seeds, other.seeds)) == (0, 0, 0, 6)


# Dry runs


def test_a_dry_run_writes_nothing_and_predicts_the_real_one(archive: Archive) -> None:
    foreseen = archive.sync(dry_run=True)
    assert not archive.folder.exists()
    assert same(foreseen, archive.sync())
    archive.text("a.txt", "Other.")
    (archive.seeds / "sub/b.txt").unlink()
    archive.lines("c.jsonl", {"id": "one", "text": "First crane."}, "nonsense")
    before = contents(archive.folder)
    foreseen = archive.sync(dry_run=True)
    assert contents(archive.folder) == before
    assert same(foreseen, archive.sync())


def same(foreseen: SyncReport, real: SyncReport) -> bool:
    assert (foreseen.dry_run, real.dry_run) == (True, False)
    one, other = foreseen.as_json(), real.as_json()
    for answer in (one, other):
        del answer["seconds"], answer["dry_run"]
        # A file that has grown old between the two is not read by the later one.
        answer["failed"].sort(key=itemgetter("path"))
    assert one == other
    return True


# Any edits

_WORDS = st.sampled_from(["crane harbour", "red tide", "one", "harbour crane. Crane!", "tide", "x"])
_LINES = st.lists(st.tuples(st.sampled_from("pq"), _WORDS), min_size=1, max_size=3)
_TEXTS = st.sampled_from(["a.txt", "d/b.txt"])
_SETS = st.sampled_from(["c.jsonl", "d/e.jsonl"])
_SYNC = st.tuples(st.just("sync"), st.just(""), st.none())
_CLAIM = st.tuples(st.just("lines"), _SETS, _LINES)
_CHANGES = st.one_of(
    st.tuples(st.just("text"), _TEXTS, _WORDS),
    st.tuples(st.just("delete"), _SETS | _TEXTS, st.none()),
    st.tuples(st.just("rename"), _SETS, _SETS),
    st.tuples(st.just("rename"), _TEXTS, _TEXTS),
    st.tuples(st.just("touch"), _SETS | _TEXTS, st.sampled_from([10**9, 2 * 10**9])),
)
# Mostly files whose records state each other's ids, from one sync to the next.
_EDITS = st.lists(
    st.sampled_from([_SYNC, _CLAIM, _CHANGES]).flatmap(lambda kind: kind), min_size=8, max_size=16
)


def edit(archive: Archive, action: str, name: str, how: Any) -> None:
    path = archive.seeds / name
    if action == "text":
        archive.text(name, how, title="one" if "one" in how else "Title")
    elif action == "lines":
        archive.lines(name, *({"id": key, "title": words[:3], "text": words} for key, words in how))
    elif not path.exists():
        return
    elif action == "delete":
        path.unlink()
    elif action == "rename":
        (archive.seeds / how).parent.mkdir(exist_ok=True)
        path.replace(archive.seeds / how)
    elif action == "touch":
        os.utime(path, (how, how))


@settings(max_examples=EXAMPLES)
@given(edits=_EDITS)
def test_any_sequence_of_edits_ends_in_the_index_that_a_new_one_would_be(
    edits: list[tuple[str, str, Any]],
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    archive = Archive(tmp_path_factory.mktemp("edits"))
    archive.seeds.mkdir()
    with monkeypatch.context() as patch, archive.open() as index:
        # Times are trusted from two seconds on; by this clock, 20 ms after the file was written.
        shift_clock(patch, 1.98)
        for action, name, how in [*edits, ("sync", "", None)]:
            if action == "sync":
                assert same(*(index.sync(dry_run=dry, allow_mass_delete=True) for dry in (True, False)))
            else:
                edit(archive, action, name, how)
        with open_index(Config(index=archive.root / "new", sources=(archive.seeds,))) as new:
            new.sync()
            assert state(index) == state(new)
        report = index.sync()
        assert (report.added, report.changed, report.removed) == (0, 0, 0)


def test_the_counts_of_a_report_equal_its_changes() -> None:
    report = SyncReport()
    for action, name in (("add", "a"), ("change", "b"), ("remove", "c"), ("add", "d")):
        report.record(action, name, "p", "why")  # type: ignore[arg-type]
    assert counts(report) == (2, 1, 1, 0)
    assert report.as_json()["changes"][0] == {"action": "add", "id": "a", "path": "p", "why": "why"}


def test_articles_of_apps_survive_every_sync(archive: Archive) -> None:
    with archive.open() as index:
        two = make_record_id(default_id(archive.seeds, "c.jsonl"), "two")
        index.put([Article(id=two, paragraphs=("Put in.",))])
        report = index.sync()
        assert counts(report) == (4, 0, 0, 0)
        assert reasons(report) == {"c.jsonl": f"the id '{two}' is taken by an article added through the API"}
        index.remove([two])
        assert counts(index.sync()) == (1, 0, 0, 4)
        assert index.get_article("two").paragraphs == ("Second.",)
