"""Inverts chunks into a segment: forms become lexicons, sorted runs become postings, by copying integers."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress
from operator import ne
from typing import Any
from weakref import ref

import numpy as np
from numpy.typing import DTypeLike, NDArray

from indexer.engine.build.gather import Chunk, Numbering, Run, mark_custom_texts, stable_order
from indexer.engine.build.tokenize import split_forms
from indexer.engine.format.arrays import AT_ONCE, expand_ranges, find_value
from indexer.engine.format.columns import Column, encode_column, join_groups
from indexer.engine.format.labels import merge_labels
from indexer.engine.format.lexicon import Lexicon, encode_lexicon, sort_words
from indexer.engine.format.phrases import FormSequence, find_common_forms, find_phrases
from indexer.engine.format.segment_file import (
    DOC_FIELDS,
    Array,
    Section,
    compact,
    encode_segment,
    pack,
)
from indexer.engine.format.text_store import ENOUGH_TO_TRAIN, TextStore, TextWriter, train

Ints = NDArray[np.int64]
Allocate = Callable[[int, DTypeLike], Array]
"""Returns an array of a size and a type, as `numpy.empty` does."""
PLAIN_COLUMNS = ("date_starts", "date_ends", "title_keys", "sketches")
"""Columns of articles that are stored in their own type; the others are compact."""
# Measured: bytes of memory for the chunks, and for making a segment of them.
_BYTES_PER_TERM, _BYTES_PER_FORM, _BYTES_PER_ARTICLE = 28, 360, 1000


@dataclass(frozen=True, slots=True)
class Forms:
    """The forms of a segment, ascending by stem and then by word."""

    stem_of: Array
    """The number of the stem of each form (int32)."""
    variant_of: Array
    """The number of each form's word among the words of its stem."""
    stems: int
    """How many stems there are."""


@dataclass(frozen=True, slots=True)
class NumberedRun:
    """Runs of some texts, with the numbers that their forms and texts have in the new segment.

    The runs are read only when it is their turn, to save memory. No stem has groups in two of them.
    """

    forms: Array
    """The number in the segment of each form."""
    documents: Array
    """The document in the segment of each text."""
    groups: Callable[[], tuple[Array, Array]]
    """Returns the heads and counts of the runs, one run after the other."""
    read: Callable[[], Iterable[Run]]
    """Returns the runs."""

    @classmethod
    def from_run(cls, run: Run, forms: Array, documents: Array) -> NumberedRun:
        """Make one of a run that is in memory."""
        return cls(forms, documents, lambda: (run.heads, run.counts), lambda: [run])


