"""Articles into a Whoosh index: one batch, one commit, all or nothing."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from whoosh.filedb.filestore import FileStorage

from indexer.article import Article
from indexer.engine.build.gather import Chunk, Gatherer
from indexer.engine.build.invert import Buffer
from indexer.engine.build.merge import TIERED, MergePolicy, merge
from indexer.engine.read.contents import write_contents
from indexer.engine.read.snapshot import LiveSegment, Snapshot
from indexer.engine.whoosh.codec import ColumnarSegment
from indexer.errors import IndexLocked
from indexer.files.names import CONTENTS, INDEX_NAME, SEGMENT, is_unfinished
from indexer.files.storage import discard, make_folder, sync_folder, translate_write_errors, write_new

MAX_MEMORY = 512 * 2**20
"""Bytes that the process may take, about; a segment is written before it would be more."""
_BESIDE = 128 * 2**20  # what it takes besides: its libraries, and a file that is being divided
_CHUNK_SIZE = 2**20  # bytes of text that are analysed together


def create_empty(folder: Path, language: str) -> None:
    """Make an empty Whoosh index in a new folder, never over one that is there."""
    with translate_write_errors(folder):
        make_folder(folder.parent)
        folder.mkdir()
        sync_folder(folder.parent)
    write_contents(folder, language, [], 0)


def remove_leftovers(snapshot: Snapshot) -> None:
    """Remove the files of an index that its last commit, which this is, does not name.

    They are those of commits before, and what one that was cut short has left.
    """
    named = {part.segment.path(snapshot.folder).name for part in snapshot.parts}
    for path in snapshot.folder.iterdir():
        contents = CONTENTS.fullmatch(path.name)
        is_of_another = int(contents[1]) != snapshot.commit if contents else path.name not in named
        if is_unfinished(path.name) or ((contents or SEGMENT.fullmatch(path.name)) and is_of_another):
            discard(path)


class Batch:
    """Removals and additions that become visible together, or not at all.

    Used as a context manager: leaving it commits, unless an exception is on the way out. Segments that then
    belong to nothing, and what the commit replaces, are left to `clean`.
    `before_commit` is called with the number of the commit to come, after all data is written and before
    the commit is made: what has to become visible with it is written there. A batch that was given nothing
    touches nothing. Raises StorageFailed.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        language: str,
        before_commit: Callable[[int], None],
        max_memory: int = MAX_MEMORY,
        *,
        chunk_size: int = _CHUNK_SIZE,
        policy: MergePolicy = TIERED,
    ) -> None:
        self._snapshot = snapshot
        self._folder = snapshot.folder
        self._before_commit = before_commit
        self._chunk_size = chunk_size
        self._policy = policy
        # Whoever allows little more than what there is anyway gets many small segments, not one an article.
        self._most = max(max_memory - _BESIDE, max_memory // 4)
        self._storage: FileStorage | None = None
        self._lock: Any = None
        self._removed: dict[int, list[range]] = {}
        self._written: list[ColumnarSegment] = []
        self._gatherer = Gatherer(language)
        self._numbers = array("i")
        self._buffer = Buffer()

    def remove(self, article_id: str) -> None:
        """Remove the article with this id; nothing happens when there is none."""
        number = self._snapshot.find(article_id)
        if number is not None:
            self._begin()
            start, stop = int(self._snapshot.starts[number]), int(self._snapshot.stops[number])
            place = max(p for p, part in enumerate(self._snapshot.parts) if part.first_doc <= start)
            first = self._snapshot.parts[place].first_doc
            self._removed.setdefault(place, []).append(range(start - first, stop - first))

    def add(self, article: Article, items: list[bytes] | None = None) -> str:
        """Add an article; its id must not be in the index, or have been removed in this batch.

        Returns the language that it was analysed in. `items` is the article as `encode_article` gives it,
        when that has been done already.
        """
        self._begin()
        language = self._gatherer.add(article, items)
        if self._gatherer.size >= self._chunk_size:
            self.take(self._gatherer.take(), self._numbers)
        return language

    def take(self, chunk: Chunk, numbers: array[int]) -> None:
        """Add a chunk of articles that were gathered elsewhere.

        `numbers` belongs to the gatherer: one array for all its chunks, empty at the first.
        """
        if not chunk.ids:
            self._buffer.learn(chunk, numbers)
            return
        self._begin()
        self._buffer.add(chunk, numbers)
        if self._buffer.size >= self._most:
            self._flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._storage is None:
            return
        try:
            if kind is None:
                self._commit()
        finally:
            self._lock.release()

    def _begin(self) -> None:
        if self._storage is None:
            storage = FileStorage(str(self._folder))
            self._lock = storage.lock(f"{INDEX_NAME}_WRITELOCK")
            with translate_write_errors(self._folder):
                is_ours = self._lock.acquire(blocking=False)
            if not is_ours:
                raise IndexLocked(f"another program writes to {self._folder} through Whoosh: try again later")
            self._storage = storage

    def _commit(self) -> None:
        self._flush()
        # A merge wants the memory.
        self._buffer, self._gatherer = Buffer(), Gatherer(self._snapshot.default_language)
        segments = self._merged([*self._survivors(), *self._fresh()])
        number = self._snapshot.commit + 1
        self._before_commit(number)
        # The segments have their names on the disk before the table of contents has its own.
        sync_folder(self._folder)
        write_contents(self._folder, self._snapshot.default_language, segments, number)

    def _flush(self) -> None:
        """Write what was gathered as a segment."""
        chunk = self._gatherer.take()
        if chunk.ids:
            self._buffer.add(chunk, self._numbers)
        if self._buffer.articles:
            self._write(*self._buffer.segment())

    def _write(self, pieces: Iterator[bytes | memoryview], documents: int) -> ColumnarSegment:
        segment = ColumnarSegment(INDEX_NAME, documents)
        self._written.append(segment)
        write_new(segment.path(self._folder), _sealing(pieces, segment))
        return segment

    def _survivors(self) -> Iterator[LiveSegment]:
        """The segments that were there, with what this batch removes marked; those with nothing left go."""
        for place, part in enumerate(self._snapshot.parts):
            segment = part.segment
            if place in self._removed:
                segment = segment.without(
                    np.concatenate([np.arange(r.start, r.stop) for r in self._removed[place]])
                )
            if segment.doc_count():
                yield LiveSegment(segment, part.view, 0, 0, segment.live(), None)

    def _fresh(self) -> Iterator[LiveSegment]:
        for segment in list(self._written):
            yield LiveSegment(segment, segment.view(self._storage), 0, 0, None, None)

    def _merged(self, parts: list[LiveSegment]) -> list[ColumnarSegment]:
        """The segments after all merging that is due."""
        while True:
            sizes = [(part.segment.doc_count(), part.segment.deleted_count()) for part in parts]
            chosen = self._policy.choose(sizes)
            if not chosen:
                return [part.segment for part in parts]
            segment = self._write(*merge([(parts[place].view, parts[place].live) for place in chosen]))
            merged = LiveSegment(segment, segment.view(self._storage), 0, 0, None, None)
            parts = [part for place, part in enumerate(parts) if place not in chosen] + [merged]


def _sealing(pieces: Iterator[bytes | memoryview], segment: ColumnarSegment) -> Iterator[bytes | memoryview]:
    """The pieces of a segment's file; the segment learns how it ends."""
    piece: bytes | memoryview = b""
    for piece in pieces:
        yield piece
    segment.seal = bytes(piece)
