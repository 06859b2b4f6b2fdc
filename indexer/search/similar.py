"""Articles like a given one: a query of the terms that weigh most in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from indexer.article import Article
from indexer.engine import (
    NO_DEADLINE,
    Deadline,
    Ids,
    QueryMatches,
    Snapshot,
    TimedOut,
    collapse_duplicates,
    idf,
    make_unscored,
    match_stems,
    select_top,
    unite,
)
from indexer.fields import list_weights
from indexer.query import NoteCode, make_note
from indexer.results import ArticleInfo, Hits, Note
from indexer.search.highlight import split_text
from indexer.search.passages import NO_NEAREST, make_hits
from indexer.search.request import check_limit
from indexer.search.settings import SearchSettings
from indexer.text.analyzer import get_analyzer, get_tag
from indexer.text.languages import base_language, stop_words

if TYPE_CHECKING:
    from indexer.search.meaning import FusedMatches

TERMS = 25
"""How many terms of an article are searched for."""
_TITLE_BOOST = 2  # how often a term of the title counts
_SATURATION = 20  # much higher than in scoring, since the terms that an article repeats are its subject
_MAX_WEIGHED = 500  # of the distinct terms of a long article, the most frequent ones
_CHUNK = 2**16  # characters that are analysed between two checks of the deadline


def find_similar(snapshot: Snapshot, settings: SearchSettings, number: int, limit: int) -> Hits:
    """The articles most like the one with a number, without that article and its near-duplicates.

    They are the hits of a BM25 query of its heaviest terms, each boosted by its weight in the article. When
    the time is up, only the terms that were looked up count. Where the article has vectors, its meaning
    counts as well, and articles that have none of the terms may be among them.
    """
    check_limit("limit", limit)
    with Deadline(settings.seconds, settings.clock) as deadline:
        notes: list[Note] = [*settings.notes]
        boosts: list[tuple[str, float]] = []
        timed_out = False
        try:
            boosts = find_heaviest_terms(
                snapshot, snapshot.article(number), snapshot.language(number), deadline
            )
        except TimedOut:
            timed_out = True
        excluded = np.sort(np.append(snapshot.near_duplicates.find(number), np.int32(number)))
        found = match_stems(snapshot, boosts, excluded, deadline, list_weights(settings.fields))
        timed_out = timed_out or found.timed_out
        if timed_out:
            values = {"seconds": settings.seconds, "looked_up": len(found.terms)}
            notes.append(make_note(NoteCode.SIMILAR_TIMED_OUT, values))
        fused: FusedMatches | None = None
        if not timed_out:
            fused = _fuse_with_meaning(snapshot, settings, number, found, excluded, notes, deadline)
        matches = found.full if fused is None else unite([fused.full, fused.by_meaning], snapshot.articles)
        collapsed = collapse_duplicates(snapshot, matches, "relevance")
        shown = select_top(snapshot, collapsed.shown, "relevance", 0, limit)
        nearest = fused.nearest if fused else NO_NEAREST
        hits, is_marked = make_hits(snapshot, settings, found, shown, collapsed, deadline, nearest=nearest)
        if not is_marked:
            notes.append(make_note(NoteCode.NOT_MARKED))
        return Hits(hits, notes, timed_out=timed_out)


def _fuse_with_meaning(
    snapshot: Snapshot,
    settings: SearchSettings,
    number: int,
    found: QueryMatches,
    excluded: Ids,
    notes: list[Note],
    deadline: Deadline,
) -> FusedMatches | None:
    """The articles that share terms with one, and those whose meaning is close to its own.

    None, perhaps with a note, if there is no model, or if the article has no vectors.
    """
    if settings.meaning is None or not settings.meaning.weight:
        return None
    from indexer.search.meaning import find_similar_meaning

    fused, note = find_similar_meaning(snapshot, settings.meaning, number, found, excluded, deadline)
    notes += [note] if note else []
    return fused


def find_duplicates(snapshot: Snapshot, number: int) -> tuple[ArticleInfo, ...]:
    """The near-duplicates of the article with a number: newest first, ties by id."""
    found = make_unscored(snapshot.near_duplicates.find(number))
    ordered = select_top(snapshot, found, "newest", 0, len(found))
    return tuple(snapshot.infos(ordered.articles.tolist()))


def find_heaviest_terms(
    snapshot: Snapshot, article: Article, language: str, deadline: Deadline = NO_DEADLINE
) -> list[tuple[str, float]]:
    """The stems that weigh most in an article and the boost of each, heaviest first; no stop words.

    The boost is the frequency in title and text, saturated as in BM25; the weight is the boost times the idf
    among the paragraphs of the article's language. It was analysed in `language`. Raises TimedOut.
    """
    analysis, common = get_analyzer(language), stop_words(language)
    counts: Counter[str] = Counter()
    for text in _chunks(article):
        deadline.check()
        counts.update(stem for stem, word in zip(*analysis.analyze(text), strict=True) if word not in common)
    weighed = []
    statistics = snapshot.statistics
    own = statistics.languages.index(base_language(language))
    paragraphs = int(statistics.paragraphs[own])
    is_shared = sum(get_analyzer(other) is analysis for other in statistics.languages) > 1
    for stem, count in counts.most_common(_MAX_WEIGHED):
        weight = count / (count + _SATURATION)
        frequency = snapshot.document_frequency(stem)
        if not statistics.is_single and (is_shared or get_tag(stem) != analysis.language):
            # Articles in other languages have it as well, as they have numbers and bigrams.
            frequency = int(snapshot.paragraph_counts(stem)[own])
        # Custom texts are no paragraphs, but have stems as well.
        weighed.append((-weight * float(idf(max(paragraphs, frequency), frequency)), stem, weight))
    return [(stem, weight) for _, stem, weight in sorted(weighed)[:TERMS]]


def _chunks(article: Article) -> Iterator[str]:
    """The texts of an article, the title repeated by its boost, long ones in chunks."""
    for text in (*article.paragraphs, *[article.title] * _TITLE_BOOST):
        yield from (text[start:stop] for start, stop in split_text(text, _CHUNK))
