"""Gathers articles into chunks: flat arrays, with the occurrences of their words sorted into runs.

This is inversion by sorting (Witten, Moffat and Bell 1999, "Managing Gigabytes", 5.3). The gatherer sorts the
words of a chunk by stem, few enough at a time to stay in the processor's cache. The writer of a segment
(`invert`) then only copies: the number of occurrences of a stem in each run tells where they go.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, compress, islice, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.article import Article, hash_anchors
from indexer.engine.build.tokenize import Flags, Numbers, Tokenizer, split_forms
from indexer.engine.format.arrays import expand_ranges
from indexer.engine.format.columns import Column, find_kind, find_texts, find_values, make_column
from indexer.engine.format.record import NO_DATE, encode_article, to_timestamp
from indexer.engine.format.segment_file import Array, compact
from indexer.engine.format.sketches import Sketcher
from indexer.engine.format.text_store import TextStore, TextWriter
from indexer.fields import FieldType
from indexer.text.analyzer import get_analyzer
from indexer.text.detection import detect_language
from indexer.text.normalization import normalize

_none = partial(np.empty, 0, np.int32)


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """The occurrences of some texts, in one group for each stem; in a group, in the order of the texts.

    `counts` has the number of occurrences in each group; `forms`, `texts` and `positions` have the form, the
    text and the position in it of each occurrence; `capitals` (ascending) are the indices of those that are
    written in capitals.
    """

    counts: Array = field(default_factory=_none)
    forms: Array = field(default_factory=_none)
    texts: Array = field(default_factory=_none)
    positions: Array = field(default_factory=_none)
    capitals: Array = field(default_factory=_none)

    def __len__(self) -> int:
        return len(self.forms)

    @property
    def heads(self) -> Array:
        """The form of the first occurrence of each group."""
        heads: Array = self.forms[np.cumsum(self.counts) - self.counts]
        return heads

    def lay_out(self, terms: Array) -> tuple[Array, NDArray[np.bool_]]:
        """The numbers of the forms, text after text, and whether each is in capitals: what `make_run` sorted.

        `terms` has the number of words of each text.
        """
        places = (np.cumsum(terms, dtype=np.int64) - terms)[self.texts] + self.positions
        forms = np.empty(len(self), self.forms.dtype)
        forms[places] = self.forms
        in_capitals = np.zeros(len(self), np.bool_)
        in_capitals[places[self.capitals]] = True
        return forms, in_capitals

    def select(self, is_wanted: NDArray[np.bool_]) -> Run:
        """The run of the wanted texts only, numbered again; `is_wanted` has one flag for each text."""
        if is_wanted.all():
            return self
        kept = is_wanted[self.texts]
        before = np.concatenate(([0], np.cumsum(kept)))
        counts = np.diff(before[np.cumsum(self.counts)], prepend=0)
        numbers = np.cumsum(is_wanted, dtype=np.int32) - 1
        return Run(
            counts[counts > 0],
            self.forms[kept],
            numbers[self.texts[kept]],
            self.positions[kept],
            before[self.capitals[kept[self.capitals]]],
        )


def make_run(forms: Array, terms: Array, in_capitals: Array, stem_of: Array) -> Run:
    """The run of texts that are given as the numbers of their forms, text after text.

    `terms` has the number of words of each text, `in_capitals` whether each word is in capitals (bool),
    `stem_of` the number of the stem of each form.
    """
    stems = stem_of[forms]
    order = stable_order(stems, len(stem_of))
    first = np.flatnonzero(np.diff(stems[order], prepend=-1))
    texts = np.repeat(np.arange(len(terms), dtype=np.int32), terms)
    positions = np.arange(len(forms), dtype=np.int32)
    positions -= np.repeat(np.cumsum(terms, dtype=np.int32) - terms, terms)
    return Run(
        compact(np.diff(first, append=len(forms))),
        forms[order],
        compact(texts)[order],
        compact(positions)[order],
        compact(np.flatnonzero(in_capitals[order])),
    )


def stable_order(keys: Array, limit: int) -> Array:
    """The indices that sort keys below `limit`, stable.

    NumPy sorts 16-bit integers in linear time (radix sort), so larger keys are sorted by their halves.
    """
    low: Array = np.argsort(keys.astype(np.uint16), kind="stable")
    if limit <= 1 << 16:
        return low
    low = low.astype(np.uint32)  # takes half the memory
    high = (keys >> 16).astype(np.uint16)[low]
    order: Array = low[np.argsort(high, kind="stable")]
    return order


def mark_custom_texts(counts: Array, custom_counts: Array) -> NDArray[np.bool_]:
    """Which documents are custom texts, which follow the `counts` others of each article (bool)."""
    ends = np.cumsum(counts + custom_counts)
    is_own = np.zeros(int(ends[-1]) if len(ends) else 0, np.bool_)
    is_own[expand_ranges(ends - custom_counts, custom_counts)] = True
    return is_own


_MAX_FORMS = 200_000
_COLUMNS = {"date_starts": np.int64, "date_ends": np.int64, "title_keys": np.uint64}


class Numbering(dict[str, int]):
    """Numbers strings from 0, in the order in which they are first asked for."""

    def __missing__(self, key: str) -> int:
        number = self[key] = len(self)
        return number


@dataclass(slots=True, eq=False)
class Chunk:
    """Some articles as flat arrays, in the order in which they were added.

    `forms` are the new forms, each a line with the stem, SEPARATOR and the word: lines sort like pairs of
    stem and word, and one string takes little memory. They are numbered after those of the chunks before, or
    from 0 if the chunk `is_fresh`. `titles` is the run of the titles, `texts` that of the paragraphs and,
    after those of each article, of its custom texts; `title_terms` and `text_terms` have the number of
    words of each. `counts` are the paragraphs of each article, `custom_counts` its custom texts, whose
    fields are `custom_fields` (numbers of the `text_names`), article after article. `anchors` has the hash of
    each paragraph. `columns` are sections "article.…" (FORMAT.md), `languages` those of each article,
    `fields` the columns of their values. `items` are the sections of a text store.
    """

    forms: str = ""
    is_fresh: bool = False
    titles: Run = field(default_factory=Run)
    title_terms: Array = field(default_factory=_none)
    texts: Run = field(default_factory=Run)
    text_terms: Array = field(default_factory=_none)
    counts: Array = field(default_factory=_none)
    custom_counts: Array = field(default_factory=_none)
    custom_fields: Array = field(default_factory=_none)
    text_names: tuple[str, ...] = ()
    anchors: Array = field(default_factory=_none)
    ids: list[str] = field(default_factory=list)
    columns: dict[str, Array] = field(default_factory=dict)
    languages: list[str] = field(default_factory=list)
    fields: dict[str, Column] = field(default_factory=dict)
    items: dict[str, Any] = field(default_factory=lambda: TextWriter().make_sections())
    size: int = 0
    """Bytes of stored text."""

    def iter_items(self) -> Iterator[list[bytes]]:
        """The stored items of each article, as `encode_article` returns them."""
        stored, first = TextStore(self.items), 0
        for count in self.counts.tolist():
            yield stored.read(range(first, first + count + 1))
            first += count + 1

    def select(self, is_wanted: Sequence[bool]) -> Chunk:
        """The chunk with the wanted articles only; it keeps all forms, because later chunks refer to them."""
        if all(is_wanted):
            return self
        article = np.array(is_wanted, np.bool_)
        text = np.repeat(article, self.counts + self.custom_counts)
        items = TextWriter(TextStore(self.items).dictionary)
        for own in compress(self.iter_items(), is_wanted):
            items.add(own)
        return Chunk(
            forms=self.forms,
            is_fresh=self.is_fresh,
            titles=self.titles.select(article),
            title_terms=self.title_terms[article],
            texts=self.texts.select(text),
            text_terms=self.text_terms[text],
            counts=self.counts[article],
            custom_counts=self.custom_counts[article],
            custom_fields=self.custom_fields[np.repeat(article, self.custom_counts)],
            text_names=self.text_names,
            anchors=self.anchors[np.repeat(article, self.counts)],
            ids=[*compress(self.ids, is_wanted)],
            columns={name: values[article] for name, values in self.columns.items()},
            languages=[*compress(self.languages, is_wanted)],
            fields={name: column.select(article) for name, column in self.fields.items()},
            items=items.make_sections(),
            size=items.size,
        )


class Gatherer:
    """Turns articles into chunks; forms keep their numbers from one chunk to the next.

    `language` is that of articles that state none and whose language is not detected, `fields` the types of
    the custom fields. With more than `max_forms` forms, all are forgotten and numbered from 0 again. If it
    does not store texts, its chunks have no items.
    """

    def __init__(
        self,
        language: str,
        fields: Mapping[str, FieldType] | None = None,
        max_forms: int = _MAX_FORMS,
        *,
        stores_texts: bool = True,
    ) -> None:
        self._language = language
        self._stores_texts = stores_texts
        self._types = fields or {}
        self._text_names = tuple(sorted(name for name, kind in self._types.items() if kind.type == "text"))
        self._max_forms = max_forms
        self._forms = Numbering()
        self._tokenizers: dict[str, Tokenizer] = {}
        self._sketcher = Sketcher()
        self._stems = Numbering()
        self._stem_of = array("i")  # the number of the stem of each form
        self._clear()

    @property
    def size(self) -> int:
        """Bytes of the items that were added since the last chunk was taken."""
        return self._size

    def add(
        self,
        article: Article,
        items: list[bytes] | None = None,
        source: str | None = None,
        language: str | None = None,
    ) -> str:
        """Add an article, and return the language that it was analyzed in.

        `items` is the article as `encode_article` returns it, if it is encoded already. `source` is the URI
        of the folder or file that it was read from, None if an app has put it in. `language` is the one that
        the article was analyzed in before, if that is known.
        """
        language = language or article.language
        language = language or detect_language(article.title, article.paragraphs, self._language)
        items = items or encode_article(article)
        self._ids.append(article.id)
        self._languages.append(language)
        for column, values in find_values(article, source, self._types):
            owners, every = self._fields.setdefault(column, ([], []))
            owners += [len(self._counts)] * len(values)
            every += values
        self._counts.append(len(article.paragraphs))
        self._titles.append(article.title.encode())
        self._texts += items[1:]
        own = find_texts(article, self._types) if self._text_names else {}
        self._custom_counts.append(len(own))
        self._custom_fields += map(self._text_names.index, own)
        self._texts += (text.encode() for text in own.values())
        published = article.published
        columns = self._columns
        columns["date_starts"].append(to_timestamp(published.start) if published else NO_DATE)
        columns["date_ends"].append(to_timestamp(published.end) if published else NO_DATE)
        columns["title_keys"].append(int.from_bytes(normalize(article.title).encode()[:8].ljust(8, b"\0")))
        self._anchors += hash_anchors(article.paragraphs)
        if self._stores_texts:
            self._items.append(items)
        self._size += sum(map(len, items))
        return language

    def take(self, dictionary: bytes = b"") -> Chunk:
        """The chunk of the articles that were added since the last one was taken.

        Their items are compressed with this dictionary, without one if it is empty.
        """
        is_fresh = len(self._forms) > self._max_forms
        if is_fresh:
            self._forms.clear()
            self._tokenizers.clear()
            self._sketcher = Sketcher()
            self._stems.clear()
            del self._stem_of[:]
        known = len(self._forms)
        counts, custom_counts = np.array(self._counts, np.int32), np.array(self._custom_counts, np.int32)
        languages = self._languages
        titles, title_terms, title_capitals = self._tokenize(self._titles, languages)
        texts, text_terms, text_capitals = self._tokenize(
            self._texts, [*chain(*map(repeat, languages, (counts + custom_counts).tolist()))]
        )
        forms = [*islice(self._forms, known, None)]
        stems, words = split_forms(forms)
        self._sketcher.add_words(words)
        self._stem_of.extend(map(self._stems.__getitem__, stems))
        stem_of = np.array(self._stem_of, np.int32)
        columns: dict[str, Array] = {
            name: np.array(self._columns[name], kind) for name, kind in _COLUMNS.items()
        }
        body, body_terms = texts, text_terms
        if custom_counts.any():
            # Near-duplicates are told by their paragraphs alone.
            is_body = ~mark_custom_texts(counts, custom_counts)
            body, body_terms = texts[np.repeat(is_body, text_terms)], text_terms[is_body]
        columns["sketches"] = self._sketcher.make_sketches(titles, title_terms, body, body_terms, counts)
        stored = TextWriter(dictionary)
        for items in self._items:
            stored.add(items)
        chunk = Chunk(
            forms="\n".join(forms),
            is_fresh=is_fresh,
            titles=make_run(titles, title_terms, title_capitals, stem_of),
            title_terms=title_terms,
            texts=make_run(texts, text_terms, text_capitals, stem_of),
            text_terms=text_terms,
            counts=counts,
            custom_counts=custom_counts,
            custom_fields=np.array(self._custom_fields, np.int32),
            text_names=self._text_names,
            anchors=np.array(self._anchors, np.uint32),
            ids=self._ids,
            columns=columns,
            languages=languages,
            fields={
                name: make_column(find_kind(name, self._types), *values)
                for name, values in self._fields.items()
            },
            items=stored.make_sections(),
            size=self._size,
        )
        self._clear()
        return chunk

    def _clear(self) -> None:
        self._size = 0
        self._ids: list[str] = []
        self._languages: list[str] = []
        self._columns: dict[str, list[int]] = {name: [] for name in _COLUMNS}
        # The article of each value of a column, and the values.
        self._fields: dict[str, tuple[list[int], list[Any]]] = {}
        self._counts: list[int] = []
        self._custom_counts: list[int] = []
        self._custom_fields: list[int] = []
        self._titles: list[bytes] = []
        self._texts: list[bytes] = []
        self._anchors: list[int] = []
        self._items: list[list[bytes]] = []

    def _tokenize(self, texts: list[bytes], languages: list[str]) -> tuple[Numbers, Numbers, Flags]:
        """The same as `Tokenizer.tokenize`, of texts in these languages."""
        by_language: dict[str, list[int]] = {}
        for index, language in enumerate(languages):
            by_language.setdefault(language, []).append(index)
        if len(by_language) < 2:
            return self._tokenizer(next(iter(by_language), self._language)).tokenize(texts)
        parts = [
            self._tokenizer(language).tokenize([texts[index] for index in indices])
            for language, indices in by_language.items()
        ]
        numbers, counts, in_capitals = (np.concatenate(part) for part in zip(*parts, strict=True))
        # From the order of languages back to the order of the texts.
        order = np.argsort(np.concatenate(list(by_language.values())))
        places = expand_ranges((np.cumsum(counts) - counts)[order], counts[order])
        return numbers[places], counts[order], in_capitals[places]

    def _tokenizer(self, language: str) -> Tokenizer:
        if language not in self._tokenizers:
            self._tokenizers[language] = Tokenizer(get_analyzer(language), self._forms.__getitem__)
        return self._tokenizers[language]
