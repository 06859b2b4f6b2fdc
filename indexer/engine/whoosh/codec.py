"""A Whoosh codec for columnar segments: Whoosh's searcher, queries, matchers and columns work on them.

Whoosh reads one object at a time and so is slow; Nutgraf's own search reads the same arrays without it.
Nutgraf alone writes segments: whatever of Whoosh would write is refused. Methods without a docstring do what
Whoosh's base classes (`whoosh.codec.base`) ask of them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from whoosh.codec import base
from whoosh.columns import ColumnReader
from whoosh.fields import DATETIME
from whoosh.matching.mcore import ListMatcher
from whoosh.reading import TermInfo, TermNotFound

from indexer.engine.format.arrays import Ids
from indexer.engine.format.record import MIN_DATE, NO_DATE, decode_info, from_timestamp, to_timestamp
from indexer.engine.format.segment_file import Array
from indexer.engine.read.contents import SegmentEntry
from indexer.engine.read.segment import SegmentView
from indexer.files.fork_safe import lazy
from indexer.files.names import INDEX_NAME

REFUSAL = "this index is written by Nutgraf; Whoosh can only read it"
_STEM_FIELDS = ("title", "paragraph")
_WORD_FIELDS = {"title_words": "title", "paragraph_words": "paragraph"}
_FIELDS = ("article", "date", *_STEM_FIELDS, *_WORD_FIELDS)


class ColumnarCodec(base.Codec):
    """How Whoosh reads columnar segments; everything else raises NotImplementedError."""

    def per_document_reader(self, storage: Any, segment: ColumnarSegment) -> PerDocumentReader:
        return PerDocumentReader(segment.open(storage), segment.entry)

    def terms_reader(self, storage: Any, segment: ColumnarSegment) -> TermsReader:
        return TermsReader(segment.open(storage))

    def supports_columns(self) -> bool:
        return True

    def _refuse(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(REFUSAL)

    # The last one would read postings from a stream of bytes, which a segment does not have.
    per_document_writer = field_writer = postings_writer = new_segment = postings_reader = _refuse


class _Documents:
    """Which documents an entry of a commit has, and which of these are removed."""

    entry: SegmentEntry

    def doc_count(self) -> int:
        return self.entry.live_count

    def doc_count_all(self) -> int:
        return self.entry.documents

    def has_deletions(self) -> bool:
        return bool(self.entry.removed)

    def is_deleted(self, docnum: int) -> bool:
        # Whoosh's matchers also ask for numbers beyond the last document.
        removed = self.entry.removed
        return docnum >> 3 < len(removed) and bool(removed[docnum >> 3] >> (docnum & 7) & 1)

    def deleted_docs(self) -> Iterator[int]:
        live = self.entry.live()
        return iter([] if live is None else np.flatnonzero(~live).tolist())


class ColumnarSegment(_Documents, base.Segment):
    """An entry of a commit as the kind of segment that Whoosh's table of contents lists."""

    def __init__(self, entry: SegmentEntry) -> None:
        super().__init__(INDEX_NAME)
        self.segid = entry.id
        self.entry = entry

    def codec(self, **kwargs: Any) -> ColumnarCodec:
        return ColumnarCodec()

    def open(self, storage: Any) -> SegmentView:
        return SegmentView(self.entry.path(Path(storage.folder)))

    def deleted_count(self) -> int:
        return self.entry.removed_count

    def delete_document(self, docnum: int, delete: bool = True) -> None:
        # Only whole articles are removed.
        raise NotImplementedError(REFUSAL)


