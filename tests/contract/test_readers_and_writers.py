"""Readers beside a writer, two writers, and writers that are killed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from indexer import Article, Index, IndexLocked
from tests.contract.answers import facet, found, search
from tests.contract.engines import Engine

ROOT = Path(__file__).parents[2]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with one article that is indexed already, and one that is not."""
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "kettle.txt").write_text("Kettle\n\nThe kettle is new.\n", encoding="utf-8")
    return folder


class Watcher:
    """Progress that calls a function in the middle of the work of a writer."""

    def __init__(self, look: Callable[[], None]) -> None:
        self.looks = 0
        self._look = look

    def start(self, files: int, size: int) -> None:
        """Nothing has been read yet."""

    def advance(self, size: int) -> None:
        """A file has been read, and nothing is committed."""
        self.looks += 1
        self._look()


@contextmanager
def started(engine: Engine, folder: Path, task: str) -> Iterator[subprocess.Popen[str]]:
    """A writer in another process, killed at the end."""
    command = [sys.executable, "-m", "tests.contract.writer", engine.name, engine.url, str(folder), task]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_reader_sees_the_last_commit_while_a_writer_is_at_work(
    engine: Engine, index: Index, tmp_path: Path, source: Path
) -> None:
    index.put([Article("goose", "Goose", ["The goose is old."], language="en")])
    with engine.open(tmp_path / "index") as reader:
        seen: list[set[str]] = []
        watcher = Watcher(lambda: seen.extend([found(reader, "*"), found(index, "*")]))
        index.sync(source, progress=watcher)
        assert watcher.looks == 1
        assert seen == [{"goose"}] * 2
        assert len(found(reader, "*")) == 2
        index.rebuild(progress=watcher)
        assert len(seen[-1]) == len(found(reader, "*")) == 2


def test_a_second_writer_is_refused_while_the_first_is_at_work(
    engine: Engine, index: Index, tmp_path: Path, source: Path
) -> None:
    goose = Article("goose", "Goose", ["The goose is old."], language="en")
    with engine.open(tmp_path / "index", lock_timeout=0) as other:
        writes: list[Callable[[], object]] = [
            lambda: other.put([goose]),
            lambda: other.remove(["goose"]),
            lambda: other.sync(source),
            other.rebuild,
        ]

        def attempt() -> None:
            for write in writes:
                with pytest.raises(IndexLocked):
                    write()

        watcher = Watcher(attempt)
        index.sync(source, progress=watcher)
        index.rebuild(progress=watcher)
        assert watcher.looks == 2
        assert other.put([goose]).added == 1
        assert len(found(index, "*")) == 2


def test_every_answer_is_of_one_commit_while_commits_follow_each_other(
    engine: Engine, tmp_path: Path
) -> None:
    def version(number: int) -> list[Article]:
        return [
            Article(f"a{name}", "Kettle", [f"A kettle of {number}."], f"{1900 + number}", language="en")
            for name in range(8)
        ]

    with engine.open(tmp_path / "index") as writer, engine.open(tmp_path / "index") as reader:
        writer.put(version(0))
        seen: list[dict[str, int]] = []
        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(lambda: [writer.put(version(number)) for number in range(1, 15)])
            while not writing.done():
                page = search(reader, "kettle", facets="year", collapse=False)
                shown = {str(hit.article.published) for hit in page.hits}
                assert shown == {*facet(page, "year")}
                seen.append(facet(page, "year"))
            writing.result()
        # Each answer has all eight articles, in one and the same version, which is never older than the last.
        assert all(list(years.values()) == [8] for years in seen)
        versions = [year for years in seen for year in years]
        assert versions == sorted(versions)
        assert facet(search(reader, "kettle", facets="year"), "year") == {"1914": 8}


def test_two_writers_that_take_turns_lose_nothing(engine: Engine, tmp_path: Path) -> None:
    with (
        engine.open(tmp_path / "index") as index,
        started(engine, tmp_path, "b") as one,
        started(engine, tmp_path, "c") as other,
    ):
        for process in (one, other):
            process.communicate()
            assert process.returncode == 0
        assert found(index, "kettle") == {f"{name}{number}" for name in "bc" for number in range(10)}
        assert index.verify().articles == 20


def test_commits_survive_a_writer_that_is_killed_at_any_moment(engine: Engine, tmp_path: Path) -> None:
    with engine.open(tmp_path / "index", lock_timeout=5) as index:
        for lines in (1, 3):
            with started(engine, tmp_path, "put") as process:
                assert process.stdout is not None
                said = [process.stdout.readline().strip() for _ in range(lines)]
                process.kill()
                said += process.stdout.read().split()
            # One more may have been committed and not said.
            inside = found(index, "kettle")
            assert {*said} <= inside <= {f"a{number}" for number in range(max(len(said), len(inside)))}
            assert index.verify().articles == len(found(index, "*"))
            assert index.put([Article("after", "After", ["A goose."], language="en")]).failed == []
            assert found(index, "goose") == {"after"}


@pytest.mark.differs(opensearch="the lease of a writer that was killed expires after a minute")
@pytest.mark.parametrize("task", ["sync", "rebuild"])
def test_a_writer_that_is_killed_in_the_middle_leaves_the_last_commit_and_no_lock(
    engine: Engine, tmp_path: Path, source: Path, task: str
) -> None:
    with engine.open(tmp_path / "index", lock_timeout=5) as index:
        index.put([Article("goose", "Goose", ["The goose is old."], language="en")])
        if task == "rebuild":
            index.sync(source)
        before = found(index, "*")
        with started(engine, tmp_path, task) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "writing\n"
        assert found(index, "*") == before
        assert index.verify().articles == len(before)
        index.sync(source)
        index.rebuild()
        assert len(found(index, "*")) == 2
        assert index.verify().articles == 2


def test_an_index_is_shared_by_threads(archive: Index) -> None:
    queries = ["harbour", "storm", "ladder OR kettle", "night ferry", "*", "lang:de"] * 4
    expected = [search(archive, query).total for query in queries]
    with ThreadPoolExecutor(4) as pool:
        totals = pool.map(lambda query: search(archive, query, facets="year", timeline=True).total, queries)
        assert list(totals) == expected
