"""One commit of an index, open for reading; it never changes and is safe to share between threads."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from indexer.article import Article, make_record_id, name_text_anchor, record_name
from indexer.engine.format.arrays import Ids, Values, expand_ranges
from indexer.engine.format.columns import NO_VALUES, Column, join_columns
from indexer.engine.format.labels import LABELS, Labels, make_labels, merge_labels, shorten_sources
from indexer.engine.format.record import decode_article, decode_info, decode_pages, decode_texts
from indexer.engine.format.segment_file import Array, DamageReporter
from indexer.engine.format.sketches import WIDTH
from indexer.engine.format.vectors import VectorFile
from indexer.engine.read.collection import Collection
from indexer.engine.read.contents import SegmentEntry, read_contents
from indexer.engine.read.deadline import NO_DEADLINE, Deadline
from indexer.engine.read.near_duplicates import NearDuplicates, find_near_duplicates
from indexer.engine.read.periods import Periods, compute_ages, find_finest_grains, find_periods
from indexer.engine.read.postings import FIELDS, NO_POSTINGS, Positions, Postings
from indexer.engine.read.restricted import RestrictedView
from indexer.engine.read.segment import SegmentView
from indexer.engine.read.statistics import LanguageStatistics, measure_languages
from indexer.engine.read.values import ArticleValues, group_values
from indexer.engine.read.vectors import VectorFiles, Vectors
from indexer.engine.read.vocabulary import FuzzyIndex, Vocabulary
from indexer.files.fork_safe import lazy
from indexer.results import ArticleInfo, Grain

_MAX_REMEMBERED = 8192  # values
_MISSING = object()
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LiveSegment:
    """A segment in a snapshot: its first document and article there, and which of its own are not removed."""

    entry: SegmentEntry
    view: SegmentView
    first_doc: int
    first_article: int
    live: NDArray[np.bool_] | None
    """Which documents are not removed (bool, one of each document); None if none is removed."""
    articles: NDArray[np.int64] | None
    """The articles that are not removed, ascending; None if none is removed."""

    @property
    def article_count(self) -> int:
        """How many articles are not removed."""
        return self.view.articles if self.articles is None else len(self.articles)

    @property
    def lists_removed_phrases(self) -> bool:
        """Whether some of its phrases may stand in removed articles only."""
        # A restricted view lists those of its own articles.
        return self.live is not None and not isinstance(self.view, RestrictedView)

    def select(self, column: Array) -> Array:
        """The values of the articles that are not removed, from a column of all articles of the segment."""
        return column if self.articles is None else column[self.articles]


class Excerpt(NamedTuple):
    """An article with some of its texts, their anchors and their pages (None where it is unknown).

    `fields` has the field of each custom text, and None for each paragraph; `numbers` count the
    paragraphs of the article from 1, and are None for custom texts.
    """

    info: ArticleInfo
    anchors: list[str]
    texts: list[str]
    pages: list[int | None]
    numbers: list[int | None]
    fields: list[str | None]

    def add_texts(self, fields: Sequence[str], head: bytes) -> None:
        """Add the texts in some fields; `head` is the stored head of the article. Raises ValueError."""
        self.anchors.extend(map(name_text_anchor, fields))
        self.texts.extend(decode_texts(head, fields) if fields else ())
        self.pages.extend([None] * len(fields))
        self.numbers.extend([None] * len(fields))
        self.fields.extend(fields)


class Snapshot:
    """The articles of the last commit as arrays, and their postings and texts on demand.

    Articles that are not removed are numbered from 0 in the order of their documents; columns have one value
    for each. `doc_starts` and `doc_ends` (int32) are the range of an article's documents, `date_starts` and
    `date_ends` (int64) the range of its date in seconds since 1970, NO_DATE for none. `counts` (int64) are
    its paragraphs, after whose documents come those of its custom texts, in the fields `text_names`.
    `lengths` (float64) are the terms of its title and of all these texts. Segments that the
    snapshot `before` has open are not opened again. Methods that a SegmentView has too return the same for
    all articles of the commit. Raises IndexMissing or IndexDamaged.

    `collection` is what a window on a larger collection (`Window`) is judged by.
    """

    collection: Collection | None = None

    def __init__(self, folder: Path, before: Snapshot | None = None) -> None:
        before = None if before is None or before.folder != folder else before
        commit, language, opened = read_contents(folder, before.views() if before else {})
        files = VectorFiles(opened, before._vector_files if before else None)
        self._set_up(folder, commit, language, ((entry, view, entry.live()) for entry, view in opened), files)

    def restrict(self, articles: Ids) -> Snapshot:
        """Return a snapshot that has only these articles (ascending) of this one.

        Everything that it returns is as in an index of these articles alone. Nothing is opened again.
        """
        is_visible = np.zeros(self.articles + 1, np.bool_)
        is_visible[articles] = True
        live = is_visible[self.article_of]
        parts: list[tuple[SegmentEntry, SegmentView, NDArray[np.bool_] | None]] = []
        for own in self.segments:
            own_live = live[own.first_doc :][: own.view.documents]
            # A segment without hidden documents is read as it is, and one with nothing else is not read.
            if own_live.all():
                parts.append((own.entry, own.view, None))
            elif own_live.any():
                parts.append((own.entry, RestrictedView(own.view, own_live), own_live))
        found = Snapshot.__new__(Snapshot)
        found._set_up(self.folder, self.commit, self.default_language, parts, self._vector_files)
        return found

    def _set_up(
        self,
        folder: Path,
        commit: int,
        language: str,
        parts: Iterable[tuple[SegmentEntry, SegmentView, NDArray[np.bool_] | None]],
        vector_files: VectorFiles | None = None,
    ) -> None:
        """Set the columns; the parts are segments, each with its live documents (see `LiveSegment.live`)."""
        self._vector_files = vector_files or VectorFiles([])
        self._vectors: dict[str, Vectors] = {}
        self.folder, self.commit, self.default_language = folder, commit, language
        self.segments: list[LiveSegment] = []
        self.documents = self.articles = 0
        for entry, view, live in parts:
            kept = None if live is None else np.flatnonzero(live[view.doc_starts[:-1]])
            segment = LiveSegment(entry, view, self.documents, self.articles, live, kept)
            self.segments.append(segment)
            self.documents += view.documents
            self.articles += segment.article_count
        self.text_names = sorted({name for own in self.segments for name in own.view.text_names})
        self._first_articles = [segment.first_article for segment in self.segments]
        self.doc_starts: Ids = self._gather_column(
            lambda own: own.view.doc_starts[:-1] + own.first_doc, np.int32
        )
        self.doc_ends: Ids = self._gather_column(
            lambda own: own.view.doc_starts[1:] + own.first_doc, np.int32
        )
        self.date_starts = self.column("article.date_starts", np.int64)
        self.date_ends = self.column("article.date_ends", np.int64)
        self.counts = self.column("article.counts", np.int64)
        self.lengths: dict[str, NDArray[np.float64]] = {
            "title": self.column("article.title_terms", np.float64),
            "paragraph": self.column("article.text_terms", np.float64),
        }
        self._labels: dict[str, Labels] = {}
        self._values: dict[str, ArticleValues] = {}
        self._remembered: dict[Hashable, Any] = {}
        self._periods: dict[Grain, Periods] = {}

    def views(self) -> dict[str, SegmentView]:
        return {segment.entry.id: segment.view for segment in self.segments}

    @property
    def paragraphs(self) -> int:
        return int(self.counts.sum())

    @property
    def embeddable(self) -> int:
        """How many texts may have a vector: all paragraphs, and the titles of the articles without any."""
        return int(np.maximum(self.counts, 1).sum())

    @lazy
    def article_of(self) -> Ids:
        """The article of each document (int32), -1 for a removed one."""
        owners = np.full(self.documents, -1, np.int32)
        widths = self.doc_ends - self.doc_starts
        owners[expand_ranges(self.doc_starts, widths)] = np.repeat(
            np.arange(self.articles, dtype=np.int32), widths
        )
        return owners

    @lazy
    def doc_fields(self) -> Ids:
        """The field of each document (int32): 0 for a paragraph, else 1 + the number among `text_names`."""
        numbers = [np.empty(0, np.int32)]
        for own in self.segments:
            names = [0, *(self.text_names.index(name) + 1 for name in own.view.text_names)]
            numbers.append(np.array(names, np.int32)[own.view.doc_fields])
        return np.concatenate(numbers)

    def select_texts(self, postings: Postings, field: str) -> Postings:
        """Of postings in texts, those in the texts of one field: "paragraph", or a custom one."""
        if not self.text_names:
            return postings if field == "paragraph" else NO_POSTINGS
        number = self.text_names.index(field) + 1 if field in self.text_names else 0
        if not number and field != "paragraph":
            return NO_POSTINGS
        kept = self.doc_fields[postings.docs] == number
        return Postings(postings.docs[kept], postings.freqs[kept])

    def postings(self, field: str, stem: str) -> Postings:
        return self._gather_postings(lambda view: view.postings(field, stem))

    def has_stem(self, stem: str) -> bool:
        """Whether any segment has a stem; removed documents count too, unless the snapshot is restricted."""
        return any(segment.view.has_stem(stem) for segment in self.segments)

    def has_other_forms(self, stem: str, word: str) -> bool:
        """Whether a stem has words other than this one in any segment, counted as in `has_stem`."""
        return any(segment.view.has_other_forms(stem, word) for segment in self.segments)

    def form_postings(self, field: str, stem: str, word: str, *, in_capitals: bool = False) -> Postings:
        return self._gather_postings(
            lambda view: view.form_postings(field, stem, word, in_capitals=in_capitals)
        )

    def remember(self, key: Hashable, compute: Callable[[], T]) -> T:
        """The value that was computed under a key before, while it is kept, or that `compute` returns now."""
        # Without a lock: two threads may compute the same.
        found: Any = self._remembered.get(key, _MISSING)
        if found is _MISSING:
            found = compute()
            if len(self._remembered) >= _MAX_REMEMBERED:
                self._remembered.clear()
            self._remembered[key] = found
        value: T = found
        return value

    def document_frequency(self, stem: str) -> int:
        """How many paragraphs have a stem."""
        return sum(
            segment.view.document_frequency(stem)
            if segment.live is None
            else int(segment.live[segment.view.postings("paragraph", stem).docs].sum())
            for segment in self.segments
        )

    def paragraph_counts(self, stem: str) -> Values:
        """How many paragraphs of each language have a stem (float64)."""
        return self.statistics.count(self.article_of[self.postings("paragraph", stem).docs])

    def article_counts(self, stem: str) -> Values:
        """How many articles of each language have a stem (float64); remembered, for common words."""

        def count() -> Values:
            docs = [self.postings(field, stem).docs for field in FIELDS]
            has_stem = np.zeros(self.articles, np.bool_)
            has_stem[self.article_of[np.concatenate(docs)]] = True
            return self.statistics.count(np.flatnonzero(has_stem).astype(np.int32))

        return self.remember(("article counts", stem), count)

    def phrase_counts(self, stems: Sequence[str]) -> Values:
        """How many articles of each language have stems side by side, in the title or in a text (float64)."""
        docs = [self.phrase_postings(field, stems, 1).docs for field in FIELDS]
        return self.statistics.count(np.unique(self.article_of[np.concatenate(docs)]))

    def name_sources(self, uris: Sequence[str]) -> list[str]:
        """The texts to show for sources; see `shorten_sources`."""
        return shorten_sources(uris)

    def word_postings(self, field: str, words: Sequence[str], deadline: Deadline = NO_DEADLINE) -> Postings:
        return self._gather_postings(lambda view: view.word_postings(field, words, deadline))

    def phrase_postings(
        self, field: str, stems: Sequence[str], slop: int, deadline: Deadline = NO_DEADLINE
    ) -> Postings:
        return self._gather_postings(lambda view: view.phrase_postings(field, stems, slop, deadline))

    def word_phrase_postings(
        self, field: str, words: Sequence[str], slop: int, deadline: Deadline = NO_DEADLINE
    ) -> Postings:
        return self._gather_postings(lambda view: view.word_phrase_postings(field, words, slop, deadline))

    def positions(self, field: str, stem: str, docs: Ids) -> Positions:
        return self._gather_positions(docs, lambda view, own: view.positions(field, stem, own))

    def word_positions(
        self, field: str, words: Sequence[str], docs: Ids, deadline: Deadline = NO_DEADLINE
    ) -> Positions:
        return self._gather_positions(
            docs, lambda view, own: view.word_positions(field, words, own, deadline)
        )

    @lazy
    def lexicon(self) -> list[str]:
        """Every word as written, ascending: prefixes, wildcards and fuzzy terms are expanded from it."""
        if len(self.segments) == 1:
            return self.segments[0].view.lexicon
        return sorted({word for segment in self.segments for word in segment.view.lexicon})

    def prefix_range(self, prefix: str) -> range:
        """The indices in the lexicon of the words that start with a prefix."""
        low = bisect_left(self.lexicon, prefix)
        return range(low, bisect_left(self.lexicon, prefix + chr(0x10FFFF), low))

    @lazy
    def word_frequencies(self) -> NDArray[np.int32]:
        """How many titles and paragraphs have a stem of each word in the lexicon (int32).

        A word has a stem in each language; their counts are added. Removed documents count as in `has_stem`.
        """
        if len(self.segments) == 1:
            return self.segments[0].view.word_frequencies()
        totals = dict.fromkeys(self.lexicon, 0)
        for segment in self.segments:
            for word, count in zip(
                segment.view.lexicon, segment.view.word_frequencies().tolist(), strict=True
            ):
                totals[word] += count
        return np.fromiter(totals.values(), np.int32, len(totals))

    @lazy
    def fuzzy_index(self) -> FuzzyIndex:
        """The words of the lexicon, for fuzzy matching."""
        return FuzzyIndex(self.lexicon)

    @lazy
    def vocabulary(self) -> Vocabulary:
        """The most frequent words, for spelling suggestions."""
        return Vocabulary([segment.view for segment in self.segments])

    @lazy
    def near_duplicates(self) -> NearDuplicates:
        own = [segment.select(segment.view.sketches) for segment in self.segments]
        return find_near_duplicates(np.concatenate([np.empty((0, WIDTH), np.uint8), *own]))

    @lazy
    def member_id_ranks(self) -> NDArray[np.int64]:
        """The ranks by id of the articles that have near-duplicates (`near_duplicates.members`)."""
        return self.rank_by_id(self.near_duplicates.members)

    def iter_by_id(self) -> Iterator[int]:
        """The numbers of all articles, ascending by id."""
        return (number for _, number in merge(*map(self._iter_ids, self.segments)))

    def _iter_ids(self, segment: LiveSegment) -> Iterator[tuple[str, int]]:
        """The id and number of each article of a segment that is not removed, ascending by id."""
        view = segment.view
        articles = view.file.sections["article.by_id"].astype(np.int64)
        if segment.articles is not None:
            articles = articles[np.isin(articles, segment.articles)]
            numbers = segment.articles.searchsorted(articles)
        else:
            numbers = articles
        for local, number in zip(articles, numbers, strict=True):
            yield view.id_of(int(local)), segment.first_article + int(number)

    def rank_by_id(self, articles: Ids) -> NDArray[np.int64]:
        """Numbers that order these articles by their ids (int64, one of each, not always consecutive)."""
        if len(self.segments) == 1:
            segment = self.segments[0]
            own = articles if segment.articles is None else segment.articles[articles]
            return segment.view.file.sections["article.id_ranks"][own].astype(np.int64)
        ids = [self.id_of(article) for article in articles.tolist()]
        ranks = np.empty(len(ids), np.int64)
        ranks[sorted(range(len(ids)), key=ids.__getitem__)] = np.arange(len(ids))
        return ranks

    def info(self, article: int) -> ArticleInfo:
        view, local = self._locate(article)
        ((head,),) = view.items([local], [()])
        with DamageReporter(view.file.path):
            return decode_info(head, view.language(local), view.text_names)

    def infos(self, articles: Sequence[int]) -> list[ArticleInfo]:
        return [excerpt.info for excerpt in self.excerpts(articles, [()] * len(articles))]

    def article(self, article: int) -> Article:
        view, local = self._locate(article)
        with DamageReporter(view.file.path):
            return decode_article(view.all_items(local))

    def items(self, article: int) -> list[bytes]:
        """An article as `encode_article` returns it."""
        view, local = self._locate(article)
        with DamageReporter(view.file.path):
            return view.all_items(local)

    def language(self, article: int) -> str:
        view, local = self._locate(article)
        return view.language(local)

    def excerpts(self, articles: Sequence[int], documents: Sequence[Sequence[int]]) -> list[Excerpt]:
        """Of each article, the excerpt with some of its documents (numbered from 0, ascending).

        They are its paragraphs and then its custom texts. An article without paragraphs has an empty
        document for them, which is in no excerpt.
        """
        wanted: dict[SegmentView, tuple[list[int], list[int], list[Sequence[int]]]] = {}
        for index, (article, numbers) in enumerate(zip(articles, documents, strict=True)):
            view, local = self._locate(article)
            indices, locals_, chosen = wanted.setdefault(view, ([], [], []))
            indices.append(index)
            locals_.append(local)
            count = self.counts[article]
            if self.text_names:
                numbers = [number for number in numbers if number < count]
            chosen.append(numbers if count else ())
        found: dict[int, Excerpt] = {}
        for view, (indices, locals_, chosen) in wanted.items():
            items, anchors = view.items(locals_, chosen), view.anchors_at(locals_, chosen)
            with DamageReporter(view.file.path):
                for index, local, numbers, names, (head, *texts) in zip(
                    indices, locals_, chosen, anchors, items, strict=True
                ):
                    excerpt = Excerpt(
                        decode_info(head, view.language(local), view.text_names),
                        names,
                        [text.decode() for text in texts],
                        decode_pages(head, numbers),
                        [number + 1 for number in numbers],
                        [None] * len(numbers),
                    )
                    if self.text_names:
                        excerpt.add_texts(self._name_texts(articles[index], documents[index]), head)
                    found[index] = excerpt
        return [found[index] for index in range(len(articles))]

    def _name_texts(self, article: int, documents: Sequence[int]) -> list[str]:
        """The fields of those documents of an article (numbered from 0) that are custom texts."""
        fields = self.doc_fields[self.doc_starts[article] + np.array(documents, np.int64)].tolist()
        return [self.text_names[field - 1] for field in fields if field]

    def custom_texts(self, article: int) -> list[str]:
        """The fields in which an article has a custom text, ascending."""
        if not self.text_names:
            return []
        return self._name_texts(article, range(self.doc_ends[article] - self.doc_starts[article]))

    def text_of(self, doc: int) -> str:
        segment = self.segments[bisect_right(self.segments, doc, key=lambda segment: segment.first_doc) - 1]
        with DamageReporter(segment.view.file.path):
            return segment.view.text_of(doc - segment.first_doc)

    def words_of(self, stem: str) -> set[str]:
        return {word for segment in self.segments for word in segment.view.words_of(stem)}

    def anchors(self, article: int) -> tuple[str, ...]:
        view, local = self._locate(article)
        return view.anchors(local)

    def id_of(self, article: int) -> str:
        view, local = self._locate(article)
        return view.id_of(local)

    def ids(self) -> set[str]:
        return {self.id_of(article) for article in range(self.articles)}

    def find(self, article_id: str) -> int | None:
        for segment in self.segments:
            local = segment.view.find(article_id)
            if local is None:
                continue
            if segment.articles is None:
                return segment.first_article + local
            index = int(np.searchsorted(segment.articles, local))
            if index < len(segment.articles) and segment.articles[index] == local:
                return segment.first_article + index
        return None

    def find_prefix(self, start: str) -> Ids:
        """The articles whose id starts with a text, ascending."""
        return self._gather_articles(lambda view: view.find_prefix(start))

    def find_records(self, name: str, *, is_prefix: bool = False) -> Ids:
        """The records of files that state this id, or one that starts so, ascending."""
        if not name:
            return np.empty(0, np.int32)
        wanted = make_record_id("", name)
        found = self._gather_articles(lambda view: view.find_containing(wanted, at_end=not is_prefix))
        if not len(found):
            return found
        _, paths = self.labels("path")
        stated = [record_name(self.id_of(number)) if paths[number] >= 0 else "" for number in found]
        return found[[text.startswith(name) if is_prefix else text == name for text in stated]]

    def _gather_articles(self, find: Callable[[SegmentView], NDArray[np.int64]]) -> Ids:
        """The articles that are found in the segments, without removed ones, ascending."""

        def flag(segment: LiveSegment) -> NDArray[np.bool_]:
            flags = np.zeros(segment.view.articles, np.bool_)
            flags[find(segment.view)] = True
            return flags

        return np.flatnonzero(self._gather_column(flag, np.bool_)).astype(np.int32)

    def labels(self, name: str) -> Labels:
        """The names of a label, ascending, and the number of each article's name (int32), -1 for none.

        `name` is one of LABELS; for another, ValueError is raised. A source that is a folder or file is named
        by the end of its path.
        """
        if name not in LABELS:
            raise ValueError(f"there is no label {name!r}; the labels are {', '.join(LABELS)}")
        if name not in self._labels:
            if name == "language":
                names, codes = merge_labels(
                    (own.view.languages, own.select(own.view.file.sections["article.languages"]))
                    for own in self.segments
                )
                self._labels[name] = make_labels(names, codes, names)
            else:
                column = self._read_column(name)
                texts = self.name_sources(column.names) if name == "source" else column.names
                self._labels[name] = make_labels(column.names, column.number_articles(self.articles), texts)
        return self._labels[name]

    def values(self, name: str) -> ArticleValues:
        """The values of the articles in a column, such as "author" or a custom field."""
        if name not in self._values:
            self._values[name] = group_values(self._read_column(name))
        return self._values[name]

    def source_names(self) -> set[str]:
        """The sources as they are stored: URIs of folders and files, and what apps have given."""
        return set(self._read_column("source").names)

    def source_uris(self) -> list[str]:
        """The URI of the folder or file that each article was read from; "" if an app has put it in."""
        sources, paths = self._read_column("source"), self._read_column("path")
        codes = sources.number_articles(self.articles)
        is_read = np.zeros(self.articles, np.bool_)
        is_read[paths.owners] = True
        return [sources.names[code] if code >= 0 else "" for code in np.where(is_read, codes, -1).tolist()]

    def _read_column(self, name: str) -> Column:
        """A column of the articles that are not removed; empty if no segment has it."""
        columns = [NO_VALUES]
        for own in self.segments:
            if name in own.view.kinds:
                column = own.view.read_column(name)
                if own.articles is not None:
                    is_live = np.zeros(own.view.articles, np.bool_)
                    is_live[own.articles] = True
                    column = column.select(is_live)
                columns.append(column.shift(own.first_article))
        return join_columns(columns)

    @lazy
    def statistics(self) -> LanguageStatistics:
        """How many articles there are in each language, and how long they are."""
        return measure_languages(*self.labels("language"), self.counts, self.lengths)

    def periods(self, grain: Grain) -> Periods:
        """The periods of a grain in which articles were published."""
        if grain not in self._periods:
            self._periods[grain] = find_periods(self.date_starts, self.finest_grains, self.counts, grain)
        return self._periods[grain]

    @lazy
    def finest_grains(self) -> NDArray[np.int8]:
        """The finest grain of the date of each article (int8); see `find_finest_grains`."""
        return find_finest_grains(self.date_starts, self.date_ends)

    @lazy
    def ages(self) -> NDArray[np.float32]:
        """Days by which each article is older than the newest (float32); see `compute_ages`."""
        return compute_ages(self.date_starts, self.date_ends)

    def vectors(self, fingerprint: str) -> Vectors | None:
        """The vectors of the model with this fingerprint; None if there are none.

        Side files that cannot be used count as missing; see `vector_problems`. Nothing is raised for them,
        only IndexDamaged for a damaged segment.
        """
        opened = self.open_vector_files(fingerprint)
        if not opened:
            return None
        known = self._vectors.get(fingerprint)
        if known is None or known.files != [file for _, file in opened]:
            known = self._vectors[fingerprint] = Vectors(self.articles, opened)
        return known if known.paragraphs else None

    def open_vector_files(self, fingerprint: str) -> list[tuple[LiveSegment, VectorFile]]:
        """The segments that have vectors of a model, and their side files, of which all is read."""
        opened = [(own, self._vector_files.open_checked(own.entry.id)) for own in self.segments]
        found = [(own, file) for own, file in opened if file is not None and file.model == fingerprint]
        return [(own, file) for own, file in found if file.dimensions == found[0][1].dimensions]

    @property
    def are_vectors_read(self) -> bool:
        """Whether all side files were read, so that `vectors` need not wait for the disk."""
        return all(self._vector_files.is_read(own.entry.id) for own in self.segments)

    @lazy
    def has_vectors(self) -> bool:
        """Whether there is any vector, of any model."""
        return bool(self.vector_models())

    def vector_models(self) -> dict[str, int]:
        """How many texts (see `embeddable`) have a vector of each model, by its fingerprint."""
        counts: dict[str, int] = {}
        for own in self.segments:
            if file := self._vector_files.open(own.entry.id):
                count = len(file) if own.live is None else int(np.count_nonzero(own.live[file.docs]))
                counts[file.model] = counts.get(file.model, 0) + count
        return {model: count for model, count in counts.items() if count}

    def vector_problems(self, *, every_byte: bool = False) -> list[str]:
        """The problems of the files with vectors that cannot be used, a sentence each; reads all of them.

        With `every_byte`, also what no search would notice. Raises StorageFailed.
        """
        return self._vector_files.find_problems(every_byte=every_byte)

    def check_sizes(self) -> None:
        """Raise IndexDamaged if a file was truncated since it was opened: reading it would be fatal."""
        for segment in self.segments:
            segment.view.file.check_size()

    def _locate(self, article: int) -> tuple[SegmentView, int]:
        """The segment of an article, and its number there."""
        segment = self.segments[bisect_right(self._first_articles, article) - 1]
        index = article - segment.first_article
        return segment.view, index if segment.articles is None else int(segment.articles[index])

    def column(self, name: str, dtype: Any) -> NDArray[Any]:
        """The values of a section "article.…" (FORMAT.md), one for each article."""
        return self._gather_column(lambda segment: segment.view.file.sections[name], dtype)

    def _gather_column(self, read: Callable[[LiveSegment], Any], dtype: Any) -> NDArray[Any]:
        """A column of the articles that are not removed; `read` returns that of all articles of a segment."""
        found = [segment.select(read(segment)).astype(dtype) for segment in self.segments]
        return found[0] if len(found) == 1 else np.concatenate([np.empty(0, dtype), *found])

    def _gather_postings(self, read: Callable[[SegmentView], Postings]) -> Postings:
        """Read postings from each segment, and return them for the documents of all that are not removed."""
        found = []
        for segment in self.segments:
            postings = read(segment.view)
            if not len(postings.docs):
                continue
            if segment.live is not None:
                is_live = segment.live[postings.docs]
                postings = Postings(postings.docs[is_live], postings.freqs[is_live])
            if segment.first_doc:
                postings = Postings(postings.docs + np.int32(segment.first_doc), postings.freqs)
            found.append(postings)
        if len(found) < 2:
            return found[0] if found else NO_POSTINGS
        return Postings(np.concatenate([p.docs for p in found]), np.concatenate([p.freqs for p in found]))

    def _gather_positions(self, docs: Ids, read: Callable[[SegmentView, Ids], Positions]) -> Positions:
        """Read occurrences in the given documents (ascending) from each segment, and return them together."""
        if len(self.segments) == 1:
            return read(self.segments[0].view, docs)
        indices, positions = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for segment in self.segments:
            bounds = np.array((segment.first_doc, segment.first_doc + segment.view.documents))
            low, high = np.searchsorted(docs, bounds.astype(docs.dtype))
            found = read(segment.view, docs[low:high] - segment.first_doc)
            indices.append(found[0] + low)
            positions.append(found[1])
        return np.concatenate(indices), np.concatenate(positions)