class TermsReader(base.TermsReader):
    """The terms of a segment, field by field."""

    def __init__(self, view: SegmentView) -> None:
        self._view = view
        self._lexicons: dict[str, list[bytes]] = {}
        self._lengths = Lengths(view)

    def __contains__(self, term: tuple[str, bytes]) -> bool:
        field, text = term
        return field in _FIELDS and len(self._docs(field, text)[0]) > 0

    def indexed_field_names(self) -> Sequence[str]:
        return _FIELDS

    def cursor(self, field: str, fieldobj: Any) -> Cursor:
        return Cursor(self, field, fieldobj)

    def terms(self) -> Iterator[tuple[str, bytes]]:
        return self.terms_from("", b"")

    def terms_from(self, field: str, prefix: bytes) -> Iterator[tuple[str, bytes]]:
        for name in sorted(_FIELDS):
            if name >= field:
                terms = self.lexicon(name)
                for text in terms[bisect_left(terms, prefix) if name == field else 0 :]:
                    yield name, text

    def items(self) -> Iterator[tuple[tuple[str, bytes], TermInfo]]:
        return self.items_from("", b"")

    def items_from(self, field: str, prefix: bytes) -> Iterator[tuple[tuple[str, bytes], TermInfo]]:
        return ((term, self.term_info(*term)) for term in self.terms_from(field, prefix))

    def term_info(self, field: str, text: bytes) -> TermInfo:
        docs, freqs = self._docs(field, text)
        if not len(docs):
            raise TermNotFound(f"No term {field}:{text!r}")
        lengths = self._lengths[field][docs]
        return TermInfo(
            weight=float(freqs.sum()),
            df=len(docs),
            minlength=int(lengths.min()),
            maxlength=int(lengths.max()),
            maxweight=float(freqs.max()),
            minid=int(docs[0]),
            maxid=int(docs[-1]),
        )

    def frequency(self, field: str, text: bytes) -> float:
        return float(self._docs(field, text)[1].sum())

    def doc_frequency(self, field: str, text: bytes) -> int:
        return len(self._docs(field, text)[0])

    def matcher(self, field: str, text: bytes, format_: Any, scorer: Any = None) -> ListMatcher:
        docs, freqs = self._docs(field, text)
        info = self.term_info(field, text)
        values: list[bytes]
        if field in _STEM_FIELDS:
            indices, positions = self._view.positions(field, text.decode(), docs)
            bounds = np.searchsorted(indices, np.arange(len(docs) + 1))
            values = [format_.encode(positions[a:b].tolist()) for a, b in pairwise(bounds)]
        else:
            values = [int(freq).to_bytes(4, "big") for freq in freqs]
        return ListMatcher(
            docs.tolist(), freqs.tolist(), values, format_, scorer=scorer, term=(field, text), terminfo=info
        )

    def lexicon(self, field: str) -> list[bytes]:
        """The terms of a field, ascending."""
        if field not in self._lexicons:
            self._lexicons[field] = self._find_terms(field)
        return self._lexicons[field]

    def _find_terms(self, field: str) -> list[bytes]:
        view = self._view
        if field == "article":
            return [word.encode() for word in view.ids.words()]
        if field == "date":
            return sorted(self._dates)
        # The lexicon has the terms of titles and paragraphs; select those of this field.
        name = _WORD_FIELDS.get(field, field)
        per_stem = np.diff(view.column(f"{name}.occurrences"))
        if name == field:
            words, numbers = view.stems.words(), np.flatnonzero(per_stem)
        else:
            variants = view.fields[name].list_variants(0, len(view.stems))
            forms = np.repeat(view.column("stem.starts")[:-1], per_stem) + variants
            words, numbers = view.words.words(), np.unique(view.column("stem.words")[forms])
        return [words[number].encode() for number in numbers.tolist()]

    @lazy
    def _dates(self) -> dict[bytes, list[int]]:
        """The documents of each term of the date field, as Whoosh's DATETIME would have indexed them."""
        field = DATETIME()
        found: dict[bytes, list[int]] = {}
        starts = self._view.doc_starts.tolist()
        for article, moment in enumerate(self._view.column("article.date_starts").tolist()):
            if moment != NO_DATE:
                docs = range(starts[article], starts[article + 1])
                for term, *_ in field.index(from_timestamp(moment)):
                    found.setdefault(term, []).extend(docs)
        return found

    def _docs(self, field: str, text: bytes) -> tuple[Ids, Array]:
        """The documents that have a term, ascending, and how often each has it."""
        view = self._view
        if field == "date":
            docs = np.array(self._dates.get(text, ()), np.int32)
            return docs, np.ones(len(docs))
        # Bytes that are not UTF-8 become lone surrogates, which no stored word has.
        word = text.decode(errors="surrogateescape")
        if field == "article":
            article = view.find(word)
            bounds = (0, 0) if article is None else view.doc_starts[article : article + 2]
            docs = np.arange(*bounds, dtype=np.int32)
            return docs, np.ones(len(docs))
        if field in _WORD_FIELDS:
            postings = view.word_postings(_WORD_FIELDS[field], [word])
        else:
            postings = view.postings(field, word)
        return postings.docs, postings.freqs


