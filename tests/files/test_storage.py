"""A file is on the disk before anything refers to it; a refused write is reported in one line."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from indexer import Article, IndexDamaged, OutOfMemory, StorageFailed
from indexer.files import storage
from tests.stress.archive import Trial, two_states

STATES = two_states(8)
NO_SPACE = r"cannot be written \(No space left on device\): nothing that was committed is lost; free space"


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    made = Trial(tmp_path.resolve())
    made.write(STATES["old"])
    made.sync()
    return made


def refuse(code: int) -> Callable[..., Any]:
    def refused(*_: Any, **__: Any) -> Any:
        raise OSError(code, os.strerror(code))

    return refused


def path_of(descriptor: int) -> Path:
    """The path that is open under a descriptor."""
    return Path(f"/proc/self/fd/{descriptor}").readlink()


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_refused_write_keeps_the_last_commit_and_the_next_writer_succeeds(
    trial: Trial, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    before = names(trial.index)
    trial.write(STATES["new"])
    with trial.open() as index:
        index.search("crane")
        writers: list[Callable[[], object]] = [
            index.sync,
            index.rebuild,
            lambda: index.put([Article(id="p", title="P")]),
        ]
        for write in writers:
            with monkeypatch.context() as patch:
                patch.setattr(os, call, refuse(errno.ENOSPC))
                with pytest.raises(StorageFailed, match=NO_SPACE):
                    write()
            assert trial.holds(STATES) == "old"
            assert names(trial.index) == before
        index.sync()
    assert trial.holds(STATES) == "new"


def test_a_refused_first_write_leaves_no_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trial = Trial(tmp_path.resolve())
    trial.write(STATES["old"])
    with trial.open() as index:
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", refuse(errno.EIO))
            with pytest.raises(StorageFailed, match="check the disk and try again"):
                index.sync(trial.source)
        assert not index.exists
        assert names(trial.index) == ["writer.lock"]
        index.sync(trial.source)
    assert trial.holds(STATES) == "old"


def test_leftovers_that_cannot_be_removed_hide_no_error_and_are_removed_later(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial.write(STATES["new"])
    with trial.open() as index:
        for write in (index.sync, index.rebuild):
            with monkeypatch.context() as patch:
                patch.setattr(os, "fsync", refuse(errno.ENOSPC))
                for call in ("unlink", "remove", "rmdir"):
                    patch.setattr(os, call, refuse(errno.EIO))
                with pytest.raises(StorageFailed, match=NO_SPACE):
                    write()
            assert trial.holds(STATES) == "old"
    assert any("building" in name for name in names(trial.index))
    assert trial.check(STATES) == "old"


def test_old_files_that_cannot_be_removed_are_left_to_the_next_writer(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial.write(STATES["new"])
    with monkeypatch.context() as patch:
        for call in ("unlink", "remove"):
            patch.setattr(os, call, refuse(errno.EIO))
        trial.sync()
    assert len(list(trial.index.glob("g*/*.toc"))) == 2
    assert trial.holds(STATES) == "new"
    # Nothing has changed since, so that the next writer removes them without a commit.
    trial.sync()
    assert len(list(trial.index.glob("g*/*.toc"))) == len(list(trial.index.glob("g*/catalog*"))) == 1
    trial.tidy()


def test_a_writer_removes_leftovers_of_a_dead_one_even_without_changes(trial: Trial) -> None:
    (live,) = trial.index.glob("g*")
    before = names(trial.index)
    left = ["MAIN_0123456789abcdef.nut", "_MAIN_9.toc.new", "catalog-9.json", "catalog-9.json.new"]
    for name in left:
        (live / name).write_bytes(b"half")
    shutil.copytree(live, trial.index / "g000002.building")
    shutil.copytree(live, trial.index / "g000000.removed")
    for name in ("current.new", "progress.json", "progress.json.new", "writer.json"):
        (trial.index / name).write_bytes(b"half")
    trial.sync()
    assert names(trial.index) == before


def test_nothing_is_removed_from_an_index_that_cannot_be_read(trial: Trial) -> None:
    (live,) = trial.index.glob("g*")
    (segment,) = live.glob("*.nut")
    segment.rename(live / "MAIN_0123456789abcdef.nut")
    before = names(trial.index)
    with trial.open() as index, pytest.raises(IndexDamaged):
        index.put([Article(id="p", title="P")])
    assert names(trial.index) == before


@pytest.mark.parametrize("code", [errno.EIO, errno.EMFILE])
def test_a_folder_that_cannot_be_synced_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "open" if code == errno.EMFILE else "fsync", refuse(code))
        with pytest.raises(StorageFailed, match=os.strerror(code)):
            storage.sync_folder(tmp_path)
    with monkeypatch.context() as patch:
        # There are file systems that have no such thing.
        patch.setattr(os, "fsync", refuse(errno.EINVAL))
        storage.sync_folder(tmp_path)


def test_a_failed_replacement_keeps_the_file_and_leaves_no_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.write_durably(tmp_path / "file", [b"old"])
    for call in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, call, refuse(errno.EDQUOT))
            with pytest.raises(StorageFailed, match="free space"):
                storage.write_durably(tmp_path / "file", [b"new"])
        assert names(tmp_path) == ["file"]
        assert (tmp_path / "file").read_bytes() == b"old"


def test_new_folders_are_synced_from_the_top_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(path_of(descriptor)))
    storage.make_folder(tmp_path / "a" / "b")
    assert synced == [tmp_path, tmp_path / "a"]
    storage.make_folder(tmp_path / "a" / "b")
    assert len(synced) == 2


def test_a_writer_without_memory_says_so_and_commits_nothing(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(descriptor: int) -> None:
        if path_of(descriptor).suffix == ".nut":
            raise MemoryError

    trial.write(STATES["new"])
    with trial.open() as index, monkeypatch.context() as patch:
        patch.setattr(os, "fsync", exhausted)
        with pytest.raises(OutOfMemory, match="use less with --max-memory"):
            index.sync()
    assert trial.check(STATES) == "old"


def test_a_generation_that_never_became_live_is_removed_by_the_next_writer(trial: Trial) -> None:
    with trial.open() as index:
        index.rebuild()
    before = names(trial.index)
    # As after a power cut just before the pointer is replaced.
    shutil.copytree(trial.index / "g000002", trial.index / "g000003")
    (trial.index / "current.new").write_text("g000003\n")
    trial.sync()
    assert names(trial.index) == before
    # There is no record that this one was never live: the administrator may have gone back from it.
    shutil.copytree(trial.index / "g000002", trial.index / "g000003")
    trial.sync()
    assert (trial.index / "g000003").is_dir()


def test_a_first_index_whose_last_step_is_missing_is_kept(trial: Trial) -> None:
    (trial.index / "current").rename(trial.index / "current.new")
    assert trial.holds(STATES) == "old"
    trial.sync()
    assert names(trial.index)[:2] == ["current", "g000001"]
    assert trial.holds(STATES) == "old"
