"""Whether what the parts of a segment say agrees: looked at by what reads everything anyway.

That is `verify`, and a merge, which would otherwise put right checksums over what makes no sense. What one
part says of itself is looked at whenever it is first used (`shape`). What is left here takes several parts,
or all of one: that words are in order, that each occurrence has a place of its own in its text, that every
article can be read and has the id that it is found by.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from indexer.engine.build.gather import Gatherer
from indexer.engine.build.invert import Buffer
from indexer.engine.format.labels import STORED
from indexer.engine.format.lexicon import Lexicon
from indexer.engine.format.record import decode_article
from indexer.engine.format.segment_file import trusting
from indexer.engine.read.field import FIELDS
from indexer.engine.read.segment import SegmentView


def check_segment(view: SegmentView) -> None:
    """Raise IndexDamaged, naming the file and the part, unless all that a segment's parts say agrees."""
    check_numbers(view)
    with trusting(view.file.path):
        _check_articles(view)


def check_numbers(view: SegmentView) -> None:
    """Raise IndexDamaged likewise, but without reading the texts: what a merge goes by is looked at."""
    for name in view.file.directory:
        view.file.sections[name]
    for name, words in {"stem": view.stems, "word": view.words, "id": view.ids}.items():
        _check_words(view, name, words)
    for name in STORED:
        _check_words(view, name, view.label(name), may_be_empty=True)
    with trusting(view.file.path):
        _check_forms(view)
        for field in FIELDS:
            _check_field(view, field)


def find_differences(view: SegmentView, language: str, source_of: Callable[[str], str | None]) -> list[str]:
    """The parts of a segment that would be others if they were made anew of the articles that it has stored.

    `language` is that of articles that say none; `source_of` gives the source that an article, by its id, was
    read from, if it was. The segment is made anew in memory. Raises IndexDamaged.
    """
    gatherer, buffer = Gatherer(language), Buffer()
    sources, places = view.names("source"), view.file.sections["article.sources"].tolist()
    for number in range(view.articles):
        with trusting(view.file.path):
            items = view.all_items(number)
            article = decode_article(items)
        given = " ".join((article.source or "").split())
        stored = sources[places[number]]
        # What was removed is in no catalog: there, what is stored is believed.
        source = source_of(article.id) or (stored if stored != given else None)
        gatherer.add(article, items, source)
    buffer.add(gatherer.take(), array("i"))
    sections, facts = buffer.sections()
    found = [] if facts == view.file.info() else ["facts"]
    for name, content in sections:
        anew = np.frombuffer(content, np.uint8) if isinstance(content, bytes) else content.reshape(-1)
        # Where blocks of texts end depends on how they came together.
        if not name.startswith("text.") and not np.array_equal(anew, view.file.sections[name]):
            found.append(name)
    return found


def _check_words(view: SegmentView, name: str, words: Lexicon, *, may_be_empty: bool = False) -> None:
    if not words.is_sorted():
        view.file.refuse(f"{name}.text", "is not in order")
    if len(words) and not may_be_empty and not words[0]:
        view.file.refuse(f"{name}.text", "begins with nothing")


def _check_forms(view: SegmentView) -> None:
    """That words and stems say the same of each other, and articles and ids."""
    stems, variants = view.column("word.stems"), view.column("word.variants")
    firsts = view.column("stem.starts")
    owners = np.repeat(np.arange(len(view.words)), np.diff(view.column("word.starts")))
    if not np.array_equal(view.column("stem.words")[firsts[stems] + variants], owners):
        view.file.refuse("word.variants", "does not agree with stem.words")
    within = np.diff(owners) == 0
    if not (np.diff(stems)[within] > 0).all():
        view.file.refuse("word.stems", "is not in order")
    words, begins = view.file.sections["stem.words"], np.zeros(len(stems) + 1, np.bool_)
    begins[firsts] = True
    if not ((words[1:] > words[:-1]) | begins[1:-1]).all():
        view.file.refuse("stem.words", "is not in order")
    places, by_id = view.column("article.id_places"), view.column("article.by_id")
    if not np.array_equal(by_id[places], np.arange(view.articles)):
        view.file.refuse("article.by_id", "does not agree with article.id_places")


def _check_field(view: SegmentView, field: str) -> None:
    """That each occurrence of a field has a place in a text, and each place an occurrence."""
    terms = _terms(view, field)
    base = np.cumsum(terms) - terms
    is_taken = np.zeros(int(terms.sum()), np.bool_)
    own = view.fields[field]
    starts, occurrences = own.starts.astype(np.int64), own.occurrences.astype(np.int64)
    widths = np.diff(view.column("stem.starts"))
    for low, high in own.parts():
        docs, freqs = own.decode(low, high)
        is_first = np.zeros(len(docs) + 1, np.bool_)
        is_first[starts[low : high + 1] - starts[low]] = True
        if not ((docs[1:] > docs[:-1]) | is_first[1:-1]).all():
            view.file.refuse(f"{field}.gaps.narrow", "has a document twice")
        ends = np.concatenate(([0], np.cumsum(freqs, dtype=np.int64)))
        wanted = occurrences[low : high + 1] - occurrences[low]
        if not freqs.all() or not np.array_equal(ends[starts[low : high + 1] - starts[low]], wanted):
            own.refuse_freqs()
        begin, end = int(occurrences[low]), int(occurrences[high])
        owners = docs.repeat(freqs)
        positions = own.places.read(begin, end)
        if (positions >= terms[owners]).any():
            view.file.refuse(f"{field}.positions.narrow", "leads beyond the end of a text")
        follows = np.ones(len(positions), np.bool_)
        follows[ends[:-1]] = False
        if not (positions[1:] > positions[:-1])[follows[1:]].all():
            view.file.refuse(f"{field}.positions.narrow", "is not in order")
        is_taken[base[owners] + positions] = True
        variants = own.variants[begin:end]
        if (variants >= widths[low:high].repeat(np.diff(occurrences[low : high + 1]))).any():
            own.refuse_variants()
    if not is_taken.all():
        view.file.refuse(f"{field}.positions.narrow", "leaves places of a text without a word")


def _terms(view: SegmentView, field: str) -> NDArray[np.int64]:
    """How many words of a field each document has."""
    if field == "paragraph":
        terms = view.column("doc.terms")
        if not np.array_equal(np.add.reduceat(terms, view.first[:-1]), view.column("article.text_terms")):
            view.file.refuse("article.text_terms", "does not agree with doc.terms")
        return terms
    # The title stands with the first document of its article.
    terms = np.zeros(view.documents, np.int64)
    terms[view.first[:-1]] = view.column("article.title_terms")
    return terms


def _check_articles(view: SegmentView) -> None:
    """That every article can be read, and has its id."""
    for number in range(view.articles):
        article = decode_article(view.all_items(number))
        if article.id != view.id_of(number):
            view.file.refuse("text.data", f"has {article.id!r} in the place of {view.id_of(number)!r}")
