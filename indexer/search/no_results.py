"""Why no article meets a query: which clauses cannot be met together, and what finds something instead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, islice
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from indexer.article import PROPERTIES
from indexer.engine import (
    Ids,
    QueryContext,
    TimedOut,
    is_common_word,
    match_node,
    read_clauses,
    run_query,
)
from indexer.query import (
    And,
    Filter,
    Must,
    Not,
    NoteCode,
    NullQuery,
    Query,
    RelaxedQuery,
    RelaxStep,
    Term,
    describe_clause,
    drop_clauses,
    has_words,
    make_note,
    relax_query,
    serialize_query,
    shorten_clause,
)
from indexer.results import AlternativeQuery, NoResults, Note, NoteValue
from indexer.search.filters import FilterClauses, parse_filters, read_filters, select_articles
from indexer.search.request import FILTERS, SearchRequest
from indexer.search.settings import SearchSettings

MAX_SUGGESTIONS = 3
_MAX_TRIED = 16  # alternative queries that are counted
_MAX_CHANGES = 64  # relaxed queries that are considered
_MAX_COMPARED = 4096  # articles that lack the fewest words
_MAX_NAMED = 8  # clauses in one sentence
_MAX_SETS = 3  # sets of words that are dropped together
WORDS, FILTER, EXCLUSION = range(3)
"""The kinds of clauses, in the order in which they are considered."""


class Passing(Protocol):
    """The articles that pass something: a bit for each, or what an engine has instead."""

    def __and__(self, other: Any, /) -> Any: ...
    def any(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class ArgumentFilter:
    """A filter of a request, or its dates: the names of its fields, and what a search without it finds.

    `label` is the filter as it would be typed, `phrase` the same in a sentence, and `own` what it is made of.
    Dates have none of these, since they are in the tree.
    """

    names: tuple[str, ...]
    dropped: str
    label: str = ""
    phrase: str = ""
    own: FilterClauses | None = None


@dataclass(frozen=True, slots=True)
class ClauseLabel:
    """A clause as it would be typed, and as it stands in a sentence; `inner` is what is to be matched."""

    kind: int
    label: str
    phrase: str
    inner: Query


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause that every result must satisfy, and the articles that do.

    `count` is how many articles match it alone; of an exclusion, how many have what is excluded. `phrase` is
    the clause in a sentence.
    """

    kind: int
    label: str
    phrase: str
    passing: Passing
    count: int
    node: Query | None = None


class ClauseCounter(Protocol):
    """What an engine finds out about the clauses of a query that finds nothing. Raises TimedOut."""

    @property
    def is_empty(self) -> bool:
        """Whether there are no articles at all."""

    def list_clauses(self, tree: Query, filters: Sequence[ArgumentFilter]) -> list[Clause]:
        """The clauses of a tree and the filters of a request."""

    def count(self, text: str, without: tuple[str, ...]) -> int:
        """How many articles another query finds, without some of the filters."""

    def has_word(self, leaf: Query) -> bool:
        """Whether any article has a word of the query."""

    def list_lacking(self, words: Sequence[Clause], others: Sequence[Clause]) -> list[list[str]]:
        """The labels of the words that are missing in the articles that have most of them.

        Only articles that pass all of the others count. The sets that are missing most often come first, and
        only a few are needed.
        """


def explain_no_results(
    context: QueryContext, settings: SearchSettings, request: SearchRequest, tree: Query
) -> NoResults | None:
    """Why no article matches the tree of a request, and which searches find something; None for no tree.

    Raises TimedOut when there is no time to find the reason. There are fewer suggestions when the time is up
    later.
    """
    return explain_clauses(_SnapshotCounter(context, settings, request), settings, request, tree)


