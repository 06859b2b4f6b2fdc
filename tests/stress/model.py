"""Sequences of changes against a dict: the index holds what it says, and equals one that was just made.

Files are added, edited, deleted, renamed (folders, too), touched, damaged, and claim ids that others have; an
app puts articles in and takes them out; one source or all are synced; the index is rebuilt, small segments
merge, it is closed and opened again: in any order that hypothesis thinks of.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

import hypothesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from indexer import Article, Config, Index, InvalidArticle, open_index
from indexer.article import make_record_id
from indexer.engine.build.commit import Batch
from indexer.engine.build.merge import MergePolicy
from indexer.sync import apply, worker_pool
from indexer.sync.plan import default_id
from tests.stress.answers import everything
from tests.stress.archive import Lost

ROUNDS = 10_000
"""Sequences."""
WITH_WORKERS = 8
"""Of so many sequences one reads its files in workers, as else most would: to start them takes longest."""
STEPS = 30
"""The most changes of a sequence."""

_SOURCES = ("north", "south")
_TEXTS = ("a.txt", "b.txt", "deep/a.txt", "deep/c.txt", "e.txt.gz")
_SETS = ("c.jsonl", "deep/d.jsonl", "z.jsonl")
_FOLDERS = ("deep", "other")
_IDS = ("one", "two", "three", "four")
_WORDS = (
    "The crane in the harbour turns.",
    "A red tide came in. The crane stood still!",
    "Der Kran im Hafen dreht sich, und die Flut geht hinaus.",
    "La grúa del puerto gira cuando sube la marea.",
    "Harbour cranes, tides; one crane.",
    "東京の港 crane",
)
_RECORDS = st.fixed_dictionaries(
    {
        "id": st.sampled_from(_IDS),
        "title": st.sampled_from(["one", "The other", "Kran"]),
        "text": st.sampled_from(_WORDS),
        "published": st.sampled_from([None, "2020", "2021-03", "2021-03-04", "2021-12-31T05:06"]),
        "language": st.sampled_from([None, "en", "de", "es"]),
    }
)
_LINES = st.lists(_RECORDS | st.just("no record"), min_size=1, max_size=4)
_SOURCE = st.sampled_from(_SOURCES)
_NAME = st.sampled_from(_TEXTS + _SETS)
_RENAMES = st.sampled_from(
    [
        *itertools.permutations(_TEXTS[:-1], 2),
        *itertools.permutations(_SETS, 2),
        *itertools.permutations(_FOLDERS),
    ]
)

Content = tuple[str, ...]
"""An article's title and paragraphs."""


