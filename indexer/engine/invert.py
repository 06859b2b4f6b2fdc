"""Chunks to a segment: forms to a lexicon, texts to postings, by sorting integers."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.engine.gather import Chunk
from indexer.engine.labels import STORED, label_sections, numbered
from indexer.engine.lexicon import encode_lexicon, sorted_words
from indexer.engine.packed import pack
from indexer.engine.segment import Array, compact, encode
from indexer.engine.sketches import Sketches
from indexer.engine.textstore import TextWriter

Ints = NDArray[np.int64]
FIELDS = ("title", "paragraph")
# Measured: what sorting needs, and the numbers themselves.
_BYTES_A_TERM = 80


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


@dataclass(slots=True)
class Buffer:
    """The chunks of a segment to come, as they arrive.

    `size` is roughly the memory that they take, with what making a segment of them will take.
    """

    forms: dict[tuple[str, str], int] = field(default_factory=dict)
    chunks: list[Chunk] = field(default_factory=list)
    texts: TextWriter = field(default_factory=TextWriter)
    size: int = 0
    articles: int = 0

    def add(self, chunk: Chunk, numbers: array[int]) -> None:
        """Take in a chunk of a gatherer, whose forms have these numbers here; new ones are appended."""
        self.learn(chunk, numbers)
        mapping = np.array(numbers, np.int32)
        chunk.titles, chunk.texts = mapping[chunk.titles], mapping[chunk.texts]
        items, chunk.items = chunk.items, {}
        self.texts.add_encoded(items["data"], items["ends"], items["items"], items["lengths"])
        self.articles += len(chunk.ids)
        self.size += _BYTES_A_TERM * (len(chunk.titles) + len(chunk.texts)) + chunk.size // 2
        self.chunks.append(chunk)

    def learn(self, chunk: Chunk, numbers: array[int]) -> None:
        """Give the new forms of a chunk their numbers."""
        if chunk.is_fresh:
            del numbers[:]
        for form in chunk.forms:
            numbers.append(self.forms.setdefault(form, len(self.forms)))

    def clear(self) -> None:
        """Begin anew; the forms keep their numbers, which gatherers know."""
        self.chunks, self.texts, self.size, self.articles = [], TextWriter(), 0, 0

    def segment(self) -> tuple[Iterator[bytes], int]:
        """The bytes of the segment, and how many documents it has."""
        chunks = self.chunks
        counts = _joined([chunk.counts for chunk in chunks])
        widths = np.maximum(counts, 1)  # an article without text has one document all the same
        first = np.concatenate(([0], np.cumsum(widths)))
        documents = int(first[-1])
        # The terms of every document; an empty one has none.
        terms = np.zeros(documents, np.int64)
        is_text = np.ones(documents, np.bool_)
        is_text[first[:-1][counts == 0]] = False
        terms[is_text] = _joined([chunk.text_terms for chunk in chunks])
        anchors = np.zeros(documents, np.uint32)
        anchors[is_text] = _joined([chunk.anchors for chunk in chunks])
        title_terms = _joined([chunk.title_terms for chunk in chunks])
        # Forms of earlier segments keep their numbers, but are not words of this one.
        used = np.zeros(len(self.forms), np.bool_)
        for chunk in chunks:
            used[chunk.titles] = used[chunk.texts] = True
        vocabulary = make_vocabulary(list(compress(self.forms, used)))
        new_number = np.cumsum(used, dtype=np.int32) - 1
        languages = sorted({language for chunk in chunks for language in chunk.languages})
        codes = {language: code for code, language in enumerate(languages)}
        ids = [name for chunk in chunks for name in chunk.ids]
        labels: dict[str, Array | bytes] = {}
        for name in STORED:
            labels |= label_sections(
                name, *numbered([value for chunk in chunks for value in getattr(chunk, f"{name}s")])
            )
        sections: dict[str, Array | bytes] = {
            **vocabulary.sections,
            **named(
                "title",
                invert(vocabulary, new_number, [chunk.titles for chunk in chunks], title_terms, first[:-1]),
            ),
            **named(
                "paragraph",
                invert(
                    vocabulary, new_number, [chunk.texts for chunk in chunks], terms, np.arange(documents)
                ),
            ),
            **article_sections(
                counts=counts,
                title_terms=title_terms,
                text_terms=np.add.reduceat(terms, first[:-1]) if len(counts) else counts,
                begins=_joined([chunk.begins for chunk in chunks]),
                ends=_joined([chunk.ends for chunk in chunks]),
                languages=np.array([codes[name] for chunk in chunks for name in chunk.languages], np.int64),
                title_keys=np.concatenate([chunk.title_keys for chunk in chunks]),
                sketches=np.concatenate([chunk.sketches for chunk in chunks]),
                ids=ids,
            ),
            **labels,
            "doc.terms": compact(terms),
            "doc.anchors": anchors,
            **named("text", self.texts.sections()),
        }
        return encode(sections, facts(documents, len(ids), languages)), documents


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
            **named("stem", encode_lexicon(stems)),
            **named("word", encode_lexicon(words)),
            # The words of each stem, ascending: a word's place among them is its variant.
            "stem.starts": compact(stem_starts),
            "stem.words": compact(word_of[order]),
            # The stems of each word, and its variant there.
            "word.starts": compact(np.concatenate(([0], np.cumsum(per_word)))),
            "word.stems": compact(stem_of[by_word]),
            "word.variants": compact(variant_of[by_word]),
        },
    )


def invert(
    vocabulary: Vocabulary,
    new_number: NDArray[np.int32],
    occurrences: Sequence[NDArray[np.int32]],
    terms: Ints,
    docs: Ints,
) -> dict[str, Array | bytes]:
    """The postings of one field.

    `occurrences` are form numbers, text after text, `new_number` their numbers in the vocabulary; `terms`
    says how many each text has, `docs` which document it belongs to (ascending).
    """
    forms = new_number[np.concatenate(occurrences)] if occurrences else np.empty(0, np.int32)
    starts = np.cumsum(terms) - terms
    positions = np.arange(len(forms), dtype=np.int32)
    positions -= np.repeat(starts.astype(np.int32), terms)
    return postings_sections(vocabulary, forms, np.repeat(docs.astype(np.int32), terms), positions)


def postings_sections(
    vocabulary: Vocabulary, forms: Array, owners: Array, positions: Array
) -> dict[str, Array | bytes]:
    """The sections of a field from its occurrences: form, document and position of each.

    Those of one stem are in the order of documents and positions.
    """
    count = len(vocabulary.stems)
    stems = vocabulary.stem_of[forms]
    order = stable_order(stems, count)
    stems, owners, positions = stems[order], owners[order], positions[order]
    variants = compact(vocabulary.variant_of[forms[order]])
    del order, forms  # each as large as everything that is kept
    occurrences = compact(_starts(stems, count))
    new = np.ones(len(stems), np.bool_)
    new[1:] = (stems[1:] != stems[:-1]) | (owners[1:] != owners[:-1])
    first = np.flatnonzero(new)
    stems, docs = stems[first], owners[first]
    begins = np.ones(len(stems), np.bool_)
    begins[1:] = stems[1:] != stems[:-1]
    gaps = docs.copy()
    gaps[1:] -= docs[:-1]
    gaps[begins] = docs[begins]
    return {
        "starts": compact(_starts(stems, count)),
        # From the document before to this one; the first of a stem counts from 0.
        **named("gaps", pack(gaps)),
        **named("freqs", pack(np.diff(first, append=len(positions)).astype(np.int32))),
        "occurrences": occurrences,
        **named("positions", pack(positions)),
        "variants": variants,
    }


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
        **named("id", encode_lexicon(names)),
    }


def stable_order(keys: Array, limit: int) -> Array:
    """The places of the keys (less than `limit`) in ascending order, equal keys as they stand.

    NumPy sorts 16-bit integers by counting, in linear time: larger keys are sorted by their halves.
    """
    low: Array = np.argsort(keys.astype(np.uint16), kind="stable")
    if limit <= 1 << 16:
        return low
    low = low.astype(np.uint32)  # half the memory
    high = (keys >> 16).astype(np.uint16)[low]
    order: Array = low[np.argsort(high, kind="stable")]
    return order


def _starts(keys: Array, count: int) -> Ints:
    return np.concatenate(([0], np.cumsum(np.bincount(keys, minlength=count))))


def named(name: str, sections: Any) -> dict[str, Array | bytes]:
    """The sections under a common name."""
    return {f"{name}.{part}": content for part, content in sections.items()}


def _joined(parts: Sequence[Any]) -> Ints:
    return (
        np.concatenate([np.asarray(part) for part in parts]).astype(np.int64)
        if parts
        else np.empty(0, np.int64)
    )
