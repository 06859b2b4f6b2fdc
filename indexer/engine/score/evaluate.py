"""Evaluates a query tree on a snapshot, as array operations on article numbers.

`run_query` finds the articles that match as a whole, then those that match in part. Only then are the terms
scored, for these articles alone, and what nearness and pairs of words are worth is added. `match_node` finds
the articles of one node alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct
from whoosh.query.compound import And, Or
from whoosh.query.qcore import Every, NullQuery, Query
from whoosh.query.terms import Term
from whoosh.query.wrappers import Not

from indexer.engine.format.arrays import Ids, Values, contains, intersect_all
from indexer.engine.read.deadline import NO_DEADLINE, Deadline, TimedOut
from indexer.engine.read.snapshot import Snapshot
from indexer.engine.score.bm25f import (
    COMPOUND,
    NO_WEIGHTS,
    Candidates,
    FormScore,
    ScoredTerm,
    boost_nearness,
    score_term,
    share_forms,
    weigh_term,
)
from indexer.engine.score.clauses import (
    ClauseReader,
    QueryClauses,
    Reading,
    count_words,
    find_languages_without,
    is_word,
)
from indexer.engine.score.filters import match_filter
from indexer.engine.score.matches import (
    NO_MATCHES,
    Matches,
    drop_matches,
    make_unscored,
    subtract,
    unite,
    unite_articles,
)
from indexer.engine.score.names import (
    Name,
    find_common_acronyms,
    find_names,
    list_kept_words,
    reads_capitals,
    weigh_name,
)
from indexer.engine.score.partial import OptionalClause, ScoredPart, list_optional, weigh_parts
from indexer.engine.score.proximity import DEPTH, Pair, add_pair_scores, find_neighbours, make_pair
from indexer.engine.score.query_terms import TermReader
from indexer.files.fork_safe import lazy
from indexer.query import (
    AllOf,
    DateRange,
    Filter,
    FilterNode,
    Must,
    NoteCode,
    drop_repeated,
    list_clauses,
    make_note,
    serialize_query,
)
from indexer.results import Note, NoteValue
from indexer.text.languages import base_language


class NearTerms(NamedTuple):
    """The terms whose nearness counts in articles of the `languages` with these numbers.

    `full` are those for full matches, `partial` those for partial ones.
    """

    languages: tuple[int, ...]
    full: tuple[ScoredTerm, ...]
    partial: tuple[ScoredTerm, ...]


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
    near_terms: tuple[NearTerms, ...] = ()


@dataclass(frozen=True, slots=True)
class QueryContext:
    """The snapshot that a request searches, and how it reads queries.

    `languages` are those of the articles: words are analysed in each. Terms that were looked up stay in
    `terms`, for the next tree, each with the languages (numbers in the statistics) that it was not read in,
    and whether it is ranked. For `variants` and `neighbours`, see `TermReader`.
    """

    snapshot: Snapshot
    languages: Sequence[str]
    deadline: Deadline = NO_DEADLINE
    terms: dict[tuple[Query, tuple[int, ...], bool], ScoredTerm] = field(default_factory=dict)
    variants: bool = True
    neighbours: Mapping[str, Sequence[str]] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    """How many times each word of a custom text counts, by the name of its field."""

    def make_reader(
        self, languages: Sequence[str], notes: list[Note], *, is_ranked: bool = False
    ) -> TermReader:
        """A reader of terms in some languages, which adds to the notes."""
        return TermReader(
            self.snapshot, languages, notes, self.deadline, self.variants, self.neighbours, is_ranked
        )


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
    full and partial matches need their whole score, None meaning all: the scores of the others may lack
    nearness and pairs, which would not bring them among the best. With 0, only the articles count, and
    scores mean nothing. Articles of `always_score` (ascending) get their whole score, and do not count for
    `depth`.

    Never raises TimedOut: see `QueryMatches.timed_out`.
    """
    evaluation = Evaluation(context, tree, is_ranked=depth != 0)
    tree = evaluation.tree
    bounds = [] if restrict_to is None else [restrict_to]
    if type(tree) in (AllOf, Term):
        found = evaluation.match_clauses(*evaluation.clause_reader.split(tree), bounds, min_full_matches)
    else:
        found = [evaluation.match_whole(tree, bounds)]
    pairs: Sequence[Pair] = ()
    searched_for_pairs = NO_MATCHES.articles
    if depth == 0:
        scored = [(make_unscored(own.full), make_unscored(own.partial)) for own in found]
    else:
        scored = [evaluation.score_matches(own) for own in found]
    timed_out = bool(evaluation.skipped)
    if depth != 0 and not timed_out:
        try:
            scored, pairs = evaluation.boost_nearness(tree, found, scored, depth, always_score)
        except TimedOut:
            timed_out = True
    full = unite([own for own, _ in scored], context.snapshot.articles)
    partial = unite([own for _, own in scored], context.snapshot.articles)
    if depth != 0 and not timed_out:
        full, partial, searched_for_pairs = add_pair_scores(
            context.snapshot, full, partial, pairs, context.weights
        )
    if timed_out:
        evaluation.notes.append(evaluation.note_time_out())
    return QueryMatches(
        full,
        partial,
        tuple(evaluation.terms),
        tuple(part for own in found for part in own.parts),
        tuple(evaluation.optional),
        tuple(drop_repeated(evaluation.notes)),
        timed_out,
        tuple(pairs),
        searched_for_pairs,
        tuple(own.near_terms for own in found),
    )