class Cursor(base.FieldCursor):
    """A cursor over the terms of a field."""

    def __init__(self, reader: TermsReader, field: str, fieldobj: Any) -> None:
        self._reader = reader
        self._field = field
        self._fieldobj = fieldobj
        self._terms = reader.lexicon(field)
        self._index = 0

    def first(self) -> Any:
        self._index = 0
        return self.text()

    def find(self, term: Any) -> Any:
        wanted = term if isinstance(term, bytes) else self._fieldobj.to_bytes(term)
        self._index = bisect_left(self._terms, wanted)
        return self.text()

    def next(self) -> Any:
        self._index += 1
        return self.text()

    def text(self) -> Any:
        return self._fieldobj.from_bytes(self._terms[self._index]) if self.is_valid() else None

    def term_info(self) -> TermInfo | None:
        return self._reader.term_info(self._field, self._terms[self._index]) if self.is_valid() else None

    def is_valid(self) -> bool:
        return self._index < len(self._terms)


class PerDocumentReader(_Documents, base.PerDocumentReader):
    """The documents of a segment: lengths, columns and stored fields."""

    def __init__(self, view: SegmentView, entry: SegmentEntry) -> None:
        self._view = view
        self.entry = entry
        self._lengths = Lengths(view)

    def supports_columns(self) -> bool:
        return True

    def has_column(self, field: str) -> bool:
        return field == "date"

    def column_reader(self, field: str, column: Any) -> DateColumn:
        return DateColumn(self._view)

    def doc_field_length(self, docnum: int, field: str, default: int = 0) -> int:
        return int(self._lengths[field][docnum]) or default

    def field_length(self, field: str) -> int:
        return int(self._lengths[field].sum())

    def min_field_length(self, field: str) -> int:
        return int(self._lengths[field].min(initial=0))

    def max_field_length(self, field: str) -> int:
        return int(self._lengths[field].max(initial=0))

    def stored_fields(self, docnum: int) -> dict[str, Any]:
        view = self._view
        article = int(np.searchsorted(view.doc_starts, docnum, side="right")) - 1
        paragraph = docnum - int(view.doc_starts[article])
        has_text = int(view.file.sections["article.counts"][article]) > 0
        own = int(view.doc_fields[docnum]) if view.text_names else 0
        ((head, *text),) = view.items([article], [[paragraph] if has_text and not own else []])
        info = decode_info(head, view.language(article))
        fields: dict[str, Any] = {"article": info.id, "title": info.title}
        if info.published:
            fields["date"] = info.published.start
        if own:
            return {**fields, "field": view.text_names[own - 1], "paragraph": view.text_of(docnum)}
        fields["number"] = paragraph + has_text
        if text:
            fields["paragraph"] = text[0].decode()
            fields["anchor"] = view.anchors_at([article], [[paragraph]])[0][0]
        return fields


class DateColumn(ColumnReader):
    """The publication date of each document, as the number that Whoosh's DATETIME sorts by."""

    def __init__(self, view: SegmentView) -> None:
        starts = view.column("article.date_starts")
        # Undated documents come last, as in Whoosh's own columns; Whoosh needs a date for them all the same.
        moments = np.where(starts == NO_DATE, to_timestamp(datetime.max), starts)
        # Whoosh counts microseconds from `datetime.min`.
        self._values = np.repeat((moments - MIN_DATE) * 1_000_000, np.diff(view.doc_starts))

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, docnum: int) -> int:
        return int(self._values[docnum])


class Lengths(dict[str, Array]):
    """How many terms each document has in a field (int64); a title counts in its article's first document."""

    def __init__(self, view: SegmentView) -> None:
        super().__init__()
        self._view = view

    def __missing__(self, field: str) -> Array:
        view, name = self._view, _WORD_FIELDS.get(field, field)
        if name == "paragraph":
            lengths = view.column("doc.terms")
        else:
            lengths = np.zeros(view.documents, np.int64)
            if name == "title":
                lengths[view.doc_starts[:-1]] = view.column("article.title_terms")
        self[field] = lengths
        return lengths
