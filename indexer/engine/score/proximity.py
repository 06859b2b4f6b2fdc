"""Words that stand side by side in the query and in an article: phrases without quotation marks.

The sequential dependence model of Metzler and Croft (2005), "A Markov random field model for term
dependencies": beside the words of a query, each two neighbours in it count where they stand side by side in
this order, and where they stand near each other in any order. Here both are counted as Rasolofo and Savoy
(2003), "Term proximity scoring for keyword-based retrieval systems", did: added to BM25, each saturated like
a word of its own. A pair weighs what its words together weigh: the inverse document frequency of having both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from indexer.engine.format.arrays import Ids, Values, contains, ranges
from indexer.engine.read.snapshot import Snapshot
from indexer.engine.score.bm25f import WEIGHT, ScoredTerm, idf, relative_lengths, saturated
from indexer.engine.score.matches import Matches
from indexer.text.analyzer import get_analyzer

BESIDE = 0.3
"""What it adds that two neighbours stand side by side, as a share of what a word of their weight adds."""
NEAR = 0.1
"""The same for two that stand at most `REACH` places apart, in either order."""
REACH = 5
DEPTH = 200
"""Only so many of the best articles are looked at: those are what a page shows."""
T = TypeVar("T")
_FAR = 2**32  # wider than any paragraph, so that positions of neighbouring documents never meet
Stems = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two neighbours in a query: the stems of the one and of the other, as each language has them.

    `weight` is the inverse document frequency of having both words, times the lower boost of the two. `texts`
    are the words as typed.
    """

    texts: tuple[str, str]
    stems: tuple[tuple[Stems, Stems], ...]
    weight: float


def pair(
    snapshot: Snapshot,
    languages: Sequence[str],
    texts: tuple[str, str],
    scored: tuple[ScoredTerm, ScoredTerm],
    boost: float,
) -> Pair | None:
    """The pair of two words as typed; None when no article has both, or both are one."""
    few, many = sorted((leaf.matches.articles for leaf in scored), key=len)
    both = int(np.count_nonzero(contains(many, few)))
    if not both:
        return None
    stems = {}
    for language in languages:
        first, second = (_stems(language, text) for text in texts)
        if first and second and first != second:
            stems[first, second] = True
    return Pair(texts, tuple(stems), idf(snapshot.articles, both) * boost) if stems else None


def _stems(language: str, text: str) -> Stems:
    """The stems of a word as typed; none of a name or a topic (@desk, #sea), which stands for itself."""
    tokens = get_analyzer(language).tokenize(text, query=True)
    return () if any(token.word[0] in "@#" for token in tokens) else tuple(token.stem for token in tokens)


def raised(snapshot: Snapshot, found: Sequence[Matches], pairs: Sequence[Pair]) -> list[Matches]:
    """Matches of several kinds, the best kind first, with higher scores for those that have the pairs."""
    chosen = []
    room = DEPTH
    for each in found:
        chosen.append(_best(each.scores, room))
        room = max(0, room - len(chosen[-1]))
    articles = np.concatenate([each.articles[best] for each, best in zip(found, chosen, strict=True)])
    if not pairs or not len(articles):
        return [*found]
    order = np.argsort(articles)
    gains = np.empty(len(articles))
    gains[order] = gains_of(snapshot, articles[order], pairs)
    higher = []
    for each, best in zip(found, chosen, strict=True):
        scores = each.scores.copy()
        scores[best] += gains[: len(best)]
        gains = gains[len(best) :]
        higher.append(Matches(each.articles, scores))
    return higher


def _best(scores: Values, most: int) -> NDArray[np.int64]:
    """The places of the highest scores: `most`, or some more or fewer where there are ties."""
    if len(scores) <= most or not most:
        return np.arange(min(len(scores), most))
    bound = np.partition(scores, -most)[-most]
    chosen = np.flatnonzero(scores >= bound)
    # Of many that are alike none is preferred.
    return chosen if len(chosen) < 2 * most else np.flatnonzero(scores > bound)


def gains_of(snapshot: Snapshot, articles: Ids, pairs: Sequence[Pair]) -> Values:
    """What the pairs add to the scores of articles (ascending): float64, one of each."""
    starts = snapshot.starts[articles]
    widths = {"title": np.ones(len(articles), np.int64), "paragraph": snapshot.stops[articles] - starts}
    beside, near = (np.zeros((len(pairs), len(articles))) for _ in range(2))
    for field, weight in WEIGHT.items():
        share = weight / relative_lengths(snapshot, field, articles)
        # A title stands with the first document of its article.
        docs = ranges(starts, widths[field]).astype(np.int32)
        owners = np.repeat(np.arange(len(articles)), widths[field])
        known: dict[Stems, NDArray[np.int64]] = {}
        for number, two in enumerate(pairs):
            for stems in two.stems:
                for run in stems:
                    if run not in known:
                        known[run] = _runs(snapshot, field, run, docs)
                first, second = (known[run] for run in stems)
                if not len(first) or not len(second):
                    continue
                ends = first + (len(stems[0]) - 1)
                since = second - ends[ends.searchsorted(second) - 1]
                # Where none comes before, the last of all was taken, which stands behind.
                before = (since > 0) & (since <= REACH)
                following = first.searchsorted(second + (len(stems[1]) - 1), "right")
                until = first[np.minimum(following, len(first) - 1)] - second - (len(stems[1]) - 1)
                after = (until > 0) & (until <= REACH)
                for counts, places in ((beside, since == 1), (near, before | after)):
                    own = owners[second[places] // _FAR]
                    counts[number] += share * np.bincount(own, minlength=len(articles))
    worth = BESIDE * saturated(beside) + NEAR * saturated(near)
    # One after the other: how a product of matrices adds depends on what other articles there are.
    gains = np.zeros(len(articles))
    for two, own in zip(pairs, worth, strict=True):
        gains += two.weight * own
    return gains


def _runs(snapshot: Snapshot, field: str, stems: Stems, docs: Ids) -> NDArray[np.int64]:
    """Where stems stand in a row, in documents: place among these, times _FAR, plus the first's position."""
    found: NDArray[np.int64] | None = None
    for gone, stem in enumerate(stems):
        places, positions = snapshot.positions(field, stem, docs)
        here = places * _FAR + positions - gone
        found = here if found is None else np.intersect1d(found, here, assume_unique=True)
    assert found is not None
    return found


def in_a_row(parts: Iterable[T | None]) -> list[tuple[T, T]]:
    """The distinct pairs of different neighbours; None parts those on its sides."""
    return list(
        dict.fromkeys((a, b) for a, b in pairwise(parts) if a is not None and b is not None and a != b)
    )
