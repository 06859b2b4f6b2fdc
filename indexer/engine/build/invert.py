"""Chunks to a segment: forms to a lexicon, sorted runs to postings, by copying integers."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress
from operator import ne
from typing import Any
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from indexer.engine.build.gather import BETWEEN, Chunk, Run, stable_order
from indexer.engine.format.arrays import AT_ONCE, places_of, ranges
from indexer.engine.format.labels import STORED, label_sections, numbered
from indexer.engine.format.lexicon import encode_lexicon, sorted_words
from indexer.engine.format.segment_file import Array, Section, compact, encode, pack
from indexer.engine.format.sketches import Sketches
from indexer.engine.format.text_store import TextWriter

Ints = NDArray[np.int64]
# Measured: the numbers themselves, and what putting them together needs.
_BYTES_A_TERM, _BYTES_A_FORM, _BYTES_AN_ARTICLE = 28, 360, 1000


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The forms of a segment, ascending by stem and then by word, each by its number in the lexicons.

    A form is one of so many stems (`stem_of`) and one of the words of that stem, which is its variant
    (`variant_of`).
    """

    stem_of: Array
    variant_of: Array
    stems: int


@dataclass(frozen=True, slots=True)
class NumberedRun:
    """Runs of some texts, and what they say: each form's number in a vocabulary, the document of each text.

    `groups` gives heads and counts of the runs, one run after the other, `read` the runs: nothing has to be
    in memory before its turn has come. No stem has groups in two of the runs.
    """

    forms: Array
    documents: Array
    groups: Callable[[], tuple[Array, Array]]
    read: Callable[[], Iterable[Run]]

    @classmethod
    def of(cls, run: Run, forms: Array, documents: Array) -> NumberedRun:
        """That of a run that is in memory."""
        return cls(forms, documents, lambda: (run.heads, run.counts), lambda: [run])


@dataclass(slots=True)
class Buffer:
    """The chunks of a segment to come, as they arrive.

    `size` is roughly the memory that they take, with what making a segment of them will take.
    """

    forms: dict[str, int] = field(default_factory=dict)
    chunks: list[Chunk] = field(default_factory=list)
    texts: TextWriter = field(default_factory=TextWriter)
    articles: int = 0
    taken: int = 0
    """Bytes of everything but the forms."""
    known: list[ref[array[int]]] = field(default_factory=list)
    """The numbers that gatherers' forms have here, one array of each gatherer that is still in use."""
    most_forms: int = 250_000
    """Up to so many forms are kept for the next segment, even those that no gatherer counts on any more."""

    @property
    def size(self) -> int:
        """Bytes, roughly."""
        return self.taken + _BYTES_A_FORM * len(self.forms) if self.chunks else 0

    def add(self, chunk: Chunk, numbers: array[int]) -> None:
        """Take in a chunk of a gatherer, whose forms have these numbers here; new ones are appended."""
        self.learn(chunk, numbers)
        mapping = np.array(numbers, np.int32)
        chunk.titles = replace(chunk.titles, forms=mapping[chunk.titles.forms])
        chunk.texts = replace(chunk.texts, forms=mapping[chunk.texts.forms])
        chunk.forms = ""
        items, chunk.items = chunk.items, {}
        self.texts.add_encoded(items["data"], items["ends"], items["items"], items["lengths"])
        self.articles += len(chunk.ids)
        self.taken += _BYTES_A_TERM * (len(chunk.titles) + len(chunk.texts)) + 2 * len(items["data"])
        self.taken += _BYTES_AN_ARTICLE * len(chunk.ids)
        self.chunks.append(chunk)

    def learn(self, chunk: Chunk, numbers: array[int]) -> None:
        """Give the new forms of a chunk their numbers."""
        if all(one() is not numbers for one in self.known):
            self.known.append(ref(numbers))
        if chunk.is_fresh:
            del numbers[:]
        for form in chunk.forms.split("\n") if chunk.forms else ():
            numbers.append(self.forms.setdefault(form, len(self.forms)))

    def clear(self) -> None:
        """Begin anew; the forms that gatherers know are known here as well."""
        self.chunks, self.texts, self.taken, self.articles = [], TextWriter(), 0, 0
        if len(self.forms) > self.most_forms:
            self._forget()

    def _forget(self) -> None:
        """Do without the forms that no gatherer counts on any more, and number the others anew."""
        known = [(numbers, np.array(numbers, np.int32)) for one in self.known if (numbers := one())]
        self.known = [ref(numbers) for numbers, _ in known]
        used = np.zeros(len(self.forms), np.bool_)
        for _, old in known:
            used[old] = True
        new_number = np.cumsum(used, dtype=np.int32) - 1
        for numbers, old in known:
            numbers[:] = array("i", new_number[old].tobytes())
        self.forms = {form: number for number, form in enumerate(compress(self.forms, used))}

    def segment(self) -> tuple[Iterator[bytes | memoryview], int]:
        """The bytes of the segment, and how many documents it has; the buffer is empty afterwards."""
        sections, own = self.sections()
        return encode(sections, own), own["documents"]

    def sections(self) -> tuple[Iterator[Section], dict[str, Any]]:
        """The sections of the segment, and what it says of itself; the buffer is empty afterwards."""
        chunks, texts, forms = self.chunks, self.texts, self.forms
        self.clear()
        counts = _joined([chunk.counts for chunk in chunks])
        widths = np.maximum(counts, 1)  # an article without text has one document all the same
        first = np.concatenate(([0], np.cumsum(widths)))
        documents = int(first[-1])
        languages = sorted({language for chunk in chunks for language in chunk.languages})
        articles = sum(len(chunk.ids) for chunk in chunks)
        sections = _sections(chunks, forms, counts, first, languages, texts)
        return sections, facts(documents, articles, languages)


