"""Copying an index from one place to another, from and to each engine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from indexer import (
    Article,
    Config,
    CopyRefused,
    FieldType,
    Index,
    IndexLocked,
    IndexMissing,
    InvalidRequest,
)
from tests.contract.answers import found
from tests.contract.archive import TODAY
from tests.contract.engines import EMBEDDED, Engine
from tests.fixtures.folders import Archive, counts

FIELDS = {"desk": FieldType("keyword", facet=True), "summary": FieldType("text")}
PUT = [
    Article("kettle", "A kettle", ["The kettle stood on the quay."], "2021-03-04", fields={"desk": ("sea",)}),
    Article("empty", "Nothing but a title"),
]
DIRECTIONS = ["out of a folder", "into a folder"]


@dataclass
class Counting:
    """Progress that counts, and does something after the first article."""

    act: Callable[[], object] = int
    steps: list[int] = field(default_factory=list)

    def start(self, files: int, size: int) -> None:
        self.steps.append(files)

    def advance(self, size: int) -> None:
        if len(self.steps) == 1:
            self.act()
        self.steps.append(size)


@pytest.fixture(params=DIRECTIONS)
def places(request: pytest.FixtureRequest, engine: Engine, tmp_path: Path) -> Iterator[tuple[Index, Index]]:
    """Two indexes that are missing, one in a folder and one of the engine, to copy from the first."""
    options = {"fields": FIELDS, "lock_timeout": 0, "sources": (tmp_path / "seeds",)}
    folder, other = tmp_path / "folder", tmp_path / "other"
    with Engine(EMBEDDED).open(folder, **options) as embedded, engine.open(other, **options) as tested:
        yield (embedded, tested) if request.param == DIRECTIONS[0] else (tested, embedded)
    engine.delete(other)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """A source with articles of several languages and forms, and with a file that cannot be read."""
    made = Archive(tmp_path)
    made.text("a.txt", "A crane in the harbour.")
    made.write("de/b.md", "---\ndate: 2021-03\nlanguage: de\ntags: [hafen]\n---\n# Kräne\n\nZwei Kräne.\n")
    made.lines("c.jsonl", {"id": "one", "text": "First.", "summary": "A heron."}, {"text": "Second."}, "[")
    made.write("d.json", "{")
    # Written long ago: what is young is read again by the next sync.
    for path in made.seeds.rglob("*"):
        os.utime(path, (1_600_000_000, 1_600_000_000))
    return made


def held(index: Index) -> set[str]:
    """The ids of all articles of an index."""
    return {article.id for article in index.articles()}


def test_a_copy_is_the_same_and_a_sync_finds_nothing_changed(
    places: tuple[Index, Index], archive: Archive
) -> None:
    index, other = places
    first = index.sync()
    index.put(PUT)
    (former,) = found(index, "crane")
    (archive.seeds / "a.txt").rename(archive.seeds / "renamed.txt")
    index.sync()
    report = index.copy(other, progress=(progress := Counting()))
    assert counts(report) == (6, 0, 0, 0)
    assert (report.files, progress.steps) == (first.files, [6, *[1] * 6])
    assert list(other.articles()) == list(index.articles())
    assert other.resolve_id(former) == index.resolve_id(former) != former
    assert other.verify(deep=True).differences == ()
    assert other.verify().digest == index.verify().digest
    before, after = index.get_status(), other.get_status()
    assert (after.languages, after.sources, after.failures) == (
        before.languages,
        before.sources,
        before.failures,
    )
    again = other.sync()
    assert (counts(again), {*again.failed}) == ((0, 0, 0, 4), {*first.failed})
    for query in ("crane", "Kran", "summary:heron", "desk:sea", "tag:hafen", "source:renamed"):
        assert found(other, query) == found(index, query) != set()


def test_a_later_copy_replaces_an_earlier_one(places: tuple[Index, Index]) -> None:
    index, other = places
    index.put([*PUT, Article("goose", "A goose")])
    index.copy(other)
    index.remove(["goose"])
    index.put([Article("kettle", "A kettle", ["It fell off the quay."]), Article("heron", "A heron")])
    meanwhile: list[set[str]] = []
    index.copy(other, progress=Counting(lambda: meanwhile.append(found(other, "goose"))))
    assert meanwhile == [{"goose"}]
    assert list(other.articles()) == list(index.articles())
    other.put([Article("swan", "A swan")])
    assert (found(other, "swan"), found(index, "swan")) == ({"swan"}, set())


def test_nobody_can_write_meanwhile(places: tuple[Index, Index]) -> None:
    index, other = places
    index.put(PUT)

    def write() -> None:
        for locked in places:
            with pytest.raises(IndexLocked):
                locked.put([Article("goose", "A goose")])

    index.copy(other, progress=Counting(write))
    assert held(other) == held(index) == {"kettle", "empty"}


def test_what_fails_leaves_the_other_index_as_it_was(places: tuple[Index, Index]) -> None:
    index, other = places
    index.put(PUT)

    def fail() -> None:
        raise RuntimeError("out of luck")

    for before in (set(), {"kettle"}):
        with pytest.raises(RuntimeError, match="out of luck"):
            index.copy(other, progress=Counting(fail))
        if before:
            assert held(other) == before
            assert {finding.kind for finding in other.diagnose().findings} <= {"system"}
        else:
            assert not other.exists
        other.put(PUT[:1])


def test_an_index_with_other_articles_is_replaced_only_if_told(places: tuple[Index, Index]) -> None:
    index, other = places
    index.put(PUT)
    other.put([Article(name, "A goose") for name in ("kettle", "goose")])
    index.copy(other)  # Half of its articles have gone.
    other.remove(["kettle", "empty"])
    other.put([Article("goose", "A goose")])
    with pytest.raises(CopyRefused, match=r"1 article of its 1 would be removed; nothing was copied: "):
        index.copy(other)
    assert held(other) == {"goose"}
    index.copy(other, replace=True)
    assert held(other) == {"kettle", "empty"}


def test_an_index_with_other_options_is_replaced_only_if_told(
    engine: Engine, places: tuple[Index, Index]
) -> None:
    index, other = places
    index.put(PUT)
    config = Config(index=other.config.index, cluster=other.config.cluster, language="de")
    with Index(config, today=lambda: TODAY) as german:
        german.put([Article("gans", "Eine Gans")])
        with pytest.raises(InvalidRequest, match="to: must be opened with the same fields, language"):
            index.copy(german)
    with pytest.raises(CopyRefused, match=r"was made with other fields, language, .*; nothing was copied: "):
        index.copy(other)
    index.copy(other, replace=True)
    assert found(other, "desk:sea") == {"kettle"}


def test_an_index_is_not_copied_to_itself(places: tuple[Index, Index]) -> None:
    index, _ = places
    index.put(PUT)
    with Index(index.config) as same, pytest.raises(InvalidRequest, match="to: must be another place"):
        index.copy(same)


def test_a_missing_index_makes_none(places: tuple[Index, Index]) -> None:
    index, other = places
    with pytest.raises(IndexMissing):
        index.copy(other)
    assert not any(place.exists or place.config.index.exists() for place in places)
