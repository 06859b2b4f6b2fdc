"""Sorted runs: the occurrences of some texts by stem, to be put together with those of others in one pass.

Inversion by sorting (Witten, Moffat and Bell 1999, "Managing Gigabytes", 5.3): whoever reads texts sorts
their words, few enough at a time to stay in the processor's cache. Whoever writes has nothing to compare: how
many occurrences each run has of a stem says where they go.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, compress, islice, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.article import Article, anchor_hashes
from indexer.engine.build.tokenize import Numbering, Numbers
from indexer.engine.format.arrays import ranges
from indexer.engine.format.labels import labels_of
from indexer.engine.format.record import NO_DATE, encode_article, to_timestamp
from indexer.engine.format.segment_file import Array, compact
from indexer.engine.format.sketches import WIDTH, Sketcher, Sketches
from indexer.engine.format.text_store import TextStore, TextWriter
from indexer.text.analyzer import get_analyzer
from indexer.text.detection import detect_language
from indexer.text.normalization import normalize

_none = partial(np.empty, 0, np.int32)


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """The occurrences of some texts, in one group for each stem that is there; in a group, as they stand.

    `counts` says how many a group has. The other arrays say of each occurrence its form and its text, by
    number, and its position in the text.
    """

    counts: Array = field(default_factory=_none)
    forms: Array = field(default_factory=_none)
    texts: Array = field(default_factory=_none)
    positions: Array = field(default_factory=_none)

    def __len__(self) -> int:
        return len(self.forms)

    @property
    def heads(self) -> Array:
        """The form of the first occurrence of each group."""
        heads: Array = self.forms[np.cumsum(self.counts) - self.counts]
        return heads

    def only(self, wanted: NDArray[np.bool_]) -> Run:
        """The run without the texts that are not wanted, the others numbered anew."""
        if wanted.all():
            return self
        kept = wanted[self.texts]
        ends = np.concatenate(([0], np.cumsum(kept)))[np.cumsum(self.counts)]
        counts = np.diff(ends, prepend=0)
        numbers = np.cumsum(wanted, dtype=np.int32) - 1
        return Run(counts[counts > 0], self.forms[kept], numbers[self.texts[kept]], self.positions[kept])


def make_run(forms: Array, terms: Array, stem_of: Array) -> Run:
    """The run of texts that are given as form numbers, text after text.

    `terms` says how many there are of each text, `stem_of` which stem, by number, each form has.
    """
    stems = stem_of[forms]
    order = stable_order(stems, len(stem_of))
    first = np.flatnonzero(np.diff(stems[order], prepend=-1))
    texts = np.repeat(np.arange(len(terms), dtype=np.int32), terms)
    positions = np.arange(len(forms), dtype=np.int32)
    positions -= np.repeat(np.cumsum(terms, dtype=np.int32) - terms, terms)
    return Run(
        np.diff(first, append=len(forms)), forms[order], compact(texts)[order], compact(positions)[order]
    )


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


_MOST_FORMS = 200_000
BETWEEN = "\0"
"""Between the stem and the word of a form: less than all that can be in one."""
_NO_I4, _NO_U4, _NO_I8, _NO_U8 = (partial(np.empty, 0, kind) for kind in ("i4", "u4", "i8", "u8"))


@dataclass(slots=True, eq=False)
class Chunk:
    """Some articles as flat arrays, in the order in which they were given.

    `forms` are the forms that came up for the first time, a line each with the stem, BETWEEN and the word:
    lines have the order of pairs, and one text takes little memory while it waits. They are numbered on from
    those of the chunks before, or from 0 when the chunk `is_fresh`. `titles` is the run of the articles'
    titles, `texts` that of the paragraphs; `title_terms` and `text_terms` say how many words each of them
    has. `counts` are paragraphs of each article. `items` are the sections of a text store.
    """

    forms: str = ""
    is_fresh: bool = False
    titles: Run = field(default_factory=Run)
    title_terms: Array = field(default_factory=_NO_I4)
    texts: Run = field(default_factory=Run)
    text_terms: Array = field(default_factory=_NO_I4)
    counts: Array = field(default_factory=_NO_I4)
    anchors: Array = field(default_factory=_NO_U4)
    begins: Array = field(default_factory=_NO_I8)
    ends: Array = field(default_factory=_NO_I8)
    title_keys: Array = field(default_factory=_NO_U8)
    sketches: Sketches = field(default_factory=lambda: np.empty((0, WIDTH), np.uint8))
    ids: list[str] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    sites: list[str] = field(default_factory=list)
    items: dict[str, Any] = field(default_factory=lambda: TextWriter().sections())
    size: int = 0
    """Bytes of stored text."""

    def only(self, wanted: Sequence[bool]) -> Chunk:
        """The chunk without the articles that are not wanted; its forms stay, for others count on them."""
        if all(wanted):
            return self
        article = np.array(wanted, np.bool_)
        document = np.repeat(article, self.counts)
        widths = self.counts + 1
        stored, items, size = TextStore(**self.items), TextWriter(), 0
        for first, width in zip((np.cumsum(widths) - widths)[article], widths[article], strict=True):
            for item in stored.read(range(first, first + width)):
                items.add(item)
                size += len(item)
        return Chunk(
            forms=self.forms,
            is_fresh=self.is_fresh,
            titles=self.titles.only(article),
            title_terms=self.title_terms[article],
            texts=self.texts.only(document),
            text_terms=self.text_terms[document],
            counts=self.counts[article],
            anchors=self.anchors[document],
            begins=self.begins[article],
            ends=self.ends[article],
            title_keys=self.title_keys[article],
            sketches=self.sketches[article],
            ids=[*compress(self.ids, wanted)],
            languages=[*compress(self.languages, wanted)],
            sources=[*compress(self.sources, wanted)],
            paths=[*compress(self.paths, wanted)],
            sites=[*compress(self.sites, wanted)],
            items=items.sections(),
            size=size,
        )


class Gatherer:
    """Turns articles into chunks; keeps the numbers of the forms from one chunk to the next.

    With more than `most_forms` of them, it forgets them all and numbers from 0 again.
    """

    def __init__(self, language: str, most_forms: int = _MOST_FORMS) -> None:
        self._language = language
        self._most_forms = most_forms
        self._forms: dict[str, int] = {}
        self._numberings: dict[str, Numbering] = {}
        self._sketcher = Sketcher()
        self._stems: dict[str, int] = {}
        self._stem_of = array("i")  # of each form, the number of its stem
        self._clear()

    @property
    def size(self) -> int:
        """Bytes of text since the last chunk was taken."""
        return self._size

    def add(self, article: Article, items: list[bytes] | None = None, source: str | None = None) -> str:
        """Add an article (`items`: as encoded already; `source`: the folder or file it is from, as a URI).

        Returns the language that it was analysed in.
        """
        language = article.language or detect_language(article.title, article.paragraphs, self._language)
        items = items or encode_article(article)
        self._ids.append(article.id)
        self._languages.append(language)
        name, path, site = labels_of(article, source)
        self._sources.append(name)
        self._paths.append(path)
        self._sites.append(site)
        self._counts.append(len(article.paragraphs))
        self._titles.append(article.title.encode())
        self._texts += items[1:]
        published = article.published
        self._begins.append(to_timestamp(published.start) if published else NO_DATE)
        self._ends.append(to_timestamp(published.end) if published else NO_DATE)
        self._title_keys.append(int.from_bytes(normalize(article.title).encode()[:8].ljust(8, b"\0")))
        self._anchors += anchor_hashes(article.paragraphs)
        for item in items:
            self._items.add(item)
            self._size += len(item)
        return language

    def take(self) -> Chunk:
        """What was added since the last time."""
        is_fresh = len(self._forms) > self._most_forms
        if is_fresh:
            self._forms.clear()
            self._numberings.clear()
            self._sketcher = Sketcher()
            self._stems.clear()
            del self._stem_of[:]
        known = len(self._forms)
        counts = np.array(self._counts, np.int32)
        titles, title_terms = self._numbered(self._titles, self._languages)
        texts, text_terms = self._numbered(self._texts, [*chain(*map(repeat, self._languages, self._counts))])
        forms = [*islice(self._forms, known, None)]
        parts = [form.partition(BETWEEN) for form in forms]
        self._sketcher.learn(word for _, _, word in parts)
        self._stem_of.extend(self._stems.setdefault(stem, len(self._stems)) for stem, _, _ in parts)
        stem_of = np.array(self._stem_of, np.int32)
        chunk = Chunk(
            forms="\n".join(forms),
            is_fresh=is_fresh,
            titles=make_run(titles, title_terms, stem_of),
            title_terms=title_terms,
            texts=make_run(texts, text_terms, stem_of),
            text_terms=text_terms,
            counts=counts,
            anchors=np.array(self._anchors, np.uint32),
            begins=np.array(self._begins, np.int64),
            ends=np.array(self._ends, np.int64),
            title_keys=np.array(self._title_keys, np.uint64),
            sketches=self._sketcher.sketches(titles, title_terms, texts, text_terms, counts),
            ids=self._ids,
            languages=self._languages,
            sources=self._sources,
            paths=self._paths,
            sites=self._sites,
            items=self._items.sections(),
            size=self._size,
        )
        self._clear()
        return chunk

    def _clear(self) -> None:
        self._size = 0
        self._ids: list[str] = []
        self._languages: list[str] = []
        self._sources: list[str] = []
        self._paths: list[str] = []
        self._sites: list[str] = []
        self._counts: list[int] = []
        self._titles: list[bytes] = []
        self._texts: list[bytes] = []
        self._begins: list[int] = []
        self._ends: list[int] = []
        self._title_keys: list[int] = []
        self._anchors: list[int] = []
        self._items = TextWriter()

    def _numbered(self, texts: list[bytes], languages: list[str]) -> tuple[Numbers, Numbers]:
        """The numbers of the forms of texts in these languages, and how many each text has."""
        names = list(dict.fromkeys(languages))
        if len(names) < 2:
            return self._numbering(names[0] if names else self._language).of(texts)
        places = [[place for place, name in enumerate(languages) if name == wanted] for wanted in names]
        parts = [
            self._numbering(name).of([texts[place] for place in chosen])
            for name, chosen in zip(names, places, strict=True)
        ]
        numbers, counts = (np.concatenate(part) for part in zip(*parts, strict=True))
        # Language after language: back into the order in which they came.
        order = np.argsort(np.concatenate(places))
        return numbers[ranges((np.cumsum(counts) - counts)[order], counts[order])], counts[order]

    def _numbering(self, language: str) -> Numbering:
        if language not in self._numberings:
            self._numberings[language] = Numbering(get_analyzer(language), self._number)
        return self._numberings[language]

    def _number(self, stem: str, word: str) -> int:
        return self._forms.setdefault(f"{stem}{BETWEEN}{word}", len(self._forms))
