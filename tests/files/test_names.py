"""The names of an index's files: foreign files in a folder prevent an index, and are never removed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from whoosh.fields import TEXT, Schema
from whoosh.filedb.filestore import FileStorage

from indexer import Article, Index, IndexMissing, open_index
from indexer.cli import run_cli
from indexer.files import names
from tests.fixtures.folders import Archive, contents

PUT_IN = Article(id="x", paragraphs=["A heron."])


def documents(folder: Path) -> None:
    """Some of them have names like those of an index's files."""
    for name in ("letter.txt", "progress.json", "writer.json", "current.new", "catalog-1.json.new", "x.new"):
        (folder / name).write_text("mine")
    (folder / "g000001.building").mkdir()
    (folder / "g000001.building/plan.txt").write_text("mine")


def one_file(folder: Path) -> None:
    (folder / "current").write_text("The current state of things.")
    (folder / "notes").write_text("mine")


def photographs(folder: Path) -> None:
    """A camera may number its files like this."""
    (folder / "g000001").mkdir()
    (folder / "g000001/1.jpg").write_bytes(b"\xff\xd8")
    (folder / "index.html").write_text("mine")


def whoosh(folder: Path) -> None:
    """A plain Whoosh index with the name of ours."""
    index = FileStorage(folder).create_index(Schema(body=TEXT), "MAIN")
    writer = index.writer()
    writer.add_document(body="somebody else's")
    writer.commit()
    index.close()


FOREIGN = [documents, one_file, photographs, whoosh]
ACTS: list[Callable[[Index], object]] = [
    lambda index: index.sync(),
    lambda index: index.sync(dry_run=True),
    lambda index: index.rebuild(),
    lambda index: index.put([PUT_IN]),
    lambda index: index.remove(["x"]),
    lambda index: index.forget("seeds"),
    lambda index: index.search("crane"),
    lambda index: index.get_status(),
    lambda index: index.verify(),
]


@pytest.mark.parametrize("fill", FOREIGN)
def test_folders_with_other_files_are_not_written_to(archive: Archive, fill: Callable[[Path], None]) -> None:
    archive.folder.mkdir()
    fill(archive.folder)
    before, entries = contents(archive.folder), sorted(archive.folder.iterdir())
    with archive.open() as index:
        for act in ACTS:
            with pytest.raises(IndexMissing, match="and none is made among other files") as caught:
                act(index)
            assert "\n" not in str(caught.value)
        (finding,) = index.repair().findings
        assert (finding.kind, "among other files" in finding.what) == ("missing", True)
        assert not index.exists
    assert (contents(archive.folder), sorted(archive.folder.iterdir())) == (before, entries)


def test_the_command_refuses_a_folder_with_other_files_in_one_line(
    archive: Archive, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(archive.seeds)
    for number in range(4):
        archive.text(f"{number}.txt", "A tide.")
    before = contents(archive.seeds)
    for words in (["index", str(archive.seeds)], ["index", "--dry-run", str(archive.seeds)], ["rebuild"]):
        assert run_cli([*words, "--index", str(archive.seeds)]) == 1
        assert capsys.readouterr() == (
            "",
            f"nutgraf: no index in {archive.seeds}, and none is made among other files (0.txt, 1.txt, 2.txt "
            "and 2 more): choose an empty or a new folder for the index\n",
        )
    assert contents(archive.seeds) == before


def empty(folder: Path) -> None:
    pass


def hidden(folder: Path) -> None:
    (folder / ".gitignore").write_text("*\n")


def the_root_of_a_disk(folder: Path) -> None:
    (folder / "lost+found").mkdir()


def left_at_once(folder: Path) -> None:
    """A first build that was killed before it began."""
    (folder / "writer.lock").touch()
    (folder / "writer.json").touch()
    (folder / "g000001.building").mkdir()


@pytest.mark.parametrize("fill", [empty, hidden, the_root_of_a_disk, left_at_once])
def test_an_index_can_be_made_in_a_folder_that_counts_as_empty(
    archive: Archive, fill: Callable[[Path], None]
) -> None:
    archive.folder.mkdir()
    fill(archive.folder)
    assert archive.sync().added == 1
    assert names.find_foreign_names(archive.folder) == []


def test_foreign_files_in_the_folder_of_an_index_stay(archive: Archive) -> None:
    archive.sync()
    theirs = ["notes.txt", "x.new", "g1.building", "writer.json.bak", "current.new.txt", "seeds/b.txt"]
    inside = ["x.new", "catalog-mine.json", "MAIN_notes.txt", "MAIN_0.nut", "_MAIN_1.toc.bak"]
    for number in range(3):
        archive.text("a.txt", f"Crane {number}.")
        with archive.open() as index:
            generation = Path(index.path)
            for name in (*theirs, *(f"{generation.name}/{name}" for name in inside)):
                path = archive.folder / name
                path.parent.mkdir(exist_ok=True)
                path.write_text("theirs")
            assert index.sync().changed == 1
            assert index.repair().is_well
            for name in inside:
                assert (generation / name).read_text() == "theirs"
            index.rebuild()
            for name in theirs:
                assert (archive.folder / name).read_text() == "theirs"


def test_an_index_is_recognized_by_its_pointer_or_a_generation(archive: Archive, tmp_path: Path) -> None:
    archive.sync()
    (archive.folder / "notes.txt").write_text("theirs")
    for name in ("writer.lock", "current"):
        (archive.folder / name).unlink()
        archive.text("b.txt", f"A tide without {name}.")
        assert archive.sync().unchanged == 1
    assert (archive.folder / "current").exists()
    with open_index(archive.folder) as index:
        assert index.verify().articles == 2


def test_two_builds_in_a_row_may_crash_before_their_last_step(archive: Archive) -> None:
    archive.sync()
    (archive.folder / "current").unlink()
    with archive.open() as index:
        index.rebuild()
    # The second has its name, and the pointer to it was not put in place.
    (archive.folder / "current").rename(archive.folder / "current.new")
    (archive.folder / "current").write_text("g000001")
    assert archive.sync().unchanged == 1
    assert not (archive.folder / "g000002").exists()
