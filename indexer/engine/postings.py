"""How postings, columns and the lexicon are read from Whoosh's stock codec: as arrays, a block at a time.

The only module that knows the codec's inside. Stepping a Whoosh matcher costs microseconds a posting; its
blocks hold up to 128 postings each as tuples, which become NumPy arrays in one go.
"""

from __future__ import annotations

from dataclasses import dataclass
from pickle import loads
from typing import Any

import numpy as np
from numpy.typing import NDArray
from whoosh.columns import NumericColumn
from whoosh.reading import EmptyReader, IndexReader, TermNotFound

from indexer.engine.schema import COLUMNS

Ids = NDArray[np.int32]
_COUNT_BYTES = 4  # the frequency that stands before the positions in a payload


@dataclass(frozen=True, slots=True)
class Postings:
    """Where a term stands: document numbers, ascending (int32), and how often in each (float64)."""

    docs: Ids
    freqs: NDArray[np.float64]


NO_POSTINGS = Postings(np.empty(0, np.int32), np.empty(0, np.float64))


def read_postings(reader: IndexReader, field: str, term: str, live: NDArray[np.bool_]) -> Postings:
    """The postings of a term in all segments, without deleted documents (`live`: bool, one of each)."""
    docs: list[int] = []
    freqs: list[float] = []
    for leaf, offset in _leaves(reader):
        for matcher in _blocks(leaf, field, term):
            docs.extend(number + offset for number in matcher._ids) if offset else docs.extend(matcher._ids)
            freqs.extend(matcher._weights)
    if not docs:
        return NO_POSTINGS
    found = np.array(docs, np.int32)
    alive = live[found]
    return Postings(found[alive], np.array(freqs, np.float64)[alive])


def read_positions(
    reader: IndexReader, field: str, term: str, docs: Ids
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The positions of a term in the given documents (ascending).

    Returns two int64 arrays of one length: the place of the document in `docs`, and the position in it.
    """
    wanted = {int(doc): place for place, doc in enumerate(docs)}
    places: list[int] = []
    positions: list[int] = []
    for leaf, offset in _leaves(reader):
        for matcher in _blocks(leaf, field, term, values=True):
            for number, value in zip(matcher._ids, matcher._values, strict=True):
                place = wanted.get(number + offset)
                if place is not None:
                    position = 0
                    for delta in loads(value[_COUNT_BYTES:]):
                        position += delta
                        places.append(place)
                        positions.append(position)
    return np.array(places, np.int64), np.array(positions, np.int64)


def read_column(reader: IndexReader, name: str) -> NDArray[np.int64]:
    """A column's values for every document, deleted or not: int64, one of each."""
    dtype = np.dtype(COLUMNS[name])
    column = reader.schema[name].column_type
    assert isinstance(column, NumericColumn)
    parts = [np.empty(0, np.int64)]
    leaf: Any
    for leaf, _ in _leaves(reader):
        values = np.full(leaf.doc_count_all(), column.default_value(), np.int64)
        if leaf.has_column(name):
            segment, storage = leaf.segment(), leaf.storage()
            file_name = leaf.codec().column_filename(segment, name)
            length = storage.file_length(file_name)
            file = storage.open_file(file_name)
            stored = np.frombuffer(bytes(file.get(0, length)), dtype)
            file.close()
            # Trailing documents with the default value are not written.
            values[: len(stored)] = stored[: len(values)]
        parts.append(values)
    return np.concatenate(parts)


def read_live(reader: IndexReader) -> NDArray[np.bool_]:
    """Which documents are not deleted: bool, one of each."""
    live = np.ones(reader.doc_count_all(), np.bool_)
    leaf: Any
    for leaf, offset in _leaves(reader):
        for number in leaf.segment().deleted_docs() if leaf.has_deletions() else ():
            live[offset + number] = False
    return live


def read_lexicon(reader: IndexReader, field: str) -> list[str]:
    """Every term of a field, ascending."""
    words: set[str] = set()
    for leaf, _ in _leaves(reader):
        if field in leaf.indexed_field_names():
            words.update(term.decode() for term in leaf.lexicon(field))
    return sorted(words)


def _leaves(reader: IndexReader) -> Any:
    # The reader of an index without any segment names itself as one.
    return () if isinstance(reader, EmptyReader) else reader.leaf_readers()


def _blocks(leaf: Any, field: str, term: str, *, values: bool = False) -> Any:
    # Yields the matcher itself, moved from block to block, with its tuples loaded.
    try:
        matcher = leaf._terms.matcher(field, term.encode(), leaf.schema[field].format)
    except TermNotFound:
        return
    while True:
        matcher._read_ids()
        matcher._read_weights()
        if values:
            matcher._read_values()
        yield matcher
        if matcher._lastblock:
            return
        matcher._next_block()