def _sections(
    chunks: list[Chunk],
    forms: dict[str, int],
    counts: Ints,
    first: Ints,
    languages: list[str],
    texts: TextWriter,
) -> Iterator[Section]:
    """The sections of a segment, one made after the other; the chunks are used up."""
    documents = int(first[-1])
    is_text = np.ones(documents, np.bool_)
    is_text[first[:-1][counts == 0]] = False
    # Forms of earlier segments keep their numbers, but are not words of this one.
    used = np.zeros(len(forms), np.bool_)
    for chunk in chunks:
        used[chunk.titles.forms] = used[chunk.texts.forms] = True
    # In the order of a vocabulary.
    own = sorted(compress(forms, used))
    new_number = np.zeros(len(forms), np.int32)
    new_number[np.fromiter(map(forms.__getitem__, own), np.int64, len(own))] = np.arange(len(own))
    of_each = [form.partition(BETWEEN)[0] for form in own]
    stems = list(dict.fromkeys(of_each))
    yield from named("stem", encode_lexicon(stems))
    is_other = np.fromiter(map(ne, of_each[1:], of_each), np.bool_, max(len(own) - 1, 0))
    vocabulary = vocabulary_of(np.concatenate(([0], np.cumsum(is_other)))[: len(own)], len(stems))
    del of_each, stems
    words, word_of = sorted_words([form.partition(BETWEEN)[2] for form in own])
    yield from named("word", encode_lexicon(words))
    yield from vocabulary_sections(vocabulary, word_of, len(words))
    del own, words, word_of
    # A title stands where its article begins, a paragraph in a document of its own.
    heads = np.split(first[:-1], np.cumsum([len(chunk.counts) for chunk in chunks])[:-1])
    bodies = np.split(np.flatnonzero(is_text), np.cumsum([len(chunk.anchors) for chunk in chunks])[:-1])
    titles = [NumberedRun.of(c.titles, new_number, head) for c, head in zip(chunks, heads, strict=True)]
    paragraphs = [NumberedRun.of(c.texts, new_number, body) for c, body in zip(chunks, bodies, strict=True)]
    for chunk in chunks:
        chunk.titles = chunk.texts = Run()
    yield from named("title", postings_sections(vocabulary, titles))
    yield from named("paragraph", postings_sections(vocabulary, paragraphs))
    del vocabulary
    # The terms of every document; an empty one has none.
    terms = np.zeros(documents, np.int64)
    terms[is_text] = _joined([chunk.text_terms for chunk in chunks])
    anchors = np.zeros(documents, np.uint32)
    anchors[is_text] = _joined([chunk.anchors for chunk in chunks])
    codes = {language: code for code, language in enumerate(languages)}
    yield from article_sections(
        counts=counts,
        title_terms=_joined([chunk.title_terms for chunk in chunks]),
        text_terms=np.add.reduceat(terms, first[:-1]) if len(counts) else counts,
        begins=_joined([chunk.begins for chunk in chunks]),
        ends=_joined([chunk.ends for chunk in chunks]),
        languages=np.array([codes[name] for chunk in chunks for name in chunk.languages], np.int64),
        title_keys=np.concatenate([chunk.title_keys for chunk in chunks]),
        sketches=np.concatenate([chunk.sketches for chunk in chunks]),
        ids=[name for chunk in chunks for name in chunk.ids],
    ).items()
    for name in STORED:
        values = [value for chunk in chunks for value in getattr(chunk, f"{name}s")]
        yield from label_sections(name, *numbered(values)).items()
    yield "doc.terms", compact(terms)
    yield "doc.anchors", anchors
    yield from named("text", texts.sections())