@dataclass(slots=True)
class Buffer:
    """Collects the chunks of the next segment."""

    forms: Numbering = field(default_factory=Numbering)
    chunks: list[Chunk] = field(default_factory=list)
    texts: TextWriter = field(default_factory=TextWriter)
    articles: int = 0
    chunk_bytes: int = 0
    """Memory for everything but the forms, roughly."""
    numberings: list[ref[array[int]]] = field(default_factory=list)
    """The numbers here of the forms of each gatherer that is still in use."""
    max_forms: int = 250_000
    """With more forms after a segment, those that no gatherer knows any more are forgotten."""
    lists_phrases: bool = True
    """Whether the segment has the phrases of its texts."""

    @property
    def size(self) -> int:
        """Bytes of memory for the chunks and for making a segment of them, roughly."""
        return self.chunk_bytes + _BYTES_PER_FORM * len(self.forms) if self.chunks else 0

    def add(self, chunk: Chunk, numbers: array[int]) -> None:
        """Add a chunk; `numbers` are those that its gatherer's forms have here, new ones are appended."""
        self.learn(chunk, numbers)
        mapping = np.array(numbers, np.int32)
        chunk.titles = replace(chunk.titles, forms=mapping[chunk.titles.forms])
        chunk.texts = replace(chunk.texts, forms=mapping[chunk.texts.forms])
        chunk.forms = ""
        items, chunk.items = chunk.items, {}
        size = self.texts.size
        self.texts.add_store(TextStore(items))
        if size < ENOUGH_TO_TRAIN <= self.texts.size:
            self.texts = train(self.texts)
        self.articles += len(chunk.ids)
        self.chunk_bytes += _BYTES_PER_TERM * (len(chunk.titles) + len(chunk.texts)) + 2 * len(items["data"])
        self.chunk_bytes += _BYTES_PER_ARTICLE * len(chunk.ids)
        self.chunks.append(chunk)

    def learn(self, chunk: Chunk, numbers: array[int]) -> None:
        """Number the new forms of a chunk."""
        if all(known() is not numbers for known in self.numberings):
            self.numberings.append(ref(numbers))
        if chunk.is_fresh:
            del numbers[:]
        if chunk.forms:
            numbers.extend(map(self.forms.__getitem__, chunk.forms.split("\n")))

    def clear(self) -> None:
        """Drop the chunks, but keep the forms that gatherers still know."""
        self.chunks, self.texts = [], TextWriter(self.texts.dictionary)
        self.chunk_bytes = self.articles = 0
        if len(self.forms) > self.max_forms:
            self._forget_forms()

    def _forget_forms(self) -> None:
        """Forget the forms that no gatherer knows any more, and number the others again."""
        known = [(numbers, np.array(numbers, np.int32)) for seen in self.numberings if (numbers := seen())]
        self.numberings = [ref(numbers) for numbers, _ in known]
        used = np.zeros(len(self.forms), np.bool_)
        for _, old in known:
            used[old] = True
        new_number = np.cumsum(used, dtype=np.int32) - 1
        for numbers, old in known:
            numbers[:] = array("i", new_number[old].tobytes())
        self.forms = Numbering({form: number for number, form in enumerate(compress(self.forms, used))})

    def make_segment(self, allocate: Allocate = np.empty) -> tuple[Iterator[bytes | memoryview], int]:
        """The bytes of the segment, and how many documents it has; the buffer is empty afterwards.

        An array of all words, for which there may be too little memory beside the chunks, is from `allocate`.
        """
        sections, facts = self.make_sections(allocate)
        return encode_segment(sections, facts), facts["documents"]

    def make_sections(self, allocate: Allocate = np.empty) -> tuple[Iterator[Section], dict[str, Any]]:
        """The sections of the segment and the facts about it; see `make_segment`."""
        self.texts = train(self.texts)
        chunks, texts, forms = self.chunks, self.texts, self.forms
        self.clear()
        counts, custom_counts = (
            _concatenate([getattr(chunk, name) for chunk in chunks]) for name in ("counts", "custom_counts")
        )
        bodies = np.maximum(counts, 1)  # an article without paragraphs has one document for them
        first = np.concatenate(([0], np.cumsum(bodies + custom_counts)))
        languages = sorted({language for chunk in chunks for language in chunk.languages})
        columns = join_groups((len(chunk.counts), chunk.fields) for chunk in chunks)
        is_own = mark_custom_texts(bodies, custom_counts)
        text_names, custom_fields = merge_labels((chunk.text_names, chunk.custom_fields) for chunk in chunks)
        doc_fields = np.zeros(len(is_own), np.int64)
        doc_fields[is_own] = custom_fields + 1
        facts = make_facts(int(first[-1]), len(counts), languages, columns, text_names)
        sections = _make_sections(
            chunks,
            forms,
            counts,
            first,
            doc_fields,
            languages,
            texts,
            columns,
            allocate,
            lists_phrases=self.lists_phrases,
        )
        return sections, facts


def make_facts(
    documents: int,
    articles: int,
    languages: list[str],
    columns: Mapping[str, Column],
    text_names: Sequence[str],
) -> dict[str, Any]:
    """The facts about a segment."""
    kinds = {name: column.kind for name, column in columns.items()}
    facts = {"documents": documents, "articles": articles, "languages": languages, "fields": kinds}
    return {**facts, "texts": list(text_names)} if text_names else facts


