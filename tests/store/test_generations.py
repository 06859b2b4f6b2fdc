"""Generations: whatever interrupts a writer, commits are kept, and readers see whole ones."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

from indexer import (
    Article,
    Index,
    IndexDamaged,
    IndexLocked,
    IndexMissing,
    IndexOutdated,
    NutgrafError,
    Published,
)
from indexer.store.lock import lock_for_writing
from tests.fixtures.commits import open_commit
from tests.fixtures.folders import Archive, contents, state, three_articles
from tests.fixtures.programs import run_program
from tests.stress.archive import environment


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    made = three_articles(tmp_path)
    made.sync()
    return made


def names(archive: Archive) -> set[str]:
    return {path.name for path in archive.folder.iterdir()}


def writes(index: Index) -> list[Callable[[], object]]:
    return [index.sync, lambda: index.put([]), lambda: index.remove([])]


# Rebuilding


def test_a_rebuild_makes_a_new_generation_and_keeps_the_previous_one(archive: Archive) -> None:
    with archive.open() as index:
        before = state(index)
        for number in (2, 3, 4):
            report = index.rebuild()
            assert (report.added, report.failed) == (3, [])
            assert Path(index.path).name == f"g{number:06}"
            assert names(archive) == {"current", "writer.lock", f"g{number - 1:06}", f"g{number:06}"}
            assert state(index) == before


def test_a_rebuild_reads_every_source_that_the_index_has(archive: Archive) -> None:
    other, third = archive.beside("other"), archive.beside("third")
    with archive.open() as index:
        index.sync(other.seeds)
        assert index.rebuild(third.seeds).added == 5
        assert index.get_status().sources == tuple(
            map(str, sorted([archive.seeds, other.seeds, third.seeds]))
        )


def test_a_rebuild_without_an_index_makes_one_from_the_configured_sources(tmp_path: Path) -> None:
    with three_articles(tmp_path).open() as index:
        assert index.rebuild().added == 3
        assert index.search("crane").total == 2


def test_a_rebuild_carries_the_articles_of_apps_over_unchanged(archive: Archive) -> None:
    when = Published("2021-11-05T21:01", "minute", "dateline", (("2020", "url"),), "a note")
    put = [
        Article("x", "Title", ["One.", "Two heron."], when, "de", "https://n.example/", "s", notes=["n"]),
        Article("y"),
        Article("z", "Only a title", published="0987"),
    ]
    with archive.open() as index:
        index.put(put)
        index.rebuild()
        assert [index.get_article(article.id) for article in put] == put
        report = index.put(put)
        assert (report.unchanged, report.changes) == (3, [])
        assert index.rebuild().added == 3


# Readers


def test_a_reader_sees_each_commit_and_each_generation_with_its_next_search(archive: Archive) -> None:
    with archive.open() as reader, archive.open() as writer:
        for number in range(1, 6):
            writer.put([Article(id=f"p{number}", paragraphs=["A heron."])])
            assert reader.search("heron").total == number
            if number % 2:
                writer.rebuild()
                assert (reader.search("heron").total, reader.path) == (number, writer.path)


def test_an_open_snapshot_answers_although_its_files_are_removed(archive: Archive) -> None:
    with archive.open() as index:
        reading = open_commit(index)
        folder = archive.live
        for number in range(3):
            index.put([Article(id=f"p{number}", paragraphs=["A heron."])])
            index.rebuild()
        assert not folder.exists()
        assert len(reading.snapshot.find_records("one")) == 1
        assert len(reading.snapshot.postings("paragraph", "crane/en").docs) == 2
        assert reading.snapshot.info(0).title


def test_threads_that_search_during_a_sync_see_only_commits(archive: Archive) -> None:
    versions = 12
    size = {version: 2 + version % 3 for version in range(versions + 1)}

    def write(version: int) -> None:
        records = [{"id": f"h{n}", "title": f"v{version}", "text": "heron"} for n in range(size[version])]
        archive.lines("h.jsonl", *records)

    write(0)
    archive.sync()
    done = threading.Event()

    def read() -> None:
        last = 0
        while not done.is_set():
            page = index.search("heron")
            (seen,) = {int(hit.article.title[1:]) for hit in page.hits}
            assert page.total == size[seen]
            assert seen >= last
            last = seen
            index.get_status()

    with archive.open() as index:
        with ThreadPoolExecutor(8) as pool:
            reading = [pool.submit(read) for _ in range(8)]
            try:
                for version in range(1, versions + 1):
                    write(version)
                    index.sync() if version % 4 else index.rebuild()
            finally:
                done.set()
        for reader in reading:
            reader.result()
        assert index.search("heron").hits[0].article.title == f"v{versions}"


def test_threads_that_write_at_once_take_turns(archive: Archive) -> None:
    with archive.open(lock_timeout=60) as index:
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda n: index.put([Article(id=f"t{n}", paragraphs=["heron"])]), range(6)))
        assert index.search("heron").total == 6


# Options and formats


@pytest.mark.parametrize(
    "option", [{"language": "de"}, {"day_first": False}, {"timezone": "Europe/Paris"}], ids=str
)
def test_other_options_that_change_the_index_ask_for_a_rebuild(
    archive: Archive, option: dict[str, object]
) -> None:
    with archive.open(**option) as index:
        dry_run: Callable[[], object] = partial(index.sync, dry_run=True)
        for write in [*writes(index), dry_run]:
            with pytest.raises(IndexOutdated, match="run `nutgraf rebuild`, or set them back"):
                write()
        assert index.search("crane").total == 2
        index.rebuild()
        assert index.sync().unchanged == 3


def test_options_that_change_nothing_stored_ask_for_nothing(archive: Archive) -> None:
    with archive.open(page_size=3, passages=1, port=1, max_file_mb=1, lock_timeout=0.0) as index:
        assert index.sync().unchanged == 3


# Damage


def everything(index: Index) -> Iterator[Callable[[], object]]:
    yield lambda: index.search("crane har*")
    yield index.get_status
    yield index.sync
    yield index.rebuild


DAMAGE: dict[str, Callable[[bytes], bytes | None]] = {
    "missing": lambda data: None,
    "emptied": lambda data: b"",
    "cut short": lambda data: data[: len(data) // 2],
    "overwritten": lambda data: b"\xff" * len(data),
    "other JSON": lambda data: b"[]\n[]\n",
    "other JSON still": lambda data: (
        b'{"committed": 1, "languages": [], "sources": {"a": 1}}\n{"apart": 1}\n'
    ),
}


@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize("pattern", ["*.nut", "*.toc", "settings.json", "catalog-*.json"])
def test_damage_is_reported_as_such_and_never_as_an_internal_error(
    archive: Archive, pattern: str, how: str
) -> None:
    (file,) = archive.live.glob(pattern)
    data = DAMAGE[how](file.read_bytes())
    file.unlink() if data is None else file.write_bytes(data)
    raised = []
    with archive.open() as index:
        for use in everything(index):
            try:
                use()
            except NutgrafError as error:
                raised.append(error)
    assert {type(error) for error in raised} <= {IndexDamaged, IndexOutdated}
    assert raised


def test_any_flipped_bit_is_harmless_or_reported(archive: Archive) -> None:
    chance = random.Random(7)
    files = [path for path in archive.live.iterdir() if path.suffix in (".toc", ".json", ".nut")]
    for _ in range(60):
        file = chance.choice(files)
        data = bytearray(whole := file.read_bytes())
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        file.write_bytes(data)
        with archive.open() as index:
            for use in (
                lambda: index.search("crane har*"),
                lambda: index.get_article("one"),
                index.get_status,
            ):
                with suppress(NutgrafError):
                    use()
        file.write_bytes(whole)
    with archive.open() as index:
        assert index.search("crane").total == 2


@pytest.mark.parametrize("pattern", ["*.nut", "*.toc", "settings.json"])
def test_a_rebuild_repairs_what_the_sources_can_restore(archive: Archive, pattern: str) -> None:
    with archive.open() as index:
        before = state(index)
    (file,) = archive.live.glob(pattern)
    file.unlink()
    with archive.open() as index:
        assert index.rebuild().added == 3
        assert state(index) == before


@pytest.mark.parametrize("pattern", ["*.nut", "*.toc", "catalog-*.json"])
def test_a_rebuild_never_drops_the_articles_of_apps(archive: Archive, pattern: str) -> None:
    with archive.open() as index:
        index.put([Article(id="x", paragraphs=["A heron."])])
    for file in archive.live.glob(pattern):
        file.write_bytes(b"damaged")
    before = contents(archive.folder)
    with (
        archive.open() as index,
        pytest.raises(IndexDamaged, match=r"previous generation|generation before it"),
    ):
        index.rebuild()
    assert contents(archive.folder) == before


@pytest.mark.parametrize(
    "pointer", [b"", b"g000009\n", b"../..", b"g000001/../g000001", b"\xff\x00", b"g000003"]
)
def test_a_malformed_pointer_is_damage_and_the_message_says_what_to_write(
    archive: Archive, pointer: bytes
) -> None:
    with archive.open() as index:
        index.rebuild()
        good = (archive.folder / "current").read_bytes()
        (archive.folder / "current").write_bytes(pointer)
        for use in everything(index):
            with pytest.raises(IndexDamaged, match="write the newest of these into it: g000001, g000002"):
                use()
        assert index.exists
        (archive.folder / "current").write_bytes(good)
        assert index.search("crane").total == 2


def test_an_index_without_its_pointer_is_not_built_again(archive: Archive) -> None:
    with archive.open() as index:
        index.put([Article(id="x", paragraphs=["A heron."])])
        (archive.folder / "current").unlink()
        assert index.exists
        assert (index.sync().unchanged, index.search("heron").total) == (3, 1)
        index.rebuild()
        (archive.folder / "current").unlink()
        for use in everything(index):
            with pytest.raises(IndexDamaged, match="write the newest of these into it: g000001, g000002"):
                use()


def test_the_previous_generation_can_be_restored_by_hand(archive: Archive) -> None:
    with archive.open() as index:
        index.rebuild()
        (archive.folder / "current").write_text("g000001")
        assert (Path(index.path).name, index.search("crane").total) == ("g000001", 2)
        archive.text("new.txt", "A new crane.")
        assert (index.sync().added, index.search("crane").total) == (1, 3)
        index.rebuild()
        assert Path(index.path).name == "g000003"
        assert {"g000001", "g000003"} <= names(archive)


def test_a_file_in_the_place_of_the_index_is_reported(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.text("a.txt", "A crane.")
    archive.folder.write_text("no folder")
    with archive.open() as index:
        for use in [*everything(index), *writes(index), index.rebuild]:
            with pytest.raises(IndexMissing):
                use()
    assert archive.folder.read_text() == "no folder"


# The lock


@contextmanager
def holding(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock of an index until it is killed."""
    code = (
        "import sys, pathlib; from indexer.store.lock import lock_for_writing\n"
        "with lock_for_writing(pathlib.Path(sys.argv[1]), 60):\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(),
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_second_writer_is_told_who_holds_the_index_and_readers_go_on(archive: Archive) -> None:
    archive.text("new.txt", "A new crane.")
    with archive.open(lock_timeout=0.05) as index, holding(archive.folder) as process:
        for write in [*writes(index), index.rebuild]:
            with pytest.raises(IndexLocked) as caught:
                write()
            message = str(caught.value)
            assert f"process {process.pid} on " in message
            assert f"(-c {archive.folder})" in message
            assert "waited 0.05 s" in message
            assert "--lock-timeout" in message
        assert index.search("crane").total == 2
        assert index.get_status().articles == 3
        assert index.sync(dry_run=True).added == 1
        process.send_signal(signal.SIGKILL)
        process.wait()
        # The lock dies with its process, though its note stays behind.
        assert (archive.folder / "writer.json").exists()
        assert index.sync().added == 1
    assert not (archive.folder / "writer.json").exists()


def test_a_writer_waits_for_another_to_finish(archive: Archive) -> None:
    archive.text("new.txt", "A new crane.")
    with archive.open(lock_timeout=60.0) as index, holding(archive.folder) as process:
        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(index.sync)
            assert process.stdin is not None
            process.stdin.close()
            assert writing.result().added == 1
        assert index.search("crane").total == 3


@pytest.mark.parametrize("note", [b"", b"[]", b"{}", b"\xff", b'{"pid": 1}'])
def test_an_unreadable_note_still_says_that_the_index_is_locked(archive: Archive, note: bytes) -> None:
    with lock_for_writing(archive.folder, 1):
        (archive.folder / "writer.json").write_bytes(note)
        with pytest.raises(IndexLocked, match="is being written by another process"):
            archive.open(lock_timeout=0.0).sync()


def test_a_writer_does_not_wait_for_a_program_that_writes_through_whoosh(archive: Archive) -> None:
    from whoosh.index import open_dir

    archive.text("new.txt", "A new crane.")
    writer = open_dir(str(archive.live)).writer()
    try:
        with archive.open() as index, pytest.raises(IndexLocked, match="through Whoosh"):
            index.sync()
    finally:
        writer.cancel()
    assert archive.sync().added == 1


# Killed at any moment

# A fresh process forks a child for every moment at which the disk is touched; the child dies there.
KILLING = """
import json, os, shutil, signal, sys
from pathlib import Path
from indexer import Article, ArticleMissing, Config, open_index
from indexer.store import generations
from indexer.sync import default_id
from tests.fixtures.folders import contents, state

# What an import writes is not counted: a module that is compiled is not compiled again.
sys.dont_write_bytecode = True
root, action = Path(sys.argv[1]), sys.argv[2]
OLD = [default_id(root / "seeds", "b.jsonl") + end for end in ("/one", "/two")]
seeds, base, work = root / "seeds", root / "base", root / "work"
EVENTS = {"os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate", "shutil.rmtree"}
WRITING = os.O_WRONLY | os.O_RDWR
left = None

def watch(event, arguments):
    global left
    if left is None:
        return
    if event in EVENTS or (event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

def act(index):
    if action == "rebuild":
        index.rebuild()
    elif action == "put":
        index.put([Article(id="x", paragraphs=["A heron crane."]), Article(id="y", title="one")])
    else:
        index.sync()

def look(folder):
    with open_index(Config(index=folder, sources=(seeds,))) as index:
        return (state(index), [resolve(index, name) for name in OLD]) if index.exists else None

def resolve(index, name):
    try:
        return index.resolve_id(name)
    except ArticleMissing:
        return None

sys.addaudithook(watch)
before = look(base)
shutil.copytree(base, work)
with open_index(Config(index=work, sources=(seeds,))) as index:
    left = 1000
    act(index)
    total, left = 1000 - left, None
after = look(work)
outcomes = {"old": 0, "new": 0}
# Close together where the commit is made, and at the end nothing is killed.
# How often the progress of a rebuild is written depends on the time that it takes.
last = total + 5
moments = [*range(0, total - 12, 5), *range(total - 12, last + 1)]
if "EVERY_MOMENT" in os.environ:
    moments = range(last + 1)
for moment in moments:
    shutil.rmtree(work)
    shutil.copytree(base, work)
    child = os.fork()
    if child == 0:
        left = moment
        with open_index(Config(index=work, sources=(seeds,), lock_timeout=0.0)) as index:
            act(index)
        os._exit(0)
    _, code = os.waitpid(child, 0)
    found = look(work)
    if code == 0:
        assert found == after and moment >= total - 5, (moment, total, found)
        break
    assert moment < last, code
    assert os.WIFSIGNALED(code), (moment, code)
    assert found in (before, after), (moment, found)
    outcomes["new" if found == after else "old"] += 1
    with open_index(Config(index=work, sources=(seeds,), lock_timeout=0.0)) as index:
        act(index)
        assert look(work) == after, moment
        # The commit that follows leaves nothing of the killed one.
        index.put([Article(id="last", title="last")])
        folder = generations.live_folder(work)
        kinds = sorted(path.suffix for path in folder.iterdir() if path.suffix)
        assert kinds.count(".toc") == 1 and set(kinds) <= {".toc", ".json", ".nut"}, (moment, kinds)
        assert len(list(folder.glob("catalog-*"))) == 1, moment
        if action == "rebuild":
            assert not list(work.glob("*.building")), moment
            assert len([path for path in work.iterdir() if path.is_dir()]) <= 2, moment
print(json.dumps(outcomes))
"""


@pytest.mark.slow
@pytest.mark.parametrize("action", ["first", "sync", "rename", "put", "rebuild"])
def test_a_writer_killed_at_any_moment_leaves_the_old_state_or_the_new(tmp_path: Path, action: str) -> None:
    archive = three_articles(tmp_path)
    archive.folder.mkdir()
    if action != "first":
        archive.sync()
        if action == "rename":
            (archive.seeds / "b.jsonl").rename(archive.seeds / "c.jsonl")
        elif action != "put":
            archive.text("a.txt", "Another crane.")
            archive.lines(
                "b.jsonl", {"id": "two", "text": "A red tide, one crane."}, {"id": "three", "text": "x"}
            )
    archive.folder.rename(tmp_path / "base")
    outcomes = json.loads(run_program(KILLING, tmp_path, action))
    assert outcomes["old"] > 0
    assert outcomes["new"] > 0


# No file may grow beyond a bound that rises step by step: what a full disk looks like to a program.
FILLING = """
import json, resource, sys
from pathlib import Path
from indexer import Config, NutgrafError, open_index
from tests.fixtures.folders import state
from tests.fixtures.commits import open_commit

root, action = Path(sys.argv[1]), sys.argv[2]
failed = []
with open_index(Config(index=root / "index", sources=(root / "seeds",), lock_timeout=0.0)) as index:
    before = state(index)
    for bound in (0, 20, 150, 400, 1000, 2500, 4000, 6000, 8000, 10000, 2**40):
        resource.setrlimit(resource.RLIMIT_FSIZE, (bound, resource.RLIM_INFINITY))
        try:
            getattr(index, action)()
        except (OSError, NutgrafError):
            resource.setrlimit(resource.RLIMIT_FSIZE, (2**40, resource.RLIM_INFINITY))
            failed.append([bound, "kept" if state(index) == before else "changed"])
        else:
            break
    print(json.dumps([failed, index.search("heron", seconds=60).total, index.sync().unchanged]))
"""


@pytest.mark.parametrize("action", ["sync", "rebuild"])
def test_a_full_disk_leaves_the_old_state_and_the_next_run_succeeds(archive: Archive, action: str) -> None:
    archive.lines("b.jsonl", *({"id": f"m{n}", "text": f"A heron, number {n}."} for n in range(20)))
    failed, found, unchanged = json.loads(run_program(FILLING, archive.root, action))
    assert {outcome for _, outcome in failed} == {"kept"}, failed
    assert len(failed) > 3
    assert (found, unchanged) == (20, 21)


def test_a_failure_after_the_commit_does_not_undo_it(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    with archive.open() as index:
        index.put([Article(id="p1", title="A heron")])
        live, sync_to_disk = Path(index.path), os.fsync

        def interrupted(descriptor: int) -> None:
            sync_to_disk(descriptor)
            if list(live.glob("_MAIN_*.toc")) != before:
                raise KeyboardInterrupt

        before = list(live.glob("_MAIN_*.toc"))
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", interrupted)
            with pytest.raises(KeyboardInterrupt):
                index.put([Article(id="p2", title="A heron")])
        assert index.search("heron").total == 2
        index.verify()
    with archive.open() as index:
        assert index.put([Article(id="p3", title="A heron")]).added == 1
        assert index.search("heron").total == 3


def test_an_altered_record_of_removed_articles_is_reported(archive: Archive) -> None:
    with archive.open() as index:
        index.put([Article(id=f"p{n}", title=f"A heron {n}") for n in range(40)])
        index.remove(["p7"])
        (contents,) = Path(index.path).glob("_MAIN_*.toc")
        whole = contents.read_bytes()
        bitmap = (1 << 7).to_bytes(5, "little")
        assert whole.count(bitmap) == 1
        contents.write_bytes(whole.replace(bitmap, (1 << 8).to_bytes(5, "little")))
    with archive.open() as index, pytest.raises(IndexDamaged):
        index.search("heron")


def test_an_index_can_be_closed_while_other_threads_search_it(archive: Archive) -> None:
    index = archive.open()

    def search() -> None:
        for _ in range(150):
            assert index.search("crane").total == 2

    with ThreadPoolExecutor(3) as pool:
        searching = [pool.submit(search) for _ in range(3)]
        while not all(each.done() for each in searching):
            index.close()
    for each in searching:
        each.result()


def test_commits_leave_no_file_open(archive: Archive) -> None:
    with archive.open() as index:
        counts = []
        for number in range(12):
            index.put([Article(id=f"p{number}", title="A heron")])
            index.search("heron")
            counts.append(len(list(Path("/proc/self/fd").iterdir())))
        assert max(counts) <= counts[0] + 12
