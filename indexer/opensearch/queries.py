"""From a query tree to the query DSL: which articles match it, fully or partially.

A tree is read as the engine reads it: `ClauseReader` splits it into clauses, in the articles of each
language, and `term_queries` translates what they are made of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from indexer.engine import (
    BESIDE,
    COMPOUND,
    EXACT,
    EXACT_FALL,
    ClauseReader,
    LanguageStatistics,
    Name,
    Reading,
    TermSet,
    find_common_acronyms,
    find_languages_without,
    find_names,
    find_neighbours,
    is_common_word,
    is_name,
    iter_words,
    list_kept_words,
    list_rarer,
    split_word,
)
from indexer.files.fork_safe import lazy
from indexer.limits import PIECES
from indexer.opensearch.dsl import (
    EVERYTHING,
    MAX_LEAVES,
    NOTHING,
    Dsl,
    count_leaves,
    match_all,
    match_any,
    match_bases,
    take_first,
)
from indexer.opensearch.rows import Wanted
from indexer.opensearch.scoring import LeafScorer
from indexer.opensearch.term_queries import CountArticles, LeafReader
from indexer.query import AllOf, And, Every, FilterNode, Must, Not, NullQuery, Or, Query, Term
from indexer.text.analyzer import Analyzer, get_analyzer
from indexer.text.languages import base_language
from indexer.text.unspaced import is_unspaced

_MAX_UNCOUNTED = 40
"""Above so many leaves, the cluster is first asked which forms of the words it has."""
_Scored = tuple[Any, tuple[int, ...], float]
"""A leaf that scores, the languages (their numbers) in which it is ignored, and how many times it counts."""


@dataclass(frozen=True, slots=True)
class TranslationContext:
    """What the translation of a query depends on.

    `languages` are those of the articles, in which words are analysed, as in `SearchSettings`, and
    `statistics` have their base languages. `count` counts the articles in each base language that match each
    of some queries; it is called at most three times for a tree, and should remember its answers.
    `translate_filter` gives the query of a filter. For `variants` and `neighbours`, see `TermReader`;
    `text_names` are the fields of custom texts, and `weights` how many times each word in one of them counts.
    A query has at most `max_leaves`.
    """

    languages: Sequence[str]
    statistics: LanguageStatistics
    translate_filter: Callable[[FilterNode], Dsl]
    count: CountArticles
    variants: bool = True
    neighbours: Mapping[str, Sequence[str]] = field(default_factory=dict)
    text_names: tuple[str, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    max_leaves: int = MAX_LEAVES


@dataclass(frozen=True, slots=True)
class TreeQuery:
    """A translated tree: the queries of the articles that match it.

    `full` are those that match fully, `some` those that match at least one optional clause, or a part of one;
    it is None if there can be no partial matches. If it is not `is_exact`, some of the articles of `full`
    match only partially or not at all. None that matches is missing, but for some variants of the words of a
    very long query in many languages. The scores of the queries of `scoring`
    are added up; they select no articles.
    """

    full: Dsl
    some: Dsl | None = None
    is_exact: bool = True
    scoring: tuple[Dsl, ...] = ()

    @property
    def partial(self) -> Dsl | None:
        """The query of the articles that match partially and not fully."""
        return None if self.some is None else match_all([self.some], [self.full])


def translate(context: TranslationContext, tree: Query) -> TreeQuery:
    """Translate a tree into queries of the cluster.

    A large tree is translated without the forms of words that no article has, for which the cluster is asked
    once more. If it is too large for one search, words may stand anywhere instead of in phrases and near each
    other; and at last some clauses are dropped.
    """
    translation = _TreeTranslator(context, tree)
    found = translation.translate()
    if _measure(found) > _MAX_UNCOUNTED:
        translation.count_forms()
        found = translation.translate()
    if _measure(found) > context.max_leaves:
        translation.leaves.is_coarse = True
        found = translation.translate()
    if _measure(found) > context.max_leaves:
        translation.drops_clauses = True
        found = translation.translate()
    return replace(found, scoring=tuple(translation.list_scores(found)))


def _measure(found: TreeQuery) -> int:
    """How many leaves the larger query of a tree has."""
    return count_leaves(found.full) + count_leaves(found.some)


class _TreeTranslator:
    """The translation of one tree: what `Evaluation` is on the disk."""

    def __init__(self, context: TranslationContext, tree: Query) -> None:
        self.context = context
        self.languages = context.statistics.languages
        self.analyzers = self._list_analyzers(())
        self.clause_reader = ClauseReader(self.analyzers, context.statistics, [], lambda: self.kept_words)
        self.leaves = LeafReader(
            self.languages, context.count, context.text_names, context.variants, context.neighbours
        )
        self.drops_clauses = False
        """Whether clauses are dropped that are too many for one search."""
        self.tree: Any = self.clause_reader.drop_unsearchable(tree) or NullQuery
        self.leaves.count_quotations(self._list_leaves(), self.analyzers)

    def count_forms(self) -> None:
        """Find out which forms of the words of the tree no article has, so that they are not asked for."""
        leaves = [*self._list_leaves()]
        parts = (Term(leaf.fieldname, text) for leaf in leaves for text, _ in self._split_word(leaf))
        self.leaves.count_forms([*leaves, *parts], self.analyzers)

    def translate(self) -> TreeQuery:
        """The queries of the tree."""
        self.parts_left = PIECES
        self.leaves.is_exact = self.leaves.variants == self.context.variants
        if type(self.tree) in (AllOf, Term):
            return self._translate_clauses()
        full = self.match(self.tree)
        if self.drops_clauses:
            full = match_all(self._fit([full], self.context.max_leaves))
        return TreeQuery(full, is_exact=self.leaves.is_exact)

    def _split_clauses(
        self,
    ) -> tuple[list[Query], list[Reading], dict[Any, int], dict[Query, tuple[int, ...]]]:
        """The required clauses of the tree, and how each group of languages reads the optional ones.

        Then all optional clauses, each with how often it is repeated; and the numbers of the languages that
        ignore it, of each that is ignored in any.
        """
        required, readings = self.clause_reader.split(self.tree)
        clauses: dict[Any, int] = {}
        for reading in readings:
            clauses |= reading.optional
        return required, readings, clauses, find_languages_without(clauses, readings)

    def _translate_clauses(self) -> TreeQuery:
        """The queries of clauses side by side, or of a single word."""
        required, readings, clauses, ignored = self._split_clauses()
        filters = [self.match(part) for part in required if not isinstance(part, Not)]
        excluded: Sequence[Dsl] = [
            self.match(part.query, is_excluded=True) for part in required if isinstance(part, Not)
        ]
        found = {clause: self.match(clause, ignored.get(clause, ())) for clause in clauses}
        # Where a clause is ignored, an article need not have it.
        needed = [
            match_any([query, self._match_languages(ignored.get(clause, ()))])
            for clause, query in found.items()
        ]
        excluded = self._fit(excluded, self.context.max_leaves // 8)
        full = match_all(self._fit([*filters, *needed], self.context.max_leaves // 3), excluded)
        alternatives = self._list_alternatives(found, readings)
        if not alternatives:
            return TreeQuery(full, is_exact=self.leaves.is_exact)
        some = match_all(
            [*filters, match_any(self._fit(alternatives, self.context.max_leaves // 6))], excluded
        )
        return TreeQuery(full, some, self.leaves.is_exact)

    def _fit(self, queries: Sequence[Dsl], leaves: int) -> Sequence[Dsl]:
        """The queries, without those that do not fit into so many leaves if clauses are dropped."""
        found = take_first(queries, leaves) if self.drops_clauses else queries
        self.leaves.is_exact &= len(found) == len(queries)
        return found

    def list_scores(self, found: TreeQuery) -> list[Dsl]:
        """The queries by which articles score, as many as the queries of matches leave place for."""
        scored = [*self._list_scored()]
        scorer = LeafScorer(self.leaves, EXACT / max(len(scored), 1) ** EXACT_FALL, self.context.weights)
        queries = [
            query
            for leaf, without, boost in scored
            for query in scorer.score(leaf, self._list_analyzers(without), boost)
        ]
        if type(self.tree) is AllOf:
            for texts, boost in find_neighbours(self.tree, {*self.tree}).items():
                queries += scorer.score_pair(texts, self.analyzers, boost * BESIDE / 2)
        return take_first(queries, self.context.max_leaves - _measure(found))

    def _list_scored(self) -> Iterator[_Scored]:
        """The leaves that score; see `_Scored`."""
        if type(self.tree) not in (AllOf, Term):
            yield from _list_boosts(self.tree, (), 1)
            return
        required, readings, clauses, ignored = self._split_clauses()
        for part in required:
            yield from _list_boosts(part, (), 1)
        for clause, count in clauses.items():
            yield from _list_boosts(clause, ignored.get(clause, ()), count)
        # Words of phrases, and parts of words of several tokens.
        inner: dict[tuple[Any, str], float] = {}
        for reading in readings:
            inner |= dict.fromkeys(reading.inner_words, COMPOUND)
        for clause in clauses:
            for text, _ in self._split_word(clause):
                if any(text not in reading.common_parts for reading in readings):
                    inner[clause, text] = 1.0 if is_unspaced(text) else COMPOUND
        for (clause, text), weight in inner.items():
            yield Term(clause.fieldname, text), (), weight * clause.boost * clauses[clause]

    def match(self, node: Any, without: tuple[int, ...] = (), *, is_excluded: bool = False) -> Dsl:
        """The articles that match a node, which is not read in the languages `without` (their numbers).

        For `is_excluded`, see `LeafReader.match`.
        """
        match node:
            case Or():
                return match_any(self.match(part, is_excluded=is_excluded) for part in node)
            case And():
                return match_all(
                    (self.match(part, is_excluded=is_excluded) for part in node if not isinstance(part, Not)),
                    (
                        self.match(part.query, is_excluded=not is_excluded)
                        for part in node
                        if isinstance(part, Not)
                    ),
                )
            case Not():
                return match_all([], [self.match(node.query, is_excluded=not is_excluded)])
            case Must():
                return self.match(node.child, is_excluded=is_excluded)
            case FilterNode():
                return self.context.translate_filter(node)
            case Every():
                return EVERYTHING
            case _ if node is NullQuery:
                return NOTHING
        return self.leaves.match(node, self._list_analyzers(without), is_excluded=is_excluded)

    def _list_leaves(self) -> Iterator[Any]:
        """The words, phrases and patterns of the tree."""
        for leaf in self.tree.leaves():
            if leaf is not NullQuery and not isinstance(leaf, (FilterNode, Every)):
                yield leaf

    def _list_alternatives(self, found: Mapping[Query, Dsl], readings: Sequence[Reading]) -> list[Dsl]:
        """The optional clauses and their parts, any of which is enough; none if all are required."""
        queries: dict[Query | tuple[Query, str], Dsl] = dict(found.items())
        parts: dict[Query, list[str]] = {}
        for clause in found:
            own = self._match_parts(clause, readings)
            parts[clause] = [*own]
            queries |= {(clause, text): query for text, query in own.items()}
        languages: dict[Query | tuple[Query, str], list[int]] = {}
        for reading in readings:
            alternatives: list[Query | tuple[Query, str]] = [*reading.optional]
            alternatives += (
                (clause, text)
                for clause in reading.optional
                for text in parts[clause]
                if text not in reading.common_parts
            )
            for alternative in alternatives if len(alternatives) > 1 else ():
                languages.setdefault(alternative, []).extend(reading.languages)
        return [
            queries[alternative]
            if len(numbers) == len(self.languages)
            else match_all([queries[alternative], self._match_languages(numbers)])
            for alternative, numbers in languages.items()
        ]

    def _match_parts(self, clause: Any, readings: Sequence[Reading]) -> dict[str, Dsl]:
        """The articles that have each part of a word of several tokens, if it is not common everywhere."""
        found: dict[str, Dsl] = {}
        parts = self._split_word(clause)[: self.parts_left]
        self.parts_left -= len(parts)
        for text, _ in parts:
            without = [number for own in readings if text in own.common_parts for number in own.languages]
            if len(without) < len(self.languages):
                found[text] = self.match(Term(clause.fieldname, text), tuple(without))
        return found

    def _split_word(self, leaf: Any) -> list[tuple[str, int]]:
        return split_word(leaf.text, self.analyzers[0]) if type(leaf) is Term and self.analyzers else []

    def _match_languages(self, numbers: Sequence[int]) -> Dsl:
        return match_bases(self.languages[number] for number in numbers) if numbers else NOTHING

    def _list_analyzers(self, without: tuple[int, ...]) -> tuple[Analyzer, ...]:
        dropped = {self.languages[number] for number in without}
        kept = (name for name in self.context.languages if base_language(name) not in dropped)
        return tuple(dict.fromkeys(map(get_analyzer, kept)))

    @lazy
    def kept_words(self) -> list[frozenset[str]]:
        """In each language, the words of the tree that are not ignored although they are common."""
        acronyms = [word.text for word in find_common_acronyms(self.tree, self.languages)]
        names = [
            (number, name, queries)
            for number, language in enumerate(self.languages)
            for name in find_names(self.tree, language)
            if (queries := self._match_name(name, language))
        ]
        asked = [self.leaves.match_capitals("text", text, self.analyzers) for text in acronyms]
        asked += (query for _, _, queries in names for query in queries)
        counts = iter(self.context.count(asked) if asked else ())
        in_capitals = {
            text: np.array([own.get(language, 0) for language in self.languages])
            for text, own in zip(acronyms, counts, strict=False)
        }
        found: list[list[Name]] = [[] for _ in self.languages]
        for number, name, queries in names:
            beside, *others = (next(counts).get(self.languages[number], 0) for _ in queries)
            if is_name(beside, others):
                found[number].append(name)
        return list_kept_words(self.languages, in_capitals, found)

    def _match_name(self, name: Name, language: str) -> list[Dsl]:
        """The articles that have a common word beside another one, and those that have the rarer of the two.

        Empty if none of the two is common.
        """
        rows = [get_analyzer(language).tokenize(text, query=True) for text in name]
        if not any(is_common_word(text, language) for text in name) or any(len(row) != 1 for row in rows):
            return []
        stems = {text: row[0].stem for text, row in zip(name, rows, strict=True)}
        beside = TermSet(phrases=frozenset([(tuple(stems[text] for text in name), 1)]))
        rarer = [TermSet(stems=frozenset([stems[text]])) for text in list_rarer(name, language)]
        return [self.leaves.match_wanted("text", [Wanted(terms)]) for terms in (beside, *rarer)]


def _list_boosts(node: Query, without: tuple[int, ...], times: int) -> Iterator[_Scored]:
    """The leaves of a node that score; see `_Scored`."""
    leaf: Any
    for leaf in iter_words(node):
        if leaf is not NullQuery:
            yield leaf, without, leaf.boost * times
