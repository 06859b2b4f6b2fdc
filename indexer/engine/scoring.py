"""BM25F over title and paragraphs, raised when the words of a query meet in one paragraph.

Robertson, Zaragoza and Taylor (2004), "Simple BM25 extension to multiple weighted fields": frequencies are
weighted and normalised by length in each field, then added, then saturated once. The inverse document
frequency is Lucene's ln(1 + (N - n + 0.5) / (n + 0.5)), which is never negative.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.engine.arrays import Matches, unite
from indexer.engine.leaves import Leaf
from indexer.engine.postings import Ids, Values, sum_runs
from indexer.engine.snapshot import Snapshot

K1 = 1.2
B = {"title": 0.75, "paragraph": 0.75}
WEIGHT = {"title": 4.0, "paragraph": 1.0}
NEARNESS = 0.2
"""How much of its score an article gains when one paragraph has all the words."""

_ROUNDING = 1e-6
_FEW = 1 / 16  # of all articles; among fewer, it pays to leave the documents of the others out


@dataclass(frozen=True, slots=True)
class ScoredLeaf:
    """A leaf with the articles it matches, their scores, and the weight of a match (its idf).

    `owners` are the articles of the documents that have it in a paragraph, one of each (int32).
    """

    leaf: Leaf
    matches: Matches
    idf: float
    owners: Ids


def score_leaf(snapshot: Snapshot, leaf: Leaf) -> ScoredLeaf:
    """BM25F of one leaf for every article that has it in a field."""
    owners = snapshot.article_of[leaf.paragraph.docs]
    found = _weighted(snapshot, "paragraph", owners, leaf.paragraph.freqs)
    if len(leaf.title.docs):
        titles = _weighted(snapshot, "title", snapshot.article_of[leaf.title.docs], leaf.title.freqs)
        found = unite([found, titles], snapshot.articles) if len(found) else titles
    weight = idf(snapshot.articles, len(found))
    scores = found.scores * (weight * (K1 + 1))
    scores /= K1 + found.scores
    return ScoredLeaf(leaf, Matches(found.articles, scores), weight, owners)


def _weighted(snapshot: Snapshot, field: str, owners: Ids, freqs: Values) -> Matches:
    """The weighted, length-normalised frequency in one field, by article; `owners` is ascending."""
    articles, totals = sum_runs(owners, freqs)
    lengths = snapshot.lengths[field][articles]
    lengths *= B[field] / (snapshot.average[field] or 1.0)
    lengths += 1 - B[field]
    totals = totals * WEIGHT[field]
    totals /= lengths
    return Matches(articles, totals)


def idf(articles: int, having: int) -> float:
    """Inverse document frequency of what `having` of `articles` articles have."""
    return float(np.log1p((articles - having + 0.5) / (having + 0.5)))


def within_reach(scores: Values, depth: int | None) -> NDArray[np.intp]:
    """The places of the scores that may be among the `depth` best (None: of all) once they are raised."""
    if depth is None or len(scores) <= depth:
        return np.arange(len(scores))
    if not depth:
        return np.empty(0, np.intp)
    # Raised by all that nearness gives, and a little more than the order of hits tells apart.
    bound = np.partition(scores, -depth)[-depth] / (1 + NEARNESS) * (1 - _ROUNDING)
    places: NDArray[np.intp] = (scores >= bound).nonzero()[0]
    return places


def coverage(snapshot: Snapshot, leaves: Sequence[ScoredLeaf], articles: Ids) -> Values:
    """How much of the query stands together in the best paragraph (or the title) of each article: 0 to 1.

    The share is by idf, so that a rare word counts for more. float64, one of each of `articles`.
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
        together[own] += scored.idf
    best = np.zeros(snapshot.articles)
    for scored in leaves:
        best[snapshot.article_of[scored.leaf.title.docs]] += scored.idf
    for own, owners in docs:
        np.maximum.at(best, owners, together[own])
    shares: Values = best[articles] / total
    return shares