def match_stems(
    snapshot: Snapshot,
    boosts: Iterable[tuple[str, float]],
    excluded: Ids,
    deadline: Deadline = NO_DEADLINE,
    weights: Mapping[str, float] = NO_WEIGHTS,
) -> QueryMatches:
    """The articles that have any of the stems, each score times its boost; not the excluded ones (ascending).

    `weights` are those of `QueryContext`. Never raises TimedOut: when the time is up, only the stems that
    were looked up count.
    """
    reader = TermReader(snapshot, (), deadline=deadline)
    terms: list[ScoredTerm] = []
    found: list[Matches] = []
    timed_out = False
    try:
        for stem, boost in boosts:
            deadline.check()
            scored = weigh_term(snapshot, reader.stem(stem), weights)
            scores = Candidates(snapshot, scored.articles).score(scored)
            terms.append(scored)
            found.append(Matches(scored.articles, scores * boost))
    except TimedOut:
        timed_out = True
    matches = drop_matches(unite(found, snapshot.articles), excluded)
    return QueryMatches(matches, NO_MATCHES, tuple(terms), timed_out=timed_out)


def match_node(context: QueryContext, node: Query) -> Ids:
    """The articles (ascending) that one node of a tree matches alone. Raises TimedOut."""
    return Evaluation(context, node, is_ranked=False).match_node(node)


def read_clauses(context: QueryContext, tree: Query) -> QueryClauses:
    """The clauses of a tree, as `run_query` reads them."""
    return Evaluation(context, tree).clause_reader.read(tree)


class LanguageMatches(NamedTuple):
    """The articles of some languages that match, fully or partially, and the reading of the query they match.

    Their scores are those of the optional clauses of the reading, of the `parts` of these in partial matches,
    and of the `required` nodes.
    """

    reading: Reading
    full: Ids
    partial: Ids
    near_terms: NearTerms
    required: tuple[Query, ...]
    ignored: Mapping[Query, tuple[int, ...]]
    """The languages in which clauses are not looked up."""
    parts: tuple[ScoredPart, ...] = ()


