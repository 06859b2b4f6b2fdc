"""Adds vectors to the segments of a commit, and copies them when segments are merged or built again.

Vectors are made after the articles are committed, some at a time: `list_unembedded` tells for which
texts, `find_known` finds those that are stored for the same text already, and `write_vectors` adds rows
to the side file of a segment. `carry_vectors` gives a new generation those of another one. Nothing here knows
a model, but for its fingerprint.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.engine.build.merge import allocate_on_disk
from indexer.engine.format.arrays import Ids
from indexer.engine.format.record import decode_info
from indexer.engine.format.segment_file import DamageReporter
from indexer.engine.format.vectors import (
    Columns,
    Rows,
    VectorFile,
    encode_vectors,
    hash_texts,
    quantize,
    vectors_path,
)
from indexer.engine.read.contents import SegmentEntry
from indexer.engine.read.segment import SegmentView
from indexer.engine.read.snapshot import LiveSegment, Snapshot
from indexer.engine.read.vectors import find_embeddable
from indexer.errors import IndexDamaged, StorageFailed
from indexer.files.storage import write_durably, write_new

_AT_ONCE = 2**14  # rows that are copied together
_TEXTS_AT_ONCE = 2**10  # texts that are read together


class Unembedded(NamedTuple):
    """A segment, and its documents (int32, ascending, numbered in the segment) that need a vector."""

    segment: LiveSegment
    docs: Ids

    def read_texts(self) -> list[str]:
        """The text of each: a paragraph, or the title of an article without any; raises IndexDamaged."""
        view = self.segment.view
        owners = view.doc_starts.searchsorted(self.docs, "right") - 1
        articles, first = np.unique(owners, return_index=True)
        numbers = np.split(self.docs - view.doc_starts[owners], first[1:])
        counts = view.column("article.counts")[articles].tolist()
        # The document of an article without paragraphs has no text of its own.
        wanted = [own.tolist() if count else [] for own, count in zip(numbers, counts, strict=True)]
        found: list[str] = []
        with DamageReporter(view.file.path):
            for head, *texts in view.items(articles.tolist(), wanted):
                found += [text.decode() for text in texts] or [decode_info(head, "").title]
        return found


class _Copied(NamedTuple):
    """Rows of a side file, and the documents (ascending) that they are of in another."""

    file: VectorFile
    rows: NDArray[np.int64]
    docs: NDArray[np.int64]


def list_unembedded(snapshot: Snapshot, fingerprint: str) -> list[Unembedded]:
    """The paragraphs of a snapshot that have no vector of a model, for each segment that has any.

    The title of an article without paragraphs stands for one. Other titles, custom texts and removed articles
    need none.
    """
    files = {own.entry.id: file for own, file in snapshot.open_vector_files(fingerprint)}
    found = []
    for own in snapshot.segments:
        is_lacking = find_embeddable(own.view)
        if own.live is not None:
            is_lacking &= own.live
        if file := files.get(own.entry.id):
            is_lacking[file.docs] = False
        if is_lacking.any():
            found.append(Unembedded(own, np.flatnonzero(is_lacking).astype(np.int32)))
    return found


def find_known(
    snapshots: Iterable[Snapshot], fingerprint: str, hashes: NDArray[np.uint64]
) -> tuple[NDArray[np.bool_], Rows]:
    """Find stored vectors of a model by the hashes of their texts (see `hash_texts`).

    Those of removed articles count too. Returns which texts have a vector (bool, one of each) and the vectors
    (int8, a row for each text, zeros for those that have none; without columns if no vector is stored).
    """
    found, rows = np.zeros(len(hashes), np.bool_), np.zeros((len(hashes), 0), np.int8)
    for snapshot in snapshots:
        for _, file in snapshot.open_vector_files(fingerprint):
            if not len(file) or rows.shape[1] not in (0, file.dimensions):
                continue
            if not rows.shape[1]:
                rows = np.zeros((len(hashes), file.dimensions), np.int8)
            with suppress(IndexDamaged):
                texts, order = file.sorted_texts
                at = np.minimum(texts.searchsorted(hashes), len(texts) - 1)
                is_new = (texts[at] == hashes) & ~found
                rows[is_new] = file.rows.take(order[at[is_new]], axis=0)
                found |= is_new
    return found, rows


def write_vectors(
    segment: LiveSegment,
    fingerprint: str,
    docs: Ids,
    vectors: NDArray[np.floating] | Rows,
    hashes: NDArray[np.uint64],
) -> None:
    """Add vectors of some paragraphs of a segment to its side file, durably and as a whole or not at all.

    `docs` are documents of the segment (see `list_unembedded`), `vectors` has a row of any length for each,
    and `hashes` that of its text. Rows of these documents, and the rows of another model, are replaced. The
    whole file is written anew, which readers notice with the next commit (`Batch.touch`). Only for the writer
    that holds the lock, with a segment of the last commit. Raises ValueError for the document of a custom
    text, for a number that is not finite and for vectors of no or too many dimensions (see `quantize`),
    StorageFailed if the file cannot be written.
    """
    if not len(docs):
        return
    is_embeddable = find_embeddable(segment.view)
    if not (0 <= docs.min() <= docs.max() < len(is_embeddable) and is_embeddable[docs].all()):
        raise ValueError("only paragraphs, and titles of articles without any, have vectors")
    path, rows = vectors_path(segment.view.file.path), quantize(vectors)
    # A document that is there twice gets its last row.
    added, last = np.unique(docs[::-1], return_index=True)
    chosen = len(rows) - 1 - last
    parts = []
    with suppress(IndexDamaged):
        file = _open(path, segment.entry, is_embeddable)
        if file and (file.model, file.dimensions) == (fingerprint, rows.shape[1]):
            kept = np.flatnonzero(~np.isin(file.docs, added))
            parts.append(_Copied(file, kept, file.docs[kept].astype(np.int64)))
    columns = _copy(path.parent, parts, rows.shape[1], (added.astype(np.int64), rows[chosen], hashes[chosen]))
    allocate = partial(allocate_on_disk, path.parent)
    write_durably(path, encode_vectors(columns, fingerprint, segment.entry.seal, allocate))


def carry_vectors(snapshot: Snapshot, sources: Sequence[Snapshot]) -> None:
    """Give the texts of a snapshot the vectors that the same texts have in other snapshots.

    They are those of one model: the one with the most vectors in the first source that has any. Only for a
    generation that is not live yet, which has no vectors. Those that cannot be read or written are left out:
    they can be made again.
    """
    for number, source in enumerate(sources):
        with suppress(IndexDamaged, StorageFailed):
            counts = Counter(source.vector_models())
            for model, _ in counts.most_common(1):
                for lacking in list_unembedded(snapshot, model):
                    _carry(lacking, model, sources[number:])
                return


def _carry(lacking: Unembedded, model: str, sources: Sequence[Snapshot]) -> None:
    """Write the side file of a segment, with those vectors of its texts that other snapshots have.

    Raises IndexDamaged and StorageFailed.
    """
    segment = lacking.segment
    path = vectors_path(segment.view.file.path)
    allocate = partial(allocate_on_disk, path.parent)
    rows, count = np.zeros((0, 0), np.int8), 0
    docs: list[Ids] = []
    texts: list[NDArray[np.uint64]] = []
    for start in range(0, len(lacking.docs), _TEXTS_AT_ONCE):
        own = lacking._replace(docs=lacking.docs[start : start + _TEXTS_AT_ONCE])
        hashes = hash_texts(own.read_texts())
        is_known, known = find_known(sources, model, hashes)
        if not is_known.any():
            continue
        if not count:
            rows = allocate(len(lacking.docs) * known.shape[1], np.int8).reshape(-1, known.shape[1])
        docs.append(own.docs[is_known])
        texts.append(hashes[is_known])
        end = count + len(docs[-1])
        rows[count:end] = known[is_known]
        count = end
    if count:
        columns = Columns(np.concatenate(docs).astype(np.uint32), rows[:count], np.concatenate(texts))
        write_durably(path, encode_vectors(columns, model, segment.entry.seal, allocate))


def merge_vectors(
    sources: Sequence[tuple[SegmentEntry, SegmentView]], entry: SegmentEntry, view: SegmentView
) -> None:
    """Make the side file of a merged segment from those of its sources, which are in the same order.

    Of several models, the one with the most vectors is kept. The file is left out if it cannot be written,
    and so are vectors that cannot be read: they can be made again. The next commit makes its name durable.
    """
    parts: list[_Copied] = []
    first = 0
    for own_entry, own_view in sources:
        live = own_entry.live()
        live = np.ones(own_view.documents, np.bool_) if live is None else live
        with suppress(IndexDamaged, StorageFailed):
            if file := _open(vectors_path(own_view.file.path), own_entry, find_embeddable(own_view)):
                kept = np.flatnonzero(live[file.docs])
                parts.append(_Copied(file, kept, live.cumsum()[file.docs[kept]] - 1 + first))
        first += own_entry.live_count
    counts: Counter[tuple[str, int]] = Counter()
    for part in parts:
        counts[part.file.model, part.file.dimensions] += len(part.rows)
    if not counts.total():
        return
    # Of equally many, the model of the first segment.
    (model, dimensions), _ = counts.most_common(1)[0]
    parts = [part for part in parts if (part.file.model, part.file.dimensions) == (model, dimensions)]
    path = vectors_path(view.file.path)
    columns = _copy(path.parent, parts, dimensions)
    with suppress(StorageFailed):
        write_new(path, encode_vectors(columns, model, entry.seal, partial(allocate_on_disk, path.parent)))


def _open(path: Path, entry: SegmentEntry, is_embeddable: NDArray[np.bool_]) -> VectorFile | None:
    """Open a side file, and compare all of it with its checksums; None if there is none.

    Raises IndexDamaged or StorageFailed.
    """
    if not path.is_file():
        return None
    file = VectorFile(path, entry.seal, is_embeddable)
    file.read()
    file.file.sections["texts"]
    return file


def _copy(
    folder: Path,
    parts: Sequence[_Copied],
    dimensions: int,
    added: tuple[NDArray[np.int64], Rows, NDArray[np.uint64]] | None = None,
) -> Columns:
    """Copy rows of side files, and some in memory, into the columns of another one."""
    docs = [part.docs for part in parts]
    texts = [part.file.texts[part.rows] for part in parts]
    if added:
        docs.append(added[0])
        texts.append(added[2])
    every = np.concatenate(docs)
    order = every.argsort(kind="stable")
    places = np.empty(len(every), np.int64)
    places[order] = np.arange(len(every))
    rows = allocate_on_disk(folder, len(every) * dimensions, np.int8).reshape(len(every), dimensions)
    done = 0
    for part in parts:
        for start in range(0, len(part.rows), _AT_ONCE):
            own = part.rows[start : start + _AT_ONCE]
            rows[places[done : done + len(own)]] = part.file.rows.take(own, axis=0)
            done += len(own)
        part.file.file.release()
    if added:
        rows[places[done:]] = added[1]
    return Columns(every[order].astype(np.uint32), rows, np.concatenate(texts)[order])
