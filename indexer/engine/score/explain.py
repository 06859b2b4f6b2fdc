"""What a search did, item by item: the receipt of a query, and the score of a hit in parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from whoosh.query.compound import And, Or
from whoosh.query.qcore import Every, NullQuery, Query
from whoosh.query.terms import FuzzyTerm, Prefix, Term, Wildcard
from whoosh.query.wrappers import Not

from indexer.engine.format.arrays import Ids, Values, contains
from indexer.engine.score.bm25f import NEARNESS, WEIGHT, ScoredTerm, coverage, frequencies, relative_lengths
from indexer.engine.score.clauses import QueryMatches
from indexer.engine.score.evaluate import Evaluation
from indexer.engine.score.matches import Matches
from indexer.engine.score.proximity import Pair, gains_of
from indexer.engine.score.ranking import decay_scores
from indexer.query import (
    DateRange,
    Filter,
    Must,
    Near,
    RawPhrase,
    describe_clause,
    describe_query,
    has_words,
    serialize_query,
)
from indexer.results import (
    ClauseExplanation,
    Explanation,
    FieldScore,
    HitExplanation,
    PairScore,
    Role,
    WordScore,
)

MAX_WORDS = 20
"""So many of the words that a clause stands for are named."""
_KINDS: dict[type, str] = {
    Term: "word",
    Prefix: "prefix",
    Wildcard: "pattern",
    FuzzyTerm: "spelling",
    RawPhrase: "phrase",
    Near: "near",
    Or: "any of",
    DateRange: "date",
    Every: "everything",
}
_FIELDS = {"title": ("title",), "paragraph": ("text",)}


def explain_query(evaluation: Evaluation, tree: Query) -> Explanation:
    """What the evaluation made of a tree. Raises TimeIsUp."""
    asked = evaluation.asking.asked(tree)
    clauses = [_clause(evaluation, part, "wanted") for part in asked.soft]
    clauses += [_clause(evaluation, part, "required") for part in asked.hard if part is not NullQuery]
    clauses += [_clause(evaluation, part, "left out") for part in asked.left_out]
    return Explanation(describe_query(tree), tuple(clauses))


def _clause(evaluation: Evaluation, node: Any, role: Role) -> ClauseExplanation:
    label, spoken = serialize_query(node), describe_clause(node)
    if role == "left out":
        return ClauseExplanation(label, spoken, _kind(node), role, _fields(node))
    if isinstance(node, Not):
        role, node = "excluded", node.query
    elif isinstance(node, Must):
        node = node.child
    elif not isinstance(node, Every) and not has_words(node):
        role = "filter"
    articles = len(evaluation.articles(node))
    boost = 1.0 if isinstance(node, (And, Or)) else float(node.boost)
    named: list[str] = []
    synonyms: tuple[str, ...] = ()
    inner: tuple[ClauseExplanation, ...] = ()
    if isinstance(node, (And, Or)):
        inner_role: Role = "alternative" if isinstance(node, Or) else "part"
        inner = tuple(_clause(evaluation, part, inner_role) for part in node)
    elif isinstance(node, Near):
        inner = tuple(_clause(evaluation, part, "part") for part in node.parts)
    elif not isinstance(node, (DateRange, Filter, Every)) and (scored := evaluation.scored(node)):
        named = _words(evaluation, scored)
        synonyms = getattr(scored.leaf, "synonyms", ())
    more = max(0, len(named) - MAX_WORDS)
    return ClauseExplanation(
        *(label, spoken, _kind(node), role, _fields(node), articles, boost),
        *(tuple(named[:MAX_WORDS]), more, synonyms, inner),
    )


def _words(evaluation: Evaluation, scored: ScoredTerm) -> list[str]:
    """The words of the index that a leaf stands for, the most common first."""
    snapshot, mark = evaluation.snapshot, scored.leaf.mark
    words = {word for stem in mark.stems for word in snapshot.words_of(stem)} | mark.words
    if mark.characters:
        words.update(
            snapshot.lexicon[place]
            for character in mark.characters
            for place in snapshot.words_from(character)[:MAX_WORDS]
        )
    places = [(place.start, word) for word in words if (place := snapshot.words_from(word))]
    common = snapshot.commonness
    known = [(-int(common[at]), word) for at, word in places if snapshot.lexicon[at] == word]
    return [word for _, word in sorted(known)]


def _kind(node: Any) -> str:
    if isinstance(node, (Not, Must)):
        return _kind(node.query if isinstance(node, Not) else node.child)
    if isinstance(node, Filter):
        return node.fieldname
    if isinstance(node, RawPhrase) and node.exact:
        return "exact"
    return _KINDS.get(type(node), "all of" if isinstance(node, And) else "word")


def _fields(node: Any) -> tuple[str, ...]:
    """Where a leaf is looked for; nothing for what is not looked for in a text."""
    if isinstance(node, (Not, Must)):
        return _fields(node.query if isinstance(node, Not) else node.child)
    if isinstance(node, (And, Or, DateRange, Filter, Every)):
        return ()
    return _FIELDS.get(node.fieldname, ("title", "text"))


@dataclass(frozen=True, slots=True)
class _Share:
    """What one leaf adds to each hit; arrays have one value of each."""

    clause: str
    label: str
    times: float
    scored: ScoredTerm
    points: Values


def explain_hits(
    evaluation: Evaluation, tree: Query, found: QueryMatches, shown: Matches, half_life: float | None = None
) -> tuple[HitExplanation, ...]:
    """How the score of each of the shown matches comes about. Raises TimeIsUp.

    `half_life` is that of the scores, in days; those of `found` are without it.
    """
    snapshot, articles = evaluation.snapshot, shown.articles
    asked = evaluation.asking.asked(tree)
    clauses = [*((part, 1) for part in asked.hard), *asked.soft.items()]
    shares = [
        share
        for node, times in clauses
        for share in _shares(evaluation, node, times, serialize_query(node), articles)
    ]
    for part, word, times in evaluation.words_within(asked.soft):
        shares.append(
            _Share(serialize_query(part), word.leaf.label, times, word, _at(word.matches, articles) * times)
        )
    is_partial = contains(found.partial.articles, articles)
    for piece in found.pieces:
        points = _at(piece.scored.matches, articles) * (piece.weight * is_partial)
        if piece.weight:
            label = piece.scored.leaf.label
            shares.append(_Share(serialize_query(piece.part), label, piece.weight, piece.scored, points))
    pairs = _pair_points(evaluation, found, articles)
    nearness = np.ones(len(articles))
    with_pieces = [*found.leaves, *(piece.scored for piece in found.pieces)]
    for leaves, here in ((found.leaves, ~is_partial), (with_pieces, is_partial)):
        if len(leaves) > 1:
            nearness[here] += NEARNESS * coverage(snapshot, leaves, articles)[here]
    fresh = Matches(articles, np.ones(len(articles)))
    recency = decay_scores(snapshot, fresh, half_life).scores if half_life else fresh.scores
    fields = [_field_scores(evaluation, share, articles) for share in shares]
    return tuple(
        HitExplanation(
            score=float(shown.scores[hit]),
            words=tuple(
                WordScore(
                    *(share.clause, share.label, share.times, share.scored.idf, float(share.points[hit])),
                    own[hit],
                )
                for share, own in zip(shares, fields, strict=True)
                if own[hit]
            ),
            nearness=float(nearness[hit]),
            pairs=tuple(
                PairScore(" ".join(pair.texts), float(points[hit])) for pair, points in pairs if points[hit]
            ),
            recency=float(recency[hit]),
        )
        for hit in range(len(articles))
    )


def _shares(evaluation: Evaluation, node: Any, times: float, clause: str, articles: Ids) -> Iterator[_Share]:
    """What each leaf of a node adds to articles, which it does only where the node itself matches."""
    if node is NullQuery or isinstance(node, (Not, DateRange, Filter, Every)):
        return
    if isinstance(node, Must):
        yield from _shares(evaluation, node.child, times, clause, articles)
        return
    if isinstance(node, (And, Or)):
        here = contains(evaluation.articles(node), articles)
        for part in node:
            for share in _shares(evaluation, part, times, clause, articles):
                yield _Share(share.clause, share.label, share.times, share.scored, share.points * here)
        return
    scored = evaluation.scored(node)
    if scored is None:
        return
    times *= float(node.boost)
    yield _Share(clause, serialize_query(node), times, scored, _at(scored.matches, articles) * times)


def _at(found: Matches, articles: Ids) -> Values:
    """The scores that articles (in any order) have in matches, 0 where they are not among them."""
    scores = np.zeros(len(articles))
    here = contains(found.articles, articles)
    scores[here] = found.scores[found.articles.searchsorted(articles[here])]
    return scores


def _pair_points(evaluation: Evaluation, found: QueryMatches, articles: Ids) -> list[tuple[Pair, Values]]:
    """What each pair of neighbours adds to articles, of which only the best were looked at for them."""
    scores = [_at(found.full, articles) + _at(found.partial, articles)]
    scores += [_at(plain, articles) for plain in found.plain]
    is_raised = scores[0] > scores[1] + scores[2]
    order = np.argsort(articles)
    told = []
    for pair in found.pairs:
        points = np.empty(len(articles))
        points[order] = gains_of(evaluation.snapshot, articles[order], [pair])
        told.append((pair, points * is_raised))
    return told


def _field_scores(evaluation: Evaluation, share: _Share, articles: Ids) -> list[tuple[FieldScore, ...]]:
    """The points of a leaf, divided among its fields by what each adds to the weighted frequency."""
    snapshot, leaf = evaluation.snapshot, share.scored.leaf
    counted: dict[str, NDArray[np.float64]] = {}
    lengths: dict[str, NDArray[np.float64]] = {}
    for field, postings in (("title", leaf.title), ("paragraph", leaf.paragraph)):
        counted[field] = frequencies(snapshot, postings, articles)
        lengths[field] = relative_lengths(snapshot, field, articles)
    weighted = {field: WEIGHT[field] * counted[field] / lengths[field] for field in counted}
    total = weighted["title"] + weighted["paragraph"]
    return [
        tuple(
            FieldScore(
                "title" if field == "title" else "text",
                float(counted[field][hit]),
                WEIGHT[field],
                float(lengths[field][hit]),
                float(share.points[hit] * weighted[field][hit] / total[hit]),
            )
            for field in counted
            # Without points it stands there, but not so that it counts: in an alternative that is not met.
            if counted[field][hit] and (share.points[hit] or not share.times)
        )
        for hit in range(len(articles))
    ]
