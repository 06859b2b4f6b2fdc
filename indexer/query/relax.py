"""Queries that ask for a little less than another: pure, tree in and trees out."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

from whoosh.query.compound import And, Or
from whoosh.query.qcore import Every, NullQuery, Query
from whoosh.query.terms import FuzzyTerm, Prefix, Term
from whoosh.query.wrappers import Not

from indexer.query.describe import describe_clause
from indexer.query.serialize import serialize_query
from indexer.query.tree import (
    AllOf,
    DateRange,
    Filter,
    Must,
    Near,
    RawPhrase,
    complete_query,
    has_words,
    make_all_of,
    make_and,
    make_must,
    make_near,
    make_or,
)


class RelaxStep(IntEnum):
    """How much a relaxation gives up, from the least to the most.

    Dropping two clauses that have words counts as WORD + 1, dropping three as WORD + 2, and so on.
    """

    FORM = 0
    SPELLING = 1
    BEGINNING = 2
    PHRASE = 3
    FIELD = 4
    FILTER = 5
    WORD = 6


_LETTERS = 3  # of a word of which another spelling is tried
_LONG = 7  # from so many letters on, two may be wrong


@dataclass(frozen=True, slots=True)
class RelaxedQuery:
    """A tree that asks for less, how much less (see RelaxStep.WORD), and what was changed, in plain words."""

    tree: Query
    size: int
    text: str


def split_clauses(tree: Query) -> list[Query]:
    """The clauses of a tree that all have to hold, without the everything that it is taken from."""
    parts = [*tree] if isinstance(tree, And) else [tree]
    return [part for part in parts if not isinstance(part, Every) and part is not NullQuery]


def relax_query(tree: Query, unknown: Collection[str]) -> Iterator[RelaxedQuery]:
    """What may be asked instead of a tree, with all of its words.

    `unknown` are the words, as typed, that stand nowhere.
    """
    parts = split_clauses(tree)
    kinds: list[tuple[Leafwise, int, str]] = [
        (_in_any_form, RelaxStep.FORM, "{} in any form"),
        (lambda leaf: _respelt(leaf, unknown), RelaxStep.SPELLING, "words spelt like {}"),
        (lambda leaf: _begun(leaf, unknown), RelaxStep.BEGINNING, "words that begin with {}"),
        (_taken_apart, RelaxStep.PHRASE, "the words of {} wherever they stand"),
        (_anywhere, RelaxStep.FIELD, "{} wherever it stands"),
    ]
    for how, size, text in kinds:
        yield from _loosened(tree, parts, how, size, text)
    for place, part in enumerate(parts):
        if not has_words(part):
            yield from _made(tree, [*parts[:place], *parts[place + 1 :]], RelaxStep.FILTER, _left_out(part))


def drop_clauses(tree: Query, left_out: Collection[str]) -> RelaxedQuery | None:
    """The tree without some of its clauses, as written, which have words; None when that leaves no words."""
    parts = split_clauses(tree)
    kept = [part for part in parts if serialize_query(part) not in left_out]
    if not any(map(has_words, kept)):
        return None
    size = RelaxStep.WORD + max(0, len(parts) - len(kept) - 1)
    names = ", ".join(label for part in parts if (label := serialize_query(part)) in left_out)
    return next(_made(tree, kept, size, f"without {names}"), None)


Leafwise = Callable[[Any], Query | None]
"""What stands for a leaf: itself for no change."""


def _loosened(
    tree: Query, parts: Sequence[Query], how: Leafwise, size: int, text: str
) -> Iterator[RelaxedQuery]:
    """The tree with each clause changed that a change of leaves changes: one at a time, and all together."""
    others = [_mapped(part, how) for part in parts]
    changed = [place for place, part in enumerate(parts) if others[place] is not part]
    for place in changed:
        made = [*parts[:place], others[place], *parts[place + 1 :]]
        yield from _made(tree, made, size, text.format(_name(parts[place])))
    if len(changed) > 1:
        names = ", ".join(_name(parts[place]) for place in changed)
        yield from _made(tree, others, size, text.format(names))


def _made(tree: Query, parts: Iterable[Query | None], size: int, text: str) -> Iterator[RelaxedQuery]:
    """The change, unless nothing is left of the tree."""
    joined = complete_query((make_and if type(tree) is And else make_all_of)(parts))
    if joined is not None:
        yield RelaxedQuery(joined, size, text)


def _mapped(node: Any, how: Leafwise) -> Any:
    """The node with other leaves; the same object when none is another."""
    if isinstance(node, (Not, DateRange, Filter, Every)):
        return node
    if isinstance(node, Must):
        child = _mapped(node.child, how)
        return node if child is node.child else make_must(child)
    if isinstance(node, (And, Or)):
        parts = [_mapped(part, how) for part in node]
        if all(part is old for part, old in zip(parts, node, strict=True)):
            return node
        join = make_or if isinstance(node, Or) else make_all_of if isinstance(node, AllOf) else make_and
        return join(parts)
    if isinstance(node, Near):
        other = how(node)
        if other is not node:
            return other
        places = [_mapped(part, how) for part in node.parts]
        if all(part is old for part, old in zip(places, node.parts, strict=True)):
            return node
        try:
            return make_near(places, node.distances, node.boost)
        except ValueError:
            return node
    return how(node)


def _in_any_form(leaf: Any) -> Query:
    if not isinstance(leaf, RawPhrase) or not leaf.exact:
        return leaf  # type: ignore[no-any-return]
    if len(leaf.text.split()) == 1:
        return Term(leaf.fieldname, leaf.text, boost=leaf.boost)
    return replace(leaf, exact=False)


def _respelt(leaf: Any, unknown: Collection[str]) -> Query:
    if not _is_unknown(leaf, unknown) or len(leaf.text) < _LETTERS:
        return leaf  # type: ignore[no-any-return]
    edits = 1 if len(leaf.text) < _LONG else 2
    return FuzzyTerm(leaf.fieldname, leaf.text, boost=leaf.boost, maxdist=edits)


def _begun(leaf: Any, unknown: Collection[str]) -> Query:
    if not _is_unknown(leaf, unknown) or len(leaf.text) < _LETTERS:
        return leaf  # type: ignore[no-any-return]
    return Prefix(leaf.fieldname, leaf.text, boost=leaf.boost)


def _is_unknown(leaf: Any, unknown: Collection[str]) -> bool:
    return type(leaf) is Term and leaf.text in unknown and leaf.text.isalpha()


def _taken_apart(leaf: Any) -> Query | None:
    if isinstance(leaf, Near):
        return make_all_of(leaf.parts)
    if not isinstance(leaf, RawPhrase) or len(leaf.text.split()) == 1:
        return leaf  # type: ignore[no-any-return]
    if leaf.exact:
        return make_all_of(
            RawPhrase(leaf.fieldname, word, exact=True, boost=leaf.boost) for word in leaf.text.split()
        )
    return make_all_of(Term(leaf.fieldname, word, boost=leaf.boost) for word in leaf.text.split())


def _anywhere(leaf: Any) -> Query:
    if getattr(leaf, "fieldname", "text") == "text":
        return leaf  # type: ignore[no-any-return]
    if isinstance(leaf, (RawPhrase, Near)):
        changed: Any = replace(leaf, fieldname="text")
        if isinstance(leaf, Near):
            changed = replace(changed, parts=tuple(_mapped(part, _anywhere) for part in leaf.parts))
        return changed  # type: ignore[no-any-return]
    other = copy.copy(leaf)
    other.fieldname = "text"
    return other  # type: ignore[no-any-return]


def _left_out(part: Any) -> str:
    if isinstance(part, Not):
        return f"with {serialize_query(part.query)}"
    return f"not only articles {describe_clause(part)}"


def _name(part: Any) -> str:
    return serialize_query(part.child if isinstance(part, Must) else part)
