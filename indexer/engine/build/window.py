"""Makes segments in memory, for windows on a larger collection; nothing is written to the disk."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from indexer.engine.build.gather import Gatherer
from indexer.engine.build.invert import Buffer
from indexer.engine.format.record import decode_article
from indexer.engine.read.window import ViewInMemory
from indexer.fields import FieldType

_MAX_FORMS = 50_000
"""Forms that are remembered from one window to the next: enough for common words, and soon looked through."""


class EncodedArticle(NamedTuple):
    """An article as `encode_article` returns it, the URI of its source ("" for none), and its language."""

    items: list[bytes]
    source: str
    language: str


class WindowMaker:
    """Makes segments of a few articles; `language` and `fields` are those of a Gatherer.

    It remembers the words that it has analyzed, so that the next segment takes half the time. Safe to share
    between threads.
    """

    def __init__(self, language: str, fields: Mapping[str, FieldType] | None = None) -> None:
        self._language, self._fields = language, fields
        self._idle: list[_Assembly] = []

    def make(self, articles: Iterable[EncodedArticle]) -> ViewInMemory:
        """The segment of some articles (at least one); raises ValueError or InvalidArticle."""
        # Without a lock: a list gives each element to one thread only.
        assembly = self._idle.pop() if self._idle else _Assembly(self._language, self._fields)
        view = assembly.make(articles)
        self._idle.append(assembly)
        return view


class _Assembly:
    """What one thread at a time makes segments with."""

    def __init__(self, language: str, fields: Mapping[str, FieldType] | None) -> None:
        self._gatherer = Gatherer(language, fields, _MAX_FORMS, stores_texts=False)
        self._buffer = Buffer(max_forms=_MAX_FORMS, lists_phrases=False)
        self._numbers = array("i")

    def make(self, articles: Iterable[EncodedArticle]) -> ViewInMemory:
        every: list[bytes] = []
        for items, source, language in articles:
            self._gatherer.add(decode_article(items), items, source or None, language)
            every += items
        self._buffer.add(self._gatherer.take(), self._numbers)
        return ViewInMemory(*self._buffer.make_sections(), every)