def _make_sections(
    chunks: list[Chunk],
    forms: dict[str, int],
    counts: Ints,
    first: Ints,
    doc_fields: Ints,
    languages: list[str],
    texts: TextWriter,
    fields: Mapping[str, Column],
    allocate: Allocate,
    *,
    lists_phrases: bool,
) -> Iterator[Section]:
    """Make the sections of a segment, one after the other; the chunks are consumed.

    `first` has the first document of each article, `doc_fields` the number of the field of each document.
    """
    documents = int(first[-1])
    is_text = np.ones(documents, np.bool_)
    is_text[first[:-1][counts == 0]] = False
    # Forms of earlier segments keep their numbers, but are not part of this one.
    used = np.zeros(len(forms), np.bool_)
    for chunk in chunks:
        used[chunk.titles.forms] = used[chunk.texts.forms] = True
    every = [*forms]
    ordered = sorted(np.flatnonzero(used).tolist(), key=every.__getitem__)
    own = [every[number] for number in ordered]
    new_number = np.zeros(len(forms), np.int32)
    new_number[ordered] = np.arange(len(own))
    del every, ordered
    stem_of_each, word_of_each = split_forms(own)
    stems = list(dict.fromkeys(stem_of_each))
    stem_lexicon = encode_lexicon(stems)
    yield from add_prefix("stem", stem_lexicon)
    is_next_stem = np.fromiter(map(ne, stem_of_each[1:], stem_of_each), np.bool_, max(len(own) - 1, 0))
    sorted_forms = make_forms(np.concatenate(([0], np.cumsum(is_next_stem)))[: len(own)], len(stems))
    del stem_of_each, stems
    words, word_of = sort_words(word_of_each)
    word_lexicon = encode_lexicon(words)
    yield from add_prefix("word", word_lexicon)
    yield from encode_forms(sorted_forms, word_of, len(words))
    is_common = np.empty(0, np.bool_)
    if lists_phrases:
        lexicons = [Lexicon(own["text"], own["ends"]) for own in (stem_lexicon, word_lexicon)]
        is_common = find_common_forms(lexicons[0], lexicons[1], sorted_forms.stem_of, word_of, languages)
        del lexicons
    del own, words, word_of, word_of_each, stem_lexicon, word_lexicon
    # A title is in the first document of its article, each other text in a document of its own.
    heads = np.split(first[:-1], np.cumsum([len(chunk.counts) for chunk in chunks])[:-1])
    bodies = np.split(np.flatnonzero(is_text), np.cumsum([len(chunk.text_terms) for chunk in chunks])[:-1])
    titles = [NumberedRun.from_run(c.titles, new_number, head) for c, head in zip(chunks, heads, strict=True)]
    paragraphs = [
        NumberedRun.from_run(c.texts, new_number, body) for c, body in zip(chunks, bodies, strict=True)
    ]
    for chunk in chunks:
        chunk.titles = chunk.texts = Run()
    # The document of an article without paragraphs has no terms and no anchor, nor has a custom text.
    terms = np.zeros(documents, np.int64)
    terms[is_text] = _concatenate([chunk.text_terms for chunk in chunks])
    yield from add_prefix("title", encode_postings(sorted_forms, titles))
    if lists_phrases:
        yield from encode_phrases(sorted_forms, is_common, paragraphs, terms, allocate)
    yield from add_prefix("paragraph", encode_postings(sorted_forms, paragraphs))
    del sorted_forms
    anchors = np.zeros(documents, np.uint32)
    anchors[is_text & (doc_fields == 0)] = _concatenate([chunk.anchors for chunk in chunks])
    codes = {language: code for code, language in enumerate(languages)}
    columns = {
        "counts": counts,
        "title_terms": _concatenate([chunk.title_terms for chunk in chunks]),
        "text_terms": np.add.reduceat(terms, first[:-1]) if len(counts) else counts,
        "languages": np.array([codes[name] for chunk in chunks for name in chunk.languages], np.int64),
        **{name: np.concatenate([chunk.columns[name] for chunk in chunks]) for name in PLAIN_COLUMNS},
    }
    yield from encode_articles(columns, [name for chunk in chunks for name in chunk.ids])
    for name, column in fields.items():
        yield from encode_column(name, column).items()
    if doc_fields.any():
        yield DOC_FIELDS, compact(doc_fields)
    yield "doc.terms", compact(terms)
    yield "doc.anchors", anchors
    yield from add_prefix("text", texts.make_sections())


def make_forms(stem_of: Array, stems: int) -> Forms:
    """The forms with these stems, ascending by stem and then by word; `stems` is the number of stems."""
    variant_of = np.arange(len(stem_of), dtype=np.int32)
    variant_of -= _find_starts(stem_of, stems)[stem_of]
    return Forms(stem_of.astype(np.int32, copy=False), compact(variant_of), stems)


def encode_forms(forms: Forms, word_of: Array, words: int) -> Iterator[Section]:
    """The sections with the words of each stem and the stems of each word.

    `word_of` is the number of the word of each form, `words` how many words there are.
    """
    yield "stem.starts", compact(_find_starts(forms.stem_of, forms.stems))
    yield "stem.words", compact(word_of)
    yield "word.starts", compact(_find_starts(word_of, words))
    by_word = stable_order(word_of, words)
    yield "word.stems", compact(forms.stem_of[by_word])
    yield "word.variants", compact(forms.variant_of[by_word])


def _find_starts(owners: Array, count: int) -> NDArray[np.int32]:
    """Where the group of each owner starts when they are sorted by owner, and where the last one ends."""
    starts = np.zeros(count + 1, np.int32)
    np.cumsum(np.bincount(owners, minlength=count), out=starts[1:], dtype=np.int32)
    return starts


def encode_phrases(
    forms: Forms,
    is_common: NDArray[np.bool_],
    runs: Iterable[NumberedRun],
    terms: Array,
    allocate: Allocate = np.empty,
) -> Iterator[Section]:
    """The sections with the phrases of the texts of some runs; `terms` is how many words each has.

    The largest array comes from `allocate`.
    """
    sequence = FormSequence(terms, allocate)
    for own in runs:
        for run in own.read():
            sequence.add(own.documents[run.texts], run.positions, own.forms[run.forms])
    phrases = find_phrases(sequence, forms.stem_of, is_common, forms.stems, len(terms))
    yield from add_prefix("phrase", phrases.make_sections())


