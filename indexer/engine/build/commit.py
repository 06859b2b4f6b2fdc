"""Commits to a Whoosh index: a batch of additions and removals becomes visible as a whole or not at all."""

from __future__ import annotations

import secrets
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from indexer.article import Article
from indexer.engine.build.gather import Chunk, Gatherer
from indexer.engine.build.invert import Buffer
from indexer.engine.build.merge import (
    TIERED,
    MergePolicy,
    allocate_on_disk,
    choose_dictionary,
    merge,
    return_memory,
)
from indexer.engine.build.vectors import merge_vectors
from indexer.engine.format.text_store import TextWriter
from indexer.engine.read.contents import SegmentEntry, contents_path, encode_contents
from indexer.engine.read.segment import SegmentView
from indexer.engine.read.snapshot import Snapshot
from indexer.engine.whoosh.schema import acquire_write_lock, encode_toc
from indexer.fields import FieldType
from indexer.files.names import CONTENTS, SEGMENT, is_unfinished
from indexer.files.storage import (
    discard,
    make_folder,
    sync_folder,
    translate_write_errors,
    write_durably,
    write_new,
)

MAX_MEMORY = 512 * 2**20
"""Bytes of memory that the process may take, roughly; a segment is written before it takes more."""
_OTHER_MEMORY = 128 * 2**20  # bytes that libraries take, and a file that is being divided into articles
_CHUNK_SIZE = 2**20  # bytes of text that are analyzed together
_OpenSegment = tuple[SegmentEntry, SegmentView]


def create_empty(folder: Path, language: str) -> None:
    """Make an empty index in a new folder; raises StorageFailed if there is a folder already."""
    with translate_write_errors(folder):
        make_folder(folder.parent)
        folder.mkdir()
        sync_folder(folder.parent)
    _write_contents(folder, language, [], 0)


def remove_leftovers(snapshot: Snapshot) -> None:
    """Remove the files in a generation that its last commit, opened as `snapshot`, does not use.

    They belong to earlier commits, or were left by a commit that was interrupted. Side files stay and go
    with their segment.
    """
    used = {segment.entry.id for segment in snapshot.segments}
    for path in snapshot.folder.iterdir():
        contents, segment = CONTENTS.fullmatch(path.name), SEGMENT.fullmatch(path.name)
        is_earlier = contents is not None and int(contents[1]) != snapshot.commit
        is_unused = segment is not None and segment[1] not in used
        if is_earlier or is_unused or is_unfinished(path.name):
            discard(path)


