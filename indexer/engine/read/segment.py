"""One segment, open: its lexicons, postings, columns and stored text."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.article import name_anchor, name_anchors
from indexer.engine.format.arrays import Ids, contains, ranges, stretches, sum_runs
from indexer.engine.format.checks import fault, shape_of
from indexer.engine.format.lexicon import Lexicon
from indexer.engine.format.segment_file import Array, SegmentFile
from indexer.engine.format.sketches import WIDTH, Sketches
from indexer.engine.format.text_store import TextStore
from indexer.engine.read.deadline import NO_DEADLINE, Deadline
from indexer.engine.read.field import FIELDS, Field, Positions
from indexer.engine.read.postings import NO_POSTINGS, Postings, collect, merge_postings
from indexer.files.fork_safe import lazy

_FAR = 2**32  # wider than any paragraph, so that positions of neighbouring documents never meet
_FEW = 8  # words that are looked up on the disk; for more, the whole lexicon is read
_DENSE = 1 / 16  # of all documents; for more than these, a slot for each is faster than a search


class SegmentView:
    """A segment's content; nothing in it changes, so any number of threads may read it.

    Documents and articles are numbered from 0 in the order in which they were added; an article's documents
    stand together. Removals are not a matter of the segment.
    """

    def __init__(self, path: Path) -> None:
        self.file = SegmentFile(path)
        facts, counts = shape_of(self.file)
        self.documents: int = facts.documents
        self.articles: int = facts.articles
        self.languages: list[str] = facts.languages
        self.file.expect(partial(fault, counts))
        self.stems, self.words, self.ids = map(self._lexicon, ("stem", "word", "id"))
        self.fields = {name: Field(self.file, name, self.documents) for name in FIELDS}

    @lazy
    def texts(self) -> TextStore:
        """The stored text."""
        section = self.file.sections
        parts = (section[f"text.{part}"] for part in ("data", "ends", "items", "lengths"))
        return TextStore(*parts, path=self.file.path)

    @lazy
    def first(self) -> NDArray[np.int64]:
        """The first document of each article, and after the last the number of documents (int64)."""
        widths = np.maximum(self.column("article.counts"), 1)
        return np.concatenate(([0], np.cumsum(widths)))

    @lazy
    def lexicon(self) -> list[str]:
        """Every word as written, ascending (code points and UTF-8 bytes have the same order)."""
        return self.words.words()

    def names(self, label: str) -> list[str]:
        """The names of a label ("source", "path", …); "article.<label>s" has places among them."""
        if label == "language":
            return self.languages
        return self.label(label).words()

    def label(self, name: str) -> Lexicon:
        """The names of a label that has parts of its own."""
        return self._lexicon(name)

    def column(self, name: str) -> NDArray[np.int64]:
        """A column of articles or documents, one value of each (int64)."""
        return self.file.sections[name].astype(np.int64)

    @property
    def sketches(self) -> Sketches:
        """What tells near-duplicates, one row of each article."""
        return self.file.sections["article.sketches"].reshape(-1, WIDTH)

    def language(self, article: int) -> str:
        """The language that an article was analysed in."""
        return self.languages[int(self.file.sections["article.languages"][article])]

    def languages_of(self, articles: Sequence[int]) -> list[str]:
        """The language that each article was analysed in."""
        codes = self.file.sections["article.languages"][list(articles)].tolist()
        return [self.languages[code] for code in codes]

    def postings(self, field: str, stem: str) -> Postings:
        """The documents that have a stem in a field; empty when none has."""
        number = self.stems.find(stem)
        return NO_POSTINGS if number is None else self.fields[field].postings(number)

    def spread(self, stem: str) -> int:
        """How many documents have a stem in their text."""
        number = self.stems.find(stem)
        return 0 if number is None else self.fields["paragraph"].count(number)

    def word_postings(self, field: str, words: Sequence[str], deadline: Deadline = NO_DEADLINE) -> Postings:
        """The documents that have one of the words, as written, in a field, with all their frequencies.

        Raises TimeIsUp.
        """
        places = ranges(*self._wordranges([*dict.fromkeys(words)]))
        stems, variants = (
            self.file.sections["word.stems"][places],
            self.file.sections["word.variants"][places],
        )
        order = np.argsort(stems, kind="stable")
        stems, variants = stems[order].astype(np.int64), variants[order]
        first = np.flatnonzero(np.concatenate(([True], stems[1:] != stems[:-1]))) if len(stems) else stems
        counts = np.diff(first, append=len(stems))
        distinct = stems[first]
        starts = self.file.sections["stem.starts"]
        whole = counts == starts[distinct + 1] - starts[distinct].astype(np.int64)
        parts = []
        if whole.any():
            stretches = list(self.fields[field].stretches(distinct[whole], deadline, only=True))
            docs, freqs = (np.concatenate([part[place] for part in stretches]) for place in (1, 2))
            parts.append(collect(docs, freqs, self.documents))
        for stem, begin, count in zip(
            distinct[~whole].tolist(), first[~whole].tolist(), counts[~whole].tolist(), strict=True
        ):
            deadline.check()
            parts.append(self.fields[field].only(stem, variants[begin : begin + count]))
        deadline.check()
        return merge_postings(parts)

    def positions(self, field: str, stem: str, docs: Ids) -> Positions:
        """Where a stem stands in documents (ascending): their places in `docs`, and the positions there."""
        number = self.stems.find(stem)
        if number is None:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        return self.fields[field].positions(number, docs)

    def phrase_postings(
        self, field: str, stems: Sequence[str], slop: int, deadline: Deadline = NO_DEADLINE
    ) -> Postings:
        """The documents that have stems in this order, each at most `slop` places after the one before.

        Raises TimeIsUp.
        """
        numbers = [number for stem in stems if (number := self.stems.find(stem)) is not None]
        if len(numbers) < len(stems):
            return NO_POSTINGS
        own = self.fields[field]
        having = []
        for number in dict.fromkeys(numbers):
            deadline.check()
            having.append(own.stem(number).docs)
        docs, *others = sorted(having, key=len)
        for found in others:
            docs = docs[contains(found, docs)]
        ends: NDArray[np.int64] | None = None
        for number in numbers:
            if not len(docs):
                return NO_POSTINGS
            deadline.check()
            places, positions = own.positions(number, docs)
            here = places * _FAR + positions  # ascending, as documents and positions are
            if ends is None:
                ends = here
                continue
            # Kept are the places that have an end of the phrase so far at most `slop` before them.
            before = ends.searchsorted(here) - 1
            ends = here[(before >= 0) & (here - ends[before] <= slop)]
            if not len(ends):
                return NO_POSTINGS
        assert ends is not None
        return Postings(*sum_runs(docs[ends // _FAR], np.ones(len(ends))))

    def word_positions(
        self, field: str, words: Sequence[str], docs: Ids, deadline: Deadline = NO_DEADLINE
    ) -> Positions:
        """Where words as written stand in documents (ascending): likewise, ascending. Raises TimeIsUp."""
        here = self.fields[field]
        forms = ranges(*self._wordranges([*dict.fromkeys(words)]))
        stems = self.file.sections["word.stems"][forms].astype(np.int64)
        firsts = self.file.sections["stem.starts"].astype(np.int64)
        wanted = np.zeros(int(firsts[-1]) if len(firsts) else 0, np.bool_)
        wanted[firsts[stems] + self.file.sections["word.variants"][forms]] = True
        keys = [np.empty(0, np.int64)]
        for low, found, freqs, owners in here.stretches(np.unique(stems), deadline):
            inside = _places(docs, found, self.documents)
            begin, _ = here.range(low)
            starts = np.cumsum(freqs, dtype=np.int64) - freqs + begin
            if len(owners) and starts[-1] + freqs[-1] != here.range(owners[-1])[1]:
                here.refuse_freqs()
            kept = np.flatnonzero(inside >= 0)
            own = ranges(starts[kept], freqs[kept])
            variants = here.variants[own]
            own_forms = np.repeat(firsts[owners[kept]], freqs[kept]) + variants
            if len(own_forms) and int(own_forms.max()) >= len(wanted):
                here.refuse_variants()
            right = np.flatnonzero(wanted[own_forms])
            positions = here.places.pick(own[right])
            deadline.check()
            keys.append(
                np.sort((np.repeat(inside[kept].astype(np.int64), freqs[kept])[right] << 32) + positions)
            )
        numbers, places = [], []
        for stretch in stretches(keys):
            deadline.check()
            key = np.sort(np.concatenate(stretch), kind="stable")
            numbers.append(key >> 32)
            places.append(key & (2**32 - 1))
        deadline.check()
        return np.concatenate(numbers), np.concatenate(places)

    def commonness(self) -> NDArray[np.int32]:
        """In how many documents a word's commonest stem stands, titles included: one of each word."""
        section = self.file.sections
        bounds = section["title.starts"].astype(np.int64) + section["paragraph.starts"]
        counts = bounds[1:] - bounds[:-1]
        first = section["word.starts"][:-1].astype(np.int64)
        return np.maximum.reduceat(counts[section["word.stems"]], first).astype(np.int32)

    def items(self, articles: Sequence[int], paragraphs: Sequence[Sequence[int]]) -> list[list[bytes]]:
        """The stored head of each article, and those of its paragraphs (numbered from 0) that are named."""
        wanted: list[int] = []
        for head, places in zip(self._heads[list(articles)].tolist(), paragraphs, strict=True):
            wanted.append(head)
            wanted += [head + 1 + place for place in places]
        found = iter(self.texts.read(wanted))
        return [list(islice(found, 1 + len(places))) for places in paragraphs]

    def head(self, article: int) -> bytes:
        """An article's stored head."""
        return self.texts.read([int(self._heads[article])])[0]

    def text_of(self, doc: int) -> str:
        """The text of a document; empty for one without."""
        article = int(self.first.searchsorted(doc, "right")) - 1
        if not self.file.sections["article.counts"][article]:
            return ""
        place = int(self._heads[article]) + 1 + doc - int(self.first[article])
        return self.texts.read([place])[0].decode()

    def all_items(self, article: int) -> list[bytes]:
        """An article's stored head, and all its paragraphs."""
        head = int(self._heads[article])
        return self.texts.read(range(head, head + 1 + int(self.file.sections["article.counts"][article])))

    def words_of(self, stem: str) -> list[str]:
        """All the words that have a stem, ascending."""
        number = self.stems.find(stem)
        if number is None:
            return []
        begin, end = self._range("stem.starts", number)
        return [self.words[word] for word in self.file.sections["stem.words"][begin:end].tolist()]

    def anchors(self, article: int) -> tuple[str, ...]:
        """The anchors of an article's paragraphs, in order."""
        begin = int(self.first[article])
        count = int(self.file.sections["article.counts"][article])
        return name_anchors(self.file.sections["doc.anchors"][begin : begin + count].tolist())

    def anchors_at(self, articles: Sequence[int], paragraphs: Sequence[Sequence[int]]) -> list[list[str]]:
        """The anchors of some paragraphs (numbered from 0, ascending) of each article."""
        hashes = self.file.sections["doc.anchors"].data
        found = []
        for begin, places in zip(self.first[list(articles)].tolist(), paragraphs, strict=True):
            own = hashes[begin : begin + places[-1] + 1].tolist() if places else []
            found.append([name_anchor(own, place) for place in places])
        return found

    def find(self, article_id: str) -> int | None:
        """The number of the article with this id, or None."""
        place = self.ids.find(article_id)
        if place is None:
            return None
        article = int(self.file.sections["article.by_id"][place])
        if int(self.file.sections["article.id_places"][article]) != place:
            self.file.refuse("article.by_id", "does not agree with article.id_places")
        return article

    def find_prefix(self, start: str) -> NDArray[np.int64]:
        """The articles whose id begins with a text."""
        wanted = start.encode(errors="surrogatepass")
        low = self.ids.first_from(wanted)
        high = self.ids.first_from(wanted + b"\xff")
        return self.file.sections["article.by_id"][low:high].astype(np.int64)

    def id_of(self, article: int) -> str:
        """The id of an article."""
        return self.ids[int(self.file.sections["article.id_places"][article])]

    @lazy
    def _heads(self) -> Array:
        """The number of each article's head among the stored items."""
        counts = self.column("article.counts")
        # Not as many items as documents: the one document of an article without text has none.
        return np.cumsum(counts + 1) - counts - 1

    def _lexicon(self, name: str) -> Lexicon:
        section = self.file.sections
        return Lexicon(section[f"{name}.text"], section[f"{name}.ends"], self.file.path)

    def _range(self, name: str, number: int) -> tuple[int, int]:
        starts = self.file.sections[name]
        return int(starts[number]), int(starts[number + 1])

    def _wordranges(self, words: Sequence[str]) -> tuple[Array, Array]:
        """Where the forms of each known word begin in "word.stems", and how many there are."""
        if len(words) > _FEW:
            lexicon = self.lexicon
            found = [(bisect_left(lexicon, word), word) for word in words]
            numbers = [place for place, word in found if place < len(lexicon) and lexicon[place] == word]
        else:
            numbers = [place for word in words if (place := self.words.find(word)) is not None]
        starts = self.file.sections["word.starts"]
        begins = starts[np.array(numbers, np.int64)].astype(np.int64)
        return begins, starts[np.array(numbers, np.int64) + 1] - begins


def _places(docs: Ids, wanted: Ids, size: int) -> NDArray[np.int64]:
    """The place of each of the wanted documents in an ascending array, or -1; there are `size` documents."""
    if len(wanted) > size * _DENSE:
        places = np.full(size, -1, np.int64)
        places[docs] = np.arange(len(docs))
        return places[wanted]
    if not len(docs):
        return np.full(len(wanted), -1, np.int64)
    places = np.minimum(np.searchsorted(docs, wanted), len(docs) - 1)
    places[docs[places] != wanted] = -1
    return places
