"""Watching sources: each batch of changes is one commit, and no error ends it."""

from __future__ import annotations

import os
import resource
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from indexer import (
    ConfigError,
    Index,
    IndexLocked,
    NutgrafError,
    SourceMissing,
    SourceShrunk,
    StorageFailed,
    SyncReport,
)
from indexer.store.lock import lock_for_writing
from tests.fixtures.folders import Archive, Meanwhile, counts

_PATIENCE = 60.0
"""Seconds after which a test fails that waits for a batch in vain."""


class Batches:
    """The outcomes that an index yields while it watches."""

    def __init__(self, index: Index, *sources: Path, **options: object) -> None:
        self._end = 0.0
        self.outcomes = index.watch(*sources, stop=self._is_late, **options)  # type: ignore[arg-type]

    def _is_late(self) -> bool:
        return self._end > 0 and time.monotonic() > self._end

    def next(self) -> SyncReport | NutgrafError:
        self._end = time.monotonic() + _PATIENCE
        return next(self.outcomes)

    def counts(self) -> tuple[int, int, int, int]:
        """The counts of the next report: added, changed, removed, unchanged."""
        outcome = self.next()
        assert isinstance(outcome, SyncReport), outcome
        return counts(outcome)

    def reach(self, wanted: type[NutgrafError] | tuple[int, int, int, int]) -> bool:
        """Go on to an error, or a report with these counts; return whether it comes.

        Others may come before, since a change that takes several steps may be more than one batch.
        """
        while True:
            try:
                outcome = self.next()
            except StopIteration:
                return False
            if counts(outcome) == wanted if isinstance(outcome, SyncReport) else type(outcome) is wanted:
                return True


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """A source with twenty articles, and no index yet."""
    made = Archive(tmp_path)
    made.add_texts(20)
    return made


@contextmanager
def watching(archive: Archive, *sources: Path, **options: object) -> Iterator[Batches]:
    """Watch the sources of an archive; the first sync is done."""
    with archive.open(lock_timeout=0) as index:
        batches = Batches(index, *sources, **options)
        batches.next()
        yield batches


def test_a_change_is_a_batch_and_nothing_else_is(archive: Archive) -> None:
    # The index lies in the source, and so changes with each batch.
    archive.root = archive.seeds
    archive.seeds.mkdir()
    archive.text("a.txt", "A crane.")
    with archive.open() as index:
        batches = Batches(index, archive.root)
        first = batches.next()
        assert isinstance(first, SyncReport)
        assert (counts(first), first.failed) == ((21, 0, 0, 0), [])
        for number in range(3):
            for name in (".hidden.txt", ".git/note.txt", "paper.ods", "log.tmp"):
                archive.write(name, str(number))
            revision = archive.open().get_revision()
            archive.text(f"b{number}.txt", "A heron.")
            assert batches.counts() == (1, 0, 0, 21 + number)
            assert archive.open().get_revision() != revision
        assert archive.folder.is_relative_to(archive.root)


def test_a_change_during_a_batch_is_in_the_next_one(archive: Archive) -> None:
    names = iter(("b.txt", "c.txt"))
    written = Meanwhile(lambda: archive.text(next(names, "d.txt"), "A heron."))
    with archive.open() as index:
        batches = Batches(index, progress=written)
        assert [batches.counts()[0] for _ in range(4)] == [20, 1, 1, 1]


def move_away_and_back(archive: Archive) -> Iterator[None]:
    archive.seeds.rename(archive.root / "away")
    yield
    (archive.root / "away").rename(archive.seeds)


def delete_and_restore(archive: Archive) -> Iterator[None]:
    shutil.copytree(archive.seeds, archive.root / "copy")
    shutil.rmtree(archive.seeds)
    yield
    (archive.root / "copy").rename(archive.seeds)


@pytest.mark.slow
@pytest.mark.parametrize("leave_and_return", [move_away_and_back, delete_and_restore])
def test_a_source_that_goes_away_is_watched_again_when_it_is_back(
    archive: Archive, leave_and_return: Callable[[Archive], Iterator[None]]
) -> None:
    with watching(archive) as batches:
        steps = leave_and_return(archive)
        next(steps)
        assert batches.reach(SourceMissing)
        next(steps, None)
        assert batches.reach((0, 0, 0, 20))
        archive.text("b.txt", "A heron.")
        assert batches.reach((1, 0, 0, 20))


@pytest.mark.slow
def test_a_folder_that_takes_the_place_of_a_source_is_watched(archive: Archive) -> None:
    shutil.copytree(archive.seeds, archive.root / "new")
    with watching(archive) as batches:
        archive.seeds.rename(archive.root / "old")
        (archive.root / "new").rename(archive.seeds)
        assert batches.reach((0, 0, 0, 20))
        archive.text("b.txt", "A heron.")
        assert batches.reach((1, 0, 0, 20))


