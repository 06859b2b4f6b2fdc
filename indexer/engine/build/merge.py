"""Several segments as one: arrays are copied and renumbered, nothing is analysed again.

When to merge is decided by size (`MergePolicy`): segments fall into tiers, each eight times as large as the
one below, and eight of a tier become one of the next. Every posting is copied once a tier, so n postings cost
O(n log n).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.engine.build.check import check_numbers
from indexer.engine.build.gather import Run
from indexer.engine.build.invert import (
    NumberedRun,
    article_sections,
    facts,
    named,
    postings_sections,
    vocabulary_of,
    vocabulary_sections,
)
from indexer.engine.format.arrays import stretches
from indexer.engine.format.labels import STORED, joined, label_sections
from indexer.engine.format.lexicon import Lexicon, merge_lexicons
from indexer.engine.format.segment_file import Array, Section, compact, encode
from indexer.engine.format.text_store import TextWriter
from indexer.engine.read.field import FIELDS
from indexer.engine.read.segment import SegmentView

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # as malloc.h numbers them
_LARGE, _USUAL = 2**20, 2**25  # bytes
_NONE = np.empty(0, np.int64)
Source = tuple[SegmentView, NDArray[np.bool_] | None]
"""A segment, and which of its documents are live (None: all)."""


@dataclass(frozen=True, slots=True)
class MergePolicy:
    """Decides which segments are merged."""

    factor: int = 8
    """How many segments of a tier become one, and how much larger a segment of the next tier is."""
    smallest: int = 1000
    """Documents; a segment that has fewer is of the lowest tier."""
    most_removed: float = 0.3
    """A segment of whose documents a larger share is removed is rewritten without them."""

    def choose(self, sizes: Sequence[tuple[int, int]]) -> list[int]:
        """The places of the segments to merge into one now; empty when there is nothing to merge.

        `sizes` are the live and the removed documents of each segment.
        """
        tiers: dict[int, list[int]] = {}
        for place, (live, removed) in enumerate(sizes):
            if removed > self.most_removed * (live + removed):
                return [place]
            tier = 0
            while live >= self.smallest * self.factor**tier:
                tier += 1
            tiers.setdefault(tier, []).append(place)
        for tier in sorted(tiers):
            if len(tiers[tier]) >= self.factor:
                # The merged segment may complete the tier above: merging that too copies it once, not twice.
                chosen = tiers[tier]
                while len(tiers.get(tier + 1, ())) == self.factor - 1:
                    tier += 1
                    chosen = [*chosen, *tiers[tier]]
                return sorted(chosen)
        return []


TIERED = MergePolicy()


def merge(sources: Sequence[Source]) -> tuple[Iterator[bytes | memoryview], int]:
    """The bytes of the segment that has the sources' live documents, in order, and how many they are.

    Raises IndexDamaged when the numbers of a source do not agree.
    """
    _return_memory(_LARGE)
    views = [view for view, _ in sources]
    for view in views:
        check_numbers(view)
        view.file.release()
    lives = [np.ones(view.documents, np.bool_) if live is None else live for view, live in sources]
    kept = [np.flatnonzero(live[view.first[:-1]]) for view, live in zip(views, lives, strict=True)]
    documents = sum(int(live.sum()) for live in lives)
    languages = sorted({language for view in views for language in view.languages})
    sections = _frugal(_sections(views, lives, kept, languages))
    return encode(sections, facts(documents, sum(map(len, kept)), languages)), documents


def _sections(
    views: Sequence[SegmentView],
    lives: Sequence[NDArray[np.bool_]],
    kept: Sequence[NDArray[np.int64]],
    languages: list[str],
) -> Iterator[Section]:
    """The sections of the segment, one made after the other."""
    forms = _forms(views)
    # What stands only in removed documents is no word of the new segment.
    used = np.zeros(len(forms.every), np.bool_)
    groups = {
        field: [_groups(field, *own, used) for own in zip(views, lives, forms.numbers, strict=True)]
        for field in FIELDS
    }
    if used.all():
        every, numbers = forms.every, forms.numbers
    else:
        new_number = np.cumsum(used, dtype=np.int32) - 1
        every, numbers = forms.every[used], [new_number[own] for own in forms.numbers]
    stem_of, word_of = np.empty(len(every), np.int32), np.empty(len(every), np.int32)
    most = max(len(forms.words), 1)
    np.floor_divide(every, most, out=stem_of, casting="unsafe")
    np.remainder(every, most, out=word_of, casting="unsafe")
    stems, stem_of = _in_use(forms.stems, stem_of)
    words, word_of = _in_use(forms.words, word_of)
    counts = len(stems), len(words)
    del forms, used, every
    yield from named("stem", stems.sections())
    del stems
    yield from named("word", words.sections())
    del words
    vocabulary = vocabulary_of(stem_of, counts[0])
    del stem_of
    yield from vocabulary_sections(vocabulary, word_of, counts[1])
    del word_of
    ends = np.cumsum([int(live.sum()) for live in lives])
    own_documents = np.split(np.arange(ends[-1], dtype=np.int32), ends[:-1])
    for field in FIELDS:
        runs = [
            NumberedRun(own, documents, sizes, partial(_runs, field, view, live))
            for own, documents, sizes, view, live in zip(
                numbers, own_documents, groups.pop(field), views, lives, strict=True
            )
        ]
        yield from named(field, postings_sections(vocabulary, runs))
    del vocabulary, numbers

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


def _frugal(sections: Iterator[Section]) -> Iterator[Section]:
    """The sections, after which memory is kept for later again."""
    try:
        yield from sections
    finally:
        _return_memory(_USUAL)


def _return_memory(above: int) -> None:
    """Have memory that is free, in pieces of more than so many bytes, go back to the system at once.

    The C library of Linux would keep much of it: merging 64 MB of ever new words took 523 MB and not 497.
    """
    with suppress(ImportError, AttributeError, TypeError, OSError):  # where there is another one
        import ctypes

        library = ctypes.CDLL(None)
        library.mallopt(_MMAP_THRESHOLD, above)
        library.mallopt(_TRIM_THRESHOLD, 2 * above)
        library.malloc_trim(0)


@dataclass(frozen=True, slots=True)
class _Forms:
    """The forms of the segments together: each a stem and a word, by their numbers in the common lexicons."""

    stems: Lexicon
    words: Lexicon
    every: NDArray[np.int64]
    """Each form as stem number times the count of words, plus word number; ascending."""
    numbers: list[NDArray[np.int32]]
    """For each segment, the places in `every` of its forms; those of stem s begin at stem.starts[s]."""


def _forms(views: Sequence[SegmentView]) -> _Forms:
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
    begins, count = [0] * len(keys), 0
    for parts in stretches(keys):
        own = np.unique(np.concatenate(parts))
        every[count : count + len(own)] = own
        for segment, part in enumerate(parts):
            begin, begins[segment] = begins[segment], begins[segment] + len(part)
            numbers[segment][begin : begins[segment]] = np.searchsorted(own, part) + count
        count += len(own)
    return _Forms(stems, words, every[:count], numbers)


def _in_use(lexicon: Lexicon, numbers: NDArray[np.int32]) -> tuple[Lexicon, NDArray[np.int32]]:
    """The lexicon of those words that are numbered, and their numbers there."""
    used = np.zeros(len(lexicon), np.bool_)
    used[numbers] = True
    if used.all():
        return lexicon, numbers
    new_number = np.cumsum(used, dtype=np.int32) - 1
    return lexicon.only(used), new_number[numbers]


def _groups(
    field: str,
    view: SegmentView,
    live: NDArray[np.bool_],
    numbers: NDArray[np.int32],
    used: NDArray[np.bool_],
) -> Callable[[], tuple[Array, Array]]:
    """What gives heads and counts of a field's runs; their forms, by these numbers, are marked as used."""
    if live.all():
        used[numbers] = True
        return partial(_all_groups, field, view)
    heads, counts = [_NONE], [_NONE]
    for run in _runs(field, view, live):
        used[numbers[run.forms]] = True
        heads.append(run.heads)
        counts.append(run.counts)
    found = np.concatenate(heads), np.concatenate(counts)
    return lambda: found


def _all_groups(field: str, view: SegmentView) -> tuple[Array, Array]:
    """Heads and counts where every document is live."""
    counts: Array = np.diff(view.column(f"{field}.occurrences"))
    return view.file.sections["stem.starts"][:-1][counts > 0], counts[counts > 0]


def _runs(field: str, view: SegmentView, live: NDArray[np.bool_]) -> Iterator[Run]:
    """The live occurrences of a field, some stems at a time; the forms are those of the segment."""
    own = view.fields[field]
    occurrences, first_form = own.occurrences, view.file.sections["stem.starts"]
    for low, high in own.parts():
        docs, variants, positions = own.everything(low, high)
        counts: Array = np.diff(occurrences[low : high + 1].astype(np.int64))
        forms = np.repeat(first_form[low:high], counts) + variants
        yield Run(counts[counts > 0], forms, docs, positions).only(live)
    view.file.release()


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
