"""BM25F over title and paragraphs, raised when the words of a query meet in one paragraph.

Robertson, Zaragoza and Taylor (2004), "Simple BM25 extension to multiple weighted fields": frequencies are
weighted and normalised by length in each field, then added, then saturated once. The inverse document
frequency is Lucene's ln(1 + (N - n + 0.5) / (n + 0.5)), which is never negative.

A word that comes in bursts says what an article is about; one that is strewn evenly (as "describe" or
"interested" in a question) says little, however rare it is. So the weight of a word is its inverse document
frequency times a power of its burst: in how many articles it would stand if it were strewn at random, by
those in which it does. That is the residual inverse document frequency of Church and Gale (1995), "Inverse
document frequency (IDF): a measure of deviations from Poisson", as a factor.

How the figures were chosen: `python -m tests.tuning`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from indexer.engine.format.arrays import Ids, Values, contains, sum_runs
from indexer.engine.read.deadline import NO_DEADLINE, Deadline
from indexer.engine.read.postings import Postings
from indexer.engine.read.snapshot import Snapshot
from indexer.engine.score.matches import Matches, unite
from indexer.engine.score.query_terms import QueryTerm

K1 = 1.2
B = {"title": 0.75, "paragraph": 0.75}
WEIGHT = {"title": 3.0, "paragraph": 1.0}
NEARNESS = 0.3
"""How much of its score an article gains when one paragraph has all the words."""
COMPOUND = 0.5
"""What a word of a phrase or a compound (covid-19) counts by itself beside the whole, among other words."""
BURST = 0.5
"""The power of the burst in the weight of a word."""
_ROUNDING = 1e-6
_FEW = 1 / 16  # of all articles; among fewer, it pays to leave the documents of the others out


class ScoredTerm(Struct, frozen=True, eq=False):
    """A leaf with the articles it matches, their scores, and the weight of a match: its idf and its burst.

    `owners` are the articles of the documents that have it in a paragraph, one of each (int32).
    """

    leaf: QueryTerm
    matches: Matches
    idf: float
    owners: Ids


def score_term(snapshot: Snapshot, leaf: QueryTerm) -> ScoredTerm:
    """BM25F of one leaf for every article that has it in a field."""
    owners = snapshot.article_of[leaf.paragraph.docs]
    found = _weighted(snapshot, "paragraph", owners, leaf.paragraph.freqs)
    if len(leaf.title.docs):
        titles = _weighted(snapshot, "title", snapshot.article_of[leaf.title.docs], leaf.title.freqs)
        found = unite([found, titles], snapshot.articles) if len(found) else titles
    having = len(found)
    times = float(leaf.paragraph.freqs.sum() + leaf.title.freqs.sum())
    weight = idf(snapshot.articles, having) * burst(snapshot.articles, having, times) ** BURST
    return ScoredTerm(leaf, Matches(found.articles, saturated(found.scores) * weight), weight, owners)


def _weighted(snapshot: Snapshot, field: str, owners: Ids, freqs: Values) -> Matches:
    """The weighted, length-normalised frequency in one field, by article; `owners` is ascending."""
    articles, totals = sum_runs(owners, freqs)
    totals = totals * WEIGHT[field]
    totals /= relative_lengths(snapshot, field, articles)
    return Matches(articles, totals)


def relative_lengths(snapshot: Snapshot, field: str, articles: Ids) -> Values:
    """By what frequencies in a field of articles are divided for its length: float64, one of each."""
    lengths: Values = snapshot.lengths[field][articles]
    lengths *= B[field] / (snapshot.average[field] or 1.0)
    lengths += 1 - B[field]
    return lengths


def saturated(frequencies: Values) -> Values:
    """What weighted frequencies are worth: from 0 to K1 + 1, 1 for a frequency of 1."""
    worth: Values = frequencies * (K1 + 1)
    worth /= K1 + frequencies
    return worth


def frequencies(snapshot: Snapshot, postings: Postings, articles: Ids) -> Values:
    """How often what has these postings stands in each of some articles (in any order): float64."""
    owners = snapshot.article_of[postings.docs]
    totals = np.zeros(snapshot.articles)
    np.add.at(totals, owners, postings.freqs)
    found: Values = totals[articles]
    return found


def idf(articles: int, having: int) -> float:
    """Inverse document frequency of what `having` of `articles` articles have."""
    return float(np.log1p((articles - having + 0.5) / (having + 0.5)))


def within_reach(found: Matches, depth: int | None, besides: Ids | None = None) -> NDArray[np.intp]:
    """The places of the matches that may be among the `depth` best (None: of all) once they are raised.

    Those of articles that are in `besides` (ascending) are among them, and do not count for `depth`.
    """
    scores = found.scores
    is_within = np.zeros(len(found), np.bool_) if besides is None else contains(besides, found.articles)
    if depth is not None:
        depth += int(np.count_nonzero(is_within))
    if depth is None or len(scores) <= depth:
        return np.arange(len(scores))
    if depth:
        # Raised by all that nearness gives, and a little more than the order of hits tells apart.
        bound = np.partition(scores, -depth)[-depth] / (1 + NEARNESS) * (1 - _ROUNDING)
        is_within |= scores >= bound
    return np.flatnonzero(is_within)


def burst(articles: int, having: int, times: float) -> float:
    """How far a word is in bursts that stands `times` times, in `having` of all articles: 1 or more."""
    if not having:
        return 1.0
    at_random = -articles * math.expm1(-times / articles)
    return max(1.0, at_random / having)


def coverage(
    snapshot: Snapshot, leaves: Sequence[ScoredTerm], articles: Ids, deadline: Deadline = NO_DEADLINE
) -> Values:
    """How much of the query stands together in the best paragraph (or the title) of each article: 0 to 1.

    The share is by idf, so that a rare word counts for more. float64, one of each of `articles`. Raises
    TimeIsUp.
    """
    total = sum(leaf.idf for leaf in leaves)
    if not total or not len(articles):
        return np.zeros(len(articles))
    docs = [(scored.leaf.paragraph.docs, scored.owners) for scored in leaves]
    if len(articles) < snapshot.articles * _FEW:
        wanted = np.zeros(snapshot.articles, np.bool_)
        wanted[articles] = True
        docs = [(own[here], owners[here]) for own, owners in docs for here in [wanted[owners]]]
    together = np.zeros(snapshot.documents)
    for scored, (own, _) in zip(leaves, docs, strict=True):
        deadline.check()
        together[own] += scored.idf
    best = np.zeros(snapshot.articles)
    for scored in leaves:
        best[snapshot.article_of[scored.leaf.title.docs]] += scored.idf
    for own, owners in docs:
        deadline.check()
        np.maximum.at(best, owners, together[own])
    shares: Values = best[articles] / total
    return shares
