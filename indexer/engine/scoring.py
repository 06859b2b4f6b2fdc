"""BM25F over title and paragraphs, raised when the words of a query meet in one paragraph.

Robertson, Zaragoza and Taylor (2004), "Simple BM25 extension to multiple weighted fields": frequencies are
weighted and normalised by length in each field, then added, then saturated once. The inverse document
frequency is Lucene's ln(1 + (N - n + 0.5) / (n + 0.5)), which is never negative.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from indexer.engine.arrays import Matches, contains, unite
from indexer.engine.leaves import Leaf
from indexer.engine.postings import Ids, Values, sum_runs
from indexer.engine.snapshot import Snapshot

K1 = 1.2
B = {"title": 0.75, "paragraph": 0.75}
WEIGHT = {"title": 4.0, "paragraph": 1.0}
NEARNESS = 0.2
"""How much of its score an article gains when one paragraph has all the words."""


@dataclass(frozen=True, slots=True)
class ScoredLeaf:
    """A leaf with the articles it matches, their scores, and the weight of a match (its idf)."""

    leaf: Leaf
    matches: Matches
    idf: float


def score_leaf(snapshot: Snapshot, leaf: Leaf) -> ScoredLeaf:
    """BM25F of one leaf for every article that has it in a field."""
    fields = []
    for name, postings in (("title", leaf.title), ("paragraph", leaf.paragraph)):
        if len(postings.docs):
            articles, freqs = sum_runs(snapshot.article_of[postings.docs], postings.freqs)
            lengths = snapshot.lengths[name][articles] / (snapshot.average[name] or 1.0)
            fields.append(Matches(articles, WEIGHT[name] * freqs / (1 - B[name] + B[name] * lengths)))
    found = unite(fields, snapshot.articles)
    weight = idf(snapshot.articles, len(found))
    return ScoredLeaf(
        leaf, Matches(found.articles, weight * (K1 + 1) * found.scores / (K1 + found.scores)), weight
    )


def idf(articles: int, having: int) -> float:
    """Inverse document frequency of what `having` of `articles` articles have."""
    return float(np.log1p((articles - having + 0.5) / (having + 0.5)))


def coverage(snapshot: Snapshot, leaves: Sequence[ScoredLeaf], articles: Ids) -> Values:
    """How much of the query stands together in the best paragraph (or the title) of each article: 0 to 1.

    The share is by idf, so that a rare word counts for more. float64, one of each of `articles`.
    """
    total = sum(leaf.idf for leaf in leaves)
    if not total or not len(articles):
        return np.zeros(len(articles))
    together = np.zeros(snapshot.documents)
    in_title = np.zeros(len(articles))
    for scored in leaves:
        together[scored.leaf.paragraph.docs] += scored.idf
        titles = snapshot.article_of[scored.leaf.title.docs]
        in_title += scored.idf * contains(titles, articles)
    # reduceat takes a range at every second place; what lies between two articles is thrown away.
    bounds = np.stack((snapshot.starts[articles], snapshot.stops[articles]), axis=1).ravel()
    if bounds[-1] == len(together):
        bounds = bounds[:-1]
    best = np.maximum.reduceat(together, bounds)[::2]
    return np.maximum(best, in_title) / total
