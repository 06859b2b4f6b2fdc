"""Several segments as one: arrays are copied and renumbered, nothing is analysed again.

When to merge is decided by size: segments fall into tiers, each eight times as large as the one below, and
eight of a tier become one of the next. Every posting is copied once a tier, so n postings cost O(n log n).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.engine.field import FIELDS
from indexer.engine.invert import (
    NumberedRun,
    Vocabulary,
    article_sections,
    facts,
    named,
    postings_sections,
    vocabulary_of,
)
from indexer.engine.labels import STORED, joined, label_sections
from indexer.engine.runs import Run
from indexer.engine.segment import Array, Section, compact, encode
from indexer.engine.soundness import check_numbers
from indexer.engine.textstore import TextWriter
from indexer.engine.view import SegmentView

FACTOR = 8
_SMALLEST = 1000  # documents; below, a segment is of the lowest tier
_MOST_REMOVED = 0.3

Source = tuple[SegmentView, NDArray[np.bool_] | None]
"""A segment, and which of its documents are live (None: all)."""


def choose(sizes: Sequence[tuple[int, int]]) -> list[int]:
    """The places of the segments that should become one now; empty when all is well.

    `sizes` are the live and the removed documents of each segment.
    """
    tiers: dict[int, list[int]] = {}
    for place, (live, removed) in enumerate(sizes):
        if removed > _MOST_REMOVED * (live + removed):
            return [place]
        tier = 0
        while live >= _SMALLEST * FACTOR**tier:
            tier += 1
        tiers.setdefault(tier, []).append(place)
    for tier in sorted(tiers):
        if len(tiers[tier]) >= FACTOR:
            # What is merged may complete the tier above: taken along, it is copied once instead of twice.
            chosen = tiers[tier]
            while len(tiers.get(tier + 1, ())) == FACTOR - 1:
                tier += 1
                chosen = [*chosen, *tiers[tier]]
            return sorted(chosen)
    return []


def merge(sources: Sequence[Source]) -> tuple[Iterator[bytes | memoryview], int]:
    """The bytes of the segment that has the sources' live documents, in order, and how many they are.

    Raises IndexDamaged when the numbers of a source do not agree.
    """
    views = [view for view, _ in sources]
    for view in views:
        check_numbers(view)
    lives = [np.ones(view.documents, np.bool_) if live is None else live for view, live in sources]
    kept = [np.flatnonzero(live[view.first[:-1]]) for view, live in zip(views, lives, strict=True)]
    documents = sum(int(live.sum()) for live in lives)
    languages = sorted({language for view in views for language in view.languages})
    sections = _sections(views, lives, kept, languages)
    return encode(sections, facts(documents, sum(map(len, kept)), languages)), documents


def _sections(
    views: Sequence[SegmentView],
    lives: Sequence[NDArray[np.bool_]],
    kept: Sequence[NDArray[np.int64]],
    languages: list[str],
) -> Iterator[Section]:
    """The sections of the segment, one made after the other."""
    forms = _forms(views)
    fields = {
        field: [_run(field, view, live) for view, live in zip(views, lives, strict=True)] for field in FIELDS
    }
    # What stands only in removed documents is no word of the new segment.
    used = np.zeros(len(forms.every), np.bool_)
    for runs in fields.values():
        for numbers, run in zip(forms.numbers, runs, strict=True):
            used[numbers[run.forms]] = True
    vocabulary = _vocabulary(forms, used)
    new_number = np.cumsum(used, dtype=np.int32) - 1
    yield from vocabulary.sections.items()
    counts = [int(live.sum()) for live in lives]
    own_documents = np.split(np.arange(sum(counts)), np.cumsum(counts)[:-1])
    for field in FIELDS:
        numbered = [
            NumberedRun(run, new_number[numbers], own)
            for run, numbers, own in zip(fields.pop(field), forms.numbers, own_documents, strict=True)
        ]
        yield from named(field, postings_sections(vocabulary, numbered))

    def column(name: str) -> NDArray[np.int64]:
        parts = [view.column(name)[own] for view, own in zip(views, kept, strict=True)]
        return np.concatenate(parts)

    def doc_column(name: str) -> Array:
        return np.concatenate(
            [view.file.sections[name][live] for view, live in zip(views, lives, strict=True)]
        )

    codes = [
        np.array([languages.index(language) for language in view.languages], np.int64)[
            view.column("article.languages")[own]
        ]
        for view, own in zip(views, kept, strict=True)
    ]
    yield from article_sections(
        counts=column("article.counts"),
        title_terms=column("article.title_terms"),
        text_terms=column("article.text_terms"),
        begins=column("article.begins"),
        ends=column("article.ends"),
        languages=np.concatenate(codes),
        title_keys=np.concatenate(
            [view.file.sections["article.title_keys"][own] for view, own in zip(views, kept, strict=True)]
        ),
        sketches=np.concatenate([view.sketches[own] for view, own in zip(views, kept, strict=True)]),
        ids=[view.id_of(int(number)) for view, own in zip(views, kept, strict=True) for number in own],
    ).items()
    for name in STORED:
        parts = [
            (view.names(name), view.column(f"article.{name}s")[own])
            for view, own in zip(views, kept, strict=True)
        ]
        yield from label_sections(name, *joined(parts)).items()
    yield "doc.terms", compact(doc_column("doc.terms").astype(np.int64))
    yield "doc.anchors", doc_column("doc.anchors")
    yield from named("text", _texts(views, kept))


@dataclass(frozen=True, slots=True)
class _Forms:
    """The forms of the segments together: each a stem and a word, by their numbers in the common lists."""

    stems: list[str]
    words: list[str]
    every: NDArray[np.int64]
    """Each form as stem number times the count of words, plus word number; ascending."""
    numbers: list[NDArray[np.int64]]
    """For each segment, the places in `every` of its forms; those of stem s begin at stem.starts[s]."""


def _forms(views: Sequence[SegmentView]) -> _Forms:
    stem_lists = [view.stems.words() for view in views]
    word_lists = [view.words.words() for view in views]
    stems = sorted(set().union(*stem_lists))
    words = sorted(set().union(*word_lists))
    stem_numbers = {stem: number for number, stem in enumerate(stems)}
    word_numbers = {word: number for number, word in enumerate(words)}
    keys = []
    for view, own_stems, own_words in zip(views, stem_lists, word_lists, strict=True):
        stem_map = np.array([stem_numbers[stem] for stem in own_stems], np.int64)
        word_map = np.array([word_numbers[word] for word in own_words], np.int64)
        of_stem = np.repeat(stem_map, np.diff(view.column("stem.starts")))
        keys.append(of_stem * len(words) + word_map[view.column("stem.words")])
    every = np.unique(np.concatenate(keys))
    return _Forms(stems, words, every, [np.searchsorted(every, own) for own in keys])


def _run(field: str, view: SegmentView, live: NDArray[np.bool_]) -> Run:
    """The live occurrences of a field, whose forms are those of the segment."""
    docs, variants, positions = view.fields[field].everything()
    counts = np.diff(view.column(f"{field}.occurrences"))
    first_form = np.repeat(view.column("stem.starts")[:-1], counts)
    return Run(counts[counts > 0], first_form + variants, docs, positions).only(live)


def _vocabulary(forms: _Forms, used: NDArray[np.bool_]) -> Vocabulary:
    """The vocabulary of the forms in use."""
    stem_of, word_of = np.divmod(forms.every[used], max(len(forms.words), 1))
    stem_kept, stem_of = np.unique(stem_of, return_inverse=True)
    word_kept, word_of = np.unique(word_of, return_inverse=True)
    return vocabulary_of(
        [forms.stems[number] for number in stem_kept.tolist()],
        [forms.words[number] for number in word_kept.tolist()],
        stem_of,
        word_of,
    )


def _texts(views: Sequence[SegmentView], kept: Sequence[NDArray[np.int64]]) -> dict[str, Any]:
    """Stored texts: blocks are taken over as they are where nothing is removed, and packed anew elsewhere."""
    writer = TextWriter()
    for view, own in zip(views, kept, strict=True):
        if len(own) == view.articles:
            texts = view.texts
            writer.add_encoded(texts.data.tobytes(), texts.ends, texts.items, texts.lengths)
        else:
            for article in own.tolist():
                for item in view.all_items(article):
                    writer.add(item)
    return writer.sections()
