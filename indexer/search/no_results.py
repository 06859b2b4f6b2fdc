"""Why no article meets a query: which clauses cannot be met together, and what finds something instead."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.engine import Ids, QueryContext, QueryMatches, TimedOut, match_node, read_clauses
from indexer.query import (
    Must,
    Not,
    NullQuery,
    Query,
    RelaxedQuery,
    RelaxStep,
    Term,
    describe_clause,
    drop_clauses,
    has_words,
    relax_query,
    serialize_query,
    shorten_clause,
)
from indexer.results import AlternativeQuery, NoResults

MAX_RELAXATIONS = 3
MAX_TRIED = 16
"""So many other queries are searched for, to find out how many articles they find."""
MAX_CHANGES = 64
"""So many are thought of."""
MAX_COMPARED = 4096
"""So many of the articles are compared that have most of the words."""
MAX_NAMED = 8
"""So many clauses are named in one sentence."""
MAX_SETS = 3
"""So many ways to leave out words are tried."""
Count = Callable[[str, tuple[str, ...]], int]
"""How many articles a query finds without some of the arguments; raises TimeIsUp."""
_WORDS, _FILTER, _EXCLUSION = range(3)


@dataclass(frozen=True, slots=True)
class RequestFilter:
    """What arguments add to a query: their names, and what it is to do without them, in plain words.

    With `articles` (ascending), they keep the search to those; without, what they mean is in the tree.
    `label` is it as it would be typed, `spoken` in plain words.
    """

    names: tuple[str, ...]
    freed: str
    label: str = ""
    spoken: str = ""
    articles: Ids | None = None


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause that must hold, and which articles do as it says (a bit of each, packed).

    `count` is how many articles match it alone; of an exclusion, how many have what is excluded. `spoken` is
    the clause in a sentence.
    """

    kind: int
    label: str
    spoken: str
    passes: NDArray[np.uint8]
    count: int
    node: Query | None = None


def explain_no_results(
    context: QueryContext, tree: Query, typed: Query, bounds: Sequence[RequestFilter], count: Count
) -> NoResults | None:
    """Why a tree that matches no article does not, and what would; None for a tree of nothing.

    `typed` is the tree of the text alone, `bounds` what arguments add to it.
    Raises TimeIsUp when not even the reason was found in time; of relaxations there may then be fewer.
    """
    if tree is NullQuery:
        return None
    if not context.snapshot.articles:
        return NoResults("There are no articles in the index.")
    clauses = _clauses(context, tree, bounds)
    if not clauses:
        return None
    killing = _irreducible(clauses)
    reason = _reason(killing)
    unknown = _unknown(context, clauses)
    found: list[tuple[int, AlternativeQuery]] = []
    try:
        for relaxation in _relaxed(typed, bounds, clauses, unknown, count):
            found.append(relaxation)
    except TimedOut:
        pass
    chosen = sorted(found, key=lambda sized: (sized[0], -sized[1].count))[:MAX_RELAXATIONS]
    return NoResults(
        reason,
        tuple(clause.label for clause in killing),
        tuple(relaxation for _, relaxation in chosen),
    )


def _clauses(context: QueryContext, tree: Query, bounds: Sequence[RequestFilter]) -> list[Clause]:
    """The clauses of a tree: words first, the rarest first, then filters, then exclusions."""
    clauses = read_clauses(context, tree)
    found = []
    for node in (part for part in (*clauses.optional, *clauses.required) if part is not NullQuery):
        inner: Any = node.query if isinstance(node, Not) else node
        kind = _EXCLUSION if isinstance(node, Not) else _WORDS
        if kind == _WORDS and not has_words(inner):
            kind = _FILTER
        text = shorten_clause(serialize_query(inner.child if isinstance(inner, Must) else inner))
        said = describe_clause(inner) if kind == _FILTER else text if '"' in text else f"“{text}”"
        matched = match_node(context, inner)
        passes = _bits(context, matched, excluded=kind == _EXCLUSION)
        found.append(Clause(kind, serialize_query(node), said, passes, len(matched), node))
    for bound in bounds:
        if bound.articles is not None:
            passes = _bits(context, bound.articles)
            found.append(Clause(_FILTER, bound.label, bound.spoken, passes, len(bound.articles)))
    return sorted(found, key=lambda clause: (clause.kind, clause.count))


def _bits(context: QueryContext, articles: Ids, *, excluded: bool = False) -> NDArray[np.uint8]:
    """A bit of each article, set for these (or all others); those that fill the last byte are not."""
    flags = np.full(context.snapshot.articles, excluded)
    flags[articles] = not excluded
    return np.packbits(flags)


def _irreducible(clauses: Sequence[Clause]) -> list[Clause]:
    """The clauses from the first on, up to the one at which nothing is left, without any that can go."""
    reached = [clauses[0].passes]
    for clause in clauses[1:]:
        if not reached[-1].any():
            break
        reached.append(reached[-1] & clause.passes)
    kept = [clauses[len(reached) - 1]]
    left = kept[0].passes
    # The commonest is tried first: what stays is what is rare.
    for place in range(len(reached) - 2, -1, -1):
        before = reached[place - 1] & left if place else left
        if before.any():
            kept.append(clauses[place])
            left = left & clauses[place].passes
    return sorted(kept, key=clauses.index)


