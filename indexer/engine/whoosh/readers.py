"""How Whoosh reads a columnar segment: its terms, its documents and their columns, one object at a time."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from whoosh.codec import base
from whoosh.columns import ColumnReader
from whoosh.matching.mcore import ListMatcher
from whoosh.reading import TermInfo, TermNotFound

from indexer.engine.format.arrays import Ids
from indexer.engine.format.record import EPOCH, NO_DATE, decode_info, from_timestamp, to_timestamp
from indexer.engine.format.segment_file import Array
from indexer.engine.read.segment import SegmentView
from indexer.files.fork_safe import lazy

if TYPE_CHECKING:
    from indexer.engine.whoosh.codec import ColumnarSegment

_STEM_FIELDS = ("title", "paragraph")
_WORD_FIELDS = {"title_words": "title", "paragraph_words": "paragraph"}
_FIELDS = ("article", "date", *_STEM_FIELDS, *_WORD_FIELDS)


class TermsReader(base.TermsReader):
    """The terms of a segment, field by field, as Whoosh steps through them."""

    def __init__(self, view: SegmentView) -> None:
        self._view = view
        self._lexicons: dict[str, list[bytes]] = {}
        self._lengths = Lengths(view)

    def __contains__(self, term: tuple[str, bytes]) -> bool:
        field, text = term
        return field in _FIELDS and len(self._docs(field, text)[0]) > 0

    def indexed_field_names(self) -> Sequence[str]:
        """The fields that have terms."""
        return _FIELDS

    def cursor(self, field: str, fieldobj: Any) -> Cursor:
        """A cursor over the terms of a field."""
        return Cursor(self, field, fieldobj)

    def terms(self) -> Iterator[tuple[str, bytes]]:
        """Every (field, term), ascending."""
        return ((field, text) for field in sorted(_FIELDS) for text in self.lexicon(field))

    def terms_from(self, field: str, prefix: bytes) -> Iterator[tuple[str, bytes]]:
        """Every (field, term) from a place on."""
        for name in sorted(_FIELDS):
            if name >= field:
                terms = self.lexicon(name)
                for text in terms[bisect_left(terms, prefix) if name == field else 0 :]:
                    yield name, text

    def items(self) -> Iterator[tuple[tuple[str, bytes], TermInfo]]:
        """Every term with its statistics."""
        return ((term, self.term_info(*term)) for term in self.terms())

    def items_from(self, field: str, prefix: bytes) -> Iterator[tuple[tuple[str, bytes], TermInfo]]:
        """Every term from a place on, with its statistics."""
        return ((term, self.term_info(*term)) for term in self.terms_from(field, prefix))

    def term_info(self, field: str, text: bytes) -> TermInfo:
        """A term's statistics; raises TermNotFound."""
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
        """How often a term stands in the segment."""
        return float(self._docs(field, text)[1].sum())

    def doc_frequency(self, field: str, text: bytes) -> int:
        """How many documents have a term."""
        return len(self._docs(field, text)[0])

    def matcher(self, field: str, text: bytes, format_: Any, scorer: Any = None) -> ListMatcher:
        """A Whoosh matcher over a term's postings; raises TermNotFound."""
        docs, freqs = self._docs(field, text)
        info = self.term_info(field, text)
        values: list[bytes]
        if field in _STEM_FIELDS:
            places, positions = self._view.positions(field, text.decode(), docs)
            bounds = np.searchsorted(places, np.arange(len(docs) + 1))
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

    def close(self) -> None:
        """Let go of the file."""

    def _find_terms(self, field: str) -> list[bytes]:
        view = self._view
        if field == "article":
            return [word.encode() for word in view.ids.words()]
        if field == "date":
            return sorted(self._dates)
        # A lexicon serves both fields; some of its words stand in the other one only.
        name = _WORD_FIELDS.get(field, field)
        per_stem = np.diff(view.column(f"{name}.occurrences"))
        if name == field:
            every, here = view.stems.words(), np.flatnonzero(per_stem)
        else:
            forms = np.repeat(view.column("stem.starts")[:-1], per_stem) + view.column(f"{name}.variants")
            every, here = view.words.words(), np.unique(view.column("stem.words")[forms])
        return [every[number].encode() for number in here.tolist()]

    @lazy
    def _dates(self) -> dict[bytes, list[int]]:
        """The documents of each term of the date field, as Whoosh's DATETIME would have indexed them."""
        from whoosh.fields import DATETIME

        field = DATETIME()
        found: dict[bytes, list[int]] = {}
        first = self._view.first
        for article, begin in enumerate(self._view.column("article.begins").tolist()):
            if begin != NO_DATE:
                docs = range(int(first[article]), int(first[article + 1]))
                for term, *_ in field.index(from_timestamp(begin)):
                    found.setdefault(term, []).extend(docs)
        return found

    def _docs(self, field: str, text: bytes) -> tuple[Ids, Array]:
        view = self._view
        if field == "date":
            docs = np.array(self._dates.get(text, ()), np.int32)
            return docs, np.ones(len(docs))
        try:
            word = text.decode()
        except UnicodeDecodeError:
            return np.empty(0, np.int32), np.empty(0)
        if field == "article":
            article = view.find(word)
            docs = (
                np.empty(0, np.int32)
                if article is None
                else np.arange(view.first[article], view.first[article + 1], dtype=np.int32)
            )
            return docs, np.ones(len(docs))
        if field in _WORD_FIELDS:
            postings = view.word_postings(_WORD_FIELDS[field], [word])
        else:
            postings = view.postings(field, word)
        return postings.docs, postings.freqs


