"""Uses of Whoosh that lose documents, removals or answers: Nutgraf loses none."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from whoosh.index import open_dir

from indexer import Article, Index, NutgrafError, open_index
from indexer.engine.build.commit import create_empty
from indexer.store import generations
from tests.fixtures.folders import contents


def tale(name: str, text: str = "A heron.") -> Article:
    return Article(id=name, title=text, paragraphs=[text, f"Said by {name}."])


def ids(index: Index, query: str = "*") -> list[str]:
    return sorted(hit.article.id for hit in index.search(query, limit=100, collapse=False).hits)


def test_an_existing_index_is_never_overwritten(tmp_path: Path) -> None:
    with open_index(tmp_path / "index") as index:
        index.put([tale("a")])
        before = contents(tmp_path)
        with pytest.raises((FileExistsError, NutgrafError)):
            create_empty(Path(index.path), "en")
        assert contents(tmp_path) == before


def test_indexes_whose_names_begin_alike_leave_each_other_alone(tmp_path: Path) -> None:
    names = ["news", "news2", "new", "news.building", "g000001", "g0000012"]
    indexes = [open_index(tmp_path / name) for name in names]
    for index in indexes:
        index.put([tale("a"), tale("b")])
    # And one within the folder of another.
    indexes.append(open_index(tmp_path / "news" / "g000"))
    indexes[-1].put([tale("a"), tale("b")])
    for index in indexes[:-1]:
        for _ in range(3):
            index.rebuild()
            index.remove(["a"])
            index.put([tale("a", "An owl.")])
        for other in indexes:
            with open_index(other.config.index) as opened:
                assert ids(opened) == ["a", "b"]
                opened.verify()


_meanwhile: list[Callable[[str], None]] = []
"""The functions called for every file that is opened; an audit hook cannot be removed."""


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and _meanwhile and isinstance(arguments[0], (str, Path)):
        _meanwhile[-1](str(arguments[0]))


@pytest.mark.parametrize("part", ["current", "settings.json", ".toc", ".nut", "catalog-"])
@pytest.mark.parametrize("work", ["put", "rebuild"])
def test_an_index_opened_during_a_commit_shows_one_commit(tmp_path: Path, part: str, work: str) -> None:
    # The reader stands right before it opens a file; a whole commit, or several generations, come between.
    with open_index(tmp_path / "index") as writer:
        for number in range(7):
            writer.put([tale(f"a{number}")])
        sys.addaudithook(_hear)
        commits = 0

        def commit(path: str) -> None:
            nonlocal commits
            if commits < 3 and part in Path(path).name and threading.current_thread() is reader:
                commits += 1
                _meanwhile.clear()
                # An eighth segment merges all of them: no file stays.
                for number in range(8):
                    writer.put([tale(f"b{commits}{number}")])
                if work == "rebuild":
                    # Twice, so that the generation that is being opened is removed.
                    writer.rebuild()
                    writer.rebuild()
                _meanwhile.append(commit)

        found: list[tuple[int, int, int]] = []

        def read() -> None:
            with open_index(tmp_path / "index") as index:
                page = index.search("heron", limit=100, collapse=False)
                found.append((page.total, len(page.hits), len({hit.article.id for hit in page.hits})))

        reader = threading.Thread(target=read)
        _meanwhile.append(commit)
        try:
            reader.start()
            reader.join()
        finally:
            _meanwhile.clear()
        assert commits > 0
        (total,) = set(found[0])
        assert total in {7 + 8 * number for number in range(commits + 1)}
        assert generations.live_folder(tmp_path / "index").is_dir()


def test_removed_articles_do_not_come_back_to_an_open_index(tmp_path: Path) -> None:
    with open_index(tmp_path / "index") as writer, open_index(tmp_path / "index") as reader:
        left = [f"a{number}" for number in range(6)]
        for name in left:
            writer.put([tale(name)])
        assert ids(reader, "heron") == left
        for number in range(5):
            # A removal, a commit beside it, and one that replaces: the reader goes on from what it has open.
            writer.remove([left.pop(0)])
            assert ids(reader, "heron") == left
            writer.put([tale(f"b{number}", "An owl.")])
            assert ids(reader, "heron") == left
            writer.put([tale(left[-1], f"A heron, edited for the {number}. time.")])
            assert ids(reader, "heron") == left
            assert reader.search("edited").total == 1


def test_an_id_that_is_added_twice_at_once_is_stored_once(tmp_path: Path) -> None:
    with open_index(tmp_path / "index") as index:
        index.put([tale("other"), tale("same")])
        for number in range(3):
            report = index.put([tale("same", f"Owl{number}one."), tale("same", f"Owl{number}two.")])
            assert report.added == 0
            assert (ids(index), ids(index, f"owl{number}one"), ids(index, f"owl{number}two")) == (
                ["other", "same"],
                [],
                ["same"],
            )
            found = open_dir(index.path)
            assert (found.doc_count(), index.get_status().paragraphs) == (4, 4)
            found.close()
