"""Chunks to a segment: forms to a lexicon, sorted runs to postings, by copying integers."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress
from typing import Any
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from indexer.engine.arrays import ranges
from indexer.engine.gather import Chunk
from indexer.engine.labels import STORED, label_sections, numbered
from indexer.engine.lexicon import encode_lexicon, sorted_words
from indexer.engine.packed import pack
from indexer.engine.runs import Run
from indexer.engine.segment import Array, Section, compact, encode
from indexer.engine.sketches import Sketches
from indexer.engine.textstore import TextWriter

Ints = NDArray[np.int64]
# Measured: the numbers themselves, and what putting them together needs.
_BYTES_A_TERM, _BYTES_A_FORM, _BYTES_AN_ARTICLE = 28, 300, 1000
_MOST = 500_000
"""Forms that are remembered from one segment to the next, even if no gatherer would miss them."""


@dataclass(slots=True)
class Vocabulary:
    """The forms of a segment, and where each goes in its lexicons.

    `stem_of` and `variant_of` are, for each form as numbered, the place of its stem among the sorted stems,
    and of its word among the words of that stem.
    """

    stems: list[str]
    words: list[str]
    stem_of: NDArray[np.int32]
    variant_of: Array
    sections: dict[str, Array | bytes]


@dataclass(frozen=True, slots=True)
class NumberedRun:
    """A run, and what it says: the number of each of its forms in a vocabulary, the document of each text."""

    run: Run
    forms: Array
    documents: Array


@dataclass(slots=True)
class Buffer:
    """The chunks of a segment to come, as they arrive.

    `size` is roughly the memory that they take, with what making a segment of them will take.
    """

    forms: dict[tuple[str, str], int] = field(default_factory=dict)
    chunks: list[Chunk] = field(default_factory=list)
    texts: TextWriter = field(default_factory=TextWriter)
    articles: int = 0
    taken: int = 0
    """Bytes of everything but the forms."""
    known: list[ref[array[int]]] = field(default_factory=list)
    """The numbers that gatherers' forms have here, one array of each gatherer that is still in use."""

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
        chunk.forms = []
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
        for form in chunk.forms:
            numbers.append(self.forms.setdefault(form, len(self.forms)))

    def clear(self) -> None:
        """Begin anew; the forms that gatherers know are known here as well."""
        self.chunks, self.texts, self.taken, self.articles = [], TextWriter(), 0, 0
        if len(self.forms) > _MOST:
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
    forms: dict[tuple[str, str], int],
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
    vocabulary = make_vocabulary(list(compress(forms, used)))
    new_number = np.cumsum(used, dtype=np.int32) - 1
    # A title stands where its article begins, a paragraph in a document of its own.
    heads = np.split(first[:-1], np.cumsum([len(chunk.counts) for chunk in chunks])[:-1])
    bodies = np.split(np.flatnonzero(is_text), np.cumsum([len(chunk.anchors) for chunk in chunks])[:-1])
    titles = [NumberedRun(c.titles, new_number, head) for c, head in zip(chunks, heads, strict=True)]
    paragraphs = [NumberedRun(c.texts, new_number, body) for c, body in zip(chunks, bodies, strict=True)]
    for chunk in chunks:
        chunk.titles = chunk.texts = Run()
    yield from vocabulary.sections.items()
    vocabulary.sections.clear()
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


def make_vocabulary(forms: Sequence[tuple[str, str]]) -> Vocabulary:
    """The lexicons of the given forms."""
    stems, stem_of = sorted_words([stem for stem, _ in forms])
    words, word_of = sorted_words([word for _, word in forms])
    return vocabulary_of(stems, words, stem_of, word_of)


def vocabulary_of(stems: list[str], words: list[str], stem_of: Ints, word_of: Ints) -> Vocabulary:
    """The vocabulary of forms that are given as places in sorted lists of stems and of words."""
    # Each pair is there once, so that one number can stand for it.
    order = np.argsort(stem_of * len(words) + word_of)
    per_stem = np.bincount(stem_of, minlength=len(stems))
    stem_starts = np.concatenate(([0], np.cumsum(per_stem)))
    variant_of = np.empty(len(stem_of), np.int64)
    variant_of[order] = np.arange(len(stem_of)) - np.repeat(stem_starts[:-1], per_stem)
    by_word = np.argsort(word_of * len(stems) + stem_of)
    per_word = np.bincount(word_of, minlength=len(words))
    return Vocabulary(
        stems,
        words,
        stem_of.astype(np.int32),
        compact(variant_of),
        {
            **dict(named("stem", encode_lexicon(stems))),
            **dict(named("word", encode_lexicon(words))),
            # The words of each stem, ascending: a word's place among them is its variant.
            "stem.starts": compact(stem_starts),
            "stem.words": compact(word_of[order]),
            # The stems of each word, and its variant there.
            "word.starts": compact(np.concatenate(([0], np.cumsum(per_word)))),
            "word.stems": compact(stem_of[by_word]),
            "word.variants": compact(variant_of[by_word]),
        },
    )


def postings_sections(vocabulary: Vocabulary, runs: list[NumberedRun]) -> Iterator[Section]:
    """The sections of a field, from runs whose documents follow one another; the runs are used up.

    One after the other: in what most of them are made of, each word of the text is a number.
    """
    groups = [vocabulary.stem_of[own.forms[own.run.heads]] for own in runs]
    counts = np.zeros(len(vocabulary.stems), np.int64)
    for own, stems in zip(runs, groups, strict=True):
        counts[stems] += own.run.counts
    occurrences = np.concatenate(([0], np.cumsum(counts)))
    size = int(occurrences[-1])
    docs, positions, variants = _laid_out(vocabulary, runs, groups, occurrences)
    is_first = np.ones(size, np.bool_)
    np.not_equal(docs[1:], docs[:-1], out=is_first[1:])
    is_first[occurrences[:-1][counts > 0]] = True
    # In half the memory, unless there are too many.
    kind = np.uint32 if size < 2**32 else np.uint64
    first = np.flatnonzero(is_first).astype(kind)
    del is_first
    starts = np.searchsorted(first, occurrences.astype(kind))
    yield "starts", compact(starts)
    docs = docs[first]
    freqs = np.diff(first, append=kind(size)).astype(np.int32)
    del first
    begins = starts[:-1][counts > 0]
    heads = docs[begins]
    docs[1:] -= docs[:-1].copy()
    docs[begins] = heads
    # From the document before to this one; the first of a stem counts from 0.
    yield from named("gaps", pack(docs))
    del docs
    yield from named("freqs", pack(freqs))
    del freqs
    yield "occurrences", compact(occurrences)
    yield from named("positions", pack(positions))
    yield "variants", variants


def _laid_out(
    vocabulary: Vocabulary, runs: list[NumberedRun], groups: list[Array], occurrences: Ints
) -> tuple[Array, Array, Array]:
    """The document, the position and the variant of every occurrence, stem after stem; uses up the runs.

    `groups` are the stems of each run's groups, `occurrences` says where those of each stem begin.
    """
    size = int(occurrences[-1])
    docs = np.empty(size, np.int32)
    positions = np.empty(size, np.result_type(np.uint8, *(own.run.positions.dtype for own in runs)))
    variants = np.empty(size, vocabulary.variant_of.dtype)
    free = occurrences[:-1].copy()
    runs.reverse()
    for stems in groups:
        own = runs.pop()
        run = own.run
        places = ranges(free[stems], run.counts)
        free[stems] += run.counts
        docs[places] = own.documents[run.texts]
        positions[places] = run.positions
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
