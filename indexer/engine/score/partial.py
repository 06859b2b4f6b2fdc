"""Partial matches: the clauses, and the parts of words with several tokens, that an article may lack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from whoosh.query.qcore import Query

from indexer.engine.format.arrays import Ids, intersect_all
from indexer.engine.read.snapshot import Snapshot
from indexer.engine.score.bm25f import COMPOUND, ScoredTerm
from indexer.engine.score.clauses import Reading
from indexer.query import serialize_query
from indexer.text.unspaced import is_unspaced


class OptionalClause(NamedTuple):
    """A clause that a partial match may miss: as a person would type it, and the articles that have it.

    `overlap` is how many characters it shares with the clause before, if both are parts of one word.
    """

    label: str
    articles: Ids
    overlap: int = 0


class ScoredPart(NamedTuple):
    """A part of a word with several tokens: its clause, and its weight in the score of a partial match.

    It belongs to partial matches in the `languages` with these numbers.
    """

    clause: Query
    scored: ScoredTerm
    weight: float
    overlap: int
    languages: tuple[int, ...]


def weigh_parts(
    clause: Any, parts: Sequence[tuple[str, int, ScoredTerm]], reading: Reading
) -> list[ScoredPart]:
    """The parts of a word that are not common in the languages of a reading.

    `parts` are the text of each, how many characters it shares with the part before, and the term. Parts of a
    run without spaces have the weight of words. Parts of a compound have no weight here, because they are
    inner words, which add to all scores, unless the compound is the whole query.
    """
    is_alone = len(reading.optional) == 1
    return [
        ScoredPart(
            clause,
            scored,
            (1.0 if is_unspaced(text) else COMPOUND * is_alone) * float(clause.boost),
            overlap,
            reading.languages,
        )
        for text, overlap, scored in parts
        if text not in reading.common_parts
    ]


def list_optional(
    snapshot: Snapshot, clause: Query, articles: Ids, parts: Sequence[ScoredPart], reading: Reading
) -> list[OptionalClause]:
    """A clause with the articles (ascending) that have it; of a word with several parts, each of these first.

    Articles in languages other than those of the reading do not lack any of them.
    """
    label, statistics = serialize_query(clause), snapshot.statistics
    others = np.empty(0, np.int32)
    if len(reading.languages) < len(statistics.languages):
        others = np.flatnonzero(~statistics.select(reading.languages)).astype(np.int32)
    if not parts:
        return [OptionalClause(label, _unite_ids(articles, others))]
    found = [
        OptionalClause(part.scored.term.label, _unite_ids(part.scored.articles, others), part.overlap)
        for part in parts
    ]
    # The whole clause is what an article misses if it has all the parts, but not together.
    has_clause = np.ones(snapshot.articles, np.bool_)
    has_clause[intersect_all([part.articles for part in found])] = False
    has_clause[articles] = True
    has_clause[others] = True
    return [*found, OptionalClause(label, np.flatnonzero(has_clause).astype(np.int32))]


def _unite_ids(articles: Ids, others: Ids) -> Ids:
    return np.union1d(articles, others) if len(others) else articles
