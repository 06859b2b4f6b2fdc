"""Merges segments into one: arrays are copied and renumbered, no text is analyzed again.

The merge policy decides by size: segments fall into tiers, each eight times as large as the one below, and
eight segments of a tier become one of the next. Every posting is copied once for each tier, so indexing n
postings costs O(n log n).
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
from numpy.typing import DTypeLike, NDArray

from indexer.engine.build.check import check_numbers
from indexer.engine.build.gather import Run
from indexer.engine.build.invert import (
    NumberedRun,
    add_prefix,
    encode_articles,
    encode_forms,
    encode_phrases,
    encode_postings,
    make_facts,
    make_forms,
)
from indexer.engine.format.arrays import split_aligned
from indexer.engine.format.columns import Column, encode_column, join_groups
from indexer.engine.format.labels import merge_labels
from indexer.engine.format.lexicon import Lexicon, merge_lexicons
from indexer.engine.format.phrases import find_common_forms
from indexer.engine.format.segment_file import DOC_FIELDS, Array, Section, compact, encode_segment
from indexer.engine.format.text_store import TextWriter, train
from indexer.engine.read.postings import FIELDS
from indexer.engine.read.segment import SegmentView

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # constants of malloc.h
_WHILE_MERGING, _OTHERWISE = 2**20, 2**25  # bytes above which free memory is returned to the system
_MIN_ON_DISK = 2**20  # bytes
_NONE = np.empty(0, np.int64)
Source = tuple[SegmentView, NDArray[np.bool_] | None]
"""A segment, and which of its documents are not removed (bool, one of each; None for all)."""


@dataclass(frozen=True, slots=True)
class MergePolicy:
    """Decides which segments are merged."""

    factor: int = 8
    """How many segments of a tier become one, and how much larger a segment of the next tier is."""
    min_documents: int = 1000
    """A segment with fewer documents belongs to the lowest tier."""
    max_removed: float = 0.3
    """A segment with a larger share of removed documents is rewritten without them."""

    def choose(self, sizes: Sequence[tuple[int, int]]) -> list[int]:
        """The indices of the segments to merge into one now; empty if there is nothing to merge.

        `sizes` has the numbers of live and of removed documents of each segment.
        """
        tiers: dict[int, list[int]] = {}
        for index, (live, removed) in enumerate(sizes):
            if removed > self.max_removed * (live + removed):
                return [index]
            tier = 0
            while live >= self.min_documents * self.factor**tier:
                tier += 1
            tiers.setdefault(tier, []).append(index)
        for tier in sorted(tiers):
            if len(tiers[tier]) >= self.factor:
                # If the merged segment completes the tier above, merge that too, to copy it once only.
                chosen = tiers[tier]
                while len(tiers.get(tier + 1, ())) == self.factor - 1:
                    tier += 1
                    chosen = [*chosen, *tiers[tier]]
                return sorted(chosen)
        return []


TIERED = MergePolicy()


def merge(sources: Sequence[Source]) -> tuple[Iterator[bytes | memoryview], int]:
    """The bytes of the segment with the live documents of the sources, in order, and how many they are.

    Raises IndexDamaged if the content of a source is not consistent.
    """
    return_memory(_WHILE_MERGING)
    inputs = [_Input(view, live) for view, live in sources]
    documents = sum(source.documents for source in inputs)
    languages, codes = merge_labels(
        (source.view.languages, source.select("article.languages")) for source in inputs
    )
    columns = join_groups((len(source.articles), source.read_columns()) for source in inputs)
    text_names, doc_fields = _merge_doc_fields(inputs)
    sections = _restore_malloc(_make_sections(inputs, languages, codes, columns, doc_fields))
    facts = make_facts(documents, len(codes), languages, columns, text_names)
    return encode_segment(sections, facts), documents


class _Input:
    """A segment to merge, after a check of its content, with its live documents and articles."""

    def __init__(self, view: SegmentView, live: NDArray[np.bool_] | None) -> None:
        check_numbers(view)
        view.file.release()
        self.view = view
        self.live = np.ones(view.documents, np.bool_) if live is None else live
        self.documents = int(self.live.sum())
        self.articles = np.flatnonzero(self.live[view.doc_starts[:-1]])

    def select(self, name: str) -> Array:
        """The values of the live articles or documents, from a column of either."""
        column = self.view.file.sections[name]
        return column[self.articles if name.startswith("article.") else self.live]

    def read_columns(self) -> dict[str, Column]:
        """The columns of the values of the live articles, by name."""
        is_live = self.live[self.view.doc_starts[:-1]]
        return {name: self.view.read_column(name).select(is_live) for name in self.view.kinds}

    def find_groups(
        self, field: str, numbers: NDArray[np.int32], used: NDArray[np.bool_]
    ) -> Callable[[], tuple[Array, Array]]:
        """Mark the forms of a field as used; returns a function that gives its heads and counts."""
        if self.live.all():
            used[numbers] = True
            return partial(self._read_groups, field)
        heads, counts = [_NONE], [_NONE]
        for run in self.read_runs(field):
            used[numbers[run.forms]] = True
            heads.append(run.heads)
            counts.append(run.counts)
        found = np.concatenate(heads), np.concatenate(counts)
        return lambda: found

    def _read_groups(self, field: str) -> tuple[Array, Array]:
        """The heads and counts of the runs of a segment without removed documents."""
        counts: Array = np.diff(self.view.column(f"{field}.occurrences"))
        return self.view.file.sections["stem.starts"][:-1][counts > 0], counts[counts > 0]

    def read_runs(self, field: str) -> Iterator[Run]:
        """The live occurrences of a field as runs of some stems each, with the segment's numbers of forms."""
        own = self.view.fields[field]
        occurrences, first_form = own.section("occurrences"), self.view.file.sections["stem.starts"]
        for low, high in own.split_stems():
            docs, variants, positions = own.read_occurrences(low, high)
            counts: Array = np.diff(occurrences[low : high + 1].astype(np.int64))
            forms = np.repeat(first_form[low:high], counts) + variants
            capitals = own.read_capitals(int(occurrences[low]), int(occurrences[high]))
            yield Run(counts[counts > 0], forms, docs, positions, capitals).select(self.live)
        self.view.file.release()


