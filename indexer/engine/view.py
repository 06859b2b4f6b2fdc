"""One segment, open: its lexicons, postings, columns and stored text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.engine.lexicon import Lexicon
from indexer.engine.packed import Packed
from indexer.engine.postings import NO_POSTINGS, Ids, Postings, merge_postings, sum_runs
from indexer.engine.segment import Array, SegmentFile
from indexer.engine.textstore import TextStore

FIELDS = ("title", "paragraph")

Positions = tuple[NDArray[np.int64], NDArray[np.int64]]


class SegmentView:
    """A segment's content; nothing in it changes, so any number of threads may read it.

    Documents and articles are numbered from 0 in the order in which they were added; an article's documents
    stand together. Removals are not a matter of the segment.
    """

    def __init__(self, path: Path) -> None:
        self.file = SegmentFile(path)
        facts = self.file.info()
        self.documents: int = facts["documents"]
        self.articles: int = facts["articles"]
        self.languages: list[str] = facts["languages"]
        section = self.file.sections
        self.stems = Lexicon(section["stem.text"], section["stem.ends"])
        self.words = Lexicon(section["word.text"], section["word.ends"])
        self.ids = Lexicon(section["id.text"], section["id.ends"])
        self._packed = {
            (field, name): Packed(*(section[f"{field}.{name}.{part}"] for part in ("narrow", "at", "wide")))
            for field in FIELDS
            for name in ("gaps", "freqs", "positions")
        }
        self.texts = TextStore(*(section[f"text.{part}"] for part in ("data", "ends", "items", "lengths")))

    @cached_property
    def first(self) -> NDArray[np.int64]:
        """The first document of each article, and after the last the number of documents (int64)."""
        widths = np.maximum(self.column("article.counts"), 1)
        return np.concatenate(([0], np.cumsum(widths)))

    def column(self, name: str) -> NDArray[np.int64]:
        """A column of articles or documents, one value of each (int64)."""
        return self.file.sections[name].astype(np.int64)

    def postings(self, field: str, stem: str) -> Postings:
        """The documents that have a stem in a field; empty when none has."""
        number = self.stems.find(stem)
        return NO_POSTINGS if number is None else self._slice(field, number, number + 1)

    def word_postings(self, field: str, words: Iterable[str]) -> Postings:
        """The documents that have one of the words, as written, in a field, with all their frequencies."""
        wanted = self._variants(words)
        parts: list[Postings] = []
        run: list[int] = []  # neighbouring stems of which every variant is wanted, read in one go
        for stem in sorted(wanted):
            known = self._range("stem.starts", stem)
            if len(wanted[stem]) == known[1] - known[0]:
                if run and run[-1] != stem - 1:
                    parts.append(self._slice(field, run[0], run[-1] + 1))
                    run = []
                run.append(stem)
            else:
                parts.append(self._only(field, stem, wanted[stem]))
        if run:
            parts.append(self._slice(field, run[0], run[-1] + 1))
        return merge_postings(parts)

    def positions(self, field: str, stem: str, docs: Ids) -> Positions:
        """Where a stem stands in documents (ascending): their places in `docs`, and the positions there."""
        number = self.stems.find(stem)
        if number is None or not len(docs):
            return np.empty(0, np.int64), np.empty(0, np.int64)
        found = self._slice(field, number, number + 1)
        begin, _ = self._range(f"{field}.occurrences", number)
        places = np.searchsorted(docs, found.docs)
        places[places == len(docs)] = 0
        here = docs[places] == found.docs
        freqs = found.freqs.astype(np.int64)
        starts = begin + np.cumsum(freqs) - freqs
        picked = _ranges(starts[here], freqs[here])
        positions = self._packed[field, "positions"].pick(picked)
        return np.repeat(places[here], freqs[here]), positions.astype(np.int64)

    def occurrences(self, field: str) -> tuple[Ids, Array, NDArray[np.int32]]:
        """Everything that stands in a field, by stem, document and position: document, variant, position."""
        docs, freqs = self._postings(field, 0, len(self.stems))
        variants = self.file.sections[f"{field}.variants"]
        return np.repeat(docs, freqs), variants, self._packed[field, "positions"].read(0, len(variants))

    def items(self, article: int, paragraphs: Sequence[int] = ()) -> list[bytes]:
        """An article's stored head, and some of its paragraphs (numbered from 0)."""
        start = int(self.first[article]) + article - self._empty_before(article)
        head = self.texts.read(start, 1)
        return head + [self.texts.read(start + 1 + paragraph, 1)[0] for paragraph in paragraphs]

    def all_items(self, article: int) -> list[bytes]:
        """An article's stored head, and all its paragraphs."""
        start = int(self.first[article]) + article - self._empty_before(article)
        return self.texts.read(start, 1 + int(self.file.sections["article.counts"][article]))

    def find(self, article_id: str) -> int | None:
        """The number of the article with this id, or None."""
        place = self.ids.find(article_id)
        return None if place is None else int(self.file.sections["article.by_id"][place])

    def id_of(self, article: int) -> str:
        """The id of an article."""
        return self.ids[int(self.file.sections["article.id_places"][article])]

    def close(self) -> None:
        """Let go of the file."""
        self.file.close()

    @cached_property
    def _empties(self) -> Array:
        return np.flatnonzero(self.file.sections["article.counts"] == 0)

    def _empty_before(self, article: int) -> int:
        # The one document of an article without text has no item.
        return int(np.searchsorted(self._empties, article))

    def _range(self, name: str, number: int) -> tuple[int, int]:
        starts = self.file.sections[name]
        return int(starts[number]), int(starts[number + 1])

    def _slice(self, field: str, low: int, high: int) -> Postings:
        """The postings of the stems from number `low` up to `high`, as of one."""
        docs, freqs = self._postings(field, low, high)
        if high - low > 1:
            order = np.argsort(docs, kind="stable")
            return Postings(*sum_runs(docs[order], freqs[order].astype(np.float64)))
        return Postings(docs, freqs.astype(np.float64))

    def _postings(self, field: str, low: int, high: int) -> tuple[Ids, NDArray[np.int32]]:
        """Documents and frequencies of the stems from number `low` up to `high`, one stem after the other."""
        starts = self.file.sections[f"{field}.starts"]
        begin, end = int(starts[low]), int(starts[high])
        docs = self._packed[field, "gaps"].read(begin, end)
        np.cumsum(docs, out=docs)
        if high - low > 1 and begin < end:
            first = starts[low:high].astype(np.int64) - begin
            # What was summed up before a stem began is not part of its gaps.
            before = np.where(first > 0, docs[np.maximum(first, 1) - 1], 0).astype(np.int32)
            docs -= np.repeat(before, np.diff(first, append=end - begin))
        return docs, self._packed[field, "freqs"].read(begin, end)

    def _only(self, field: str, stem: int, variants: set[int]) -> Postings:
        """The postings of some of a stem's words."""
        sections = self.file.sections
        begin, end = self._range(f"{field}.occurrences", stem)
        if begin == end:
            return NO_POSTINGS
        codes = sections[f"{field}.variants"][begin:end]
        wanted = np.zeros(int(codes.max()) + 1, np.bool_)
        wanted[[code for code in variants if code < len(wanted)]] = True
        whole = self._slice(field, stem, stem + 1)
        freqs = whole.freqs.astype(np.int64)
        counts = np.add.reduceat(wanted[codes], np.cumsum(freqs) - freqs, dtype=np.float64)
        kept = counts > 0
        return Postings(whole.docs[kept], counts[kept])

    def _variants(self, words: Iterable[str]) -> dict[int, set[int]]:
        """The stems of words, and which of each stem's variants they are."""
        wanted: dict[int, set[int]] = {}
        stems, variants = self.file.sections["word.stems"], self.file.sections["word.variants"]
        for word in words:
            number = self.words.find(word)
            if number is not None:
                for place in range(*self._range("word.starts", number)):
                    wanted.setdefault(int(stems[place]), set()).add(int(variants[place]))
        return wanted


def _ranges(starts: Array, lengths: Array) -> Array:
    """The numbers start, start + 1, … of several ranges, one after the other."""
    ends = np.cumsum(lengths)
    return np.repeat(starts - ends + lengths, lengths) + np.arange(int(ends[-1]) if len(ends) else 0)