@pytest.mark.slow
def test_a_file_that_is_replaced_again_and_again_is_watched(archive: Archive) -> None:
    source = archive.lines("a.jsonl", {"id": "one", "text": "A crane."})
    with watching(archive, source) as batches:
        for number in range(3):
            other = archive.lines("other.txt", {"id": "one", "text": f"A heron {number}."})
            other.replace(source)
            assert batches.reach((0, 1, 0, 0))


@pytest.mark.slow
def test_a_mass_deletion_is_reported_and_waits_for_the_next_change(archive: Archive) -> None:
    with watching(archive) as batches:
        (archive.seeds / "m").rename(archive.root / "m")
        (archive.seeds / "m").mkdir()
        assert batches.reach(SourceShrunk)
        assert archive.open().get_status().articles == 20
        archive.text("b.txt", "A heron.")
        assert batches.reach(SourceShrunk)
        shutil.copytree(archive.root / "m", archive.seeds / "m", dirs_exist_ok=True)
        assert batches.reach((1, 0, 0, 20))


@pytest.mark.slow
def test_a_source_that_is_missing_or_shrunk_does_not_stop_the_others(archive: Archive) -> None:
    other = archive.beside("other")
    with watching(archive, archive.seeds, other.seeds) as batches:
        shutil.rmtree(archive.seeds)
        assert batches.reach(SourceMissing)
        other.text("b.txt", "A heron.")
        assert batches.reach((1, 0, 0, 1))
        archive.text("b.txt", "All that is left.")
        assert batches.reach(SourceShrunk)
        other.text("c.txt", "A heron.")
        assert batches.reach((1, 0, 0, 2))


@pytest.mark.slow
def test_a_locked_index_is_tried_again(archive: Archive) -> None:
    with watching(archive) as batches:
        with lock_for_writing(archive.folder, 1):
            archive.text("b.txt", "A heron.")
            assert batches.reach(IndexLocked)
            archive.text("c.txt", "A heron.")
        assert batches.reach((2, 0, 0, 20))


@pytest.mark.slow
def test_a_disk_that_is_full_is_tried_again(archive: Archive) -> None:
    with watching(archive) as batches:
        archive.text("b.txt", "A heron.")
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
        try:
            assert batches.reach(StorageFailed)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert batches.reach((1, 0, 0, 20))


@pytest.mark.slow
def test_sources_that_the_index_gets_or_loses_meanwhile_count(archive: Archive) -> None:
    first, second = archive.beside("first"), archive.beside("second")
    with first.open() as index:
        index.sync(first.seeds)
    archive.root = first.root
    with archive.open(sources=[]) as index:
        batches = Batches(index)
        assert batches.reach((0, 0, 0, 1))
        index.sync(second.seeds)
        assert batches.reach((0, 0, 0, 2))
        second.text("b.txt", "A heron.")
        assert batches.reach((1, 0, 0, 1))
        index.forget(first.seeds)
        first.text("b.txt", "A heron.")
        assert batches.reach((0, 0, 0, 2))


@pytest.mark.slow
def test_patterns_that_come_into_a_source_are_a_change(archive: Archive) -> None:
    with watching(archive) as batches:
        archive.text("b.txt", "A heron.")
        assert batches.reach((1, 0, 0, 20))
        archive.text(".nutgrafignore", "b.txt\n")
        assert batches.reach((0, 0, 1, 20))


@pytest.mark.slow
def test_a_file_whose_name_is_not_unicode_is_a_change(archive: Archive) -> None:
    with watching(archive) as batches:
        archive.text(os.fsdecode(b"caf\xe9.txt"), "A heron.")
        assert batches.reach((1, 0, 0, 20))


@pytest.mark.slow
def test_polling_finds_changes_without_being_told(archive: Archive) -> None:
    with watching(archive, poll=0.2) as batches:
        archive.text("b.txt", "A heron.")
        assert batches.reach((1, 0, 0, 20))
        (archive.seeds / "b.txt").unlink()
        assert batches.reach((0, 0, 1, 20))


def test_a_stop_ends_the_batch_and_the_watching(archive: Archive) -> None:
    archive.text("b.txt", "A heron.")
    stops: list[bool] = []
    with archive.open() as index:
        outcomes = list(index.watch(progress=Meanwhile(lambda: stops.append(True)), stop=lambda: bool(stops)))
    (report,) = outcomes
    assert isinstance(report, SyncReport)
    assert report.interrupted


def test_a_source_that_nobody_knows_is_an_error_at_once(archive: Archive) -> None:
    with archive.open() as index:
        with pytest.raises(SourceMissing, match="nowhere does not exist"):
            index.watch(archive.root / "nowhere")
        index.sync()
        shutil.rmtree(archive.seeds)
        assert isinstance(Batches(index).next(), SourceMissing)


def test_what_is_missing_for_watching_is_said(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    with archive.open() as index:
        for seconds in (0, 0.01, float("nan"), float("inf")):
            with pytest.raises(ConfigError, match=r"poll: must be from 0\.1 to 86,400 seconds"):
                index.watch(poll=seconds)
        monkeypatch.setitem(sys.modules, "watchfiles", None)
        with pytest.raises(ConfigError, match=r"pip install 'nutgraf\[watch\]'"):
            index.watch()
