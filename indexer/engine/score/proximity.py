"""Pairs of neighbouring query words that stand side by side, or near each other, in an article.

The sequential dependence model of Metzler and Croft (2005), "A Markov random field model for term
dependencies": each two neighbours of the query count where they stand side by side in this order, and where
they stand near each other in any order. As in Rasolofo and Savoy (2003), "Term proximity scoring for
keyword-based retrieval systems", both counts are saturated like the frequency of a term, and added to BM25.
The weight of a pair is the inverse document frequency of having both words. Two capitalized neighbours that
articles have side by side are a name, which counts like a word of its own.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from whoosh.query.qcore import Query

from indexer.engine.format.arrays import Ids, Values, contains, expand_ranges
from indexer.engine.read.snapshot import Snapshot
from indexer.engine.score.bm25f import (
    WEIGHT,
    ScoredTerm,
    idf,
    length_norms,
    saturate,
    weigh_documents,
)
from indexer.engine.score.clauses import is_word
from indexer.engine.score.matches import Matches
from indexer.engine.score.positions import DOC_STRIDE
from indexer.engine.score.query_terms import Stems, TermReader
from indexer.query import AllOf
from indexer.text.analyzer import get_analyzer

BESIDE = 0.3
"""The score of a pair that stands side by side, as a share of the score of a term of the same weight."""
NAME = 4.0
"""The same for a name, such as Will Smith, in a query of one word; in longer ones divided by their words."""
NEAR = 0.1
"""The same for a pair that stands at most `REACH` places apart, in either order."""
REACH = 5
DEPTH = 200
"""Only this many of the best articles in each language are searched for pairs."""
_MIN_WEIGHT = 0.2  # of a common word: one that is in more than five sixths of all articles adds nothing
T = TypeVar("T")
_Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Two neighbours in a query: the words as typed, and their stems in each language.

    `weights` (float64) are the inverse document frequency of having both words, times the lower boost of the
    two, in each language of the snapshot. Beside an ignored common word, they are the lower inverse document
    frequency of the two, divided by the number of words in the query; in languages in which the two are a
    name, that of the name. `beside` (float64) is BESIDE, or more for a name.
    """

    texts: tuple[str, str]
    stems: tuple[tuple[Stems, Stems], ...]
    weights: Values
    beside: Values


def find_neighbours(tree: AllOf, optional: Container[Query]) -> dict[tuple[str, str], float]:
    """The different words that stand side by side in a query, with the lower boost of the two.

    At least one of the two is among the `optional` clauses, which have no ignored common words. These do not
    separate their neighbours ("theory of plates"), and are neighbours themselves ("will smith"). The same two
    words with several boosts have the first one.
    """
    words: list[Any] = [part if is_word(part) else None for part in tree]
    row: list[Any] = [part for part in words if part is None or part in optional]
    adjacent = [
        *_list_adjacent_pairs(row),
        *(pair for pair in _list_adjacent_pairs(words) if (pair[0] in optional) != (pair[1] in optional)),
    ]
    return {(a.text, b.text): min(a.boost, b.boost) for a, b in reversed(adjacent)}


def _list_adjacent_pairs(parts: Iterable[T | None]) -> list[tuple[T, T]]:
    """The distinct pairs of different neighbours; None is no neighbour of anything."""
    return list(
        dict.fromkeys((a, b) for a, b in pairwise(parts) if a is not None and b is not None and a != b)
    )


def make_pair(
    reader: TermReader,
    scored: Sequence[ScoredTerm | None],
    texts: tuple[str, str],
    boost: float,
    languages: Sequence[int],
    names: Sequence[Mapping[tuple[str, str], float]],
    words: Values,
) -> Pair | None:
    """The pair of two words as typed, without weight in any but the `languages` with these numbers.

    `scored` are the two, None for an ignored common word; `names` has the weights of the pairs that are names
    in each language, `words` is how many words the query has there. None when no article has both, or both
    have the same stems.
    """
    snapshot, statistics = reader.snapshot, reader.snapshot.statistics
    first, second = scored
    if first is not None and second is not None:
        fewer, more = sorted((word.articles for word in (first, second)), key=len)
        both = fewer.compress(contains(more, fewer))
        if not len(both):
            return None
        with_both = statistics.count(both)
        if snapshot.collection is not None:
            with_both = snapshot.collection.count_both((first.term, second.term), with_both)
        weights = idf(statistics.articles, with_both)
    else:
        # In a long question, which common words stand where says little.
        weights = np.min([_weigh_common(snapshot, text, languages) for text in texts], axis=0) / words
    own = np.array([name.get(texts, 0.0) for name in names])
    beside = np.full(len(own), BESIDE)
    if own.any():
        weights = np.where(own > 0, own, weights)
        beside = np.where(own > 0, np.maximum(NAME / words, BESIDE), BESIDE)
    is_read_so = np.zeros(len(weights), np.bool_)
    is_read_so[list(languages)] = True
    weights = weights * boost * is_read_so
    if not weights.any():
        return None
    stem_rows = zip(*(reader.list_stems(text) for text in texts), strict=True)
    # Most forms that other languages make of the words do not exist.
    stems = dict.fromkeys(
        (a, b) for a, b in stem_rows if a and b and a != b and all(map(snapshot.has_stem, (*a, *b)))
    )
    return Pair(texts, tuple(stems), weights, beside) if stems else None


