"""An open segment: its lexicons, postings, columns and stored texts."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.article import name_anchor, name_anchors
from indexer.engine.format.arrays import Ids, expand_ranges, split_aligned
from indexer.engine.format.checks import check_directory, find_problem
from indexer.engine.format.columns import NAMED, PREFIX, Column
from indexer.engine.format.lexicon import Lexicon
from indexer.engine.format.phrases import FormSequence, Phrases, find_common_forms, find_phrases
from indexer.engine.format.record import decode_texts
from indexer.engine.format.segment_file import DOC_FIELDS, Array, Packed, SegmentFile
from indexer.engine.format.sketches import WIDTH, Sketches
from indexer.engine.format.text_store import SECTIONS, TextStore
from indexer.engine.read.deadline import NO_DEADLINE, Deadline
from indexer.engine.read.postings import (
    FIELDS,
    NO_POSTINGS,
    POSITION_BITS,
    Field,
    Forms,
    Positions,
    Postings,
    merge_postings,
    sum_postings,
)
from indexer.fields import ColumnKind
from indexer.files.fork_safe import lazy
from indexer.text.analyzer import TAG, get_tag

_MAX_LOOKUPS = 8  # words that are looked up on the disk; for more, the whole lexicon is read
_MAX_SAMPLE = 4096  # occurrences of a stem that are counted to estimate the shares of its words
_DENSE = 1 / 16  # of all documents; for more, an array with all documents is faster than a binary search


class SegmentView:
    """The content of a segment; it never changes, so that any number of threads may read it.

    Documents and articles are numbered from 0 in the order in which they were added; the documents of an
    article follow one another. Which of them are removed is not known here, but in the commit. Raises
    IndexDamaged if the content is invalid, when it is opened or first used.
    """

    def __init__(self, path: Path) -> None:
        self.file = SegmentFile(path)
        facts, rules, counts = check_directory(self.file)
        self.documents: int = facts.documents
        self.articles: int = facts.articles
        self.languages: list[str] = facts.languages
        self.kinds: dict[str, ColumnKind] = facts.fields
        self.text_names: list[str] = facts.texts
        self.file.sections.find_problem = partial(find_problem, rules, counts)
        self.stems, self.words, self.ids = map(self.open_lexicon, ("stem", "word", "id"))
        self.fields = {name: Field(self.file, name, self.documents) for name in FIELDS}

    @property
    def dictionary(self) -> bytes:
        """The dictionary of the stored texts; empty if they have none."""
        return self.file.sections["text.dictionary"].tobytes()

    @lazy
    def texts(self) -> TextStore:
        sections = self.file.sections
        return TextStore({name: sections[f"text.{name}"] for name in SECTIONS}, self.file.path)

    @lazy
    def phrases(self) -> Phrases:
        sections = self.file.sections
        counts = Packed(*(sections[f"phrase.counts.{part}"] for part in ("narrow", "at", "wide")))
        lengths = sections["phrase.lengths"]
        return Phrases(
            self.column("phrase.sizes"), lengths, sections["phrase.forms"], counts.read(0, len(lengths))
        )

    def find_phrases(self, live: NDArray[np.bool_]) -> Phrases:
        """The phrases of the live documents, found in their postings; as `phrases` if all are live.

        Raises IndexDamaged if the postings lead outside of the texts.
        """
        firsts, words = self.column("stem.starts"), self.file.sections["stem.words"]
        terms, field = self.column("doc.terms"), self.fields["paragraph"]
        sequence = FormSequence(terms)
        for low, high in field.split_stems():
            docs, variants, positions = field.read_occurrences(low, high)
            counts: Array = np.diff(field.section("occurrences")[low : high + 1].astype(np.int64))
            forms = np.repeat(firsts[low:high], counts) + variants
            if (forms >= np.repeat(firsts[low + 1 : high + 1], counts)).any():
                field.raise_bad_variants()
            if (positions >= terms[docs]).any():
                self.file.raise_damaged("paragraph.positions.narrow", "leads beyond the end of a text")
            kept = live[docs]
            sequence.add(docs[kept], positions[kept], forms[kept])
        stem_of = np.repeat(np.arange(len(self.stems)), np.diff(firsts))
        is_common = find_common_forms(self.stems, self.words, stem_of, words, self.languages)
        return find_phrases(sequence, stem_of, is_common, len(self.stems), int(live.sum()))

    @lazy
    def doc_starts(self) -> NDArray[np.int64]:
        """The first document of each article, and at the end the number of documents (int64)."""
        widths = np.maximum(self.column("article.counts"), 1)
        starts = np.concatenate(([0], np.cumsum(widths)))
        if self.text_names:
            # The documents of paragraphs are numbered as if there were no others.
            starts = np.append(np.flatnonzero(self.doc_fields == 0), self.documents)[starts]
        return starts

    @lazy
    def doc_fields(self) -> NDArray[np.int64]:
        """The field of each document: 0 for a paragraph, else 1 + the number among `text_names` (int64)."""
        return self.column(DOC_FIELDS) if self.text_names else np.zeros(self.documents, np.int64)

    def custom_texts(self, article: int) -> set[str]:
        """The names of the fields in which an article has a custom text."""
        numbers = self.doc_fields[slice(*self.doc_starts[article : article + 2])].tolist()
        return {self.text_names[number - 1] for number in numbers if number}

    @lazy
    def lexicon(self) -> list[str]:
        """The list that `list_words` returns, kept in memory."""
        return self.list_words()

    def list_words(self) -> list[str]:
        """Every word as written, ascending (strings and UTF-8 bytes have the same order)."""
        return self.words.words()

    def open_lexicon(self, name: str) -> Lexicon:
        """The lexicon of stems, words, ids or the names of a column."""
        sections = self.file.sections
        return Lexicon(sections[f"{name}.text"], sections[f"{name}.ends"], self.file.path)

    def read_column(self, name: str) -> Column:
        """The column with this name, which is one of `kinds`."""
        kind, own, sections = self.kinds[name], f"{PREFIX}{name}", self.file.sections
        owners = sections[f"{own}.owners"].astype(np.int32)
        if kind in NAMED:
            return Column(
                kind, owners, sections[f"{own}.codes"].astype(np.int32), self.open_lexicon(own).words()
            )
        if kind == "date":
            return Column(kind, owners, sections[f"{own}.starts"], ends=sections[f"{own}.stops"])
        return Column(kind, owners, sections[f"{own}.values"])

    def column(self, name: str) -> NDArray[np.int64]:
        """A section as int64, such as a column with one value for each article or document."""
        return self.file.sections[name].astype(np.int64)

    @property
    def sketches(self) -> Sketches:
        """The sketches of the articles, one row of WIDTH bytes for each."""
        return self.file.sections["article.sketches"].reshape(-1, WIDTH)

    def language(self, article: int) -> str:
        """The language that an article was analyzed in."""
        return self.languages[int(self.file.sections["article.languages"][article])]

    def find_stem(self, stem: str) -> int | None:
        """The number of a stem, or None."""
        return self.stems.find(stem)

    def has_stem(self, stem: str) -> bool:
        """Whether any document has a stem."""
        return self.find_stem(stem) is not None

    def postings(self, field: str, stem: str) -> Postings:
        """The documents that have a stem in a field."""
        number = self.find_stem(stem)
        if number is None:
            return NO_POSTINGS
        found = self.fields[field].read_stem(number)
        return Postings(found.docs, found.freqs.astype(np.float64))

    def has_other_forms(self, stem: str, word: str) -> bool:
        """Whether a stem has words other than this one."""
        number = self.find_stem(stem)
        if number is None:
            return False
        start, end = self.file.sections["stem.starts"][number : number + 2].tolist()
        return end - start > 1 or self.words[int(self.file.sections["stem.words"][start])] != word

    def form_postings(self, field: str, stem: str, word: str, *, in_capitals: bool = False) -> Postings:
        """The documents that have one word of a stem in a field, in any case or only in capitals."""
        number, wanted = self.find_stem(stem), self.words.find(word)
        if number is None or wanted is None:
            return NO_POSTINGS
        start, end = self.file.sections["stem.starts"][number : number + 2].tolist()
        words = self.file.sections["stem.words"][start:end]
        variants = np.flatnonzero(words == wanted)
        if not len(variants):
            return NO_POSTINGS
        own = self.fields[field]
        return own.read_in_capitals(number, variants) if in_capitals else own.read_variants(number, variants)

    def document_frequency(self, stem: str) -> int:
        """How many documents have a stem in their text."""
        number = self.find_stem(stem)
        return 0 if number is None else self.fields["paragraph"].document_frequency(number)

    def word_postings(self, field: str, words: Sequence[str], deadline: Deadline = NO_DEADLINE) -> Postings:
        """The documents that have any of these words, as written, in a field; their frequencies are added.

        Raises TimedOut.
        """
        stems, variants = self._find_forms(words)
        order = np.argsort(stems, kind="stable")
        stems, variants = stems[order], variants[order]
        first = np.flatnonzero(np.concatenate(([True], stems[1:] != stems[:-1]))) if len(stems) else stems
        counts = np.diff(first, append=len(stems))
        distinct = stems[first]
        starts = self.file.sections["stem.starts"]
        # If all words of a stem are wanted, its postings are read without looking at the variants.
        whole = counts == starts[distinct + 1] - starts[distinct].astype(np.int64)
        parts = []
        if whole.any():
            pieces = list(self.fields[field].iter_postings(distinct[whole], deadline, skip_others=True))
            docs = np.concatenate([docs for _, docs, _, _ in pieces])
            freqs = np.concatenate([freqs for _, _, freqs, _ in pieces])
            parts.append(sum_postings(docs, freqs, self.documents))
        for stem, start, count in zip(
            distinct[~whole].tolist(), first[~whole].tolist(), counts[~whole].tolist(), strict=True
        ):
            deadline.check()
            parts.append(self.fields[field].read_variants(stem, variants[start : start + count]))
        deadline.check()
        return merge_postings(parts)

    def positions(self, field: str, stem: str, docs: Ids) -> Positions:
        """The occurrences of a stem in the given documents (ascending)."""
        number = self.find_stem(stem)
        if number is None:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        return self.fields[field].read_positions(number, docs)

    def phrase_postings(
        self, field: str, stems: Sequence[str], slop: int, deadline: Deadline = NO_DEADLINE
    ) -> Postings:
        """The documents that have stems in this order, each at most `slop` positions after the one before.

        Raises TimedOut.
        """
        numbers = [number for stem in stems if (number := self.find_stem(stem)) is not None]
        if len(numbers) < len(stems):
            return NO_POSTINGS
        return self.fields[field].find_phrase([{number: None} for number in numbers], slop, deadline)

    def word_phrase_postings(
        self, field: str, words: Sequence[str], slop: int, deadline: Deadline = NO_DEADLINE
    ) -> Postings:
        """The same as `phrase_postings`, for words as written. Raises TimedOut."""
        starts = self.file.sections["stem.starts"]
        rows: list[Forms] = []
        for word in words:
            stems, variants = self._find_forms([word])
            rows.append({})
            for stem in dict.fromkeys(stems.tolist()):
                own = variants.compress(stems == stem)
                has_others = len(own) < int(starts[stem + 1]) - int(starts[stem])
                rows[-1][stem] = own if has_others else None
        return self.fields[field].find_phrase(rows, slop, deadline)

    def word_positions(
        self, field: str, words: Sequence[str], docs: Ids, deadline: Deadline = NO_DEADLINE
    ) -> Positions:
        """The occurrences of any of these words, as written, in the given documents (ascending).

        They are in the order of document and position. Raises TimedOut.
        """
        own = self.fields[field]
        stems, variants = self._find_forms(words)
        first_forms = self.file.sections["stem.starts"]
        is_wanted = np.zeros(int(first_forms[-1]) if len(first_forms) else 0, np.bool_)
        is_wanted[first_forms[stems].astype(np.int64) + variants] = True
        keys = [np.empty(0, np.int64)]
        for low, found, freqs, owners in own.iter_postings(np.unique(stems), deadline):
            indices = _find_indices(docs, found, self.documents)
            starts = own.find_occurrences(low, freqs, owners)
            kept = np.flatnonzero(indices >= 0)
            occurrences = expand_ranges(starts[kept], freqs[kept])
            stem_of = np.repeat(owners[kept], freqs[kept])
            forms = first_forms[stem_of].astype(np.int64)
            forms += own.take_variants(occurrences, stem_of)
            if len(forms) and int(forms.max()) >= len(is_wanted):
                own.raise_bad_variants()
            matching = np.flatnonzero(is_wanted[forms])
            positions = own.open_packed("positions").take(occurrences[matching])
            deadline.check()
            numbers = np.repeat(indices[kept], freqs[kept])[matching]
            keys.append(np.sort((numbers << POSITION_BITS) + positions))
        sorted_keys = []
        for group in split_aligned(keys):
            deadline.check()
            sorted_keys.append(np.sort(np.concatenate(group), kind="stable"))
        deadline.check()
        every = np.concatenate(sorted_keys)
        return every >> POSITION_BITS, every & ((1 << POSITION_BITS) - 1)

    def count_postings(self, stems: Array) -> NDArray[np.int64]:
        """How many titles and paragraphs have each of the stems with these numbers."""
        counts = np.zeros(len(stems), np.int64)
        for own in self.fields.values():
            counts += own.count_postings(stems)
        return counts

    def list_forms(self, numbers: range) -> tuple[NDArray[np.int64], NDArray[np.int64], Array]:
        """The word, the stem and the variant of each form of the words with these numbers."""
        sections = self.file.sections
        starts = sections["word.starts"][numbers.start : numbers.stop + 1].astype(np.int64)
        own = slice(int(starts[0]), int(starts[-1]))
        words = np.repeat(numbers, np.diff(starts))
        return words, sections["word.stems"][own].astype(np.int64), sections["word.variants"][own]

    def estimate_shares(self, stem: int) -> NDArray[np.float64]:
        """The share of each word of a stem in its occurrences, by variant: float64, their sum is 1."""
        starts = self.file.sections["stem.starts"]
        counts = np.zeros(int(starts[stem + 1]) - int(starts[stem]))
        for field in self.fields.values():
            own = np.bincount(self.list_variants(field, stem)[:_MAX_SAMPLE], minlength=len(counts))
            if len(own) > len(counts):
                field.raise_bad_variants()
            counts += own
        shares: NDArray[np.float64] = counts / max(counts.sum(), 1.0)
        return shares

    def list_variants(self, field: Field, stem: int) -> Array:
        """Which word of a stem each of its occurrences in a field is."""
        return field.list_variants(stem, stem + 1)

    def word_frequencies(self) -> NDArray[np.int32]:
        """How many titles and paragraphs have a stem of each word (int32), of all languages together."""
        sections = self.file.sections
        starts = sections["title.starts"].astype(np.int64) + sections["paragraph.starts"]
        counts = starts[1:] - starts[:-1]
        first = sections["word.starts"][:-1].astype(np.int64)
        return np.add.reduceat(counts[sections["word.stems"]], first).astype(np.int32)

    def items(self, articles: Sequence[int], paragraphs: Sequence[Sequence[int]]) -> list[list[bytes]]:
        """The stored head of each article, followed by the given paragraphs of it (numbered from 0)."""
        wanted: list[int] = []
        for head, numbers in zip(self._heads[list(articles)].tolist(), paragraphs, strict=True):
            wanted.append(head)
            wanted += [head + 1 + number for number in numbers]
        found = iter(self.texts.read(wanted))
        return [list(islice(found, 1 + len(numbers))) for numbers in paragraphs]

    def text_of(self, doc: int) -> str:
        """The text of a document; empty for that of an article without paragraphs."""
        article = int(self.doc_starts.searchsorted(doc, "right")) - 1
        if self.text_names and (number := int(self.doc_fields[doc])):
            ((head,),) = self.items([article], [()])
            return decode_texts(head, [self.text_names[number - 1]])[0]
        if not self.file.sections["article.counts"][article]:
            return ""
        item = int(self._heads[article]) + 1 + doc - int(self.doc_starts[article])
        return self.texts.read([item])[0].decode()

    def all_items(self, article: int) -> list[bytes]:
        """An article's stored head, and all its paragraphs."""
        head = int(self._heads[article])
        return self.texts.read(range(head, head + 1 + int(self.file.sections["article.counts"][article])))

    def words_of(self, stem: str) -> list[str]:
        """All the words that have a stem, ascending."""
        number = self.find_stem(stem)
        if number is None:
            return []
        start, end = self.file.sections["stem.starts"][number : number + 2].tolist()
        return [self.words[word] for word in self.file.sections["stem.words"][start:end].tolist()]

    def anchors(self, article: int) -> tuple[str, ...]:
        """The anchors of an article's paragraphs, in order."""
        start = int(self.doc_starts[article])
        count = int(self.file.sections["article.counts"][article])
        return name_anchors(self.file.sections["doc.anchors"][start : start + count].tolist())

    def anchors_at(self, articles: Sequence[int], paragraphs: Sequence[Sequence[int]]) -> list[list[str]]:
        """The anchors of some paragraphs (numbered from 0, ascending) of each article."""
        hashes = self.file.sections["doc.anchors"].data
        found = []
        for start, numbers in zip(self.doc_starts[list(articles)].tolist(), paragraphs, strict=True):
            own = hashes[start : start + numbers[-1] + 1].tolist() if numbers else []
            found.append([name_anchor(own, number) for number in numbers])
        return found

    def find(self, article_id: str) -> int | None:
        """The number of the article with this id, or None."""
        rank = self.ids.find(article_id)
        if rank is None:
            return None
        article = int(self.file.sections["article.by_id"][rank])
        if int(self.file.sections["article.id_ranks"][article]) != rank:
            self.file.raise_damaged("article.by_id", "does not agree with article.id_ranks")
        return article

    def find_prefix(self, start: str) -> NDArray[np.int64]:
        """The articles whose id starts with a text, in the order of their ids (int64)."""
        ranks = self.ids.find_prefix(start)
        return self.file.sections["article.by_id"][ranks.start : ranks.stop].astype(np.int64)

    def find_containing(self, text: str, *, at_end: bool) -> NDArray[np.int64]:
        """The articles whose id contains a text, or ends with it, in the order of their ids (int64)."""
        ranks = self.ids.find_containing(text, at_end=at_end)
        return self.file.sections["article.by_id"][ranks].astype(np.int64)

    def id_of(self, article: int) -> str:
        return self.ids[int(self.file.sections["article.id_ranks"][article])]

    @lazy
    def _heads(self) -> Array:
        """The number of each article's head among the stored items."""
        counts = self.column("article.counts")
        # An article without text has a document, but no item besides its head.
        return np.cumsum(counts + 1) - counts - 1

    def _find_forms(self, words: Sequence[str]) -> tuple[NDArray[np.int64], Array]:
        """The stems and variants of all forms of the known words; of a tagged word, those with its tag."""
        distinct = dict.fromkeys(words)
        plain = [word for word in distinct if TAG not in word]
        stems, variants = self._read_forms(self._find_numbers(plain))
        if len(plain) == len(distinct):
            return stems, variants
        found = dict.fromkeys(zip(stems.tolist(), variants.tolist(), strict=True))
        tags: dict[str, set[str]] = {}
        for term in distinct:
            word, mark, language = term.partition(TAG)
            if mark:
                tags.setdefault(word, set()).add(language)
        for word, languages in tags.items():
            stems, variants = self._read_forms(self._find_numbers([word]))
            for stem, variant in zip(stems.tolist(), variants.tolist(), strict=True):
                if get_tag(self.stems[stem]) in languages:
                    found[stem, variant] = None
        rows = np.array(list(found), np.int64).reshape(-1, 2)
        return rows[:, 0], rows[:, 1]

    def _find_numbers(self, words: Sequence[str]) -> NDArray[np.int64]:
        """The numbers of the known ones of some distinct words."""
        if len(words) > _MAX_LOOKUPS:
            lexicon = self.lexicon
            found = [(bisect_left(lexicon, word), word) for word in words]
            known = [number for number, word in found if number < len(lexicon) and lexicon[number] == word]
        else:
            known = [number for word in words if (number := self.words.find(word)) is not None]
        return np.array(known, np.int64)

    def _read_forms(self, numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], Array]:
        """The stems and variants of all forms of the words with these numbers."""
        sections = self.file.sections
        starts = sections["word.starts"][numbers].astype(np.int64)
        forms = expand_ranges(starts, sections["word.starts"][numbers + 1] - starts)
        return sections["word.stems"][forms].astype(np.int64), sections["word.variants"][forms]


def _find_indices(docs: Ids, wanted: Ids, size: int) -> NDArray[np.int64]:
    """The index of each wanted document in the ascending `docs`, or -1; `size` is the number of documents."""
    if len(wanted) > size * _DENSE:
        indices = np.full(size, -1, np.int64)
        indices[docs] = np.arange(len(docs))
        return indices[wanted]
    if not len(docs):
        return np.full(len(wanted), -1, np.int64)
    indices = np.minimum(np.searchsorted(docs, wanted), len(docs) - 1)
    indices[docs[indices] != wanted] = -1
    return indices
