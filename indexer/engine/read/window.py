"""A window on a larger collection: a few of its articles, as a snapshot in memory.

Another engine has found these articles and counted the others. A query is evaluated in a window as in any
snapshot; what a window cannot know, such as how common a term is, comes from its `Collection`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.engine.format.arrays import Values
from indexer.engine.format.phrases import Phrases
from indexer.engine.format.segment_file import Section, SegmentInMemory
from indexer.engine.format.sketches import WIDTH, Sketches
from indexer.engine.format.text_store import TextStore
from indexer.engine.read.collection import Collection
from indexer.engine.read.contents import SegmentEntry
from indexer.engine.read.periods import compute_ages
from indexer.engine.read.postings import FIELDS, Field
from indexer.engine.read.segment import SegmentView
from indexer.engine.read.snapshot import Snapshot
from indexer.engine.read.statistics import LanguageStatistics
from indexer.engine.read.vocabulary import Vocabulary
from indexer.files.fork_safe import lazy
from indexer.text.languages import base_language


class TextsInMemory(TextStore):
    """The items of articles as they are, by number."""

    def __init__(self, items: Sequence[bytes]) -> None:
        self._items = items

    def read(self, numbers: Sequence[int]) -> list[bytes]:
        """The items with these numbers, in this order."""
        return [self._items[number] for number in numbers]


class ViewInMemory(SegmentView):
    """A segment that has no file; `items` are those of its articles, one article after the other."""

    def __init__(self, sections: Iterable[Section], facts: Mapping[str, Any], items: Sequence[bytes]) -> None:
        # The constructor of the base class would open a file.
        self.file = SegmentInMemory(sections)
        self.documents, self.articles = facts["documents"], facts["articles"]
        self.languages, self.kinds = facts["languages"], facts["fields"]
        self.text_names = facts.get("texts", [])
        self.stems, self.words, self.ids = map(self.open_lexicon, ("stem", "word", "id"))
        self.fields = {name: Field(self.file, name, self.documents) for name in FIELDS}
        self._items = items

    @lazy
    def texts(self) -> TextStore:
        return TextsInMemory(self._items)

    @lazy
    def phrases(self) -> Phrases:
        return self.find_phrases(np.ones(self.documents, np.bool_))


class Window(Snapshot):
    """The articles of a segment in memory, judged by the statistics of the collection that they are from.

    Without a segment, it has no articles.
    """

    collection: Collection

    def __init__(self, view: ViewInMemory | None, collection: Collection) -> None:
        self._view, self.collection = view, collection
        parts = [(SegmentEntry("", view.documents, b"", b""), view, None)] if view else []
        self._set_up(Path(), collection.commit, collection.language, parts)

    def renew(self) -> Window:
        """The same window, which remembers nothing of what the collection has counted in the meantime."""
        return Window(self._view, self.collection)

    def list_stems(self) -> list[str]:
        """The stems that its articles have, ascending."""
        return self._view.stems.words() if self._view else []

    @lazy
    def vocabulary(self) -> Vocabulary:
        return self.collection.vocabulary

    @property
    def sketches(self) -> Sketches:
        """The sketches of its articles; see `SegmentView.sketches`."""
        return self._view.sketches if self._view else np.empty((0, WIDTH), np.uint8)

    @lazy
    def statistics(self) -> LanguageStatistics:
        """Those of the collection, with the languages of the articles in the window."""
        statistics = self.collection.statistics
        names, codes = self.labels("language")
        numbers = [statistics.languages.index(base_language(name)) for name in names]
        return replace(statistics, language_of=np.array(numbers, np.int64)[codes])

    @lazy
    def ages(self) -> NDArray[np.float32]:
        return compute_ages(self.date_starts, self.date_ends, *self.collection.measure_ages())

    def has_other_forms(self, stem: str, word: str) -> bool:
        # Articles that are not in the window may have them; their counts tell.
        return True

    def paragraph_counts(self, stem: str) -> Values:
        # Articles that are not in the window have it in as many paragraphs as those that are.
        found = super().article_counts(stem)
        return super().paragraph_counts(stem) * self.article_counts(stem) / np.maximum(found, 1.0)

    def article_counts(self, stem: str) -> Values:
        return self.collection.count_phrase([stem], super().article_counts(stem))

    def phrase_counts(self, stems: Sequence[str]) -> Values:
        return self.collection.count_phrase(stems, super().phrase_counts(stems))

    def document_frequency(self, stem: str) -> int:
        return round(float(self.paragraph_counts(stem).sum()))

    def name_sources(self, uris: Sequence[str]) -> list[str]:
        return self.collection.name_sources(uris)