def _reason(killing: Sequence[Clause]) -> str:
    """What the clauses have to do with it, in plain words."""
    words, filters, excluded = (
        [clause.spoken for clause in killing if clause.kind == kind] for kind in (_WORDS, _FILTER, _EXCLUSION)
    )
    limits = " and ".join(filters)
    named = _listed(words) if words else ""
    having = f" with {named}" if words else ""
    if excluded:
        among = f" that is {limits}" if limits else ""
        return f"Every article{having}{among} has {_listed(excluded, 'or')}, which is left out."
    if limits:
        return f"No article{having} is {limits}."
    if len(words) == 1:
        return f"No article has {named}."
    counted = _listed([f"{clause.spoken} ({clause.count:,})" for clause in killing])
    return f"No article has {'both' if len(words) == 2 else 'all of'} {counted}."


def _listed(names: Iterable[str], last: str = "and") -> str:
    *most, end = names
    if len(most) >= MAX_NAMED:
        most, end = most[: MAX_NAMED - 1], f"{len(most) - MAX_NAMED + 2} more"
    return f"{', '.join(most)} {last} {end}" if most else end


def _unknown(context: QueryContext, clauses: Sequence[Clause]) -> set[str]:
    """The words of the clauses that stand nowhere."""
    leaves = [leaf for clause in clauses if clause.node for leaf in clause.node.leaves()]
    return {leaf.text for leaf in leaves if type(leaf) is Term and not len(match_node(context, leaf))}


def _relaxed(
    typed: Query, bounds: Sequence[RequestFilter], clauses: Sequence[Clause], unknown: set[str], count: Count
) -> Iterator[tuple[int, AlternativeQuery]]:
    """Queries that find something, with the size of their change, the smallest first; all of a size."""
    every: list[tuple[RelaxedQuery, tuple[str, ...]]] = [
        (change, ()) for change in islice(relax_query(typed, unknown), MAX_CHANGES)
    ]
    every += [(RelaxedQuery(typed, RelaxStep.FILTER, bound.freed), bound.names) for bound in bounds]
    every += [(change, ()) for change in _left_out(typed, clauses)]
    every.sort(key=lambda candidate: candidate[0].size)
    found = tried = 0
    seen = set()
    for _, candidates in groupby(every, key=lambda candidate: candidate[0].size):
        if found >= MAX_RELAXATIONS:
            return
        for change, without in candidates:
            query = serialize_query(change.tree)
            if (query, without) in seen or tried >= MAX_TRIED:
                continue
            seen.add((query, without))
            tried += 1
            if number := count(query, without):
                found += 1
                yield change.size, AlternativeQuery(change.text, query, number, without)


def _left_out(typed: Query, clauses: Sequence[Clause]) -> Iterator[RelaxedQuery]:
    """The typed tree without the fewest words: those that most of the articles lack that have most of it."""
    words = [clause for clause in clauses if clause.kind == _WORDS]
    others = [clause.passes for clause in clauses if clause.kind != _WORDS]
    if len(words) < 2:
        return
    counts = np.zeros(len(words[0].passes) * 8, np.int16)
    for clause in words:
        counts += np.unpackbits(clause.passes)
    for passes in others:
        counts *= np.unpackbits(passes)
    most = int(counts.max())
    if not most:
        return
    best = np.flatnonzero(counts == most)[:MAX_COMPARED]
    gone = np.array([~clause.passes[best // 8] >> (7 - best % 8).astype(np.uint8) & 1 for clause in words])
    # As strings: NumPy compares rows of numbers one number at a time.
    rows = np.ascontiguousarray(np.packbits(gone, axis=0).T)
    _, first, times = np.unique(rows.view(f"S{rows.shape[1]}"), return_index=True, return_counts=True)
    for row in first[np.argsort(-times, kind="stable")[:MAX_SETS]].tolist():
        left_out = [clause.label for clause, is_gone in zip(words, gone[:, row], strict=True) if is_gone]
        if change := drop_clauses(typed, left_out):
            yield change


SearchAgain = Callable[[str, tuple[str, ...]], QueryMatches]
"""Searches once more: for another text, and without some of the arguments."""


def find_reason(
    context: QueryContext, tree: Query, typed: Query, bounds: Sequence[RequestFilter], again: SearchAgain
) -> tuple[NoResults | None, tuple[str, ...]]:
    """Why a tree finds nothing, and what would; nothing, and a note, where time is up before that is known.

    `typed` is the tree of the text alone, `bounds` what the arguments add.
    """

    def count(text: str, without: tuple[str, ...]) -> int:
        context.deadline.check()
        found = again(text, without)
        if found.timed_out:
            raise TimedOut
        return len(found.full)

    try:
        return explain_no_results(context, tree, typed, bounds, count), ()
    except TimedOut:
        return None, ("There was no time to find out why nothing was found.",)
