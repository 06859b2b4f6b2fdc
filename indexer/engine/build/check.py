"""Checks of a whole segment: whether its sections agree with each other.

`format.checks` checks each section alone when it is first used. The checks here need several sections, or all
of one: whether words are sorted, whether the occurrences of a text fill its positions, whether every article
can be read and has its own id. They run where everything is read anyway: in `verify`, and in a merge, which
would otherwise write wrong content with new checksums.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from indexer.engine.build.gather import Gatherer
from indexer.engine.build.invert import Buffer
from indexer.engine.format.columns import NAMED, NO_VALUES, PREFIX
from indexer.engine.format.lexicon import Lexicon
from indexer.engine.format.record import decode_article
from indexer.engine.format.segment_file import DOC_FIELDS, DamageReporter
from indexer.engine.read.postings import FIELDS
from indexer.engine.read.segment import SegmentView
from indexer.engine.read.snapshot import Snapshot
from indexer.fields import FieldType


def verify_snapshot(snapshot: Snapshot) -> None:
    """Raise IndexDamaged, naming file and section, unless all checksums and all content are right.

    Side files with vectors are not read, because nothing that was committed is lost with them; see
    `Snapshot.vector_problems`.
    """
    for segment in snapshot.segments:
        segment.view.file.verify()
        check_segment(segment.view)


def check_segment(view: SegmentView) -> None:
    """Raise IndexDamaged, naming the file and the section, unless the content of a segment is consistent."""
    check_numbers(view)
    _check_phrases(view)
    with DamageReporter(view.file.path):
        for number in range(view.articles):
            article = decode_article(view.all_items(number))
            if article.id != view.id_of(number):
                view.file.raise_damaged(
                    "text.data", f"has the article {article.id!r} instead of {view.id_of(number)!r}"
                )
            if view.text_names and (lacking := view.custom_texts(number) - article.fields.keys()):
                view.file.raise_damaged(
                    DOC_FIELDS, f"has {min(lacking)!r} for an article without it, {article.id!r}"
                )


def check_numbers(view: SegmentView) -> None:
    """Raise IndexDamaged unless everything but the stored texts is consistent; a merge relies on this."""
    for name in view.file.directory:
        view.file.sections[name]
    for name, words in {"stem": view.stems, "word": view.words, "id": view.ids}.items():
        _check_words(view, name, words)
    for name, kind in view.kinds.items():
        if kind in NAMED:
            _check_words(view, f"{PREFIX}{name}", view.open_lexicon(f"{PREFIX}{name}"))
    with DamageReporter(view.file.path):
        _check_doc_fields(view)
        _check_forms(view)
        for field in FIELDS:
            _check_field(view, field)


def find_differences(
    view: SegmentView,
    language: str,
    source_of: Callable[[str], str | None],
    fields: Mapping[str, FieldType] | None = None,
) -> list[str]:
    """Rebuild a segment in memory from its stored articles; returns the names of the sections that differ.

    `language` is that of articles that state none. `source_of` returns the source that the article with an
    id was read from, or None if an app has put it in. `fields` are those declared. Raises IndexDamaged.
    """
    gatherer, buffer = Gatherer(language, fields), Buffer()
    sources = view.read_column("source") if "source" in view.kinds else NO_VALUES
    codes = sources.number_articles(view.articles).tolist()
    for number in range(view.articles):
        with DamageReporter(view.file.path):
            items = view.all_items(number)
            article = decode_article(items)
        given = " ".join((article.source or "").split())
        stored = sources.names[codes[number]] if codes[number] >= 0 else ""
        # The catalog does not have removed articles: believe the stored source.
        source = source_of(article.id) or (stored if stored != given else None)
        gatherer.add(article, items, source)
    buffer.add(gatherer.take(), array("i"))
    sections, facts = buffer.make_sections()
    found = [] if facts == view.file.read_facts() else ["facts"]
    known = view.file.directory.keys()
    for name, content in sections:
        rebuilt = np.frombuffer(content, np.uint8) if isinstance(content, bytes) else content.reshape(-1)
        # The boundaries of text blocks depend on how the articles were gathered.
        if name.startswith("text."):
            continue
        if name not in known or not np.array_equal(rebuilt, view.file.sections[name]):
            found.append(name)
    return found


def _check_words(view: SegmentView, name: str, words: Lexicon) -> None:
    if not words.is_sorted():
        view.file.raise_damaged(f"{name}.text", "is not sorted")
    if len(words) and not words[0]:
        view.file.raise_damaged(f"{name}.text", "begins with an empty word")


def _check_forms(view: SegmentView) -> None:
    """Check that words and stems refer to each other, and articles and ids."""
    stems, variants = view.column("word.stems"), view.column("word.variants")
    firsts = view.column("stem.starts")
    owners = np.repeat(np.arange(len(view.words)), np.diff(view.column("word.starts")))
    if not np.array_equal(view.column("stem.words")[firsts[stems] + variants], owners):
        view.file.raise_damaged("word.variants", "does not agree with stem.words")
    is_same_word = np.diff(owners) == 0
    if not (np.diff(stems)[is_same_word] > 0).all():
        view.file.raise_damaged("word.stems", "is not sorted")
    words, is_first = view.file.sections["stem.words"], np.zeros(len(stems) + 1, np.bool_)
    is_first[firsts] = True
    if not ((words[1:] > words[:-1]) | is_first[1:-1]).all():
        view.file.raise_damaged("stem.words", "is not sorted")
    ranks, by_id = view.column("article.id_ranks"), view.column("article.by_id")
    if not np.array_equal(by_id[ranks], np.arange(view.articles)):
        view.file.raise_damaged("article.by_id", "does not agree with article.id_ranks")


def _check_phrases(view: SegmentView) -> None:
    """Check that the phrases are those of the postings; a merge does not read them."""
    for name, found in view.find_phrases(np.ones(view.documents, np.bool_)).make_sections():
        if not np.array_equal(found, view.file.sections[f"phrase.{name}"]):
            view.file.raise_damaged(f"phrase.{name}", "does not agree with the positions of the words")


def _check_doc_fields(view: SegmentView) -> None:
    """Check that the custom texts of each article follow its paragraphs, by their fields."""
    if not view.text_names:
        return
    if view.text_names != sorted({*view.text_names} - {""}):
        view.file.raise_damaged("facts", "have fields of texts that are not sorted")
    fields = view.doc_fields
    is_inside = np.ones(len(fields), np.bool_)
    is_inside[view.doc_starts[:-1]] = False
    before, after = fields[:-1], fields[1:]
    if not ((after > before) | ((after == 0) & (before == 0)) | ~is_inside[1:]).all():
        view.file.raise_damaged(DOC_FIELDS, "is not sorted")


def _check_field(view: SegmentView, field: str) -> None:
    """Check that each occurrence of a field has a position in a text, and each position an occurrence."""
    terms = _count_terms(view, field)
    first = np.cumsum(terms) - terms
    is_taken = np.zeros(int(terms.sum()), np.bool_)
    own = view.fields[field]
    starts, occurrences = (own.section(name).astype(np.int64) for name in ("starts", "occurrences"))
    widths = np.diff(view.column("stem.starts"))
    for low, high in own.split_stems():
        docs, freqs = own.decode(low, high)
        is_first = np.zeros(len(docs) + 1, np.bool_)
        is_first[starts[low : high + 1] - starts[low]] = True
        if not ((docs[1:] > docs[:-1]) | is_first[1:-1]).all():
            view.file.raise_damaged(f"{field}.gaps.narrow", "has a document twice")
        ends = np.concatenate(([0], np.cumsum(freqs, dtype=np.int64)))
        wanted = occurrences[low : high + 1] - occurrences[low]
        if not freqs.all() or not np.array_equal(ends[starts[low : high + 1] - starts[low]], wanted):
            own.raise_bad_freqs()
        start, end = int(occurrences[low]), int(occurrences[high])
        owners = docs.repeat(freqs)
        positions = own.open_packed("positions").read(start, end)
        if (positions >= terms[owners]).any():
            view.file.raise_damaged(f"{field}.positions.narrow", "leads beyond the end of a text")
        is_next = np.ones(len(positions), np.bool_)
        is_next[ends[:-1]] = False
        if not (positions[1:] > positions[:-1])[is_next[1:]].all():
            view.file.raise_damaged(f"{field}.positions.narrow", "is not sorted")
        is_taken[first[owners] + positions] = True
        variants = own.list_variants(low, high)
        if (variants >= widths[low:high].repeat(np.diff(occurrences[low : high + 1]))).any():
            own.raise_bad_variants()
    if not is_taken.all():
        view.file.raise_damaged(f"{field}.positions.narrow", "leaves positions of a text without a word")


def _count_terms(view: SegmentView, field: str) -> NDArray[np.int64]:
    """How many terms of a field each document has (int64)."""
    if field == "paragraph":
        terms = view.column("doc.terms")
        if not np.array_equal(
            np.add.reduceat(terms, view.doc_starts[:-1]), view.column("article.text_terms")
        ):
            view.file.raise_damaged("article.text_terms", "does not agree with doc.terms")
        return terms
    # The first document of an article has its title.
    terms = np.zeros(view.documents, np.int64)
    terms[view.doc_starts[:-1]] = view.column("article.title_terms")
    return terms
