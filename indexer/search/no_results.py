"""Why no article meets a query: which clauses cannot be met together, and what finds something instead."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.article import PROPERTIES
from indexer.engine import (
    Ids,
    QueryContext,
    Snapshot,
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
from indexer.search.filters import RequestFilter, read_filters, select_articles
from indexer.search.request import FILTERS, SearchRequest
from indexer.search.settings import SearchSettings

MAX_SUGGESTIONS = 3
_MAX_TRIED = 16  # alternative queries that are counted
_MAX_CHANGES = 64  # relaxed queries that are considered
_MAX_COMPARED = 4096  # articles that lack the fewest words
_MAX_NAMED = 8  # clauses in one sentence
_MAX_SETS = 3  # sets of words that are dropped together
Count = Callable[[str, tuple[str, ...]], int]
"""How many articles another query finds, without some of the filters; raises TimedOut."""
_WORDS, _FILTER, _EXCLUSION = range(3)


@dataclass(frozen=True, slots=True)
class ArgumentFilter:
    """A filter of a request, or its dates: the names of its fields, and what a search without it finds.

    `label` is the filter as it would be typed, `phrase` the same in a sentence, and `articles` (ascending)
    those that pass. Dates have none of these, since they are in the tree.
    """

    names: tuple[str, ...]
    dropped: str
    label: str = ""
    phrase: str = ""
    articles: Ids | None = None


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause that every result must satisfy, and the articles that do (a bit for each, packed).

    `count` is how many articles match it alone; of an exclusion, how many have what is excluded. `phrase` is
    the clause in a sentence.
    """

    kind: int
    label: str
    phrase: str
    passing: NDArray[np.uint8]
    count: int
    node: Query | None = None


def explain_no_results(
    context: QueryContext, settings: SearchSettings, request: SearchRequest, tree: Query
) -> NoResults | None:
    """Why no article matches the tree of a request, and which searches find something; None for no tree.

    Raises TimedOut when there is no time to find the reason. There are fewer suggestions when the time is up
    later.
    """
    if tree is NullQuery:
        return None
    snapshot = context.snapshot
    if not snapshot.articles:
        return NoResults(make_note(NoteCode.EMPTY_INDEX))
    filters = _request_filters(snapshot, settings, request)
    clauses = _clauses(context, tree, filters)
    if not clauses:
        return None

    known = _list_known(snapshot, clauses)

    def count(text: str, without: tuple[str, ...]) -> int:
        context.deadline.check()
        other = replace(request.without(without) if without else request, query=text, prefix=False)
        tree = settings.parse_request(other).tree
        parts = [*tree] if isinstance(tree, And) else [tree]
        if not without and all(part in known for part in parts):
            passing = [known[part] for part in parts]
            passing += (clause.passing for clause in clauses if clause.node is None)
            return int(np.bitwise_count(np.bitwise_and.reduce(passing)).sum())
        allowed = select_articles(snapshot, settings, other.filters)
        found = run_query(context, tree, depth=0, restrict_to=allowed)
        if found.timed_out:
            raise TimedOut
        return len(found.full)

    conflict = _smallest_conflict(clauses)
    reason = _reason(conflict)
    unknown = _unknown_words(context, clauses)
    found: list[tuple[int, AlternativeQuery]] = []
    try:
        typed = settings.parse(request.query).tree
        for alternative in _alternatives(typed, filters, clauses, unknown, count):
            found.append(alternative)
    except TimedOut:
        pass
    found.sort(key=lambda alternative: (alternative[0], -alternative[1].count))
    return NoResults(
        reason,
        tuple(clause.label for clause in conflict),
        tuple(alternative for _, alternative in found[:MAX_SUGGESTIONS]),
    )


def _request_filters(
    snapshot: Snapshot, settings: SearchSettings, request: SearchRequest
) -> list[ArgumentFilter]:
    found = []
    if dates := tuple(name for name in ("since", "until") if getattr(request, name)):
        found.append(ArgumentFilter(dates, "whatever the date"))
    for own in read_filters(snapshot, settings, request.filters):
        dropped = FILTERS[own.name].dropped if own.name in FILTERS else f"whatever the {own.name}"
        label = " ".join(map(serialize_query, own.clauses)) or own.name
        found.append(ArgumentFilter((own.name,), dropped, label, _describe_filter(own), own.articles))
    return found


def _describe_filter(own: RequestFilter) -> str:
    """The filter as it follows "articles" in a sentence."""
    if own.name == "undated":
        return "without a date"
    if not own.clauses:
        return f"in an empty list ({own.name})"
    if own.name in PROPERTIES:
        values = [f"“{node.text}”" for node in own.clauses if isinstance(node, Filter)]
        return PROPERTIES[own.name].phrase.format(" or ".join(values))
    return " or ".join(map(describe_clause, own.clauses))


