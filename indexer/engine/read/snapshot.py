"""One committed state of an index, open for reading and never changed: safe to share between threads."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.article import Article
from indexer.engine.format.arrays import Ids, ranges
from indexer.engine.format.labels import Labels, joined, shown, source_texts
from indexer.engine.format.record import decode_article, decode_info
from indexer.engine.format.segment_file import trusting
from indexer.engine.format.sketches import WIDTH
from indexer.engine.read.contents import read_contents
from indexer.engine.read.deadline import NO_DEADLINE, Deadline
from indexer.engine.read.field import Positions
from indexer.engine.read.near_duplicates import NearDuplicates, find_near_duplicates
from indexer.engine.read.periods import Grain, Periods, ages_of, periods_of
from indexer.engine.read.postings import NO_POSTINGS, Postings
from indexer.engine.read.segment import SegmentView
from indexer.engine.read.vocabulary import FuzzyIndex, Vocabulary
from indexer.engine.whoosh.codec import ColumnarSegment
from indexer.files.fork_safe import lazy
from indexer.results import ArticleInfo


@dataclass(frozen=True, slots=True)
class LiveSegment:
    """A segment in its snapshot: its first document and article there, and which of its own are live."""

    segment: ColumnarSegment
    view: SegmentView
    first_doc: int
    first_article: int
    live: NDArray[np.bool_] | None
    """Its documents that are not removed (bool, one of each); None when all are there."""
    articles: NDArray[np.int64] | None
    """Its articles that are not removed, ascending; None when all are there."""

    @property
    def kept(self) -> int:
        """How many articles it has that are not removed."""
        return self.view.articles if self.articles is None else len(self.articles)


def read_segments(folder: Path, known: Mapping[str, SegmentView]) -> tuple[int, str, list[LiveSegment]]:
    """The number of the last commit of a folder, its language and its segments; `known` are open ones, by id.

    Raises IndexMissing or IndexDamaged.
    """
    commit, language, segments = read_contents(folder, known)
    parts: list[LiveSegment] = []
    docs = articles = 0
    for segment, view in segments:
        live = segment.live()
        kept = None if live is None else np.flatnonzero(live[view.first[:-1]])
        parts.append(LiveSegment(segment, view, docs, articles, live, kept))
        docs += view.documents
        articles += parts[-1].kept
    return commit, language, parts


def gather_postings(parts: Sequence[LiveSegment], read: Callable[[SegmentView], Postings]) -> Postings:
    """What each segment has as one, over the documents of all, without those that are removed."""
    found = []
    for part in parts:
        postings = read(part.view)
        if not len(postings.docs):
            continue
        if part.live is not None:
            alive = part.live[postings.docs]
            postings = Postings(postings.docs[alive], postings.freqs[alive])
        if part.first_doc:
            postings = Postings(postings.docs + np.int32(part.first_doc), postings.freqs)
        found.append(postings)
    if len(found) < 2:
        return found[0] if found else NO_POSTINGS
    return Postings(np.concatenate([p.docs for p in found]), np.concatenate([p.freqs for p in found]))


def gather_positions(
    parts: Sequence[LiveSegment], docs: Ids, read: Callable[[SegmentView, Ids], Positions]
) -> Positions:
    """Where something stands in documents (ascending): their places in `docs`, and the positions there."""
    if len(parts) == 1:
        return read(parts[0].view, docs)
    places, positions = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for part in parts:
        bounds = np.array((part.first_doc, part.first_doc + part.view.documents))
        low, high = np.searchsorted(docs, bounds.astype(docs.dtype))
        found = read(part.view, docs[low:high] - part.first_doc)
        places.append(found[0] + low)
        positions.append(found[1])
    return np.concatenate(places), np.concatenate(positions)


def gather_column(
    parts: Sequence[LiveSegment], read: Callable[[LiveSegment], Any], dtype: Any
) -> NDArray[Any]:
    """A column of articles, without those that are removed; `read` gives one value of each of a segment."""
    found = [np.empty(0, dtype)]
    for part in parts:
        values = read(part)
        found.append((values if part.articles is None else values[part.articles]).astype(dtype))
    return np.concatenate(found) if len(found) != 2 else found[1]


class Excerpt(NamedTuple):
    """What is shown of an article: some of its paragraphs, with their anchors."""

    info: ArticleInfo
    anchors: list[str]
    texts: list[str]


class Snapshot:
    """The articles of one commit as arrays, and their postings and texts on demand.

    Articles are numbered from 0 in the order of their documents, removed ones left out; all arrays named
    after articles have one value of each. What has not changed since the snapshot `before` is taken over from
    it. Raises IndexMissing or IndexDamaged.
    """

    def __init__(self, folder: Path, before: Snapshot | None = None) -> None:
        self.folder = folder
        known = {} if before is None or before.folder != folder else before.views()
        self.commit, self.default_language, self.parts = read_segments(folder, known)
        self.documents = sum(part.view.documents for part in self.parts)
        self.articles = sum(part.kept for part in self.parts)
        self._first_articles = [part.first_article for part in self.parts]
        self.starts: Ids = gather_column(
            self.parts, lambda part: part.view.first[:-1] + part.first_doc, np.int32
        )
        self.stops: Ids = gather_column(
            self.parts, lambda part: part.view.first[1:] + part.first_doc, np.int32
        )
        self.begins = self._column("article.begins", np.int64)
        self.ends = self._column("article.ends", np.int64)
        self.counts = self._column("article.counts", np.int64)
        self.lengths: dict[str, NDArray[np.float64]] = {
            "title": self._column("article.title_terms", np.float64),
            "paragraph": self._column("article.text_terms", np.float64),
        }
        self._labels: dict[str, Labels] = {}
        self._periods: dict[Grain, Periods] = {}
        self.average: dict[str, float] = {
            field: float(values.mean()) if len(values) else 0.0 for field, values in self.lengths.items()
        }

    def views(self) -> dict[str, SegmentView]:
        """The open segments, by id."""
        return {part.segment.segment_id(): part.view for part in self.parts}

    @property
    def paragraphs(self) -> int:
        """How many paragraphs there are."""
        return int(self.counts.sum())

    @lazy
    def article_of(self) -> Ids:
        """The article of each document, -1 where it is removed."""
        owners = np.full(self.documents, -1, np.int32)
        widths = self.stops - self.starts
        owners[ranges(self.starts, widths)] = np.repeat(np.arange(self.articles, dtype=np.int32), widths)
        return owners

    def postings(self, field: str, stem: str) -> Postings:
        """The postings of a stem in a field, over documents; empty when there are none."""
        return gather_postings(self.parts, lambda view: view.postings(field, stem))

    def spread(self, stem: str) -> int:
        """How many documents have a stem in their text."""
        return sum(
            part.view.spread(stem)
            if part.live is None
            else int(part.live[part.view.postings("paragraph", stem).docs].sum())
            for part in self.parts
        )

    def word_postings(self, field: str, words: Iterable[str], deadline: Deadline = NO_DEADLINE) -> Postings:
        """The postings of words as written, as those of one word. Raises TimeIsUp."""
        wanted = list(words)
        return gather_postings(self.parts, lambda view: view.word_postings(field, wanted, deadline))

    def phrase_postings(
        self, field: str, stems: Sequence[str], slop: int, deadline: Deadline = NO_DEADLINE
    ) -> Postings:
        """The documents that have stems in this order, each at most `slop` places after the one before.

        Raises TimeIsUp.
        """
        return gather_postings(self.parts, lambda view: view.phrase_postings(field, stems, slop, deadline))

    def positions(self, field: str, stem: str, docs: Ids) -> Positions:
        """Where a stem stands in documents (ascending): their places in `docs`, and the positions there."""
        return gather_positions(self.parts, docs, lambda view, own: view.positions(field, stem, own))

    def word_positions(
        self, field: str, words: Iterable[str], docs: Ids, deadline: Deadline = NO_DEADLINE
    ) -> Positions:
        """Where words as written stand in documents (ascending), likewise. Raises TimeIsUp."""
        wanted = list(words)
        return gather_positions(
            self.parts, docs, lambda view, own: view.word_positions(field, wanted, own, deadline)
        )

    @lazy
    def lexicon(self) -> list[str]:
        """Every word as written, ascending: what prefixes, wildcards and near spellings are looked up in."""
        if len(self.parts) == 1:
            return self.parts[0].view.lexicon
        return sorted({word for part in self.parts for word in part.view.lexicon})

    def words_from(self, start: str) -> range:
        """The places in the lexicon of the words that begin with a text."""
        low = bisect_left(self.lexicon, start)
        return range(low, bisect_left(self.lexicon, start + chr(0x10FFFF), low))

    @lazy
    def commonness(self) -> NDArray[np.int32]:
        """How many documents have a word's stem (of several, the commonest one), by place in the lexicon."""
        if len(self.parts) == 1:
            return self.parts[0].view.commonness()
        totals = dict.fromkeys(self.lexicon, 0)
        for part in self.parts:
            for word, count in zip(part.view.lexicon, part.view.commonness().tolist(), strict=True):
                totals[word] += count
        return np.fromiter(totals.values(), np.int32, len(totals))

    @lazy
    def spellings(self) -> FuzzyIndex:
        """The words of the lexicon: what near spellings are looked for among."""
        return FuzzyIndex(self.lexicon)

    @lazy
    def vocabulary(self) -> Vocabulary:
        """The most frequent words: what misspelt ones are compared with."""
        return Vocabulary([part.view for part in self.parts])

    @lazy
    def families(self) -> NearDuplicates:
        """Which articles may be near-duplicates of each other."""
        own = [part.view.sketches for part in self.parts]
        own = [
            sketches if part.articles is None else sketches[part.articles]
            for part, sketches in zip(self.parts, own, strict=True)
        ]
        return find_near_duplicates(np.concatenate([np.empty((0, WIDTH), np.uint8), *own]))

    @lazy
    def member_places(self) -> NDArray[np.int64]:
        """Numbers in the order of their ids, one of each article that has a family."""
        return self.id_places(self.families.members)

    def id_places(self, articles: Ids) -> NDArray[np.int64]:
        """Numbers in the order of the ids of articles, one of each."""
        if len(self.parts) == 1:
            part = self.parts[0]
            own = articles if part.articles is None else part.articles[articles]
            return part.view.file.sections["article.id_places"][own].astype(np.int64)
        ids = [self.id_of(article) for article in articles.tolist()]
        places = np.empty(len(ids), np.int64)
        places[sorted(range(len(ids)), key=ids.__getitem__)] = np.arange(len(ids))
        return places

    def info(self, article: int) -> ArticleInfo:
        """An article without its text."""
        view, local = self._locate(article)
        with trusting(view.file.path):
            return decode_info(view.head(local), view.language(local))

    def infos(self, articles: Sequence[int]) -> list[ArticleInfo]:
        """Articles without their text."""
        return [excerpt.info for excerpt in self.excerpts(articles, [()] * len(articles))]

    def article(self, article: int) -> Article:
        """A whole article, as it was put in."""
        view, local = self._locate(article)
        with trusting(view.file.path):
            return decode_article(view.all_items(local))

    def language(self, article: int) -> str:
        """The language that an article was analysed in: stated, detected or configured."""
        view, local = self._locate(article)
        return view.language(local)

    def excerpts(self, articles: Sequence[int], paragraphs: Sequence[Sequence[int]]) -> list[Excerpt]:
        """Of each article what is to be shown: those of its paragraphs that are named (from 0, ascending).

        An article without paragraphs has none to show.
        """
        wanted: dict[SegmentView, tuple[list[int], list[int], list[Sequence[int]]]] = {}
        for place, (article, numbers) in enumerate(zip(articles, paragraphs, strict=True)):
            view, local = self._locate(article)
            places, locals_, named = wanted.setdefault(view, ([], [], []))
            places.append(place)
            locals_.append(local)
            named.append(numbers if self.counts[article] else ())
        found: dict[int, Excerpt] = {}
        for view, (places, locals_, named) in wanted.items():
            items = view.items(locals_, named)
            languages, anchors = view.languages_of(locals_), view.anchors_at(locals_, named)
            with trusting(view.file.path):
                for place, language, names, (head, *texts) in zip(
                    places, languages, anchors, items, strict=True
                ):
                    info = decode_info(head, language)
                    found[place] = Excerpt(info, names, [text.decode() for text in texts])
        return [found[place] for place in range(len(articles))]

    def text_of(self, doc: int) -> str:
        """The paragraph that a document is; empty for the one document of an article without text."""
        part = self.parts[bisect_right(self.parts, doc, key=lambda part: part.first_doc) - 1]
        with trusting(part.view.file.path):
            return part.view.text_of(doc - part.first_doc)

    def words_of(self, stem: str) -> set[str]:
        """All the words that have a stem."""
        return {word for part in self.parts for word in part.view.words_of(stem)}

    def anchors(self, article: int) -> tuple[str, ...]:
        """The anchors of an article's paragraphs, in order."""
        view, local = self._locate(article)
        return view.anchors(local)

    def id_of(self, article: int) -> str:
        """The id of an article."""
        view, local = self._locate(article)
        return view.id_of(local)

    def ids(self) -> set[str]:
        """The ids of all articles."""
        return {self.id_of(article) for article in range(self.articles)}

    def find(self, article_id: str) -> int | None:
        """The number of the article with this id, or None."""
        for part in self.parts:
            local = part.view.find(article_id)
            if local is None:
                continue
            if part.articles is None:
                return part.first_article + local
            place = int(np.searchsorted(part.articles, local))
            if place < len(part.articles) and part.articles[place] == local:
                return part.first_article + place
        return None

    def find_prefix(self, start: str) -> Ids:
        """The articles whose id begins with a text, ascending."""
        flags = np.zeros(self.articles, np.bool_)
        for part in self.parts:
            own = np.zeros(part.view.articles, np.bool_)
            own[part.view.find_prefix(start)] = True
            kept = own if part.articles is None else own[part.articles]
            flags[part.first_article : part.first_article + len(kept)] = kept
        return np.flatnonzero(flags).astype(np.int32)

    def labels(self, name: str) -> Labels:
        """The names of a label, ascending, and each article's place among them (int32), -1 for none.

        The "source" is the folder or file that an article was read from, by the end of its path, or what the
        app gave that put it in; the "path" is that of its file below the source; the "site" is the host of
        its address; "language" is its language.
        """
        known = self._labels.get(name)
        if known is None:
            names, codes = joined(
                (part.view.names(name), column if part.articles is None else column[part.articles])
                for part in self.parts
                for column in [part.view.file.sections[f"article.{name}s"]]
            )
            texts = source_texts(names) if name == "source" else names
            known = self._labels[name] = shown(names, codes, texts)
        return known

    def periods(self, grain: Grain) -> Periods:
        """The day, week, month or year of each article, and how much was published then."""
        known = self._periods.get(grain)
        if known is None:
            known = self._periods[grain] = periods_of(self.begins, self.ends, self.counts, grain)
        return known

    @lazy
    def ages(self) -> NDArray[np.float32]:
        """Days by which each article is older than the newest; see `ages_of`."""
        return ages_of(self.begins, self.ends)

    def title_keys(self) -> NDArray[np.uint64]:
        """The first eight bytes of each folded title, as numbers in the titles' order."""
        return self._column("article.title_keys", np.uint64)

    def check_sizes(self) -> None:
        """Raise IndexDamaged when a file was cut short since: to read it would end the process."""
        for part in self.parts:
            part.view.file.check_size()

    def verify(self) -> None:
        """Read every byte of the segments, compare it with its checksum, and what it says with the rest.

        Raises IndexDamaged.
        """
        # Here, for no query needs it.
        from indexer.engine.build.check import check_segment

        for part in self.parts:
            part.view.file.verify()
            check_segment(part.view)

    def _locate(self, article: int) -> tuple[SegmentView, int]:
        """The segment of an article, and its number there."""
        part = self.parts[bisect_right(self._first_articles, article) - 1]
        place = article - part.first_article
        local = place if part.articles is None else int(part.articles[place])
        return part.view, local

    def _column(self, name: str, dtype: Any) -> NDArray[Any]:
        return gather_column(self.parts, lambda part: part.view.file.sections[name], dtype)
