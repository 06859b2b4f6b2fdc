"""Queries that ask for a little less than another: pure, tree in and trees out."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from whoosh.query.compound import And, Or
from whoosh.query.qcore import Every, NullQuery, Query
from whoosh.query.terms import FuzzyTerm, Prefix, Term
from whoosh.query.wrappers import Not

from indexer.query.reading import spoken_clause
from indexer.query.tree import (
    AllOf,
    DateRange,
    Filter,
    Must,
    Near,
    RawPhrase,
    all_of,
    both,
    complete,
    either,
    has_words,
    near,
    required,
)
from indexer.query.writing import written

FORM, SPELLING, BEGINNING, PHRASE, FIELD, FILTER, WORD = range(7)
"""How much a change changes, from little to much; leaving out more than one word is WORD + 1 and so on."""

_LETTERS = 3  # of a word of which another spelling is tried
_LONG = 7  # from so many letters on, two may be wrong


@dataclass(frozen=True, slots=True)
class Change:
    """A tree that asks for less, how much less (see WORD), and what was changed, in plain words."""

    tree: Query
    size: int
    text: str


def clauses_of(tree: Query) -> list[Query]:
    """The clauses of a tree that all have to hold, without the everything that it is taken from."""
    parts = [*tree] if isinstance(tree, And) else [tree]
    return [part for part in parts if not isinstance(part, Every) and part is not NullQuery]


def changes(tree: Query, unknown: Collection[str]) -> Iterator[Change]:
    """What may be asked instead of a tree, with all of its words.

    `unknown` are the words, as typed, that stand nowhere.
    """
    parts = clauses_of(tree)
    kinds: list[tuple[Leafwise, int, str]] = [
        (_in_any_form, FORM, "{} in any form"),
        (lambda leaf: _respelt(leaf, unknown), SPELLING, "words spelt like {}"),
        (lambda leaf: _begun(leaf, unknown), BEGINNING, "words that begin with {}"),
        (_taken_apart, PHRASE, "the words of {} wherever they stand"),
        (_anywhere, FIELD, "{} wherever it stands"),
    ]
    for how, size, text in kinds:
        yield from _loosened(tree, parts, how, size, text)
    for place, part in enumerate(parts):
        if not has_words(part):
            yield from _made(tree, [*parts[:place], *parts[place + 1 :]], FILTER, _left_out(part))


def leaving_out(tree: Query, left_out: Collection[str]) -> Change | None:
    """The tree without some of its clauses, as written, which have words; None when that leaves no words."""
    parts = clauses_of(tree)
    kept = [part for part in parts if written(part) not in left_out]
    if not any(map(has_words, kept)):
        return None
    size = WORD + max(0, len(parts) - len(kept) - 1)
    names = ", ".join(label for part in parts if (label := written(part)) in left_out)
    return next(_made(tree, kept, size, f"without {names}"), None)


Leafwise = Callable[[Any], Query | None]
"""What stands for a leaf: itself for no change."""


def _loosened(tree: Query, parts: Sequence[Query], how: Leafwise, size: int, text: str) -> Iterator[Change]:
    """The tree with each clause changed that a change of leaves changes: one at a time, and all together."""
    others = [_mapped(part, how) for part in parts]
    changed = [place for place, part in enumerate(parts) if others[place] is not part]
    for place in changed:
        made = [*parts[:place], others[place], *parts[place + 1 :]]
        yield from _made(tree, made, size, text.format(_name(parts[place])))
    if len(changed) > 1:
        names = ", ".join(_name(parts[place]) for place in changed)
        yield from _made(tree, others, size, text.format(names))


def _made(tree: Query, parts: Iterable[Query | None], size: int, text: str) -> Iterator[Change]:
    """The change, unless nothing is left of the tree."""
    joined = complete((both if type(tree) is And else all_of)(parts))
    if joined is not None:
        yield Change(joined, size, text)


def _mapped(node: Any, how: Leafwise) -> Any:
    """The node with other leaves; the same object when none is another."""
    if isinstance(node, (Not, DateRange, Filter, Every)):
        return node
    if isinstance(node, Must):
        child = _mapped(node.child, how)
        return node if child is node.child else required(child)
    if isinstance(node, (And, Or)):
        parts = [_mapped(part, how) for part in node]
        if all(part is old for part, old in zip(parts, node, strict=True)):
            return node
        join = either if isinstance(node, Or) else all_of if isinstance(node, AllOf) else both
        return join(parts)
    if isinstance(node, Near):
        other = how(node)
        if other is not node:
            return other
        places = [_mapped(part, how) for part in node.parts]
        if all(part is old for part, old in zip(places, node.parts, strict=True)):
            return node
        try:
            return near(places, node.distances, node.boost)
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
        return all_of(leaf.parts)
    if not isinstance(leaf, RawPhrase) or len(leaf.text.split()) == 1:
        return leaf  # type: ignore[no-any-return]
    if leaf.exact:
        return all_of(
            RawPhrase(leaf.fieldname, word, exact=True, boost=leaf.boost) for word in leaf.text.split()
        )
    return all_of(Term(leaf.fieldname, word, boost=leaf.boost) for word in leaf.text.split())


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
        return f"with {written(part.query)}"
    return f"not only articles {spoken_clause(part)}"


def _name(part: Any) -> str:
    return written(part.child if isinstance(part, Must) else part)