class Cursor(base.FieldCursor):
    """Steps through the terms of a field."""

    def __init__(self, reader: TermsReader, field: str, fieldobj: Any) -> None:
        self._reader = reader
        self._field = field
        self._fieldobj = fieldobj
        self._terms = reader.lexicon(field)
        self._place = 0

    def first(self) -> Any:
        """Go to the first term."""
        self._place = 0
        return self.text()

    def find(self, term: Any) -> Any:
        """Go to the first term that is not before this one."""
        wanted = term if isinstance(term, bytes) else self._fieldobj.to_bytes(term)
        self._place = bisect_left(self._terms, wanted)
        return self.text()

    def next(self) -> Any:
        """Go to the next term."""
        self._place += 1
        return self.text()

    def text(self) -> Any:
        """The term here; None at the end."""
        return self._fieldobj.from_bytes(self._terms[self._place]) if self.is_valid() else None

    def term_info(self) -> TermInfo | None:
        """The statistics of the term here."""
        return self._reader.term_info(self._field, self._terms[self._place]) if self.is_valid() else None

    def is_valid(self) -> bool:
        """Whether there is a term here."""
        return self._place < len(self._terms)


class PerDocumentReader(base.PerDocumentReader):
    """The documents of a segment: lengths, columns and stored fields."""

    def __init__(self, view: SegmentView, segment: ColumnarSegment) -> None:
        self._view = view
        self._segment = segment
        self._lengths = Lengths(view)

    def doc_count(self) -> int:
        """How many documents are not removed."""
        return int(self._segment.doc_count())

    def doc_count_all(self) -> int:
        """How many documents there are."""
        return self._segment.documents

    def has_deletions(self) -> bool:
        """Whether documents are removed."""
        return bool(self._segment.removed)

    def is_deleted(self, docnum: int) -> bool:
        """Whether a document is removed."""
        return self._segment.is_deleted(docnum)

    def deleted_docs(self) -> Iterator[int]:
        """The removed documents."""
        return self._segment.deleted_docs()

    def supports_columns(self) -> bool:
        """Dates can be sorted by."""
        return True

    def has_column(self, field: str) -> bool:
        """Whether a field can be sorted by."""
        return field == "date"

    def column_reader(self, field: str, column: Any) -> DateColumn:
        """The column of a field."""
        return DateColumn(self._view)

    def doc_field_length(self, docnum: int, field: str, default: int = 0) -> int:
        """How many terms a field of a document has."""
        return int(self._lengths[field][docnum]) or default

    def field_length(self, field: str) -> int:
        """How many terms a field has in all documents."""
        return int(self._lengths[field].sum())

    def min_field_length(self, field: str) -> int:
        """The fewest terms that a document has in a field."""
        return int(self._lengths[field].min(initial=0))

    def max_field_length(self, field: str) -> int:
        """The most terms that a document has in a field."""
        return int(self._lengths[field].max(initial=0))

    def stored_fields(self, docnum: int) -> dict[str, Any]:
        """What is stored of a document."""
        view = self._view
        article = int(np.searchsorted(view.first, docnum, side="right")) - 1
        place = docnum - int(view.first[article])
        has_text = int(view.file.sections["article.counts"][article]) > 0
        ((head, *text),) = view.items([article], [[place] if has_text else []])
        info = decode_info(head, view.language(article))
        fields: dict[str, Any] = {"article": info.id, "title": info.title, "number": place + has_text}
        if info.published:
            fields["date"] = info.published.start
        if text:
            fields["paragraph"] = text[0].decode()
            fields["anchor"] = view.anchors_at([article], [[place]])[0][0]
        return fields


class DateColumn(ColumnReader):
    """The publication date of each document, as the number that Whoosh's DATETIME sorts by."""

    def __init__(self, view: SegmentView) -> None:
        begins = view.column("article.begins")
        # Undated documents come after all others, as in Whoosh's own columns, but as a date all the same.
        moments = np.where(begins == NO_DATE, to_timestamp(datetime.max), begins)
        numbers = (moments - EPOCH) * 1_000_000
        self._values = np.repeat(numbers, np.diff(view.first))

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, docnum: int) -> int:
        return int(self._values[docnum])

    def sort_key(self, docnum: int) -> Any:
        """What Whoosh sorts by."""
        return self[docnum]


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
                lengths[view.first[:-1]] = view.column("article.title_terms")
        self[field] = lengths
        return lengths
