"""The vectors of a segment's paragraphs, in a side file: the container of a segment with sections of its own.

A vector is stored as one byte a dimension, since only its direction counts, and again as the sign of each
dimension, by which the nearest vectors are found (`read.vectors`). The title of an article without paragraphs
counts as one. FORMAT.md describes every byte.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
import numpy as np
from numpy.typing import DTypeLike, NDArray

from indexer.engine.format.segment_file import (
    OPTIONAL,
    Array,
    Section,
    SegmentFile,
    encode_segment,
)
from indexer.files.fork_safe import lazy

VECTORS = "vectors"
"""The name of the side file of a segment: `MAIN_<id>.vectors.nut`."""
MAX_DIMENSIONS = 8192
_LARGEST = 127
"""The largest component of a stored vector, and -127 the smallest."""
_WORD = 64  # dimensions whose signs are one number
_AT_ONCE = 2**14  # rows that are converted together
_SECTIONS = {"docs": "u4", "rows": "u1", "norms": "u4", "signs": "u8", "texts": "u8"}
"""The kind of each section."""
Rows = NDArray[np.int8]
"""Stored vectors, one a row."""


class _Facts(msgspec.Struct, frozen=True):
    """The facts about a side file."""

    segment: str
    model: Annotated[str, msgspec.Meta(min_length=1)]
    dimensions: Annotated[int, msgspec.Meta(ge=1, le=MAX_DIMENSIONS)]


class Columns(NamedTuple):
    """The stored vectors of some paragraphs of a segment.

    `docs` (uint32) are their documents, ascending; `rows` their vectors, and `texts` (uint64) the hashes of
    their texts, in the same order.
    """

    docs: NDArray[np.uint32]
    rows: Rows
    texts: NDArray[np.uint64]


class VectorFile:
    """The vectors of some paragraphs of a segment; read-only, and safe to share between threads.

    `seal` is that of the segment, and `is_embeddable` (bool, one of each of its documents) tells which of its
    documents may have a vector. Raises IndexDamaged for a file that is altered, incomplete or of another
    segment, when it is opened or a section is first used, and StorageFailed if it cannot be read now.
    """

    def __init__(self, path: Path, seal: bytes, is_embeddable: NDArray[np.bool_]) -> None:
        self.file = SegmentFile(path)
        try:
            facts = msgspec.convert(self.file.read_facts(), _Facts)
        except msgspec.ValidationError as error:
            self.file.raise_damaged("facts", f"are invalid ({error})")
        if facts.segment != seal.hex():
            self.file.raise_damaged("facts", "are those of another segment")
        self.model, self.dimensions = facts.model, facts.dimensions
        self.width = -(-facts.dimensions // _WORD)
        """How many numbers the signs of a vector take."""
        self._check_directory()
        self.file.sections.find_problem = partial(_find_problem, is_embeddable, facts.dimensions)
        self.docs: NDArray[np.uint32] = self.file.sections["docs"]

    def __len__(self) -> int:
        """How many paragraphs have a vector."""
        return len(self.docs)

    @property
    def rows(self) -> Rows:
        """The vectors, one a row (int8)."""
        return self.file.sections["rows"].view(np.int8).reshape(len(self), self.dimensions)

    @property
    def norms(self) -> NDArray[np.uint32]:
        """The square of the length of each row (uint32)."""
        return self.file.sections["norms"]

    @property
    def signs(self) -> NDArray[np.uint64]:
        """The signs of the rows (uint64): `width` rows, each with 64 dimensions of every vector."""
        return self.file.sections["signs"].reshape(self.width, len(self))

    @property
    def texts(self) -> NDArray[np.uint64]:
        """The hash of the text of each row (uint64); see `hash_texts`."""
        return self.file.sections["texts"]

    @lazy
    def sorted_texts(self) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """The hashes of the texts, ascending, and the row of each."""
        order = self.texts.argsort(kind="stable")
        return self.texts[order], order

    def read(self) -> None:
        """Read all that a search uses, and compare it with its checksums; raises IndexDamaged."""
        self.file.check_size()
        for name in _SECTIONS.keys() - {"texts"}:
            self.file.sections[name]

    def verify(self) -> None:
        """Read every byte and compare the sections with each other; raises IndexDamaged."""
        self.file.verify()
        for name in self.file.directory:
            self.file.sections[name]
        for start in range(0, len(self), _AT_ONCE):
            end = min(start + _AT_ONCE, len(self))
            rows = self.rows[start:end]
            largest = np.maximum(rows.max(axis=1), -(rows.min(axis=1).astype(np.int16)))
            if not np.isin(largest, (0, _LARGEST)).all():
                self.file.raise_damaged("rows", "has a vector that is not scaled")
            if not np.array_equal(_measure_norms(rows), self.norms[start:end]):
                self.file.raise_damaged("norms", "does not agree with rows")
            if not np.array_equal(make_signs(rows), self.signs[:, start:end]):
                self.file.raise_damaged("signs", "does not agree with rows")

    def _check_directory(self) -> None:
        """Raise IndexDamaged for a section that is missing, unknown, or of another kind or length."""
        directory = self.file.directory
        unknown = directory.keys() - _SECTIONS.keys() - {"facts"}
        if required := [name for name in unknown if not name.startswith(OPTIONAL)]:
            self.file.raise_damaged(min(required), "is not a section of a file with vectors")
        _, count = directory.get("docs", ("nothing", 0))
        per_row = {"rows": self.dimensions, "signs": self.width}
        for name, wanted in _SECTIONS.items():
            kind, length = directory.get(name, ("nothing", 0))
            if kind != wanted:
                self.file.raise_damaged(name, f"should be {wanted}, but is {kind}")
            if length != count * per_row.get(name, 1):
                self.file.raise_damaged(
                    name, f"should have {count * per_row.get(name, 1)} numbers, but has {length}"
                )


def vectors_path(segment: Path) -> Path:
    """The side file with the vectors of a segment, whose own file is `segment`."""
    return segment.with_suffix(f".{VECTORS}.nut")


def hash_texts(texts: Iterable[str]) -> NDArray[np.uint64]:
    """The hash of each text (uint64), by which a text is known that has a vector already.

    It is the BLAKE2b hash (RFC 7693) of 8 bytes of the text in UTF-8, read as a little-endian number.
    """
    digests = (hashlib.blake2b(text.encode(), digest_size=8).digest() for text in texts)
    return np.frombuffer(b"".join(digests), "<u8").astype(np.uint64)


def quantize(vectors: NDArray[np.floating] | Rows) -> Rows:
    """Vectors of any length as they are stored (int8): the largest component of each becomes ±127.

    A vector of zeros stays one. Stored vectors are returned as they are. Raises ValueError for a number that
    is not finite, and for vectors of no dimensions or more than MAX_DIMENSIONS.
    """
    if not 1 <= vectors.shape[1] <= MAX_DIMENSIONS:
        raise ValueError(f"a vector has {vectors.shape[1]:,} numbers, not 1 to {MAX_DIMENSIONS:,}")
    rows = np.empty(vectors.shape, np.int8)
    for start in range(0, len(vectors), _AT_ONCE):
        own = vectors[start : start + _AT_ONCE].astype(np.float64)
        if not np.isfinite(own).all():
            raise ValueError("a vector has a number that is not finite")
        largest = np.abs(own).max(axis=1, keepdims=True)
        # Divided first: the quotient of the smallest floats and their largest is exact enough, their product
        # with 127 may not be.
        own /= np.where(largest > 0, largest, 1.0)
        rows[start : start + _AT_ONCE] = np.rint(own * _LARGEST)
    return rows


def make_signs(vectors: NDArray[np.signedinteger] | NDArray[np.floating]) -> NDArray[np.uint64]:
    """The signs of vectors (uint64): bit *i* of row *j* has whether dimension 64 *j* + *i* is more than 0."""
    count, dimensions = vectors.shape
    width = -(-dimensions // _WORD)
    bits = np.zeros((count, width * _WORD // 8), np.uint8)
    packed = np.packbits(vectors > 0, axis=1, bitorder="little")
    bits[:, : packed.shape[1]] = packed
    return np.ascontiguousarray(bits.view("<u8").astype(np.uint64).T)


def encode_vectors(
    columns: Columns, model: str, seal: bytes, allocate: Callable[[int, DTypeLike], Array]
) -> Iterator[bytes | memoryview]:
    """Yield the bytes of a side file in pieces; `seal` is that of its segment.

    `allocate` makes an array of a size and type, which need not stay in memory.
    """
    dimensions = columns.rows.shape[1]
    facts = {"segment": seal.hex(), "model": model, "dimensions": dimensions}
    return encode_segment(_make_sections(columns, allocate), facts)


def _make_sections(columns: Columns, allocate: Callable[[int, DTypeLike], Array]) -> Iterator[Section]:
    docs, rows, texts = columns
    yield "docs", docs.astype(np.uint32)
    yield "rows", rows.view(np.uint8)
    norms = np.empty(len(rows), np.uint32)
    width = -(-rows.shape[1] // _WORD)
    signs = allocate(width * len(rows), np.uint64).reshape(width, len(rows))
    for start in range(0, len(rows), _AT_ONCE):
        own = rows[start : start + _AT_ONCE]
        norms[start : start + _AT_ONCE] = _measure_norms(own)
        signs[:, start : start + _AT_ONCE] = make_signs(own)
    yield "norms", norms
    yield "signs", signs
    yield "texts", texts.astype(np.uint64)


def _measure_norms(rows: Rows) -> NDArray[np.uint32]:
    """The square of the length of each row (uint32)."""
    wide = rows.astype(np.int32)
    norms: NDArray[np.int32] = np.einsum("ij,ij->i", wide, wide)
    return norms.astype(np.uint32)


def _find_problem(
    is_embeddable: NDArray[np.bool_], dimensions: int, name: str, array: Array, sections: object
) -> str | None:
    """Return the problem with the numbers of a section in words after its name, or None."""
    if name == "docs" and len(array):
        if not (array[1:] > array[:-1]).all():
            return "does not ascend"
        if int(array[-1]) >= len(is_embeddable):
            return f"has the number {int(array[-1])}, but there are {len(is_embeddable)} documents"
        if not is_embeddable[array].all():
            return "has the document of a custom text"
    if name == "norms" and len(array) and int(array.max()) > dimensions * _LARGEST**2:
        return f"has the number {int(array.max())}, which is too large"
    return None
