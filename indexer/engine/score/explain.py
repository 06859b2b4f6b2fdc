"""Explains a search: how each clause of a query was read, and how the score of a hit comes about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from whoosh.query.compound import And, Or
from whoosh.query.qcore import Every, NullQuery, Query
from whoosh.query.terms import FuzzyTerm, Prefix, Term, Wildcard
from whoosh.query.wrappers import Not

from indexer.article import PROPERTIES
from indexer.engine.format.arrays import Ids, Values, contains
from indexer.engine.read.postings import FIELDS
from indexer.engine.score.bm25f import (
    NEARNESS,
    WEIGHT,
    Candidates,
    ScoredTerm,
    count_occurrences,
    length_norms,
    measure_coverage,
    score_form,
)
from indexer.engine.score.evaluate import Evaluation, QueryContext, QueryMatches
from indexer.engine.score.matches import Matches, select_matches
from indexer.engine.score.proximity import Pair, score_pairs
from indexer.engine.score.query_terms import VARIANT
from indexer.engine.score.ranking import measure_recency
from indexer.query import (
    PUBLISHED,
    FilterNode,
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
    Form,
    HitExplanation,
    PairScore,
    Role,
    WordScore,
)
from indexer.text.analyzer import strip_tag

MAX_WORDS = 20
"""The most words of the index that are listed for one clause."""
_KINDS: dict[type, str] = {
    Term: "word",
    Prefix: "prefix",
    Wildcard: "pattern",
    FuzzyTerm: "spelling",
    RawPhrase: "phrase",
    Near: "near",
    Or: "any of",
    Every: "everything",
}
_FIELDS = {"title": "title", "paragraph": "text"}


def explain_query(context: QueryContext, tree: Query) -> Explanation:
    """How each clause of a tree was read, and how many articles match it. Raises TimedOut."""
    evaluation = Evaluation(context, tree)
    clauses = evaluation.clause_reader.read(tree)
    required = [part for part in clauses.required if part is not NullQuery]
    dropped = [
        part for part in clauses.optional if _is_mostly_ignored(evaluation, clauses.ignored.get(part, ()))
    ]
    wanted = [part for part in clauses.optional if part not in dropped]
    explained = [_explain_clause(evaluation, part, "wanted") for part in wanted]
    explained += [_explain_clause(evaluation, part, "required") for part in required]
    for part in (*dropped, *clauses.dropped):
        node = _unwrap(part)
        reading = describe_clause(part)
        explained.append(
            ClauseExplanation(serialize_query(part), reading, _kind(node), "ignored", _fields(context, node))
        )
    return Explanation(describe_query(tree), tuple(explained))


def _is_mostly_ignored(evaluation: Evaluation, languages: Sequence[int]) -> bool:
    """Whether a word that is common in some languages is ignored in most articles."""
    articles = evaluation.statistics.articles
    return bool(2 * articles[list(languages)].sum() >= articles.sum() > 0)


def _explain_clause(evaluation: Evaluation, clause: Any, role: Role) -> ClauseExplanation:
    node = _unwrap(clause)
    if isinstance(clause, Not):
        role = "excluded"
    elif not isinstance(clause, (Must, Every)) and not has_words(clause):
        role = "filter"
    articles = len(evaluation.match_node(node))
    if evaluation.snapshot.collection is not None:
        articles = evaluation.snapshot.collection.count_node(node, articles)
    boost = float(node.boost)
    words: list[str] = []
    synonyms: tuple[str, ...] = ()
    inner: tuple[ClauseExplanation, ...] = ()
    match node:
        case And() | Or():
            inner_role: Role = "alternative" if isinstance(node, Or) else "part"
            inner = tuple(_explain_clause(evaluation, part, inner_role) for part in node)
            boost = 1.0
        case Near():
            inner = tuple(_explain_clause(evaluation, part, "part") for part in node.parts)
        case FilterNode() | Every():
            pass
        case _:
            scored = evaluation.look_up(node)
            words, synonyms = _list_words(evaluation, scored), scored.term.synonyms
    return ClauseExplanation(
        serialize_query(clause),
        describe_clause(clause),
        _kind(node),
        role,
        _fields(evaluation.context, node),
        articles,
        boost,
        words=tuple(words[:MAX_WORDS]),
        more=max(0, len(words) - MAX_WORDS),
        synonyms=synonyms,
        clauses=inner,
    )


def _list_words(evaluation: Evaluation, scored: ScoredTerm) -> list[str]:
    """The words of the index that a term matches, the most common first."""
    snapshot, terms = evaluation.snapshot, scored.term.term_set
    words = {word for stem in terms.stems for word in snapshot.words_of(stem)}
    words.update(map(strip_tag, terms.words))
    for character in terms.characters:
        words.update(snapshot.lexicon[number] for number in snapshot.prefix_range(character)[:MAX_WORDS])
    found = []
    for word in words:
        # Of the words that begin with it, the word itself is the first.
        numbers = snapshot.prefix_range(word)
        if numbers and snapshot.lexicon[numbers.start] == word:
            found.append((-int(snapshot.word_frequencies[numbers.start]), word))
    return [word for _, word in sorted(found)]


def _unwrap(clause: Any) -> Any:
    """The clause without the mark that it is excluded or required."""
    if isinstance(clause, Not):
        return clause.query
    return clause.child if isinstance(clause, Must) else clause


def _kind(node: Any) -> str:
    if isinstance(node, FilterNode):
        return node.fieldname if node.fieldname in (*PROPERTIES, PUBLISHED) else "field"
    if isinstance(node, RawPhrase) and node.exact:
        return "exact"
    return _KINDS.get(type(node), "all of" if isinstance(node, And) else "word")


def _fields(context: QueryContext, node: Any) -> tuple[str, ...]:
    """The fields in which words are searched for; () for other nodes."""
    if isinstance(node, (And, Or, FilterNode, Every)):
        return ()
    if node.fieldname == "text":
        return (*_FIELDS.values(), *context.weights)
    return (_FIELDS.get(node.fieldname, node.fieldname),)


@dataclass(frozen=True, slots=True)
class _TermScore:
    """The points of one term of a clause in the score of each hit (float64, one a hit).

    `times` (float64) has a value for each language.
    """

    clause: str
    label: str
    times: Values
    scored: ScoredTerm
    points: Values
    form: Form = "any"


def explain_hits(
    context: QueryContext, tree: Query, found: QueryMatches, shown: Matches, half_life: float | None = None
) -> tuple[HitExplanation, ...]:
    """How the score of each of the `shown` matches comes about. Raises TimedOut.

    `found` is the result of `run_query` for the tree. With `half_life` (days), the scores of `shown` have
    been multiplied by `measure_recency`.
    """
    order = np.argsort(shown.articles)
    shown = select_matches(shown, order)
    snapshot, articles = context.snapshot, shown.articles
    is_partial = contains(found.partial.articles, articles)
    term_scores = _score_terms(context, tree, found, articles, is_partial)
    field_scores = [_score_fields(context, each, articles) for each in term_scores]
    pairs = _score_pairs(context, found, articles)
    languages = snapshot.statistics.language_of[articles].tolist()
    nearness = np.ones(len(articles))
    for near in found.near_terms:
        is_read_so = snapshot.statistics.select(near.languages)[articles]
        for terms, is_kind in ((near.full, ~is_partial), (near.partial, is_partial)):
            if len(terms) > 1:
                is_concerned = is_read_so & is_kind
                nearness[is_concerned] += NEARNESS * measure_coverage(snapshot, terms, articles[is_concerned])
    recency = measure_recency(snapshot, articles, half_life)
    explained = [
        HitExplanation(
            score=float(shown.scores[hit]),
            words=tuple(
                WordScore(
                    each.clause,
                    each.label,
                    float(each.times[languages[hit]]),
                    float(each.scored.weights[languages[hit]]),
                    float(each.points[hit]),
                    fields[hit],
                    each.form,
                )
                for each, fields in zip(term_scores, field_scores, strict=True)
                if fields[hit]
            ),
            nearness=float(nearness[hit]),
            pairs=tuple(
                PairScore(" ".join(pair.texts), float(points[hit])) for pair, points in pairs if points[hit]
            ),
            recency=float(recency[hit]),
        )
        for hit in range(len(articles))
    ]
    return tuple(explained[place] for place in np.argsort(order).tolist())


def _score_terms(
    context: QueryContext, tree: Query, found: QueryMatches, articles: Ids, is_partial: NDArray[np.bool_]
) -> list[_TermScore]:
    """What each term of the query adds to the scores of articles, before nearness and pairs."""
    evaluation = Evaluation(context, tree)
    clauses = evaluation.clause_reader.read(tree)
    statistics = context.snapshot.statistics
    candidates = Candidates(context.snapshot, articles)
    scores = [
        score
        for node in clauses.required
        if node is not NullQuery
        for score in _score_clause(evaluation, node, 1, serialize_query(node), candidates)
    ]
    for reading in clauses.readings:
        is_read_so = statistics.select(reading.languages)[articles]
        own = [
            score
            for node, times in reading.optional.items()
            for score in _score_clause(evaluation, node, times, serialize_query(node), candidates)
        ]
        for clause, word, weight in evaluation.score_inner_words(reading):
            own += _score_forms(
                evaluation, word, candidates, weight, serialize_query(clause), word.term.label
            )
        scores += (replace(score, points=score.points * is_read_so) for score in own)
    for part in found.parts:
        if part.weight:
            is_concerned = is_partial & statistics.select(part.languages)[articles]
            name, label = serialize_query(part.clause), part.scored.term.label
            for score in _score_forms(evaluation, part.scored, candidates, part.weight, name, label):
                scores.append(replace(score, points=score.points * is_concerned))
    return scores


def _score_clause(
    evaluation: Evaluation, node: Any, times: float, clause: str, candidates: Candidates
) -> Iterator[_TermScore]:
    """The points of each term of a node in the candidates: 0 in those that do not match the node."""
    match node:
        case Not() | FilterNode() | Every():
            return
        case Must():
            yield from _score_clause(evaluation, node.child, times, clause, candidates)
        case And() | Or():
            is_match = contains(evaluation.match_node(node), candidates.articles)
            for part in node:
                for score in _score_clause(evaluation, part, times, clause, candidates):
                    yield replace(score, points=score.points * is_match)
        case _:
            scored = evaluation.look_up(node)
            times *= float(node.boost)
            yield from _score_forms(evaluation, scored, candidates, times, clause, serialize_query(node))


def _score_forms(
    evaluation: Evaluation,
    scored: ScoredTerm,
    candidates: Candidates,
    times: float,
    clause: str,
    label: str,
) -> Iterator[_TermScore]:
    """The points of a term in candidates: of all its forms together, and of each that counts apart."""
    forms = evaluation.share_forms(scored)
    rest = times * (1 - np.sum([part.shares for part in forms], axis=0)) + np.zeros(len(scored.weights))
    whole: tuple[tuple[Form, ScoredTerm | None, float], ...] = (
        ("any", scored.typed or scored, 1.0),
        ("in other spellings", scored.variants, VARIANT),
    )
    for form, own, weight in whole:
        if own:
            times_own = weight * rest
            points = candidates.score(own) * candidates.spread(times_own)
            yield _TermScore(clause, label, times_own, own, points, form)
    for part in forms:
        points = score_form(candidates, scored, part) * times
        yield _TermScore(clause, label, times * part.shares, part.scored, points, part.form)


def _score_pairs(context: QueryContext, found: QueryMatches, articles: Ids) -> list[tuple[Pair, Values]]:
    """What each pair of words added to the scores of articles: 0 if they were not among the best."""
    has_pairs = contains(found.searched_for_pairs, articles)
    return [
        (pair, score_pairs(context.snapshot, articles, [pair], context.weights) * has_pairs)
        for pair in found.pairs
    ]


def _score_fields(context: QueryContext, score: _TermScore, articles: Ids) -> list[tuple[FieldScore, ...]]:
    """The points of a term in each article, divided between the fields by their weighted frequencies."""
    snapshot, term = context.snapshot, score.scored.term
    postings = {"title": term.title, "text": snapshot.select_texts(term.paragraph, "paragraph")}
    weights = {"title": WEIGHT["title"], "text": WEIGHT["paragraph"]}
    for name in snapshot.text_names:
        postings[name] = snapshot.select_texts(term.paragraph, name)
        weights[name] = WEIGHT["paragraph"] * context.weights.get(name, 1.0)
    counts = {field: count_occurrences(snapshot, own, articles) for field, own in postings.items()}
    title_norms, text_norms = (length_norms(snapshot, field, articles) for field in FIELDS)
    norms = {field: title_norms if field == "title" else text_norms for field in postings}
    weighted = {field: weights[field] * counts[field] / norms[field] for field in postings}
    total = np.sum([*weighted.values()], axis=0)
    return [
        tuple(
            FieldScore(
                field,
                float(counts[field][hit]),
                weights[field],
                float(norms[field][hit]),
                float(score.points[hit] * weighted[field][hit] / total[hit]),
            )
            for field in postings
            # A term of an alternative that the article does not match has occurrences, but no points.
            if counts[field][hit] and (score.points[hit] or not score.times.any())
        )
        for hit in range(len(articles))
    ]