def _weigh_common(snapshot: Snapshot, text: str, languages: Sequence[int]) -> Values:
    """The inverse document frequency of a word in some languages, 0 where it is too common to count."""
    statistics = snapshot.statistics
    weights = np.zeros(len(statistics.languages))
    for number in languages:
        stems = [
            token.stem for token in get_analyzer(statistics.languages[number]).tokenize(text, query=True)
        ]
        if len(stems) == 1:
            own = idf(statistics.articles, snapshot.article_counts(stems[0]))[number]
            weights[number] = own if own >= _MIN_WEIGHT else 0.0
    return weights


def add_pair_scores(
    snapshot: Snapshot,
    full: Matches,
    partial: Matches,
    pairs: Sequence[Pair],
    text_weights: Mapping[str, float],
) -> tuple[Matches, Matches, Ids]:
    """The matches with the scores of pairs added to the best of each language, and which these are.

    They are the `DEPTH` best, full matches first. The articles that were searched for pairs are ascending
    (int32). `text_weights` are those of the fields of custom texts, by name.
    """
    if not pairs:
        return full, partial, np.empty(0, np.int32)
    statistics = snapshot.statistics
    none = np.empty(0, np.intp)
    full_places, partial_places = statistics.split(full.articles), statistics.split(partial.articles)
    chosen_full, chosen_partial = [none], [none]
    for language in full_places.keys() | partial_places.keys():
        own = full_places.get(language, none)
        own = own[_select_best(full.scores[own], DEPTH)]
        rest = partial_places.get(language, none)
        chosen_full.append(own)
        chosen_partial.append(rest[_select_best(partial.scores[rest], max(0, DEPTH - len(own)))])
    best_full, best_partial = np.concatenate(chosen_full), np.concatenate(chosen_partial)
    articles = np.concatenate([full.articles[best_full], partial.articles[best_partial]])
    order = np.argsort(articles)
    searched = articles[order]
    if not len(articles):
        return full, partial, searched
    added = np.empty(len(articles))
    added[order] = score_pairs(snapshot, searched, pairs, text_weights)
    full_scores, partial_scores = full.scores.copy(), partial.scores.copy()
    full_scores[best_full] += added[: len(best_full)]
    partial_scores[best_partial] += added[len(best_full) :]
    return Matches(full.articles, full_scores), Matches(partial.articles, partial_scores), searched


def _select_best(scores: Values, count: int) -> NDArray[np.int64]:
    """The places of the `count` highest scores; of some more, or fewer, where scores are equal."""
    if len(scores) <= count or not count:
        return np.arange(min(len(scores), count))
    bound = np.partition(scores, -count)[-count]
    chosen = np.flatnonzero(scores >= bound)
    # Of a great many with the same score, all or none are taken: there is no reason to prefer some.
    return chosen if len(chosen) < 2 * count else np.flatnonzero(scores > bound)


def score_pairs(
    snapshot: Snapshot, articles: Ids, pairs: Sequence[Pair], text_weights: Mapping[str, float]
) -> Values:
    """Return the points of the pairs for each of the articles (ascending): float64, one value an article.

    In a custom text, a pair counts as many times as its words do, by `text_weights`.
    """
    starts = snapshot.doc_starts[articles]
    # The title is stored with the first document of its article.
    widths = {"title": np.ones(len(articles), np.int64), "paragraph": snapshot.doc_ends[articles] - starts}
    beside, near = (np.zeros((len(pairs), len(articles))) for _ in range(2))
    for field, weight in WEIGHT.items():
        share = weight / length_norms(snapshot, field, articles)
        docs = expand_ranges(starts, widths[field]).astype(np.int32)
        owners = np.repeat(np.arange(len(articles)), widths[field])
        times = weigh_documents(snapshot, docs, text_weights) if field == "paragraph" else None
        runs: dict[Stems, _Places] = {}
        for number, pair in enumerate(pairs):
            for first_stems, second_stems in pair.stems:
                for stems in (first_stems, second_stems):
                    if stems not in runs:
                        runs[stems] = _find_runs(snapshot, field, stems, docs)
                first, second = runs[first_stems], runs[second_stems]
                if not len(first) or not len(second):
                    continue
                first_ends = first + (len(first_stems) - 1)
                second_ends = second + (len(second_stems) - 1)
                # Before the first one, index -1 gives the last one, whose distance is negative.
                distance = second - first_ends[first_ends.searchsorted(second) - 1]
                is_before = (distance > 0) & (distance <= REACH)
                next_first = first[np.minimum(first.searchsorted(second_ends, "right"), len(first) - 1)]
                distance_back = next_first - second_ends
                is_after = (distance_back > 0) & (distance_back <= REACH)
                for counts, is_counted in ((beside, distance == 1), (near, is_before | is_after)):
                    own = second[is_counted] // DOC_STRIDE
                    found = np.bincount(owners[own], None if times is None else times[own], len(articles))
                    counts[number] += share * found
    beside, near = saturate(beside), NEAR * saturate(near)
    # Not a matrix product, whose rounding depends on which other articles there are.
    added = np.zeros(len(articles))
    spread = snapshot.statistics.spread
    for number, pair in enumerate(pairs):
        own = spread(pair.beside, articles) * beside[number] + near[number]
        added += spread(pair.weights, articles) * own
    return added


def _find_runs(snapshot: Snapshot, field: str, stems: Stems, docs: Ids) -> _Places:
    """Where the stems follow each other: the place of the first, with documents numbered as in `docs`."""
    found: _Places | None = None
    for offset, stem in enumerate(stems):
        numbers, positions = snapshot.positions(field, stem, docs)
        starts = numbers * DOC_STRIDE + positions - offset
        found = starts if found is None else np.intersect1d(found, starts, assume_unique=True)
    assert found is not None
    return found