def facts(documents: int, articles: int, languages: Sequence[str]) -> dict[str, Any]:
    """What a segment says of itself."""
    return {"documents": documents, "articles": articles, "languages": list(languages)}


def vocabulary_of(stem_of: Array, stems: int) -> Vocabulary:
    """The vocabulary of forms whose stems, of so many, are these; ascending by stem, then by word."""
    variant_of = np.arange(len(stem_of), dtype=np.int32)
    variant_of -= _starts(stem_of, stems)[stem_of]
    return Vocabulary(stem_of.astype(np.int32, copy=False), compact(variant_of), stems)


def vocabulary_sections(vocabulary: Vocabulary, word_of: Array, words: int) -> Iterator[Section]:
    """What says which words each stem has, and which stems each word; `word_of` is the word of each form."""
    # The words of each stem, ascending: a word's place among them is its variant.
    yield "stem.starts", compact(_starts(vocabulary.stem_of, vocabulary.stems))
    yield "stem.words", compact(word_of)
    # The stems of each word, and its variant there.
    yield "word.starts", compact(_starts(word_of, words))
    by_word = stable_order(word_of, words)
    yield "word.stems", compact(vocabulary.stem_of[by_word])
    yield "word.variants", compact(vocabulary.variant_of[by_word])


def _starts(owners: Array, number: int) -> NDArray[np.int32]:
    """Where those of each of so many owners begin when they are sorted, and after the last where they end."""
    starts = np.zeros(number + 1, np.int32)
    np.cumsum(np.bincount(owners, minlength=number), out=starts[1:], dtype=np.int32)
    return starts