class Batch:
    """Removals and additions that become visible together, or not at all.

    Used as a context manager: leaving it commits, unless an exception was raised. A batch without removals
    and additions changes nothing. Files that the commit makes obsolete stay until `remove_leftovers`.

    `before_commit` is called with the number of the coming commit, after all data is on the disk and before
    the commit is made: it writes what has to become visible together with the commit. `fields` are the types
    of the custom fields. `max_memory` is in bytes, `chunk_size` in bytes of text. Raises StorageFailed,
    or IndexLocked if a Whoosh writer is open.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        language: str,
        before_commit: Callable[[int], None],
        max_memory: int = MAX_MEMORY,
        *,
        fields: Mapping[str, FieldType] | None = None,
        chunk_size: int = _CHUNK_SIZE,
        policy: MergePolicy = TIERED,
    ) -> None:
        self._snapshot = snapshot
        self._folder = snapshot.folder
        self._before_commit = before_commit
        self._chunk_size = chunk_size
        self._policy = policy
        # With a low limit, many small segments are written, but not one for each article.
        self._max_buffer = max(max_memory - _OTHER_MEMORY, max_memory // 4)
        self._lock: Any = None
        self._removed: dict[int, list[range]] = {}
        self._written: list[SegmentEntry] = []
        self._gatherer = Gatherer(language, fields)
        self._numbers = array("i")
        dictionary = choose_dictionary(segment.view for segment in snapshot.segments)
        self._buffer = Buffer(texts=TextWriter(dictionary))

    @property
    def dictionary(self) -> bytes:
        """The dictionary of the stored texts; empty until there is one."""
        return self._buffer.texts.dictionary

    def remove(self, article_id: str) -> None:
        """Remove the article with this id, if there is one."""
        number = self._snapshot.find(article_id)
        if number is not None:
            self._begin()
            start, end = int(self._snapshot.doc_starts[number]), int(self._snapshot.doc_ends[number])
            segments = self._snapshot.segments
            index = bisect_right(segments, start, key=lambda segment: segment.first_doc) - 1
            first = segments[index].first_doc
            self._removed.setdefault(index, []).append(range(start - first, end - first))

    def add(
        self,
        article: Article,
        items: list[bytes] | None = None,
        source: str | None = None,
        language: str | None = None,
    ) -> str:
        """Add an article, and return the language that it was analyzed in; see `Gatherer.add`.

        Its id must not be in the index, or must have been removed in this batch.
        """
        self._begin()
        language = self._gatherer.add(article, items, source, language)
        if self._gatherer.size >= self._chunk_size:
            self.take(self._gatherer.take(self.dictionary), self._numbers)
        return language

    def take(self, chunk: Chunk, numbers: array[int]) -> None:
        """Add a chunk of articles that another gatherer has made.

        `numbers` belongs to that gatherer: one array for all its chunks, empty at the first.
        """
        if not chunk.ids:
            self._buffer.learn(chunk, numbers)
            return
        self._begin()
        self._buffer.add(chunk, numbers)
        if self._buffer.size >= self._max_buffer:
            self._flush()

    def touch(self) -> None:
        """Make a commit even if no article changes, so that readers notice new side files."""
        self._begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock is None:
            return
        try:
            if kind is None:
                self._commit()
        finally:
            self._lock.release()

    def _begin(self) -> None:
        if self._lock is None:
            self._lock = acquire_write_lock(self._folder)

    def _commit(self) -> None:
        self._flush()
        # Free the memory for merging.
        self._buffer, self._gatherer = Buffer(), Gatherer(self._snapshot.default_language)
        entries = self._merge([*self._iter_remaining(), *map(self._open, self._written)])
        number = self._snapshot.commit + 1
        self._before_commit(number)
        # The names of the segments must be on the disk before that of the table of contents is.
        sync_folder(self._folder)
        _write_contents(self._folder, self._snapshot.default_language, entries, number)

    def _flush(self) -> None:
        """Write the gathered articles as a segment."""
        chunk = self._gatherer.take(self.dictionary)
        if chunk.ids:
            self._buffer.add(chunk, self._numbers)
        if self._buffer.articles:
            # What reading has freed is returned before more is needed, and what writing has freed afterwards.
            return_memory()
            allocate = partial(allocate_on_disk, self._folder)
            self._written.append(self._write(*self._buffer.make_segment(allocate)))
            return_memory()

    def _write(self, pieces: Iterator[bytes | memoryview], documents: int) -> SegmentEntry:
        seal: bytes | memoryview = b""

        def iter_pieces() -> Iterator[bytes | memoryview]:
            nonlocal seal
            for piece in pieces:
                seal = piece
                yield piece

        unsealed = SegmentEntry(secrets.token_hex(8), documents, b"", b"")
        write_new(unsealed.path(self._folder), iter_pieces())
        return SegmentEntry(unsealed.id, documents, b"", bytes(seal))

    def _open(self, entry: SegmentEntry) -> _OpenSegment:
        return entry, SegmentView(entry.path(self._folder))

    def _iter_remaining(self) -> Iterator[_OpenSegment]:
        """The segments of the snapshot that have articles left after the removals of this batch."""
        for index, segment in enumerate(self._snapshot.segments):
            entry = segment.entry
            if index in self._removed:
                docs = np.concatenate([np.arange(docs.start, docs.stop) for docs in self._removed[index]])
                entry = entry.remove(docs)
            if entry.live_count:
                yield entry, segment.view

    def _merge(self, segments: list[_OpenSegment]) -> list[SegmentEntry]:
        """Merge segments until the policy is content, and return those that there are then."""
        while True:
            sizes = [(entry.live_count, entry.removed_count) for entry, _ in segments]
            chosen = self._policy.choose(sizes)
            if not chosen:
                return [entry for entry, _ in segments]
            sources = [(segments[index][1], segments[index][0].live()) for index in chosen]
            merged = self._open(self._write(*merge(sources)))
            merge_vectors([segments[index] for index in chosen], *merged)
            segments = [segment for index, segment in enumerate(segments) if index not in chosen] + [merged]


def _write_contents(folder: Path, language: str, entries: Sequence[SegmentEntry], commit: int) -> None:
    """Make a commit: write its table of contents, which appears as a whole and is on the disk on return."""
    whoosh_part = encode_toc(language, entries, commit)
    write_durably(contents_path(folder, commit), [encode_contents(whoosh_part, language, entries, commit)])