def _make_sections(
    inputs: Sequence[_Input],
    languages: Sequence[str],
    codes: Array,
    fields: Mapping[str, Column],
    doc_fields: Array,
) -> Iterator[Section]:
    """Make the sections of the segment, one after the other, and delete arrays as soon as possible.

    `codes` has the language of each article, as an index of `languages`; `fields` are the columns of their
    values, `doc_fields` has the number of the field of each document.
    """
    stems, words, every, numbers = _merge_forms([source.view for source in inputs])
    # Forms that only removed documents have are dropped.
    used = np.zeros(len(every), np.bool_)
    groups = {
        field: [source.find_groups(field, own, used) for source, own in zip(inputs, numbers, strict=True)]
        for field in FIELDS
    }
    if not used.all():
        new_number = np.cumsum(used, dtype=np.int32) - 1
        every, numbers = every[used], [new_number[own] for own in numbers]
    stem_of, word_of = np.empty(len(every), np.int32), np.empty(len(every), np.int32)
    word_count = max(len(words), 1)
    np.floor_divide(every, word_count, out=stem_of, casting="unsafe")
    np.remainder(every, word_count, out=word_of, casting="unsafe")
    stems, stem_of = _drop_unused(stems, stem_of)
    words, word_of = _drop_unused(words, word_of)
    counts = len(stems), len(words)
    del used, every
    is_common = find_common_forms(stems, words, stem_of, word_of, languages)
    yield from add_prefix("stem", stems.make_sections())
    del stems
    yield from add_prefix("word", words.make_sections())
    del words
    new_forms = make_forms(stem_of, counts[0])
    del stem_of
    yield from encode_forms(new_forms, word_of, counts[1])
    del word_of
    allocate = partial(allocate_on_disk, inputs[0].view.file.path.parent)
    ends = np.cumsum([source.documents for source in inputs])
    documents = np.split(np.arange(ends[-1], dtype=np.int32), ends[:-1])

    def concatenate(name: str) -> Array:
        return np.concatenate([source.select(name) for source in inputs])

    terms = concatenate("doc.terms")
    for field in FIELDS:
        runs = [
            NumberedRun(own, docs, sizes, partial(source.read_runs, field))
            for source, own, docs, sizes in zip(inputs, numbers, documents, groups.pop(field), strict=True)
        ]
        if field == "paragraph":
            yield from encode_phrases(new_forms, is_common, runs, terms, allocate)
        yield from add_prefix(field, encode_postings(new_forms, runs, allocate))
    del new_forms, numbers
    names = ("counts", "title_terms", "text_terms", "date_starts", "date_ends", "title_keys")
    columns = {name: concatenate(f"article.{name}") for name in names}
    columns["languages"] = codes
    columns["sketches"] = np.concatenate([source.view.sketches[source.articles] for source in inputs])
    ids = [source.view.id_of(article) for source in inputs for article in source.articles.tolist()]
    yield from encode_articles(columns, ids)
    for name, column in fields.items():
        yield from encode_column(name, column).items()
    if doc_fields.any():
        yield DOC_FIELDS, compact(doc_fields)
    yield "doc.terms", compact(terms)
    yield "doc.anchors", concatenate("doc.anchors")
    yield from add_prefix("text", _merge_texts(inputs))


