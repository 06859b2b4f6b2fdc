"""Evaluates a query tree on a snapshot, as array operations on article numbers.

`run_query` finds the articles that match as a whole, then those that match in part, then adds what nearness
and pairs of words are worth. `match_node` finds the articles of one node alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct
from whoosh.query.compound import And, Or
from whoosh.query.qcore import Every, NullQuery, Query
from whoosh.query.terms import Term
from whoosh.query.wrappers import Not

from indexer.engine.format.arrays import Ids, intersect_all
from indexer.engine.format.record import NO_DATE, to_timestamp
from indexer.engine.read.deadline import NO_DEADLINE, Deadline, TimedOut
from indexer.engine.read.snapshot import Snapshot
from indexer.engine.score.bm25f import COMPOUND, ScoredTerm, boost_nearness, score_term
from indexer.engine.score.clauses import ClauseReader, QueryClauses, is_common_word, is_word
from indexer.engine.score.filters import match_filter
from indexer.engine.score.matches import (
    NO_MATCHES,
    Matches,
    add_scores,
    intersect,
    make_unscored,
    multiply_scores,
    subtract,
    unite,
)
from indexer.engine.score.proximity import DEPTH, Pair, add_pair_scores, list_adjacent_pairs, make_pair
from indexer.engine.score.query_terms import TermReader
from indexer.query import (
    AllOf,
    DateRange,
    Filter,
    Must,
    NoteCode,
    drop_repeated,
    list_clauses,
    make_note,
    serialize_query,
)
from indexer.results import Note
from indexer.text.unspaced import is_unspaced


class OptionalClause(NamedTuple):
    """A clause that a partial match may miss: as a person would type it, and the articles that have it.

    `overlap` is how many characters it shares with the clause before, if both are parts of one word.
    """

    label: str
    articles: Ids
    overlap: int = 0


class ScoredPart(NamedTuple):
    """A part of a word with several tokens: its clause, and its weight in the score of a partial match."""

    clause: Query
    scored: ScoredTerm
    weight: float
    overlap: int


class QueryMatches(Struct, frozen=True, eq=False):
    """What a query found: full matches, and partial matches, which miss some of the optional clauses.

    `terms` are those to highlight, `parts` those to highlight in partial matches as well. If the query
    `timed_out`, articles may be missing, and scores may be too low, but no article is wrong.
    """

    full: Matches
    partial: Matches
    terms: tuple[ScoredTerm, ...]
    parts: tuple[ScoredPart, ...] = ()
    optional: tuple[OptionalClause, ...] = ()
    notes: tuple[Note, ...] = ()
    timed_out: bool = False
    pairs: tuple[Pair, ...] = ()
    searched_for_pairs: Ids = NO_MATCHES.articles
    """The articles (ascending) whose scores have the scores of the pairs."""


@dataclass(frozen=True, slots=True)
class QueryContext:
    """The snapshot that a request searches, and how it reads queries.

    `languages` are those of the articles: words are analysed in each. Stop words of the `main_languages` are
    not searched for beside other words. Terms that were looked up stay in `terms`, for the next tree.
    """

    snapshot: Snapshot
    languages: Sequence[str]
    main_languages: Sequence[str] = ()
    deadline: Deadline = NO_DEADLINE
    terms: dict[Query, ScoredTerm] = field(default_factory=dict)


def run_query(
    context: QueryContext,
    tree: Query,
    *,
    min_full_matches: int = 0,
    depth: int | None = None,
    always_score: Ids | None = None,
    restrict_to: Ids | None = None,
) -> QueryMatches:
    """The articles that match a tree, with scores; partial matches if fewer than `min_full_matches` do.

    `restrict_to` (ascending article numbers) excludes all other articles. `depth` is how many of the best
    full and partial matches need their whole score, None meaning all and 0 none: the scores of the others may
    lack nearness and pairs, which would not bring them among the best. Articles of `always_score` (ascending)
    get their whole score, and do not count for `depth`.

    Never raises TimedOut: see `QueryMatches.timed_out`.
    """
    evaluation = Evaluation(context)
    tree = evaluation.clause_reader.drop_unsearchable(tree) or NullQuery
    bounds = [] if restrict_to is None else [make_unscored(restrict_to)]
    optional: dict[Query, int] = {}
    if type(tree) in (AllOf, Term):
        required, optional = evaluation.clause_reader.split(tree)
        full, partial = evaluation.match_clauses(required, optional, bounds, min_full_matches)
    else:
        full, partial = evaluation.match(tree), NO_MATCHES
        full = intersect([full, *bounds]) if bounds else full
    pairs: Sequence[Pair] = ()
    searched_for_pairs = NO_MATCHES.articles
    timed_out = bool(evaluation.skipped)
    if depth != 0 and not timed_out:
        try:
            full, partial, pairs = evaluation.boost_nearness(
                tree, optional, full, partial, depth, always_score
            )
            full, partial, searched_for_pairs = add_pair_scores(context.snapshot, full, partial, pairs)
        except TimedOut:
            timed_out = True
    if timed_out:
        evaluation.notes.append(evaluation.note_time_out())
    return QueryMatches(
        full,
        partial,
        tuple(evaluation.terms),
        tuple(evaluation.parts),
        tuple(evaluation.optional),
        tuple(drop_repeated(evaluation.notes)),
        timed_out,
        tuple(pairs),
        searched_for_pairs,
    )


def match_stems(
    snapshot: Snapshot,
    boosts: Iterable[tuple[str, float]],
    excluded: Ids,
    deadline: Deadline = NO_DEADLINE,
) -> QueryMatches:
    """The articles that have any of the stems, each score times its boost; not the excluded ones (ascending).

    Never raises TimedOut: when the time is up, only the stems that were looked up count.
    """
    reader = TermReader(snapshot, (), deadline=deadline)
    terms: list[ScoredTerm] = []
    found: list[Matches] = []
    timed_out = False
    try:
        for stem, boost in boosts:
            deadline.check()
            terms.append(score_term(snapshot, reader.stem(stem)))
            found.append(multiply_scores(terms[-1].matches, boost))
    except TimedOut:
        timed_out = True
    matches = subtract(unite(found, snapshot.articles), excluded)
    return QueryMatches(matches, NO_MATCHES, tuple(terms), timed_out=timed_out)


def match_node(context: QueryContext, node: Query) -> Ids:
    """The articles (ascending) that one node of a tree matches alone. Raises TimedOut."""
    return Evaluation(context).match_node(node)


def read_clauses(context: QueryContext, tree: Query) -> QueryClauses:
    """The clauses of a tree, as `run_query` reads them."""
    return Evaluation(context).clause_reader.read(tree)


class Evaluation:
    """The evaluation of one tree: what it collects on the way."""

    def __init__(self, context: QueryContext) -> None:
        self.context = context
        self.snapshot = context.snapshot
        self.deadline = context.deadline
        self.notes: list[Note] = []
        self.term_reader = TermReader(self.snapshot, context.languages, self.notes, self.deadline)
        self.clause_reader = ClauseReader(self.term_reader.analyzers, context.main_languages, self.notes)
        self.terms: list[ScoredTerm] = []
        """The terms to highlight."""
        self._words: dict[str, ScoredTerm] = {}
        """The words among them, by their text."""
        self.parts: list[ScoredPart] = []
        self.optional: list[OptionalClause] = []
        self.skipped: list[Query] = []
        """Nodes that there was no time for: they match nothing, and exclude everything."""

    def match_node(self, node: Query) -> Ids:
        """See the function of this name."""
        found = self.match(node, highlight=False).articles
        if self.skipped:
            raise TimedOut
        return found

    def score(self, node: Query) -> ScoredTerm:
        """The term of a node that stands for words, looked up once. Raises TimedOut."""
        terms = self.context.terms
        scored = terms.get(node)
        if scored is None:
            term = self.term_reader.read(node)
            self.deadline.check()
            scored = terms[node] = score_term(self.snapshot, term)
        return scored

    def score_inner_words(self, optional: Mapping[Query, int]) -> list[tuple[Query, ScoredTerm, float]]:
        """The single words of phrases and compounds that stand beside other clauses.

        Of each, the clause, the term, and the weight of its score. Raises TimedOut.
        """
        if len(optional) < 2:
            return []
        return [
            (clause, self.score(Term("text", word)), COMPOUND * count * float(getattr(clause, "boost", 1.0)))
            for clause, count in optional.items()
            for word in self.clause_reader.list_inner_words(clause)
        ]

    def match_clauses(
        self,
        required: Sequence[Query],
        optional: Mapping[Query, int],
        bounds: Sequence[Matches],
        min_full_matches: int,
    ) -> tuple[Matches, Matches]:
        """The full matches of clauses side by side, and the partial ones, if there are too few full ones."""
        filters = [*bounds, *(self.match(part) for part in required if not isinstance(part, Not))]
        excluded = [self._match_excluded(part.query) for part in required if isinstance(part, Not)]
        words = [multiply_scores(self.match(clause), count) for clause, count in optional.items()]
        full = _subtract_all(intersect([*words, *filters]), excluded)
        if len(full) >= min_full_matches:
            return full, NO_MATCHES
        parts = [self._score_parts(clause, is_alone=len(optional) == 1) for clause in optional]
        for clause, found, own in zip(optional, words, parts, strict=True):
            self.parts += own
            self.optional += self._list_optional(clause, found.articles, own)
        alternatives = words + [multiply_scores(part.scored.matches, part.weight) for part in self.parts]
        if len(alternatives) < 2:
            return full, NO_MATCHES
        partial = unite(alternatives, self.snapshot.articles)
        partial = intersect([partial, *filters]) if filters else partial
        return full, subtract(_subtract_all(partial, excluded), full.articles)

    def _score_parts(self, clause: Any, *, is_alone: bool) -> list[ScoredPart]:
        """The parts of a word with several tokens, without common words.

        Parts of a run without spaces have the weight of words. Parts of a compound have no weight here,
        because `boost_nearness` adds them to all scores, unless the compound is the whole query.
        """
        found: list[ScoredPart] = []
        for text, overlap in self.term_reader.split_word(clause.text) if type(clause) is Term else ():
            if is_common_word(text, self.context.main_languages):
                continue
            weight = (1.0 if is_unspaced(text) else COMPOUND * is_alone) * float(clause.boost)
            try:
                scored = self.score(Term(clause.fieldname, text))
            except TimedOut:
                self.skipped.append(clause)
                break
            found.append(ScoredPart(clause, scored, weight, overlap))
        return found

    def _list_optional(
        self, clause: Query, articles: Ids, parts: Sequence[ScoredPart]
    ) -> list[OptionalClause]:
        """The clause with the articles that have it, or each of its parts."""
        label = serialize_query(clause)
        if not parts:
            return [OptionalClause(label, articles)]
        found = [
            OptionalClause(part.scored.term.label, part.scored.matches.articles, part.overlap)
            for part in parts
        ]
        # The whole clause is what an article misses if it has all the parts, but not together.
        has_clause = np.ones(self.snapshot.articles, np.bool_)
        has_clause[intersect_all([part.articles for part in found])] = False
        has_clause[articles] = True
        return [*found, OptionalClause(label, np.flatnonzero(has_clause).astype(np.int32))]

    def boost_nearness(
        self,
        tree: Query,
        optional: Mapping[Query, int],
        full: Matches,
        partial: Matches,
        depth: int | None,
        always_score: Ids | None,
    ) -> tuple[Matches, Matches, Sequence[Pair]]:
        """The matches, scored with inner words and nearness, and the pairs to score. Raises TimedOut."""
        pairs: Sequence[Pair] = ()
        if type(tree) is AllOf:
            for _, word, weight in self.score_inner_words(optional):
                full = add_scores(full, word.matches, weight)
                partial = add_scores(partial, word.matches, weight)
            pairs = self._list_pairs(tree, optional)
            # Pairs are scored for the same articles, whichever page is asked for.
            depth = depth if depth is None or not pairs else max(depth, DEPTH)
        terms = self.terms
        full = boost_nearness(self.snapshot, terms, full, depth, always_score, self.deadline)
        terms = [*terms, *(part.scored for part in self.parts)]
        partial = boost_nearness(self.snapshot, terms, partial, depth, always_score, self.deadline)
        return full, partial, pairs

    def _list_pairs(self, tree: AllOf, optional: Mapping[Query, int]) -> list[Pair]:
        """The words of the query that stand side by side in it."""
        # Dropped common words do not separate their neighbours: "theory of plates".
        row: list[Any] = [part for part in tree if part in optional or not self.clause_reader.is_common(part)]
        words = list_adjacent_pairs([part if part in optional and is_word(part) else None for part in row])
        # The same two words with several boosts are one pair, with the first boost.
        boosts = {(a.text, b.text): min(a.boost, b.boost) for a, b in reversed(words)}
        pairs = [
            make_pair(self.term_reader, (self._words[texts[0]], self._words[texts[1]]), texts, boost)
            for texts, boost in boosts.items()
        ]
        return [pair for pair in pairs if pair is not None]

    def match(self, node: Query, *, highlight: bool = True) -> Matches:
        """The articles that match a node; with `highlight`, its terms are collected."""
        if self.deadline.is_over():
            self.skipped.append(node)
            return NO_MATCHES
        match node:
            case Or():
                return unite([self.match(part, highlight=highlight) for part in node], self.snapshot.articles)
            case And():
                excluded = [self._match_excluded(part.query) for part in node if isinstance(part, Not)]
                parts = [self.match(part, highlight=highlight) for part in node if not isinstance(part, Not)]
                return _subtract_all(intersect(parts or [self._match_all()]), excluded)
            case Not():
                return subtract(self._match_all(), self._match_excluded(node.query).articles)
            case Must():
                return self.match(node.child, highlight=highlight)
            case DateRange():
                return make_unscored(self._match_dates(node))
            case Filter():
                return make_unscored(self._match_filter(node))
            case Every():
                return self._match_all()
            case _ if node is NullQuery:
                return NO_MATCHES
        return self._match_term(node, highlight=highlight)

    def _match_term(self, node: Any, *, highlight: bool) -> Matches:
        try:
            scored = self.score(node)
        except TimedOut:
            self.skipped.append(node)
            return NO_MATCHES
        if highlight:
            self.terms.append(scored)
            if is_word(node):
                self._words[node.text] = scored
        return multiply_scores(scored.matches, float(node.boost))

    def _match_excluded(self, node: Query) -> Matches:
        """The articles to exclude: all of them if there is no time to look the node up."""
        skipped = len(self.skipped)
        found = self.match(node, highlight=False)
        return found if len(self.skipped) == skipped else self._match_all()

    def _match_all(self) -> Matches:
        return make_unscored(np.arange(self.snapshot.articles, dtype=np.int32))

    def _match_dates(self, node: DateRange) -> Ids:
        begins, ends = self.snapshot.date_starts, self.snapshot.date_ends
        is_dated = begins != NO_DATE
        low = to_timestamp(node.start) if node.start else NO_DATE
        high = to_timestamp(node.end) if node.end else -NO_DATE
        is_inside = is_dated & (begins >= low) & (ends <= high)
        overlapping = int(np.count_nonzero(is_dated & ~is_inside & (begins < high) & (ends > low)))
        if overlapping:
            self.notes.append(make_note(NoteCode.INEXACT_DATES, {"count": overlapping}))
        return np.flatnonzero(is_inside).astype(np.int32)

    def _match_filter(self, node: Filter) -> Ids:
        found = match_filter(self.snapshot, node.fieldname, node.text)
        if not len(found):
            self.notes.append(make_note(NoteCode.NO_VALUE, {"field": node.fieldname, "value": node.text}))
        return found

    def note_time_out(self) -> Note:
        """The note about what there was no time for."""
        seconds = self.deadline.seconds
        if not self.skipped:
            return make_note(NoteCode.NOT_RANKED, {"seconds": seconds})
        skipped = list_clauses([serialize_query(node) for node in self.skipped])
        return make_note(NoteCode.NOT_LOOKED_UP, {"seconds": seconds, "clauses": skipped})


def _subtract_all(found: Matches, excluded: Sequence[Matches]) -> Matches:
    for part in excluded:
        found = subtract(found, part.articles)
    return found