def _clauses(context: QueryContext, tree: Query, filters: Sequence[ArgumentFilter]) -> list[Clause]:
    """The clauses of a tree: words first, the rarest first, then filters, then exclusions."""
    clauses = read_clauses(context, tree)
    found = []
    for node in (part for part in (*clauses.optional, *clauses.required) if part is not NullQuery):
        inner: Any = node.query if isinstance(node, Not) else node
        kind = _EXCLUSION if isinstance(node, Not) else _WORDS
        if kind == _WORDS and not has_words(inner):
            kind = _FILTER
        label = serialize_query(node)
        is_wrapped = isinstance(inner, Must) or inner is not node
        text = serialize_query(inner.child if isinstance(inner, Must) else inner) if is_wrapped else label
        text = shorten_clause(text)
        words = text if '"' in text else f"“{text}”"
        phrase = describe_clause(inner) if kind == _FILTER else words
        matching = match_node(context, inner)
        passing = _pack(context, matching, excluded=kind == _EXCLUSION)
        if languages := clauses.ignored.get(node):
            # Articles in which it is a common word need not have it.
            passing |= np.packbits(context.snapshot.statistics.select(languages))
        found.append(Clause(kind, label, phrase, passing, len(matching), node))
    for own in filters:
        if own.articles is not None:
            passing = _pack(context, own.articles)
            found.append(Clause(_FILTER, own.label, own.phrase, passing, len(own.articles)))
    return sorted(found, key=lambda clause: (clause.kind, clause.count))


def _list_known(snapshot: Snapshot, clauses: Sequence[Clause]) -> dict[Query, NDArray[np.uint8]]:
    """The clauses whose articles in another query are known, and those articles.

    Whether a common word is ignored depends on the other words.
    """
    languages = snapshot.statistics.languages
    return {
        clause.node: clause.passing
        for clause in clauses
        if clause.node is not None
        and not (
            type(clause.node) is Term
            and any(is_common_word(clause.node.text, language) for language in languages)
        )
    }


def _pack(context: QueryContext, articles: Ids, *, excluded: bool = False) -> NDArray[np.uint8]:
    """A bit for each article, set for these (or, with `excluded`, all others), padded with zeros: uint8."""
    flags = np.full(context.snapshot.articles, excluded)
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
        [clause for clause in conflict if clause.kind == kind] for kind in (_WORDS, _FILTER, _EXCLUSION)
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


def _unknown_words(context: QueryContext, clauses: Sequence[Clause]) -> set[str]:
    """The words of the clauses that no article has."""
    found = set()
    for clause in clauses:
        for leaf in clause.node.leaves() if clause.node else ():
            if type(leaf) is Term:
                count = clause.count if leaf is clause.node else len(match_node(context, leaf))
                found |= set() if count else {leaf.text}
    return found


def _alternatives(
    typed: Query,
    filters: Sequence[ArgumentFilter],
    clauses: Sequence[Clause],
    unknown: set[str],
    count: Count,
) -> Iterator[tuple[int, AlternativeQuery]]:
    """Queries that find something and the size of their change, the smallest first.

    All of one size are given, so that the caller can choose those that find most. Raises TimedOut.
    """
    candidates: list[tuple[RelaxedQuery, tuple[str, ...]]] = [
        (change, ()) for change in islice(relax_query(typed, unknown), _MAX_CHANGES)
    ]
    candidates += [(RelaxedQuery(typed, RelaxStep.FILTER, _note_dropped(own)), own.names) for own in filters]
    candidates += [(change, ()) for change in _drop_words(typed, clauses)]
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
            if number := count(query, without):
                found += 1
                yield change.size, AlternativeQuery(change.change, query, number, without)


def _drop_words(typed: Query, clauses: Sequence[Clause]) -> Iterator[RelaxedQuery]:
    """The typed tree without the words that are missing in the articles that have most of them."""
    words = [clause for clause in clauses if clause.kind == _WORDS]
    others = [clause.passing for clause in clauses if clause.kind != _WORDS]
    if len(words) < 2:
        return
    counts = np.zeros(len(words[0].passing) * 8, np.int16)
    for clause in words:
        counts += np.unpackbits(clause.passing)
    for passing in others:
        counts *= np.unpackbits(passing)
    most = int(counts.max())
    if not most:
        return
    best = np.flatnonzero(counts == most)[:_MAX_COMPARED]
    missing = np.array(
        [~clause.passing[best // 8] >> (7 - best % 8).astype(np.uint8) & 1 for clause in words]
    )
    # Rows are compared as strings, which NumPy does faster than number by number.
    rows = np.ascontiguousarray(np.packbits(missing, axis=0).T)
    _, first, times = np.unique(rows.view(f"S{rows.shape[1]}"), return_index=True, return_counts=True)
    for row in first[np.argsort(-times, kind="stable")[:_MAX_SETS]].tolist():
        dropped = [
            clause.label for clause, is_missing in zip(words, missing[:, row], strict=True) if is_missing
        ]
        if change := drop_clauses(typed, dropped):
            yield change
