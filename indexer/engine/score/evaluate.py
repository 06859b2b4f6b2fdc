"""A query tree to matching articles, as array operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np
from whoosh.query.compound import And, Or
from whoosh.query.qcore import Every, NullQuery, Query
from whoosh.query.terms import FuzzyTerm, Prefix, Term, Wildcard
from whoosh.query.wrappers import Not

from indexer.engine.format.arrays import Ids, contains
from indexer.engine.format.record import NO_DATE, to_timestamp
from indexer.engine.read.deadline import NO_DEADLINE, Deadline, TimedOut
from indexer.engine.read.snapshot import Snapshot
from indexer.engine.score.bm25f import COMPOUND, NEARNESS, ScoredTerm, coverage, score_term, within_reach
from indexer.engine.score.clauses import (
    ClauseReader,
    OptionalClause,
    QueryMatches,
    TermPart,
    is_common,
    is_word,
)
from indexer.engine.score.filters import match_filter
from indexer.engine.score.matches import NOTHING, Matches, intersect, make_unscored, plus, subtract, unite
from indexer.engine.score.proximity import DEPTH, Pair, in_a_row, pair, raised
from indexer.engine.score.query_terms import QueryTerm, TermReader
from indexer.query import (
    AllOf,
    Alternatives,
    DateRange,
    Filter,
    Must,
    Near,
    RawPhrase,
    list_clauses,
    serialize_query,
)
from indexer.text.unspaced import is_unspaced

_FIELDS = {"text": ("title", "paragraph"), "title": ("title",), "paragraph": ("paragraph",)}


@dataclass(slots=True)
class Evaluation:
    """One run of one query tree over one snapshot.

    `languages` are those of its articles; the common words of the `spoken` ones are not asked for.
    """

    snapshot: Snapshot
    languages: Sequence[str]
    spoken: Sequence[str] = ()
    deadline: Deadline = NO_DEADLINE
    leaves: list[ScoredTerm] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    cut: list[Query] = field(default_factory=list)
    """What there was no time to look up: it counts as found nowhere, and as excluded everywhere."""
    known: dict[Query, ScoredTerm] = field(default_factory=dict)
    """The leaves that were looked up, so that none is twice, here or where a run goes on from this one."""
    asking: ClauseReader = field(init=False)
    _lookup: TermReader = field(init=False)
    _words: dict[str, ScoredTerm] = field(default_factory=dict)
    """The words that were looked up in all fields, as typed."""

    def __post_init__(self) -> None:
        self._lookup = TermReader(self.snapshot, self.languages, self.notes, self.deadline)
        self.asking = ClauseReader(self._lookup.analyzers, self.spoken, self.notes)

    def run(
        self,
        tree: Query,
        *,
        enough: int,
        depth: int | None = None,
        besides: Ids | None = None,
        within: Ids | None = None,
    ) -> QueryMatches:
        """Evaluate a tree; partial matches are looked for when fewer than `enough` articles meet it.

        With `depth`, only so many of the best of either are to be scored fully; the scores of others may lack
        what words that stand together add, but never so that they would be among those. With 0, none is.
        Articles that are in `besides` (ascending) are always scored fully, and do not count for `depth`. With
        `within` (ascending), no other articles are found.
        """
        kept = [] if within is None else [make_unscored(within)]
        partial = NOTHING
        wanted: list[OptionalClause] = []
        pieces: list[TermPart] = []
        soft: dict[Query, int] = {}
        tree = self.asking.audible(tree) or NullQuery
        if type(tree) in (AllOf, Term):
            hard, soft = self.asking.clauses(list(tree) if type(tree) is AllOf else [tree])
            filters = [*kept, *(self._match(part) for part in hard if not isinstance(part, Not))]
            without = [self._excluded(part.query) for part in hard if isinstance(part, Not)]
            words = [self._match_times(part, count) for part, count in soft.items()]
            full = _take_away(intersect([*words, *filters]), without)
            if len(full) < enough:
                apart = [self._pieces(part, alone=len(soft) == 1) for part in soft]
                pieces = [piece for own in apart for piece in own]
                some = words + [
                    Matches(piece.scored.matches.articles, piece.scored.matches.scores * piece.weight)
                    for piece in pieces
                ]
                if len(some) > 1:
                    any_word = unite(some, self.snapshot.articles)
                    any_word = intersect([any_word, *filters]) if filters else any_word
                    partial = subtract(_take_away(any_word, without), full.articles)
                for part, match, own in zip(soft, words, apart, strict=True):
                    wanted += self._wanted(part, match.articles, own)
        else:
            full = self._match(tree)
            full = intersect([full, *kept]) if kept else full
        plain: tuple[Matches, Matches] = full, partial
        pairs: Sequence[Pair] = ()
        is_late = False
        if not self.cut and depth != 0:
            try:
                full, partial, plain, pairs = self._refined(
                    tree, soft, (full, partial), pieces, depth, besides
                )
            except TimedOut:
                is_late = True
        if self.cut or is_late:
            self.notes.append(self._cut_note())
        notes = tuple(dict.fromkeys(self.notes))
        is_cut = bool(self.cut) or is_late
        return QueryMatches(
            *(full, partial, tuple(self.leaves), tuple(pieces), tuple(wanted), notes),
            *(is_cut, plain, tuple(pairs)),
        )

    def _refined(
        self,
        tree: Query,
        soft: Mapping[Query, int],
        found: tuple[Matches, Matches],
        pieces: Sequence[TermPart],
        depth: int | None,
        besides: Ids | None,
    ) -> tuple[Matches, Matches, tuple[Matches, Matches], Sequence[Pair]]:
        """The matches with higher scores for what the words mean together.

        Also what they were without pairs, and the pairs. Raises TimeIsUp.
        """
        full, partial = found
        pairs: list[Pair] = []
        if type(tree) is AllOf:
            for _, word, weight in self.words_within(soft):
                full, partial = (plus(each, word.matches, weight) for each in (full, partial))
            pairs = self._pairs(tree, soft)
            # The best are looked at once more: which they are must not hang on what a page shows.
            depth = depth if depth is None or not pairs else max(depth, DEPTH)
        full = self._raised(self.leaves, full, depth, besides)
        partial = self._raised([*self.leaves, *(piece.scored for piece in pieces)], partial, depth, besides)
        plain = full, partial
        full, partial = raised(self.snapshot, plain, pairs)
        return full, partial, plain, pairs

    def words_within(self, soft: Mapping[Query, int]) -> list[tuple[Query, ScoredTerm, float]]:
        """The words of phrases and compounds among others: whose, the word, and how much it counts.

        Raises TimeIsUp.
        """
        found = []
        for part, times in soft.items() if len(soft) > 1 else ():
            for word in self.asking.words_within(part):
                if scored := self.scored(Term("text", word)):
                    found.append((part, scored, COMPOUND * times * float(getattr(part, "boost", 1.0))))
        return found

    def articles(self, node: Query) -> Ids:
        """The articles that a part of the tree matches alone, ascending. Raises TimeIsUp."""
        before = len(self.cut)
        found = self._match(node, mark=False).articles
        if len(self.cut) > before:
            raise TimedOut
        return found

    def _cut_note(self) -> str:
        up = f"The time for a query ({self.deadline.seconds:g} s) was up"
        if not self.cut:
            return f"{up}; whether words stand near one another was left out of the order."
        listed = list_clauses([serialize_query(node) for node in self.cut])
        return f"{up}. Not looked up: {listed}; there may be more articles than these, and better ones."

    def _raised(
        self, leaves: Sequence[ScoredTerm], found: Matches, depth: int | None, besides: Ids | None
    ) -> Matches:
        """The matches with higher scores where words stand together. Raises TimeIsUp."""
        if len(leaves) < 2:
            return found
        self.deadline.check()
        places = within_reach(found, depth, besides)
        scores = found.scores.copy()
        scores[places] *= 1 + NEARNESS * coverage(
            self.snapshot, leaves, found.articles[places], self.deadline
        )
        return Matches(found.articles, scores)

    def _pairs(self, tree: AllOf, soft: Mapping[Query, int]) -> list[Pair]:
        """The words of the query that stand side by side in it."""
        # A common word that was not asked for parts nothing: "theory of plates".
        rows: list[Any] = [part for part in tree if part in soft or not self.asking.is_common(part)]
        words = in_a_row([part if part in soft and is_word(part) else None for part in rows])
        # The same words with other boosts are the same pair.
        boosts = {(a.text, b.text): min(a.boost, b.boost) for a, b in reversed(words)}
        pairs = [
            pair(self.snapshot, self.languages, texts, (self._words[texts[0]], self._words[texts[1]]), boost)
            for texts, boost in boosts.items()
        ]
        return [two for two in pairs if two is not None]

    def _match_times(self, node: Query, times: int) -> Matches:
        found = self._match(node)
        return found if times == 1 else Matches(found.articles, found.scores * times)

    def _pieces(self, part: Any, *, alone: bool) -> list[TermPart]:
        """The parts of a word, without common ones.

        Those of a run count as much as any word, those of a compound less: nothing here, unless it is all
        that is asked for, for they are added to every score later.
        """
        found: list[TermPart] = []
        for text, shared in self._lookup.pieces(part.text) if type(part) is Term else ():
            if any(is_common(text, language) for language in self.spoken):
                continue
            weight = (1.0 if is_unspaced(text) else COMPOUND * alone) * float(part.boost)
            try:
                if scored := self.scored(Term(part.fieldname, text)):
                    found.append(TermPart(part, scored, weight, shared))
            except TimedOut:
                self.cut.append(part)
                break
        return found

    def _wanted(self, part: Query, articles: Ids, pieces: Sequence[TermPart]) -> list[OptionalClause]:
        """What an article without a clause may lack: the clause, or those of its pieces that it has not."""
        if not pieces:
            return [OptionalClause(serialize_query(part), articles)]
        each = [piece.scored.matches.articles for piece in pieces]
        # Of one that has all the pieces, but not together, the clause itself has to be named.
        told = np.ones(self.snapshot.articles, np.bool_)
        told[reduce(_in_both, each)] = False
        told[articles] = True
        parts = [
            OptionalClause(piece.scored.leaf.label, own, piece.shared)
            for piece, own in zip(pieces, each, strict=True)
        ]
        return [*parts, OptionalClause(serialize_query(part), np.flatnonzero(told).astype(np.int32))]

    def _match(self, node: Query, *, mark: bool = True) -> Matches:
        if self.deadline.is_over():
            self.cut.append(node)
            return NOTHING
        if isinstance(node, Or):
            return unite([self._match(part, mark=mark) for part in node], self.snapshot.articles)
        if isinstance(node, And):
            without = [self._excluded(part.query) for part in node if isinstance(part, Not)]
            parts = [self._match(part, mark=mark) for part in node if not isinstance(part, Not)]
            return _take_away(intersect(parts or [self._everything()]), without)
        if isinstance(node, Not):
            return subtract(self._everything(), self._excluded(node.query).articles)
        if isinstance(node, Must):
            return self._match(node.child, mark=mark)
        if isinstance(node, DateRange):
            return make_unscored(self._dated(node))
        if isinstance(node, Filter):
            return make_unscored(self._passing(node))
        if isinstance(node, Every):
            return self._everything()
        if node is NullQuery:
            return NOTHING
        try:
            scored = self.scored(node)
        except TimedOut:
            self.cut.append(node)
            return NOTHING
        if scored is None:
            return self._by_whoosh(node)
        if mark:
            self.leaves.append(scored)
            if isinstance(node, Term) and is_word(node):
                self._words[node.text] = scored
        found, boost = scored.matches, float(getattr(node, "boost", 1.0))
        return found if boost == 1.0 else Matches(found.articles, found.scores * boost)

    def scored(self, node: Query) -> ScoredTerm | None:
        """A leaf of the tree, looked up; None for one that is not made of words. Raises TimeIsUp."""
        known = self.known.get(node)
        if known is None and (leaf := self._leaf(node)):
            self.deadline.check()
            known = self.known[node] = score_term(self.snapshot, leaf)
        return known

    def _excluded(self, node: Query) -> Matches:
        before = len(self.cut)
        found = self._match(node, mark=False)
        return found if len(self.cut) == before else self._everything()

    def _leaf(self, node: Query) -> QueryTerm | None:
        self.deadline.check()
        fields = _FIELDS.get(getattr(node, "fieldname", None) or "")
        if fields is None:
            return None
        if isinstance(node, Near):
            parts = [list(part) if isinstance(part, Or) else [part] for part in node.parts]
            found = [[leaf for one in part if (leaf := self._leaf(one))] for part in parts]
            return self._lookup.near(fields, found, node.distances)
        if isinstance(node, RawPhrase):
            lookup = self._lookup.exact if node.exact else self._lookup.phrase
            return lookup(fields, node.text, node.slop)
        # FuzzyTerm, Prefix and Wildcard are no Terms, but their own kinds.
        if type(node) is FuzzyTerm:
            return self._lookup.fuzzy(fields, node.text, node.maxdist)
        if type(node) is Prefix:
            return self._lookup.prefix(fields, node.text)
        if type(node) is Wildcard:
            return self._lookup.wildcard(fields, node.text)
        if type(node) is Term:
            return self._lookup.word(fields, node.text)
        if isinstance(node, Alternatives):
            return self._lookup.alternatives(fields, node.text, node.others, kept=node.includes_text)
        return None

    def _everything(self) -> Matches:
        return make_unscored(np.arange(self.snapshot.articles, dtype=np.int32))

    def _dated(self, node: DateRange) -> Ids:
        begins, ends = self.snapshot.begins, self.snapshot.ends
        dated = begins != NO_DATE
        low = to_timestamp(node.start) if node.start else NO_DATE
        high = to_timestamp(node.end) if node.end else -NO_DATE
        within = dated & (begins >= low) & (ends <= high)
        straddling = int(np.count_nonzero(dated & ~within & (begins < high) & (ends > low)))
        if straddling:
            self.notes.append(
                f"{straddling} more may fall into the dates asked for: only their month or year is known."
            )
        return np.flatnonzero(within).astype(np.int32)

    def _passing(self, node: Filter) -> Ids:
        found = match_filter(self.snapshot, node.fieldname, node.text)
        if not len(found):
            self.notes.append(f"No article has {node.fieldname}:{node.text}.")
        return found

    def _by_whoosh(self, node: Query) -> Matches:
        docs = self.snapshot.matched_by_whoosh(node)
        return make_unscored(np.unique(self.snapshot.article_of[docs]))


def _in_both(one: Ids, other: Ids) -> Ids:
    return one[contains(other, one)]


def _take_away(found: Matches, without: Sequence[Matches]) -> Matches:
    for part in without:
        found = subtract(found, part.articles)
    return found
