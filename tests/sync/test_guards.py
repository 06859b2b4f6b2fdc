"""Sources that shrink: an unmounted disk is distinguished from deleted files, wherever it was."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer import SourceMissing
from indexer.errors import SourceShrunk
from tests.fixtures.folders import Archive, contents


def emptied(folder: Path) -> None:
    for path in sorted(folder.rglob("*.*")):
        path.unlink()


def deleted(folder: Path) -> None:
    shutil.rmtree(folder)


def moved(folder: Path) -> None:
    (folder / "deep").rename(folder.parent / "elsewhere")


def marked(folder: Path) -> None:
    emptied(folder)
    (folder / "NOT_MOUNTED").touch()


def made_a_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.touch()


def made_a_source(folder: Path) -> None:
    """Its files are in another source from now on."""
    (folder / "deep").rename(folder.parent.parent / "other/deep")


PLACES: dict[str, tuple[Callable[[Path], None], int, str]] = {
    "emptied": (emptied, 11, "nothing is left in disk, of which 11 articles"),
    "emptied but for a mark": (marked, 11, "nothing is left in disk, of which 11 articles"),
    "emptied, it held few": (emptied, 10, ""),
    "deleted": (deleted, 11, ""),
    "moved": (moved, 11, ""),
    "moved to another source": (made_a_source, 11, ""),
    "made a file": (made_a_file, 11, ""),
}


@pytest.mark.parametrize("case", PLACES)
def test_an_empty_folder_is_taken_for_an_unmounted_disk(archive: Archive, case: str) -> None:
    act, count, refused = PLACES[case]
    archive.add_texts(40)
    for number in range(count):
        archive.text(f"disk/deep/{number:02}.txt", f"The red tide number {number}.")
    other = archive.beside("other")
    for source in (other.root, other.seeds):
        source.mkdir(exist_ok=True)
    with archive.open() as index:
        index.sync(archive.seeds, other.root)
        act(archive.seeds / "disk")
        before = contents(archive.folder)
        foreseen = index.sync(archive.seeds, other.root, dry_run=True)
        assert bool(foreseen.refused) == bool(refused)
        if refused:
            acts: list[Callable[[], object]] = [lambda: index.sync(archive.seeds, other.root), index.rebuild]
            for again in acts:
                with pytest.raises(SourceShrunk, match=refused) as caught:
                    again()
                assert str(caught.value).startswith(f"{archive.seeds}: ")
            assert contents(archive.folder) == before
            index.sync(archive.seeds, other.root, allow_mass_delete=True)
        index.rebuild()
        assert index.verify().articles == 42 + (count if "moved" in case else 0)


def test_an_emptied_file_is_taken_for_an_unfinished_one(archive: Archive) -> None:
    archive.add_texts(40)
    archive.lines("lines.jsonl", *({"id": f"l{n}", "text": f"Line {n}."} for n in range(11)))
    archive.sync()
    archive.write("lines.jsonl", "")
    with pytest.raises(SourceShrunk, match=r"nothing is left in lines\.jsonl, of which 11 articles"):
        archive.sync()
    (archive.seeds / "lines.jsonl").unlink()
    assert archive.sync().removed == 11


def test_articles_missing_from_a_file_count_as_lost(archive: Archive) -> None:
    lines = [{"id": f"l{n}", "text": f"Line {n}."} for n in range(40)]
    archive.lines("lines.jsonl", *lines)
    archive.sync()
    archive.lines("lines.jsonl", *lines[:3])
    with pytest.raises(SourceShrunk, match="37 of its 41"):
        archive.sync()


def test_a_source_file_that_is_empty_or_a_folder_is_refused(archive: Archive) -> None:
    archive.lines("lines.jsonl", {"id": "one", "text": "One."}, {"id": "two", "text": "Two."})
    file = archive.seeds / "lines.jsonl"
    with archive.open() as index:
        index.sync(file)
        file.write_text("")
        with pytest.raises(SourceShrunk, match="2 of its 2 articles"):
            index.sync(file)
        file.unlink()
        with pytest.raises(SourceMissing, match="does not exist"):
            index.sync(file)
        file.mkdir()
        with pytest.raises(SourceShrunk, match="2 of its 2 articles"):
            index.sync(file)
        assert index.get_status().articles == 2


def test_an_empty_source_is_named_and_stops_the_whole_sync(archive: Archive) -> None:
    other, third = archive.beside("other"), archive.beside("third")
    with archive.open() as index:
        index.sync(archive.seeds, other.seeds, third.seeds)
        (other.seeds / "other.txt").unlink()
        third.text("third.txt", "A third heron.")
        with pytest.raises(SourceShrunk, match=f"{other.seeds}: 1 of its 1 articles"):
            index.sync(archive.seeds, other.seeds, third.seeds)
        assert index.search("heron", limit=0).total == 0
        assert index.sync(third.seeds).changed == 1


@pytest.mark.parametrize(
    ("had", "gone", "is_refused"),
    [
        (1, 1, True),
        (5, 5, True),
        (5, 4, False),
        (12, 10, False),
        (20, 10, False),
        (20, 11, True),
        (22, 11, False),
        (23, 12, True),
        (100, 50, False),
        (100, 51, True),
    ],
)
def test_a_sync_that_would_remove_too_much_is_refused(
    archive: Archive, had: int, gone: int, is_refused: bool
) -> None:
    archive.add_texts(had - 1)
    archive.sync()
    for path in sorted(archive.seeds.rglob("*.txt"))[:gone]:
        path.unlink()
    with archive.open() as index:
        before = contents(archive.folder)
        foreseen = index.sync(dry_run=True)
        assert (foreseen.removed, bool(foreseen.refused)) == (gone, is_refused)
        if not is_refused:
            assert index.sync().removed == gone
            return
        for act in (index.sync, index.rebuild):
            with pytest.raises(
                SourceShrunk, match=f"{gone} of its {had} articles would be removed"
            ) as caught:
                act()
            for word in (str(archive.seeds), "allow a mass delete"):
                assert word in str(caught.value)
            # To forget a source is advice for one of which nothing is left.
            assert ("nutgraf forget" in str(caught.value)) == (gone == had)
        assert contents(archive.folder) == before
        assert index.verify().articles == had
        allowed = index.sync(allow_mass_delete=True, dry_run=True)
        assert (allowed.removed, allowed.refused) == (gone, "")
        assert index.rebuild(allow_mass_delete=True).added == had - gone
        assert index.sync().unchanged == index.get_status().articles == had - gone


def test_renamed_files_do_not_count_as_lost(archive: Archive) -> None:
    archive.add_texts(30)
    archive.sync()
    (archive.seeds / "m").rename(archive.seeds / "moved")
    with archive.open() as index:
        assert index.sync(dry_run=True).refused == ""
        report = index.sync()
        assert (report.added, report.removed) == (30, 30)
        (archive.seeds / "moved").rename(archive.seeds / "again")
        index.rebuild()
        assert index.get_status().articles == 31
