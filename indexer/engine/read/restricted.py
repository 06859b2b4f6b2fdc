"""A view of a segment that shows only the articles that a reader may read.

The lexicons, the numbers of the stems and all that is precomputed are those of the whole segment. A
restricted view shows of them what visible documents have, and counts only these: a word that only hidden
documents have is unknown to it. Postings are not filtered here but in the snapshot, as those of removed
documents are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from indexer.engine.format.phrases import Phrases
from indexer.engine.format.segment_file import Array
from indexer.engine.format.text_store import TextStore
from indexer.engine.read.postings import Field
from indexer.engine.read.segment import SegmentView
from indexer.files.fork_safe import lazy

_MAX_REMEMBERED = 4096  # stems whose words are remembered


@dataclass(frozen=True, slots=True)
class _Visible:
    """The stems, forms and words of a segment that visible documents have.

    `postings` (int64) has for each stem how many visible titles and paragraphs have it; `forms` and `words`
    (bool) have whether a visible document has each form and each word. Forms are in the order of the section
    "word.stems".
    """

    postings: NDArray[np.int64]
    forms: NDArray[np.bool_]
    words: NDArray[np.bool_]


class RestrictedView(SegmentView):
    """The part of an open segment that visible documents make up; `live` (bool) tells which these are.

    It shares what is open with the whole segment, and numbers documents, articles, stems and words as that
    does. All postings are read once to find the visible words, when they are first needed.
    """

    def __init__(self, whole: SegmentView, live: NDArray[np.bool_]) -> None:
        # The constructor of the base class would open the file again.
        self._whole = whole
        self._live = live
        self.file = whole.file
        self.documents, self.articles, self.languages = whole.documents, whole.articles, whole.languages
        self.stems, self.words, self.ids = whole.stems, whole.words, whole.ids
        self.fields, self.kinds, self.text_names = whole.fields, whole.kinds, whole.text_names
        self._words_of: dict[str, tuple[str, ...]] = {}

    @lazy
    def texts(self) -> TextStore:
        return self._whole.texts

    @lazy
    def phrases(self) -> Phrases:
        return self.find_phrases(self._live)

    @lazy
    def doc_starts(self) -> NDArray[np.int64]:
        return self._whole.doc_starts

    @lazy
    def doc_fields(self) -> NDArray[np.int64]:
        return self._whole.doc_fields

    @lazy
    def _heads(self) -> Array:
        return self._whole._heads

    def has_stem(self, stem: str) -> bool:
        return bool(self._find_words(stem))

    def has_other_forms(self, stem: str, word: str) -> bool:
        return any(other != word for other in self._find_words(stem))

    def words_of(self, stem: str) -> list[str]:
        return [*self._find_words(stem)]

    def list_words(self) -> list[str]:
        return list(compress(self._whole.list_words(), self._visible.words.tolist()))

    def word_frequencies(self) -> NDArray[np.int32]:
        visible, sections = self._visible, self.file.sections
        if not len(visible.words):
            return np.empty(0, np.int32)
        counts = visible.postings[sections["word.stems"]] * visible.forms
        first = sections["word.starts"][:-1].astype(np.int64)
        return np.add.reduceat(counts, first).astype(np.int32)[visible.words]

    def count_postings(self, stems: Array) -> NDArray[np.int64]:
        return self._visible.postings[stems]

    def list_forms(self, numbers: range) -> tuple[NDArray[np.int64], NDArray[np.int64], Array]:
        words, stems, variants = self._whole.list_forms(numbers)
        start = int(self.file.sections["word.starts"][numbers.start])
        is_visible = self._visible.forms[start : start + len(words)]
        return words[is_visible], stems[is_visible], variants[is_visible]

    def list_variants(self, field: Field, stem: int) -> Array:
        every, postings = super().list_variants(field, stem), field.read_stem(stem)
        if postings.occurrences != len(every):
            field.raise_bad_freqs()
        return every[self._live[postings.docs].repeat(postings.freqs)]

    def _find_words(self, stem: str) -> tuple[str, ...]:
        """The visible words of a stem, ascending; remembered, since all its postings are read for them."""
        # Without a lock: another thread may find the same, or clear the dictionary at any moment.
        known = self._words_of.get(stem)
        if known is not None:
            return known
        words: tuple[str, ...] = ()
        if (number := self.find_stem(stem)) is not None:
            variants = [self.list_variants(own, number) for own in self.fields.values()]
            used = np.unique(np.concatenate(variants)).astype(np.int64)
            first = int(self.file.sections["stem.starts"][number])
            words = tuple(
                self.words[word] for word in self.file.sections["stem.words"][first + used].tolist()
            )
        if len(self._words_of) >= _MAX_REMEMBERED:
            self._words_of.clear()
        self._words_of[stem] = words
        return words

    def _find_numbers(self, words: Sequence[str]) -> NDArray[np.int64]:
        # The lexicon of the base class has all words, so that their numbers are indices in it.
        return self._whole._find_numbers(words)

    @lazy
    def _visible(self) -> _Visible:
        sections = self.file.sections
        first_forms = sections["stem.starts"].astype(np.int64)
        postings = np.zeros(len(self.stems), np.int64)
        has_form = np.zeros(int(first_forms[-1]) if len(first_forms) else 0, np.bool_)
        for field in self.fields.values():
            for low, high in field.split_stems():
                docs, freqs = field.decode(low, high)
                bounds = field.section("starts")[low : high + 1].astype(np.int64)
                is_live = self._live[docs]
                owners = np.repeat(np.arange(low, high), bounds[1:] - bounds[:-1])[is_live]
                postings[low:high] += np.bincount(owners - low, minlength=high - low)
                (start, _), (_, end) = field.occurrence_range(low), field.occurrence_range(high - 1)
                if int(freqs.sum(dtype=np.int64)) != end - start:
                    field.raise_bad_freqs()
                found = first_forms[owners].repeat(freqs[is_live])
                found += field.list_variants(low, high)[is_live.repeat(freqs)]
                if len(found) and int(found.max()) >= len(has_form):
                    field.raise_bad_variants()
                has_form[found] = True
        forms = has_form[first_forms[sections["word.stems"]] + sections["word.variants"]]
        first = sections["word.starts"][:-1].astype(np.int64)
        words = np.logical_or.reduceat(forms, first) if len(first) else np.empty(0, np.bool_)
        return _Visible(postings, forms, words)