def _merge_doc_fields(inputs: Sequence[_Input]) -> tuple[list[str], Array]:
    """The names of the fields of texts, and the number of the field of each document; see `doc_fields`."""
    if not any(source.view.text_names for source in inputs):
        return [], _NONE
    # "" stands for the paragraphs, and is the first of all names.
    (_, *names), numbers = merge_labels(
        (("", *source.view.text_names), source.view.doc_fields[source.live]) for source in inputs
    )
    return names, numbers


def _restore_malloc(sections: Iterator[Section]) -> Iterator[Section]:
    """The sections; afterwards, free memory is kept in the process again."""
    try:
        yield from sections
    finally:
        return_memory()


def return_memory(above: int = _OTHERWISE) -> None:
    """Have the C library return free memory in pieces of more than `above` bytes to the system at once.

    By default, glibc keeps much of it: merging 64 MB of distinct words took 523 MB instead of 497 MB.
    """
    with suppress(ImportError, AttributeError, TypeError, OSError):  # another C library
        import ctypes

        library = ctypes.CDLL(None)
        library.mallopt(_MMAP_THRESHOLD, above)
        library.mallopt(_TRIM_THRESHOLD, 2 * above)
        library.malloc_trim(0)


def _merge_forms(
    views: Sequence[SegmentView],
) -> tuple[Lexicon, Lexicon, NDArray[np.int64], list[NDArray[np.int32]]]:
    """The merged lexicons of stems and words, the forms of all segments, and those of each segment.

    A form is the number of its stem times the number of words, plus the number of its word; all ascend.
    Those of each segment are given as their indices among all.
    """

    def release() -> None:
        for view in views:
            view.file.release()

    stems, stem_numbers = merge_lexicons([view.stems for view in views], release)
    words, word_numbers = merge_lexicons([view.words for view in views], release)
    keys = []
    for view, stem_of, word_of in zip(views, stem_numbers, word_numbers, strict=True):
        key = np.repeat(stem_of * np.int64(len(words)), np.diff(view.column("stem.starts")))
        key += word_of[view.file.sections["stem.words"]]
        keys.append(key)
        view.file.release()
    del stem_numbers, word_numbers
    numbers = [np.empty(len(key), np.int32) for key in keys]
    every = np.empty(sum(map(len, keys)), np.int64)
    starts, count = [0] * len(keys), 0
    for parts in split_aligned(keys):
        own = np.unique(np.concatenate(parts))
        every[count : count + len(own)] = own
        for segment, part in enumerate(parts):
            start, starts[segment] = starts[segment], starts[segment] + len(part)
            numbers[segment][start : starts[segment]] = np.searchsorted(own, part) + count
        count += len(own)
    return stems, words, every[:count], numbers


def _drop_unused(lexicon: Lexicon, numbers: NDArray[np.int32]) -> tuple[Lexicon, NDArray[np.int32]]:
    """Drop the words of a lexicon that have none of these numbers; returns it with the new numbers."""
    used = np.zeros(len(lexicon), np.bool_)
    used[numbers] = True
    if used.all():
        return lexicon, numbers
    new_number = np.cumsum(used, dtype=np.int32) - 1
    return lexicon.select(used), new_number[numbers]


def allocate_on_disk(folder: Path, size: int, kind: DTypeLike) -> Array:
    """An array, like that of `numpy.empty`, that need not stay in memory.

    A large one is a mapped file without a name in the folder, or in memory if there cannot be such a file:
    the disk has no space for it, or the file system reserves none.
    """
    type_ = np.dtype(kind)
    if size * type_.itemsize >= _MIN_ON_DISK and hasattr(os, "posix_fallocate"):
        with suppress(OSError), TemporaryFile(dir=folder) as file:
            # Without space on the disk, writing to a mapped file would end the process.
            os.posix_fallocate(file.fileno(), 0, size * type_.itemsize)
            return np.frombuffer(mmap.mmap(file.fileno(), size * type_.itemsize), type_)
    return np.empty(size, type_)


def _merge_texts(inputs: Sequence[_Input]) -> dict[str, Array]:
    """The sections of the stored texts; blocks of segments without removals are copied as they are."""
    writer = TextWriter(choose_dictionary(source.view for source in inputs))
    for source in inputs:
        view = source.view
        if len(source.articles) == view.articles:
            writer.add_store(view.texts)
        else:
            for article in source.articles.tolist():
                writer.add(view.all_items(article))
    return train(writer).make_sections()


def choose_dictionary(views: Iterable[SegmentView]) -> bytes:
    """The dictionary of the largest segment that has one; empty if none has."""
    known = [(view.articles, dictionary) for view in views if (dictionary := view.dictionary)]
    return max(known, default=(0, b""))[1]