def explain_clauses(
    counter: ClauseCounter, settings: SearchSettings, request: SearchRequest, tree: Query
) -> NoResults | None:
    """See `explain_no_results`; the clauses are matched by an engine."""
    if tree is NullQuery:
        return None
    if counter.is_empty:
        return NoResults(make_note(NoteCode.EMPTY_INDEX))
    filters = _request_filters(settings, request)
    clauses = sorted(counter.list_clauses(tree, filters), key=lambda clause: (clause.kind, clause.count))
    if not clauses:
        return None
    conflict = _smallest_conflict(clauses)
    reason = _reason(conflict)
    unknown = _unknown_words(counter, clauses)
    found: list[tuple[int, AlternativeQuery]] = []
    try:
        typed = settings.parse(request.query).tree
        for alternative in _alternatives(typed, filters, clauses, unknown, counter):
            found.append(alternative)
    except TimedOut:
        pass
    found.sort(key=lambda alternative: (alternative[0], -alternative[1].count))
    return NoResults(
        reason,
        tuple(clause.label for clause in conflict),
        tuple(alternative for _, alternative in found[:MAX_SUGGESTIONS]),
    )


def _request_filters(settings: SearchSettings, request: SearchRequest) -> list[ArgumentFilter]:
    found = []
    if dates := tuple(name for name in ("since", "until") if getattr(request, name)):
        found.append(ArgumentFilter(dates, "whatever the date"))
    for own in parse_filters(settings, request.filters):
        dropped = FILTERS[own.name].dropped if own.name in FILTERS else f"whatever the {own.name}"
        label = " ".join(map(serialize_query, own.clauses)) or own.name
        found.append(ArgumentFilter((own.name,), dropped, label, _describe_filter(own), own))
    return found


def _describe_filter(own: FilterClauses) -> str:
    """The filter as it follows "articles" in a sentence."""
    if own.name == "undated":
        return "without a date"
    if not own.clauses:
        return f"in an empty list ({own.name})"
    if own.name in PROPERTIES:
        values = [f"“{node.text}”" for node in own.clauses if isinstance(node, Filter)]
        return PROPERTIES[own.name].phrase.format(" or ".join(values))
    return " or ".join(map(describe_clause, own.clauses))


def label_clause(node: Any) -> ClauseLabel:
    """How a clause of a tree is named."""
    inner: Any = node.query if isinstance(node, Not) else node
    kind = EXCLUSION if isinstance(node, Not) else WORDS
    if kind == WORDS and not has_words(inner):
        kind = FILTER
    label = serialize_query(node)
    is_wrapped = isinstance(inner, Must) or inner is not node
    text = serialize_query(inner.child if isinstance(inner, Must) else inner) if is_wrapped else label
    text = shorten_clause(text)
    words = text if '"' in text else f"“{text}”"
    return ClauseLabel(kind, label, describe_clause(inner) if kind == FILTER else words, inner)