class Changes(RuleBasedStateMachine):
    """An index with two sources, and what it should hold."""

    folder: ClassVar[Path]
    sequences: ClassVar[int] = 0
    changes: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(dir=self.folder))
        for name in _SOURCES:
            (self.root / name).mkdir()
        self.index = self._opened("index")
        self.reader = self._opened("index")
        """Another, which has open what it has until it is asked."""
        self.known: set[str] = set()
        """The sources that the index has."""
        self.apart: dict[str, Article] = {}
        """The articles that an app put in."""
        self.expected: dict[str, Content] | None = {}
        """What the index holds, by id; None while a source that others share ids with was not synced."""

    # Files

    @rule(source=_SOURCE, name=_NAME, words=st.sampled_from(_WORDS), lines=_LINES)
    def write(self, source: str, name: str, words: str, lines: list[Any]) -> None:
        """Add a file, or edit it."""
        path = self.root / source / name
        path.parent.mkdir(exist_ok=True)
        if path.suffix == ".gz":
            path.write_bytes(b"\x1f\x8b\x08 and so on")
        elif path.suffix == ".txt":
            path.write_text(f"The title\n\n{words}\n\nThat is what {name} says.\n")
        else:
            path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))

    @rule(source=_SOURCE, name=_NAME)
    def delete(self, source: str, name: str) -> None:
        """Delete a file."""
        (self.root / source / name).unlink(missing_ok=True)

    @rule(source=_SOURCE, names=_RENAMES)
    def rename(self, source: str, names: tuple[str, str]) -> None:
        """Rename a file or a folder, replacing any with the new name."""
        old, new = (self.root / source / name for name in names)
        if old.exists():
            if new.is_dir():
                shutil.rmtree(new)
            new.parent.mkdir(exist_ok=True)
            old.replace(new)

    @rule(source=_SOURCE, name=_NAME, when=st.sampled_from([10**9, 2 * 10**9]))
    def touch(self, source: str, name: str, when: int) -> None:
        """Give a file another time."""
        if (self.root / source / name).exists():
            os.utime(self.root / source / name, (when, when))

    # Writers

    @rule(chosen=st.sampled_from([("north",), ("south",), _SOURCES, _SOURCES]))
    def sync(self, chosen: tuple[str, ...]) -> None:
        """Sync a source or both."""
        self.index.sync(*(self.root / name for name in chosen), allow_mass_delete=True)
        self.known |= set(chosen)
        self._expect(self.known == set(chosen))

    @rule()
    def rebuild(self) -> None:
        """Rebuild; the first index is made of the configured sources."""
        if not self.index.exists:
            self.known |= set(_SOURCES)
        self.index.rebuild(allow_mass_delete=True)
        self._expect(True)

    @rule(records=st.lists(_RECORDS, min_size=1, max_size=5))
    def put(self, records: list[dict[str, Any]]) -> None:
        """Put articles in, of one id maybe several; none when one belongs to a file."""
        given = [Article(r["id"], r["title"], [r["text"]], r["published"], r["language"]) for r in records]
        is_refused = any(self._is_a_files(article.id) for article in given)
        try:
            self.index.put(given)
        except InvalidArticle:
            assert is_refused or self.expected is None
        else:
            assert not is_refused
            self.apart |= {article.id: article for article in given}
            if self.expected is not None:
                self.expected |= {article.id: _content(article) for article in given}
        self._look()

    @rule(names=st.lists(st.sampled_from([*_IDS, "nobody"]), max_size=3))
    def remove(self, names: list[str]) -> None:
        """Remove articles, some of them twice or unknown; none if one belongs to a file."""
        if not self.index.exists:
            return
        is_refused = any(map(self._is_a_files, names))
        try:
            self.index.remove(names)
        except InvalidArticle:
            assert is_refused or self.expected is None
        else:
            assert not is_refused
            for name in names:
                if self.apart.pop(name, None) and self.expected is not None:
                    del self.expected[name]
        self._look()

    @rule(memory=st.sampled_from([0, 256]))
    def reopen(self, memory: int) -> None:
        """Close the index and go on with another, which may write a segment for each few articles."""
        self.index.close()
        self.index = self._opened("index", max_memory_mb=memory)

    @rule()
    def close(self) -> None:
        """Let go of the files, and go on."""
        self.index.close()

    def teardown(self) -> None:
        """In step with all its sources, the index answers as one does that is made of them now."""
        try:
            self.sync(_SOURCES)
            with self._opened("fresh") as fresh:
                fresh.put(self.apart.values())
                fresh.sync()
                for one, other in zip(everything(self.index), everything(fresh), strict=True):
                    assert one == other, (one, other)
            self.index.verify()
            Changes.sequences += 1
        finally:
            self.index.close()
            self.reader.close()
            shutil.rmtree(self.root)

    # Within

    def _opened(self, name: str, **options: Any) -> Index:
        sources = tuple(self.root / source for source in _SOURCES)
        return open_index(Config(index=self.root / name, sources=sources, lock_timeout=5), **options)

    def _expect(self, is_complete: bool) -> None:
        """After a sync of all sources that the index has, or of some."""
        self.expected = dict(self._said()) if is_complete else None
        self._look()

    def _said(self) -> Iterator[tuple[str, Content]]:
        """What the sources and the app say; who comes first has an id, but the app before all."""
        taken = set(self.apart)
        yield from ((name, _content(article)) for name, article in self.apart.items())
        for source in sorted(self.known):
            root = self.root / source
            files = [path for path in root.rglob("*") if path.suffix in (".txt", ".jsonl")]
            for path in sorted(files, key=lambda path: str(path.relative_to(root))):
                for name, content in _articles(root, path):
                    if name not in taken:
                        taken.add(name)
                        yield name, content

    def _is_a_files(self, name: str) -> bool:
        return name not in self.apart and name in (self.expected or {})

    def _look(self) -> None:
        """The index holds the expected articles, for each open reader."""
        Changes.changes += 1
        if self.expected is None or not self.index.exists:
            return
        for index in (self.index, self.reader):
            hits = index.search("*", limit=100, collapse=False).hits
            assert {
                hit.article.id: _content(index.get_article(hit.article.id)) for hit in hits
            } == self.expected
            assert len(hits) == len(self.expected) == index.get_status().articles


def run(rounds: int, chance: random.Random, folder: Path) -> str:
    """Go through so many sequences; returns how many there were, and of how many changes of the index."""
    before = Changes.sequences, Changes.changes
    how = settings(
        max_examples=rounds,
        stateful_step_count=STEPS,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    Changes.folder = folder
    machine = hypothesis.seed(chance.getrandbits(32))(Changes)
    try:
        with _small_segments():
            run_state_machine_as_test(machine, settings=how)
    except AssertionError as error:
        raise Lost("\n".join([str(error), *getattr(error, "__notes__", [])])) from error
    sequences, changes = Changes.sequences - before[0], Changes.changes - before[1]
    return f"{sequences:,} sequences, {changes:,} commits: each equals its dict and a new index"


@contextmanager
def _small_segments() -> Iterator[None]:
    """Merges are due after a few articles; and a clock so fast that files grow old within a sequence.

    Most sequences read their files in this process.
    """
    worth = worker_pool.count_workers

    def jobs(*given: Any) -> int:
        return 0 if Changes.sequences % WITH_WORKERS else worth(*given)

    small = partial(Batch, chunk_size=200, policy=MergePolicy(factor=3, min_documents=6))
    with (
        patch("indexer.sync.apply.count_workers", jobs),
        patch("indexer.store.folder.Batch", small),
        patch.object(apply, "_YOUNG_NS", 20_000_000),
    ):
        yield


def _articles(root: Path, path: Path) -> Iterable[tuple[str, Content]]:
    """What a file says, by id."""
    if path.suffix == ".txt":
        title, *paragraphs = path.read_text().strip().split("\n\n")
        yield default_id(root, str(path.relative_to(root))), (title, *paragraphs)
        return
    for line in map(json.loads, path.read_text().splitlines()):
        if isinstance(line, dict):
            name = make_record_id(default_id(root, str(path.relative_to(root))), line["id"])
            yield name, (line["title"], line["text"])


def _content(article: Article) -> Content:
    return article.title, *article.paragraphs
