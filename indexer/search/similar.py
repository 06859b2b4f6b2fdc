"""Articles like a given one: the heaviest of its words, asked for all together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from indexer.article import Article
from indexer.engine import (
    NO_DEADLINE,
    Deadline,
    HighlightTerms,
    Matches,
    QueryMatches,
    QueryTerm,
    ScoredTerm,
    Snapshot,
    TimedOut,
    collapse_duplicates,
    idf,
    make_unscored,
    score_term,
    select_top,
    subtract,
    unite,
)
from indexer.results import ArticleInfo, Hits
from indexer.search.highlight import stretches
from indexer.search.passages import UNMARKED, make_hits
from indexer.search.request import SearchSettings, check_slice
from indexer.text.analyzer import get_analyzer
from indexer.text.languages import stop_words

TERMS = 25
"""How many of an article's words are asked for."""
_TITLE = 2  # how often a word of the title counts
_SATURATION = 20  # much higher than in scoring: what an article repeats is what it is about
_MOST = 500  # of the distinct words of a long article the most frequent are weighed
_AT_ONCE = 2**16  # characters that are taken apart between two looks at the clock


def similar(snapshot: Snapshot, how: SearchSettings, number: int, limit: int) -> Hits:
    """The articles that are most like the one of this number, without itself and its near-duplicates.

    A BM25 query of its heaviest words, each counting for as much as it weighs in the article. When the time
    is up, of those that were looked up by then.
    """
    check_slice("relevance", limit, 0, None)
    with Deadline(how.seconds, how.clock) as deadline:
        leaves: list[ScoredTerm] = []
        parts: list[Matches] = []
        notes = [*how.remarks]
        is_cut = False
        try:
            for stem, weight in heaviest(
                snapshot, snapshot.article(number), snapshot.language(number), deadline
            ):
                deadline.check()
                scored = score_term(snapshot, _leaf(snapshot, stem))
                leaves.append(scored)
                parts.append(Matches(scored.matches.articles, scored.matches.scores * weight))
        except TimedOut:
            is_cut = True
            notes.append(
                f"The time for a query ({how.seconds:g} s) was up: {len(leaves)} of the words that the "
                "article is about were looked up; others may be more like it."
            )
        itself = np.sort(np.append(snapshot.families.duplicates(number), np.int32(number)))
        matches = subtract(unite(parts, snapshot.articles), itself)
        folded = collapse_duplicates(snapshot, matches, "relevance")
        shown = select_top(snapshot, folded.shown, "relevance", 0, limit)
        found = QueryMatches(matches, matches, tuple(leaves))
        hits, marked = make_hits(snapshot, how, found, shown, folded, deadline)
        return Hits(hits, notes if marked else [*notes, UNMARKED], is_cut=is_cut)


def duplicates(snapshot: Snapshot, number: int) -> tuple[ArticleInfo, ...]:
    """The near-duplicates of the article of this number: newest first, ties by id."""
    found = make_unscored(snapshot.families.duplicates(number))
    ordered = select_top(snapshot, found, "newest", 0, len(found))
    return tuple(snapshot.infos(ordered.articles.tolist()))


def heaviest(
    snapshot: Snapshot, article: Article, language: str, deadline: Deadline = NO_DEADLINE
) -> list[tuple[str, float]]:
    """The stems of an article that weigh most, heaviest first, and what each counts for; no stop words.

    They are chosen by frequency times idf over title and text, the frequency saturated as in BM25: the
    saturated frequency is what they count for. `language` is the one that it was analysed in. Raises
    TimeIsUp.
    """
    words, common = get_analyzer(language), stop_words(language)
    counts: Counter[str] = Counter()
    for text in _pieces(article):
        deadline.check()
        counts.update(stem for stem, word in zip(*words.analyze(text), strict=True) if word not in common)
    weighed = []
    # Without those that were removed: how many of them still lie there is no matter of the article.
    paragraphs = snapshot.paragraphs
    for stem, count in counts.most_common(_MOST):
        weight = count / (count + _SATURATION)
        weighed.append((-weight * idf(paragraphs, snapshot.spread(stem)), stem, weight))
    return [(stem, weight) for _, stem, weight in sorted(weighed)[:TERMS]]


def _pieces(article: Article) -> Iterator[str]:
    """Its texts, the title as often as it counts, long ones in stretches."""
    for text in (*article.paragraphs, *[article.title] * _TITLE):
        yield from (text[start:stop] for start, stop in stretches(text, _AT_ONCE))


def _leaf(snapshot: Snapshot, stem: str) -> QueryTerm:
    return QueryTerm(
        stem,
        snapshot.postings("title", stem),
        snapshot.postings("paragraph", stem),
        HighlightTerms(stems=frozenset((stem,))),
        in_title=True,
        in_text=True,
    )