class _SnapshotCounter:
    """Matches the clauses of a request in a snapshot; see `ClauseCounter`.

    The articles that pass a clause are bits, packed (uint8).
    """

    def __init__(self, context: QueryContext, settings: SearchSettings, request: SearchRequest) -> None:
        self._context, self._settings, self._request = context, settings, request
        self._known: dict[Query, NDArray[np.uint8]] = {}
        self._filters: list[NDArray[np.uint8]] = []

    @property
    def is_empty(self) -> bool:
        return not self._context.snapshot.articles

    def list_clauses(self, tree: Query, filters: Sequence[ArgumentFilter]) -> list[Clause]:
        snapshot, found = self._context.snapshot, []
        clauses = read_clauses(self._context, tree)
        for node in (part for part in (*clauses.optional, *clauses.required) if part is not NullQuery):
            own = label_clause(node)
            matching = match_node(self._context, own.inner)
            passing = self._pack(matching, excluded=own.kind == EXCLUSION)
            if languages := clauses.ignored.get(node):
                # Articles in which it is a common word need not have it.
                passing |= np.packbits(snapshot.statistics.select(languages))
            found.append(Clause(own.kind, own.label, own.phrase, passing, len(matching), node))
            if not self._depends_on_others(node):
                self._known[node] = passing
        own_filters = read_filters(snapshot, self._settings, self._request.filters)
        named = (own for own in filters if own.own)
        for argument, request_filter in zip(named, own_filters, strict=True):
            passing = self._pack(request_filter.articles)
            self._filters.append(passing)
            count = len(request_filter.articles)
            found.append(Clause(FILTER, argument.label, argument.phrase, passing, count))
        return found

    def count(self, text: str, without: tuple[str, ...]) -> int:
        self._context.deadline.check()
        request = self._request.without(without) if without else self._request
        request = replace(request, query=text, prefix=False)
        tree = self._settings.parse_request(request).tree
        parts = [*tree] if isinstance(tree, And) else [tree]
        if not without and all(part in self._known for part in parts):
            passing = [*(self._known[part] for part in parts), *self._filters]
            return int(np.bitwise_count(np.bitwise_and.reduce(passing)).sum())
        allowed = select_articles(self._context.snapshot, self._settings, request.filters)
        found = run_query(self._context, tree, depth=0, restrict_to=allowed)
        if found.timed_out:
            raise TimedOut
        return len(found.full)

    def has_word(self, leaf: Query) -> bool:
        return len(match_node(self._context, leaf)) > 0

    def list_lacking(self, words: Sequence[Clause], others: Sequence[Clause]) -> list[list[str]]:
        rows = [np.asarray(clause.passing) for clause in words]
        counts = np.zeros(len(rows[0]) * 8, np.int16)
        for row in rows:
            counts += np.unpackbits(row)
        for clause in others:
            counts *= np.unpackbits(np.asarray(clause.passing))
        most = int(counts.max())
        if not most:
            return []
        best = np.flatnonzero(counts == most)[:_MAX_COMPARED]
        missing = np.array([~row[best // 8] >> (7 - best % 8).astype(np.uint8) & 1 for row in rows])
        # Rows are compared as strings, which NumPy does faster than number by number.
        packed = np.ascontiguousarray(np.packbits(missing, axis=0).T)
        _, first, times = np.unique(packed.view(f"S{packed.shape[1]}"), return_index=True, return_counts=True)
        return [
            [clause.label for clause, is_missing in zip(words, missing[:, row], strict=True) if is_missing]
            for row in first[np.argsort(-times, kind="stable")[:_MAX_SETS]].tolist()
        ]

    def _depends_on_others(self, node: Query) -> bool:
        """Whether other words decide if this one is ignored, as a common word."""
        languages = self._context.snapshot.statistics.languages
        return type(node) is Term and any(is_common_word(node.text, language) for language in languages)

    def _pack(self, articles: Ids, *, excluded: bool = False) -> NDArray[np.uint8]:
        """A bit for each article, set for these (or, with `excluded`, all others), padded with zeros."""
        flags = np.full(self._context.snapshot.articles, excluded)
        flags[articles] = not excluded
        return np.packbits(flags)


def _smallest_conflict(clauses: Sequence[Clause]) -> list[Clause]:
    """The fewest clauses that no article satisfies together, of the first ones for which that is so."""
    reached = [clauses[0].passing]
    for clause in clauses[1:]:
        if not reached[-1].any():
            break
        reached.append(reached[-1] & clause.passing)
    kept = [clauses[len(reached) - 1]]
    left = kept[0].passing
    # Clauses are sorted by frequency: dropping the most frequent ones first keeps the rare ones.
    for number in range(len(reached) - 2, -1, -1):
        without = reached[number - 1] & left if number else left
        if without.any():
            kept.append(clauses[number])
            left = left & clauses[number].passing
    return sorted(kept, key=clauses.index)


def _reason(conflict: Sequence[Clause]) -> Note:
    """A note that says that no article satisfies the clauses."""
    words, filters, excluded = (
        [clause for clause in conflict if clause.kind == kind] for kind in (WORDS, FILTER, EXCLUSION)
    )
    values: dict[str, NoteValue] = {
        "words": tuple(clause.label for clause in words),
        "counts": tuple(clause.count for clause in words),
        "filters": tuple(clause.label for clause in filters),
        "excluded": tuple(clause.label for clause in excluded),
    }
    named = _list([clause.phrase for clause in words]) if words else ""
    having = f" with {named}" if words else ""
    limits = " and ".join(clause.phrase for clause in filters)
    if excluded:
        passing = f" that is {limits}" if limits else ""
        other = _list([clause.phrase for clause in excluded], "or")
        return make_note(
            NoteCode.EVERY_ARTICLE_EXCLUDED, values, having=having, passing=passing, excluded=other
        )
    if limits:
        return make_note(NoteCode.NO_ARTICLE_PASSES, values, having=having, filters=limits)
    if len(words) == 1:
        return make_note(NoteCode.NO_ARTICLE_HAS, values, words=named)
    all_of = "both" if len(words) == 2 else "all of"
    counted = _list([f"{clause.phrase} ({clause.count:,})" for clause in words])
    return make_note(NoteCode.NO_ARTICLE_HAS_ALL, values, all_of=all_of, words=counted)


def _note_dropped(own: ArgumentFilter) -> Note:
    return make_note(NoteCode.WITHOUT_ARGUMENTS, {"arguments": own.names}, change=own.dropped)


def _list(names: Iterable[str], last: str = "and") -> str:
    *most, end = names
    if len(most) >= _MAX_NAMED:
        most, end = most[: _MAX_NAMED - 1], f"{len(most) - _MAX_NAMED + 2} more"
    return f"{', '.join(most)} {last} {end}" if most else end


def _unknown_words(counter: ClauseCounter, clauses: Sequence[Clause]) -> set[str]:
    """The words of the clauses that no article has."""
    found = set()
    for clause in clauses:
        for leaf in clause.node.leaves() if clause.node else ():
            if type(leaf) is Term:
                is_known = clause.count > 0 if leaf is clause.node else counter.has_word(leaf)
                found |= set() if is_known else {leaf.text}
    return found


def _alternatives(
    typed: Query,
    filters: Sequence[ArgumentFilter],
    clauses: Sequence[Clause],
    unknown: set[str],
    counter: ClauseCounter,
) -> Iterator[tuple[int, AlternativeQuery]]:
    """Queries that find something and the size of their change, the smallest first.

    All of one size are given, so that the caller can choose those that find most. Raises TimedOut.
    """
    candidates: list[tuple[RelaxedQuery, tuple[str, ...]]] = [
        (change, ()) for change in islice(relax_query(typed, unknown), _MAX_CHANGES)
    ]
    candidates += [(RelaxedQuery(typed, RelaxStep.FILTER, _note_dropped(own)), own.names) for own in filters]
    candidates += [(change, ()) for change in _drop_words(typed, clauses, counter)]
    candidates.sort(key=lambda candidate: candidate[0].size)
    found = tried = 0
    seen = set()
    for _, equals in groupby(candidates, key=lambda candidate: candidate[0].size):
        if found >= MAX_SUGGESTIONS:
            return
        for change, without in equals:
            query = serialize_query(change.tree)
            if (query, without) in seen or tried >= _MAX_TRIED:
                continue
            seen.add((query, without))
            tried += 1
            if number := counter.count(query, without):
                found += 1
                yield change.size, AlternativeQuery(change.change, query, number, without)


def _drop_words(typed: Query, clauses: Sequence[Clause], counter: ClauseCounter) -> Iterator[RelaxedQuery]:
    """The typed tree without the words that are missing in the articles that have most of them."""
    words = [clause for clause in clauses if clause.kind == WORDS]
    if len(words) < 2:
        return
    others = [clause for clause in clauses if clause.kind != WORDS]
    for dropped in counter.list_lacking(words, others):
        if change := drop_clauses(typed, dropped):
            yield change