class Evaluation:
    """The evaluation of one tree: what it collects on the way.

    Unless `is_ranked`, only the articles count, and scores mean nothing.
    """

    def __init__(self, context: QueryContext, tree: Query, *, is_ranked: bool = True) -> None:
        self.context = context
        self.is_ranked = is_ranked
        self.snapshot = context.snapshot
        self.deadline = context.deadline
        self.notes: list[Note] = []
        self.term_reader = context.make_reader(context.languages, self.notes, is_ranked=is_ranked)
        self.statistics = self.snapshot.statistics
        self.clause_reader = ClauseReader(
            self.term_reader.analyzers, self.statistics, self.notes, lambda: self.kept_words
        )
        self._given = tree
        self.terms: list[ScoredTerm] = []
        """The terms to highlight."""
        self._words: dict[str, ScoredTerm] = {}
        """The words among them, by their text."""
        self.optional: list[OptionalClause] = []
        self._joined: dict[int, Ids] = {}
        """The articles that match each node which joins others by AND, by its identity."""
        self.skipped: list[Query] = []
        """Nodes that there was no time for: they match nothing, and exclude everything."""

    @lazy
    def tree(self) -> Query:
        """The tree without what has no letters or digits."""
        return self.clause_reader.drop_unsearchable(self._given) or NullQuery

    @lazy
    def word_counts(self) -> Values:
        """How many words the tree has in each language."""
        return count_words(self.tree, self.statistics.languages, self.kept_words)

    @lazy
    def kept_words(self) -> list[frozenset[str]]:
        """In each language, the words of the tree that are not ignored although they are common."""
        languages = self.statistics.languages
        acronyms = find_common_acronyms(self.tree, languages)
        in_capitals = {word.text: self._count_in_capitals(word) for word in acronyms}
        return list_kept_words(languages, in_capitals, self.names)

    @lazy
    def names(self) -> list[dict[Name, float]]:
        """The neighbours in the tree that are parts of a name in each language, with their weights."""
        found: list[dict[Name, float]] = []
        for number, language in enumerate(self.statistics.languages):
            names = find_names(self.tree, language)
            names = [] if names and self.deadline.is_over() else names
            weights = {name: weigh_name(self.snapshot, name, number) for name in names}
            found.append({name: weight for name, weight in weights.items() if weight})
        return found

    def _count_in_capitals(self, word: Term) -> Values:
        """How often a word is in capitals in each language; never if there is no time to look it up."""
        try:
            found = self.look_up(word).in_capitals
        except TimedOut:
            found = None
        return np.zeros(len(self.statistics.languages)) if found is None else found.occurrences

    @lazy
    def reads_capitals(self) -> bool:
        """Whether capitals in the tree say something; see `names.reads_capitals`."""
        return reads_capitals(self.tree)

    def share_forms(self, scored: ScoredTerm) -> list[FormScore]:
        """The forms of a term that count apart in this tree."""
        reads_capitals = scored.in_capitals is not None and self.reads_capitals
        if scored.exact is None and not reads_capitals:
            return []
        return share_forms(scored, self.word_counts, reads_capitals=reads_capitals)

    def match_node(self, node: Query) -> Ids:
        """See the function of this name."""
        found = self.match(node, highlight=False)
        if self.skipped:
            raise TimedOut
        return found

    def look_up(self, node: Query, without: tuple[int, ...] = ()) -> ScoredTerm:
        """The term of a node that stands for words, looked up once. Raises TimedOut.

        It is not read in the languages `without`, given by their numbers.
        """
        terms = self.context.terms
        scored = terms.get((node, without, True))
        if scored is None and not self.is_ranked:
            scored = terms.get((node, without, False))
        if scored is None:
            term = self._choose_reader(without).read(node)
            self.deadline.check()
            scored = weigh_term(self.snapshot, term, self.context.weights)
            terms[node, without, self.is_ranked] = scored
        return scored

    def _choose_reader(self, without: tuple[int, ...]) -> TermReader:
        if not without:
            return self.term_reader
        dropped = {self.statistics.languages[number] for number in without}
        languages = [name for name in self.context.languages if base_language(name) not in dropped]
        return self.context.make_reader(languages, self.notes, is_ranked=self.is_ranked)

    def score_inner_words(self, reading: Reading) -> list[tuple[Query, ScoredTerm, float]]:
        """The single words of phrases and compounds that stand beside other clauses.

        Of each, the clause, the term, and the weight of its score. Raises TimedOut.
        """
        return [
            (
                clause,
                self.look_up(Term("text", word)),
                COMPOUND * reading.optional[clause] * float(getattr(clause, "boost", 1.0)),
            )
            for clause, word in reading.inner_words
        ]

    def match_whole(self, tree: Query, bounds: Sequence[Ids]) -> LanguageMatches:
        """The full matches of a tree that has no partial ones."""
        full = intersect_all([self.match(tree), *bounds])
        every = tuple(range(len(self.statistics.languages)))
        terms = NearTerms(every, tuple(self.terms), tuple(self.terms))
        return LanguageMatches(Reading(every, {}), full, NO_MATCHES.articles, terms, (tree,), {})

    def match_clauses(
        self,
        required: Sequence[Query],
        readings: Sequence[Reading],
        bounds: Sequence[Ids],
        min_full_matches: int,
    ) -> list[LanguageMatches]:
        """For each reading, the full matches of clauses side by side, and the partial ones.

        If there are enough full ones of all readings together, there are no partial ones.
        """
        needed = tuple(part for part in required if not isinstance(part, Not))
        filters = [*bounds, *map(self.match, needed)]
        excluded = [self._match_excluded(part.query) for part in required if isinstance(part, Not)]
        terms = tuple(self.terms)
        clauses: dict[Query, int] = {}
        for reading in readings:
            clauses |= reading.optional
        ignored = find_languages_without(clauses, readings)
        words: dict[Query, Ids] = {}
        terms_of: dict[Query, tuple[ScoredTerm, ...]] = {}
        for clause in clauses:
            known = len(self.terms)
            words[clause] = self._match_optional(clause, ignored.get(clause, ()))
            terms_of[clause] = tuple(self.terms[known:])
        found: list[LanguageMatches] = []
        limits = [self._bound_reading(reading, readings) for reading in readings]
        for reading, limit in zip(readings, limits, strict=True):
            own = intersect_all([*(words[clause] for clause in reading.optional), *filters, *limit])
            near = (*terms, *(term for clause in reading.optional for term in terms_of[clause]))
            found.append(
                LanguageMatches(
                    reading,
                    _subtract_all(own, excluded),
                    NO_MATCHES.articles,
                    NearTerms(reading.languages, near, near),
                    needed,
                    ignored,
                )
            )
        every_full = [own.full for own in found]
        if len(readings) > 1:
            full = unite_articles(every_full, self.snapshot.articles)
            self.clause_reader.note_partly_ignored(readings, full)
        if sum(map(len, every_full)) >= min_full_matches:
            return found
        parts = {clause: self._find_parts(clause, readings) for clause in clauses}
        for number, (own_matches, limit) in enumerate(zip(found, limits, strict=True)):
            found[number] = self._match_partially(own_matches, words, parts, [*filters, *limit], excluded)
        return found

    def _bound_reading(self, reading: Reading, readings: Sequence[Reading]) -> list[Ids]:
        """The articles that a reading is for; nothing if it is for all of them."""
        if len(readings) == 1:
            return []
        is_read_so = self.statistics.select(reading.languages)
        return [np.flatnonzero(is_read_so).astype(np.int32)]

    def _match_partially(
        self,
        found: LanguageMatches,
        words: Mapping[Query, Ids],
        parts_of: Mapping[Query, Sequence[tuple[str, int, ScoredTerm]]],
        filters: Sequence[Ids],
        excluded: Sequence[Ids],
    ) -> LanguageMatches:
        """The full matches of a reading with its partial ones."""
        reading = found.reading
        parts: list[ScoredPart] = []
        for clause in reading.optional:
            own = weigh_parts(clause, parts_of[clause], reading)
            parts += own
            self.optional += list_optional(self.snapshot, clause, words[clause], own, reading)
        found = found._replace(parts=tuple(parts))
        alternatives = [words[clause] for clause in reading.optional]
        alternatives += [part.scored.articles for part in parts]
        if len(alternatives) < 2:
            return found
        partial = intersect_all([unite_articles(alternatives, self.snapshot.articles), *filters])
        partial = subtract(_subtract_all(partial, excluded), found.full)
        near = found.near_terms
        terms = near._replace(partial=(*near.full, *(part.scored for part in parts)))
        return found._replace(partial=partial, near_terms=terms)

    def _find_parts(self, clause: Any, readings: Sequence[Reading]) -> list[tuple[str, int, ScoredTerm]]:
        """The parts of a word with several tokens that are not common in every language.

        Of each, the text, how many characters it shares with the part before, and the term.
        """
        found: list[tuple[str, int, ScoredTerm]] = []
        for text, overlap in self.term_reader.split_word(clause.text) if type(clause) is Term else ():
            without = [number for own in readings if text in own.common_parts for number in own.languages]
            if len(without) == len(self.statistics.languages):
                continue
            try:
                scored = self.look_up(Term(clause.fieldname, text), tuple(without))
            except TimedOut:
                self.skipped.append(clause)
                break
            found.append((text, overlap, scored))
        return found

    def score_matches(self, found: LanguageMatches) -> tuple[Matches, Matches]:
        """The full and the partial matches of a reading, with scores by their terms."""
        return (
            Matches(found.full, self._score_clauses(found, found.full, ())),
            Matches(found.partial, self._score_clauses(found, found.partial, found.parts)),
        )

    def _score_clauses(self, found: LanguageMatches, articles: Ids, parts: Sequence[ScoredPart]) -> Values:
        """The scores of articles that match a reading: the sums of those of its clauses."""
        total = np.zeros(len(articles))
        if not len(articles):
            return total
        candidates = Candidates(self.snapshot, articles)
        for clause, count in found.reading.optional.items():
            total += count * self._score_alternative(clause, candidates, found.ignored.get(clause, ()))
        for part in parts:
            total += part.weight * self._score(part.scored, candidates)
        for node in found.required:
            total += self._score_node(node, candidates)
        return total

    def _score_node(self, node: Any, candidates: Candidates, without: tuple[int, ...] = ()) -> Values:
        """The scores of articles for a node: float64, 0 for an article that does not match it.

        All articles must match a node that joins others by AND; see `_score_alternative`. `without` is as in
        `look_up`.
        """
        match node:
            case Or():
                return sum((self._score_alternative(part, candidates) for part in node), np.zeros(1))
            case And():
                return sum((self._score_node(part, candidates) for part in node), np.zeros(1))
            case Must():
                return self._score_node(node.child, candidates)
            case Not() | FilterNode() | Every():
                return np.zeros(1)
            case _ if node is NullQuery:
                return np.zeros(1)
        try:
            return float(node.boost) * self._score(self.look_up(node, without), candidates)
        except TimedOut:
            # `match` had no time for it either, and noted so.
            return np.zeros(1)

    def _score_alternative(self, node: Any, candidates: Candidates, without: tuple[int, ...] = ()) -> Values:
        """The scores of articles for a node of any kind; see `_score_node`."""
        while isinstance(node, Must):
            node = node.child
        scores = self._score_node(node, candidates, without)
        if isinstance(node, And):
            matching = self._joined.get(id(node), NO_MATCHES.articles)
            scores = scores * contains(matching, candidates.articles)
        return scores

    def _score(self, scored: ScoredTerm, candidates: Candidates) -> Values:
        """The scores of a term in this tree."""
        return score_term(candidates, scored, self.share_forms(scored))

    def boost_nearness(
        self,
        tree: Query,
        found: Sequence[LanguageMatches],
        scored: Sequence[tuple[Matches, Matches]],
        depth: int | None,
        always_score: Ids | None,
    ) -> tuple[list[tuple[Matches, Matches]], Sequence[Pair]]:
        """The matches, scored with inner words and nearness, and the pairs to score. Raises TimedOut."""
        inner_words: list[list[tuple[Query, ScoredTerm, float]]] = [[] for _ in found]
        pairs: Sequence[Pair] = ()
        if type(tree) is AllOf:
            inner_words = [self.score_inner_words(own.reading) for own in found]
            pairs = self._list_pairs(tree, [own.reading for own in found])
            # Pairs are scored for the same articles, whichever page is asked for.
            depth = depth if depth is None or not pairs else max(depth, DEPTH)
        boosted = []
        for own, both, words in zip(found, scored, inner_words, strict=True):
            full, partial = (
                boost_nearness(
                    self.snapshot,
                    near,
                    self._add_inner_words(matches, words),
                    depth,
                    always_score,
                    self.deadline,
                    by_language=bool(pairs),
                )
                for near, matches in zip((own.near_terms.full, own.near_terms.partial), both, strict=True)
            )
            boosted.append((full, partial))
        return boosted, pairs

    def _add_inner_words(self, found: Matches, words: Sequence[tuple[Query, ScoredTerm, float]]) -> Matches:
        """The matches with the scores of single words of phrases and compounds, each with its weight."""
        if not words:
            return found
        candidates = Candidates(self.snapshot, found.articles)
        scores = found.scores
        for _, word, weight in words:
            scores = scores + weight * self._score(word, candidates)
        return Matches(found.articles, scores)

    def _list_pairs(self, tree: AllOf, readings: Sequence[Reading]) -> list[Pair]:
        """The words of the query that stand side by side in it, in any reading."""
        pairs: dict[tuple[str, str], Pair] = {}
        for reading in readings:
            optional: Iterable[Any] = reading.optional
            wanted = {part.text for part in optional if is_word(part)}
            for texts, boost in find_neighbours(tree, reading.optional).items():
                pair = make_pair(
                    self.term_reader,
                    [self._words[text] if text in wanted else None for text in texts],
                    texts,
                    boost,
                    reading.languages,
                    self.names,
                    self.word_counts,
                )
                if pair is not None and texts in pairs:
                    pair = replace(pair, weights=pair.weights + pairs[texts].weights)
                if pair is not None:
                    pairs[texts] = pair
        return list(pairs.values())

    def _match_optional(self, clause: Query, without: tuple[int, ...]) -> Ids:
        """The articles that match a clause, read in all but some languages."""
        if not without:
            return self.match(clause)
        if self.deadline.is_over():
            self.skipped.append(clause)
            return NO_MATCHES.articles
        return self._match_term(clause, highlight=True, without=without)

    def match(self, node: Query, *, highlight: bool = True) -> Ids:
        """The articles (ascending) that match a node; with `highlight`, its terms are collected."""
        if self.deadline.is_over():
            self.skipped.append(node)
            return NO_MATCHES.articles
        match node:
            case Or():
                parts = [self.match(part, highlight=highlight) for part in node]
                return unite_articles(parts, self.snapshot.articles)
            case And():
                excluded = [self._match_excluded(part.query) for part in node if isinstance(part, Not)]
                parts = [self.match(part, highlight=highlight) for part in node if not isinstance(part, Not)]
                found = _subtract_all(intersect_all(parts or [self._match_all()]), excluded)
                self._joined[id(node)] = found
                return found
            case Not():
                return subtract(self._match_all(), self._match_excluded(node.query))
            case Must():
                return self.match(node.child, highlight=highlight)
            case FilterNode():
                return self._match_filter(node)
            case Every():
                return self._match_all()
            case _ if node is NullQuery:
                return NO_MATCHES.articles
        return self._match_term(node, highlight=highlight)

    def _match_term(self, node: Any, *, highlight: bool, without: tuple[int, ...] = ()) -> Ids:
        try:
            scored = self.look_up(node, without)
        except TimedOut:
            self.skipped.append(node)
            return NO_MATCHES.articles
        if highlight:
            self.terms.append(scored)
            if is_word(node):
                self._words[node.text] = scored
        return scored.articles

    def _match_excluded(self, node: Query) -> Ids:
        """The articles to exclude: all of them if there is no time to look the node up."""
        skipped = len(self.skipped)
        found = self.match(node, highlight=False)
        return found if len(self.skipped) == skipped else self._match_all()

    def _match_all(self) -> Ids:
        return np.arange(self.snapshot.articles, dtype=np.int32)

    def _match_filter(self, node: FilterNode) -> Ids:
        found, partly = match_filter(self.snapshot, node)
        count, collection = len(found), self.snapshot.collection
        if collection is not None:
            count = count or collection.count_node(node, 0)
            partly = collection.count_inexact(node) if isinstance(node, DateRange) else 0
        if partly:
            self.notes.append(make_note(NoteCode.INEXACT_DATES, {"count": partly}))
        if not count and isinstance(node, Filter):
            self.notes.append(make_note(NoteCode.NO_VALUE, {"field": node.fieldname, "value": node.text}))
        return found

    def note_time_out(self) -> Note:
        """The note about what there was no time for."""
        seconds = self.deadline.seconds
        if not self.skipped:
            return make_note(NoteCode.NOT_RANKED, {"seconds": seconds})
        skipped = [serialize_query(node) for node in self.skipped]
        values: dict[str, NoteValue] = {"seconds": seconds, "clauses": tuple(skipped)}
        return make_note(NoteCode.NOT_LOOKED_UP, values, clauses=list_clauses(skipped))


def _subtract_all(articles: Ids, excluded: Sequence[Ids]) -> Ids:
    for part in excluded:
        articles = subtract(articles, part)
    return articles