def encode_postings(
    forms: Forms, runs: list[NumberedRun], allocate: Allocate = np.empty
) -> Iterator[Section]:
    """Make the sections of a field, one after the other, from runs in the order of their documents.

    The runs are consumed, and arrays deleted as soon as possible: most have a number for each occurrence.
    The largest come from `allocate`.
    """
    counts: Array = np.zeros(forms.stems, np.int64)
    for own in runs:
        heads, sizes = own.groups()
        counts[forms.stem_of[own.forms[heads]]] += sizes
    # 32 bits take half the memory, unless there are too many occurrences.
    kind = np.uint32 if int(counts.sum()) < 2**32 else np.int64
    occurrences: Array = np.zeros(forms.stems + 1, kind)
    np.cumsum(counts, out=occurrences[1:], dtype=kind)
    size, is_used = int(occurrences[-1]), counts > 0
    del counts
    docs, positions, variants, capitals = _lay_out(forms, runs, occurrences, allocate)
    # The variants of stems with a single word are all 0.
    has_variants = np.diff(_find_starts(forms.stem_of, forms.stems)) > 1
    yield "variants", variants[has_variants.repeat(np.diff(occurrences).astype(np.int64))]
    del variants, has_variants
    # Where each posting starts, and where the last one ends.
    is_edge = allocate(size + 1, np.bool_)
    is_edge[0] = is_edge[-1] = True
    np.not_equal(docs[1:], docs[:-1], out=is_edge[1:-1])
    is_edge[occurrences[:-1][is_used]] = True
    edges = find_value(True, is_edge, allocate(int(np.count_nonzero(is_edge)), kind))
    del is_edge
    starts = np.searchsorted(edges, occurrences).astype(kind)
    yield "starts", compact(starts)
    first = starts[:-1][is_used]
    del starts
    # In place, because these are the largest arrays: no number is overwritten before it is read.
    count = len(edges) - 1
    for start in range(0, count, AT_ONCE):
        end = min(start + AT_ONCE, count)
        docs[start:end] = docs[edges[start:end]]
        edges[start:end] = edges[start + 1 : end + 1] - edges[start:end]
    yield from add_prefix("freqs", pack(edges[:count]))
    del edges
    docs = docs[:count]
    # The first document of a stem is stored as it is.
    gaps = allocate(count, docs.dtype)
    np.subtract(docs[1:], docs[:-1], out=gaps[1:])
    gaps[first] = docs[first]
    del docs, first
    yield from add_prefix("gaps", pack(gaps))
    del gaps
    yield "occurrences", compact(occurrences)
    del occurrences
    yield from add_prefix("positions", pack(positions))
    del positions
    yield "capitals", compact(capitals)


def _lay_out(
    forms: Forms, runs: list[NumberedRun], occurrences: Array, allocate: Allocate
) -> tuple[Array, Array, Array, Array]:
    """The document, position and variant of every occurrence, stem after stem, and which are in capitals.

    The runs are consumed; `occurrences` has where those of each stem start.
    """
    size = int(occurrences[-1])
    docs = allocate(size, np.int32)
    positions = allocate(size, np.uint8)
    variants = allocate(size, forms.variant_of.dtype)
    capitals = [np.empty(0, np.uint32)]
    free = occurrences[:-1].copy()
    runs.reverse()
    while runs:
        own = runs.pop()
        for run in own.read():
            stems = forms.stem_of[own.forms[run.heads]]
            counts = run.counts.astype(np.int64)
            places = expand_ranges(free[stems], counts)
            free[stems] += counts.astype(free.dtype)
            docs[places] = own.documents[run.texts]
            narrow = compact(run.positions)
            if narrow.dtype > positions.dtype:
                narrower, positions = positions, allocate(size, narrow.dtype)
                positions[:] = narrower
            positions[places] = narrow
            variants[places] = forms.variant_of[own.forms[run.forms]]
            capitals.append(compact(places[run.capitals]))
    return docs, positions, variants, np.sort(np.concatenate(capitals))


def encode_articles(columns: Mapping[str, Array], ids: Sequence[str]) -> Iterator[Section]:
    """The sections with the columns of the articles, and with their ids as a lexicon."""
    for name, values in columns.items():
        yield f"article.{name}", values if name in PLAIN_COLUMNS else compact(values)
    names, ranks = sort_words(ids)
    yield "article.id_ranks", compact(ranks)
    yield "article.by_id", compact(np.argsort(ranks))
    yield from add_prefix("id", encode_lexicon(names))


def add_prefix(name: str, sections: Mapping[str, Array] | Iterable[Section]) -> Iterator[Section]:
    """Put a name and a dot before the names of sections."""
    for part, content in sections.items() if isinstance(sections, Mapping) else sections:
        yield f"{name}.{part}", content


def _concatenate(parts: Sequence[Any]) -> Ints:
    return np.concatenate(parts).astype(np.int64)