def postings_sections(vocabulary: Vocabulary, runs: list[NumberedRun]) -> Iterator[Section]:
    """The sections of a field, from runs whose documents follow one another; the runs are used up.

    One after the other: in what most of them are made of, each word of the text is a number.
    """
    counts: Array = np.zeros(vocabulary.stems, np.int64)
    for own in runs:
        heads, sizes = own.groups()
        counts[vocabulary.stem_of[own.forms[heads]]] += sizes
    # In half the memory, unless there are too many.
    kind = np.uint32 if int(counts.sum()) < 2**32 else np.int64
    occurrences: Array = np.zeros(vocabulary.stems + 1, kind)
    np.cumsum(counts, out=occurrences[1:], dtype=kind)
    size, has_some = int(occurrences[-1]), counts > 0
    del counts
    docs, positions, variants = _laid_out(vocabulary, runs, occurrences)
    # Where each posting begins, and after the last where it ends.
    is_edge = np.ones(size + 1, np.bool_)
    np.not_equal(docs[1:], docs[:-1], out=is_edge[1:-1])
    is_edge[occurrences[:-1][has_some]] = True
    edges = places_of(True, is_edge, int(np.count_nonzero(is_edge)), kind)
    del is_edge
    starts = np.searchsorted(edges, occurrences).astype(kind)
    yield "starts", compact(starts)
    begins = starts[:-1][has_some]
    del starts
    # In place, for these are the largest arrays: what is read stands where it is written, or after that.
    count = len(edges) - 1
    for begin in range(0, count, AT_ONCE):
        end = min(begin + AT_ONCE, count)
        docs[begin:end] = docs[edges[begin:end]]
        edges[begin:end] = edges[begin + 1 : end + 1] - edges[begin:end]
    yield from named("freqs", pack(edges[:count]))
    del edges
    docs = docs[:count]
    # From the document before to this one; the first of a stem counts from 0.
    gaps = np.empty_like(docs)
    np.subtract(docs[1:], docs[:-1], out=gaps[1:])
    gaps[begins] = docs[begins]
    del docs, begins
    yield from named("gaps", pack(gaps))
    del gaps
    yield "occurrences", compact(occurrences)
    del occurrences
    yield from named("positions", pack(positions))
    del positions
    yield "variants", variants


def _laid_out(
    vocabulary: Vocabulary, runs: list[NumberedRun], occurrences: Array
) -> tuple[Array, Array, Array]:
    """The document, the position and the variant of every occurrence, stem after stem; uses up the runs.

    `occurrences` says where those of each stem begin.
    """
    size = int(occurrences[-1])
    docs = np.empty(size, np.int32)
    positions = np.empty(size, np.uint8)
    variants = np.empty(size, vocabulary.variant_of.dtype)
    free = occurrences[:-1].copy()
    runs.reverse()
    while runs:
        own = runs.pop()
        for run in own.read():
            stems = vocabulary.stem_of[own.forms[run.heads]]
            places = ranges(free[stems], run.counts)
            free[stems] += run.counts.astype(free.dtype)
            docs[places] = own.documents[run.texts]
            narrow = compact(run.positions)
            positions = positions.astype(np.result_type(positions, narrow), copy=False)
            positions[places] = narrow
            variants[places] = vocabulary.variant_of[own.forms[run.forms]]
    return docs, positions, variants


def article_sections(
    *,
    counts: Ints,
    title_terms: Ints,
    text_terms: Ints,
    begins: Ints,
    ends: Ints,
    languages: Ints,
    title_keys: Array,
    sketches: Sketches,
    ids: Sequence[str],
) -> dict[str, Array | bytes]:
    """The columns of the articles, one value of each; ids are also there in sorted order, to be looked up."""
    names, places = sorted_words(ids)
    return {
        "article.counts": compact(counts),
        "article.title_terms": compact(title_terms),
        "article.text_terms": compact(text_terms),
        "article.begins": begins.astype(np.int64),
        "article.ends": ends.astype(np.int64),
        "article.languages": compact(languages),
        "article.title_keys": title_keys,
        "article.sketches": sketches,
        # Where each article's id stands among the sorted ids, and whose id stands at each place.
        "article.id_places": compact(places),
        "article.by_id": compact(np.argsort(places)),
        **dict(named("id", encode_lexicon(names))),
    }


def named(name: str, sections: Mapping[str, Array | bytes] | Iterable[Section]) -> Iterator[Section]:
    """The sections under a common name."""
    for part, content in sections.items() if isinstance(sections, Mapping) else sections:
        yield f"{name}.{part}", content


def _joined(parts: Sequence[Any]) -> Ints:
    return (
        np.concatenate([np.asarray(part) for part in parts]).astype(np.int64)
        if parts
        else np.empty(0, np.int64)
    )
