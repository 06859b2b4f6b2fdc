"""The seam to Whoosh: a codec whose segments are Nutgraf's columnar files.

Whoosh's own searcher, queries, matchers, spelling and columns work on it, one object at a time and so slowly;
Nutgraf's search reads the same arrays without it. Segments are written by `writer`, never through Whoosh.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from whoosh.codec import base

from indexer.engine.format.arrays import Ids
from indexer.engine.format.segment_file import EXTENSION, Array
from indexer.engine.read.segment import SegmentView
from indexer.engine.whoosh.readers import PerDocumentReader, TermsReader

REFUSAL = "this index is written by Nutgraf; Whoosh can only read it"


class ColumnarCodec(base.Codec):
    """Whoosh's way to the columnar segments; for reading only."""

    def per_document_reader(self, storage: Any, segment: ColumnarSegment) -> PerDocumentReader:
        """The documents of a segment."""
        return PerDocumentReader(segment.view(storage), segment)

    def terms_reader(self, storage: Any, segment: ColumnarSegment) -> TermsReader:
        """The terms of a segment."""
        return TermsReader(segment.view(storage))

    def supports_columns(self) -> bool:
        """Dates can be sorted by."""
        return True

    def per_document_writer(self, storage: Any, segment: Any) -> Any:
        """Refused."""
        raise NotImplementedError(REFUSAL)

    def field_writer(self, storage: Any, segment: Any) -> Any:
        """Refused."""
        raise NotImplementedError(REFUSAL)

    def postings_writer(self, dbfile: Any, byteids: bool = False) -> Any:
        """Refused."""
        raise NotImplementedError(REFUSAL)

    def postings_reader(
        self, dbfile: Any, terminfo: Any, format_: Any, term: Any = None, scorer: Any = None
    ) -> Any:
        """Refused: postings are no stream of bytes here."""
        raise NotImplementedError(REFUSAL)

    def new_segment(self, storage: Any, indexname: str) -> Any:
        """Refused."""
        raise NotImplementedError(REFUSAL)


class ColumnarSegment(base.Segment):
    """A segment as the table of contents lists it: its name, its size, and a bitmap of removed documents."""

    def __init__(self, indexname: str, documents: int = 0) -> None:
        super().__init__(indexname)
        self.documents = documents
        self.removed = b""  # one bit a document, the lowest first; empty while nothing is removed
        self.seal = b""  # how its file ends, from which the directory, and so the checksum of all, follows

    def codec(self, **kwargs: Any) -> ColumnarCodec:
        """The codec that reads it."""
        return ColumnarCodec()

    def path(self, folder: Path) -> Path:
        """Its file."""
        return folder / str(self.make_filename(EXTENSION))

    def view(self, storage: Any) -> SegmentView:
        """Its content."""
        return SegmentView(self.path(Path(storage.folder)))

    def check(self, view: SegmentView) -> None:
        """Raise IndexDamaged unless the file is the one that the table of contents means."""
        fits = self.documents == view.documents and len(self.removed) in (0, (self.documents + 7) // 8)
        if not fits or self.seal != view.file.seal:
            view.file.refuse_end()

    def live(self) -> Array | None:
        """Which documents are not removed (bool, one of each); None when all are there."""
        if not self.removed:
            return None
        bits = np.unpackbits(np.frombuffer(self.removed, np.uint8), count=self.documents, bitorder="little")
        return np.equal(bits, 0)

    def without(self, docs: Ids) -> ColumnarSegment:
        """The same segment with more documents removed."""
        live = self.live()
        gone = np.zeros(self.documents, np.bool_) if live is None else ~live
        gone[docs] = True
        copy = ColumnarSegment(self.indexname, self.documents)
        copy.segid, copy.seal = self.segid, self.seal
        copy.removed = np.packbits(gone, bitorder="little").tobytes()
        return copy

    def doc_count_all(self) -> int:
        """How many documents it has, removed or not."""
        return self.documents

    def deleted_count(self) -> int:
        """How many documents are removed."""
        return sum(byte.bit_count() for byte in self.removed)

    def deleted_docs(self) -> Iterator[int]:
        """The removed documents."""
        live = self.live()
        return iter([] if live is None else np.flatnonzero(~live).tolist())

    def delete_document(self, docnum: int, delete: bool = True) -> None:
        """Refused: documents are removed by whole articles."""
        raise NotImplementedError(REFUSAL)

    def is_deleted(self, docnum: int) -> bool:
        """Whether a document is removed."""
        # Whoosh's matchers ask beyond the last document, too.
        return docnum >> 3 < len(self.removed) and bool(self.removed[docnum >> 3] >> (docnum & 7) & 1)

    def should_assemble(self) -> bool:
        """It is one file already."""
        return False
