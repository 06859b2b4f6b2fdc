"""A query that finds nothing → queries that ask for a little less."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from whoosh.query.compound import And, Or
from whoosh.query.qcore import Every, NullQuery, Query
from whoosh.query.terms import FuzzyTerm, Prefix, Term
from whoosh.query.wrappers import Not

from indexer.query.describe import describe_clause
from indexer.query.notes import NoteCode, make_note
from indexer.query.serialize import serialize_query
from indexer.query.tree import (
    AllOf,
    FilterNode,
    Must,
    Near,
    RawPhrase,
    change_leaf,
    complete_query,
    has_words,
    make_all_of,
    make_and,
    make_must,
    make_near,
    make_or,
)
from indexer.results import Note


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


_MIN_LETTERS = 3  # of a word for which other spellings are tried
_LONG = 7  # letters from which on a word may have two wrong ones


@dataclass(frozen=True, slots=True)
class RelaxedQuery:
    """A tree that asks for less, the size of the change as a RelaxStep, and a note on the change."""

    tree: Query
    size: int
    change: Note


ChangeLeaf = Callable[[Any], Query | None]
"""Returns what replaces a leaf: the same object for no change."""


def relax_query(tree: Query, unknown: Collection[str]) -> Iterator[RelaxedQuery]:
    """Yield relaxations that keep all the words of a tree.

    `unknown` are the words, as typed, that no article has.
    """
    parts = _split_clauses(tree)
    kinds: list[tuple[ChangeLeaf, RelaxStep, NoteCode]] = [
        (_allow_any_form, RelaxStep.FORM, NoteCode.ANY_FORM),
        (lambda leaf: _allow_other_spelling(leaf, unknown), RelaxStep.SPELLING, NoteCode.OTHER_SPELLING),
        (lambda leaf: _allow_any_ending(leaf, unknown), RelaxStep.BEGINNING, NoteCode.ANY_ENDING),
        (_split_phrase, RelaxStep.PHRASE, NoteCode.WORDS_APART),
        (_allow_any_field, RelaxStep.FIELD, NoteCode.ANY_FIELD),
    ]
    for change, size, code in kinds:
        yield from _change_clauses(tree, parts, change, size, code)
    for place, part in enumerate(parts):
        if not has_words(part):
            if isinstance(part, Not):
                note = make_note(NoteCode.WITHOUT_EXCLUSION, {"clause": serialize_query(part.query)})
            else:
                clause = {"clause": serialize_query(part)}
                note = make_note(NoteCode.WITHOUT_FILTER, clause, filter=describe_clause(part))
            yield from _relax(tree, [*parts[:place], *parts[place + 1 :]], RelaxStep.FILTER, note)


def drop_clauses(tree: Query, dropped: Collection[str]) -> RelaxedQuery | None:
    """Drop some of the clauses that have words, given as `serialize_query` writes them.

    Returns None if no words would be left.
    """
    parts = _split_clauses(tree)
    labels = [serialize_query(part) for part in parts]
    kept = [part for part, label in zip(parts, labels, strict=True) if label not in dropped]
    if not any(map(has_words, kept)):
        return None
    size = RelaxStep.WORD + max(0, len(parts) - len(kept) - 1)
    labels = [label for label in labels if label in dropped]
    return next(_relax(tree, kept, size, _note_clauses(NoteCode.WITHOUT_WORDS, labels)), None)


def _split_clauses(tree: Query) -> list[Query]:
    """Return the clauses of a tree that all must hold, without `Every()`."""
    parts = [*tree] if isinstance(tree, And) else [tree]
    return [part for part in parts if not isinstance(part, Every) and part is not NullQuery]


def _change_clauses(
    tree: Query, parts: Sequence[Query], change: ChangeLeaf, size: int, code: NoteCode
) -> Iterator[RelaxedQuery]:
    """Yield the tree with each clause changed in turn, then with all of them changed."""
    others = [_change_leaves(part, change) for part in parts]
    changed = [place for place, part in enumerate(parts) if others[place] is not part]
    names = [_serialize_clause(parts[place]) for place in changed]
    for place, name in zip(changed, names, strict=True):
        relaxed = [*parts[:place], others[place], *parts[place + 1 :]]
        yield from _relax(tree, relaxed, size, _note_clauses(code, [name]))
    if len(changed) > 1:
        yield from _relax(tree, others, size, _note_clauses(code, names))


def _relax(tree: Query, parts: Iterable[Query | None], size: int, change: Note) -> Iterator[RelaxedQuery]:
    """Yield the tree with other parts, unless nothing is left of it."""
    joined = complete_query((make_and if type(tree) is And else make_all_of)(parts))
    if joined is not None:
        yield RelaxedQuery(joined, size, change)


def _note_clauses(code: NoteCode, labels: Sequence[str]) -> Note:
    return make_note(code, {"clauses": tuple(labels)}, clauses=", ".join(labels))


def _change_leaves(node: Any, change: ChangeLeaf) -> Any:
    """Return the node with its leaves changed; the same object if no leaf changes."""
    if isinstance(node, (Not, FilterNode, Every)):
        return node
    if isinstance(node, Near) and (changed := change(node)) is not node:
        return changed
    if not isinstance(node, (Must, And, Or, Near)):
        return change(node)
    old = node.parts if isinstance(node, Near) else [*node.children()]
    parts = [_change_leaves(part, change) for part in old]
    if all(part is same for part, same in zip(parts, old, strict=True)):
        return node
    if isinstance(node, Must):
        return make_must(parts[0])
    if isinstance(node, Near):
        return make_near(parts, node.distances, node.boost)
    join = make_or if isinstance(node, Or) else make_all_of if isinstance(node, AllOf) else make_and
    return join(parts)


def _allow_any_form(leaf: Any) -> Any:
    if not isinstance(leaf, RawPhrase):
        return leaf
    if len(leaf.text.split()) == 1:
        return Term(leaf.fieldname, leaf.text, boost=leaf.boost)
    return change_leaf(leaf, exact=False) if leaf.exact else leaf


def _allow_other_spelling(leaf: Any, unknown: Collection[str]) -> Any:
    if not _is_unknown(leaf, unknown):
        return leaf
    edits = 1 if len(leaf.text) < _LONG else 2
    return FuzzyTerm(leaf.fieldname, leaf.text, boost=leaf.boost, maxdist=edits)


def _allow_any_ending(leaf: Any, unknown: Collection[str]) -> Any:
    return Prefix(leaf.fieldname, leaf.text, boost=leaf.boost) if _is_unknown(leaf, unknown) else leaf


def _is_unknown(leaf: Any, unknown: Collection[str]) -> bool:
    is_word = type(leaf) is Term and leaf.text.isalpha() and len(leaf.text) >= _MIN_LETTERS
    return is_word and leaf.text in unknown


def _split_phrase(leaf: Any) -> Any:
    if isinstance(leaf, Near):
        return make_all_of(leaf.parts)
    if not isinstance(leaf, RawPhrase) or len(leaf.text.split()) == 1:
        return leaf
    if leaf.exact:
        return make_all_of(change_leaf(leaf, text=word, slop=1) for word in leaf.text.split())
    return make_all_of(Term(leaf.fieldname, word, boost=leaf.boost) for word in leaf.text.split())


def _allow_any_field(leaf: Any) -> Any:
    if getattr(leaf, "fieldname", "text") == "text":
        return leaf
    if isinstance(leaf, Near):
        parts = tuple(_change_leaves(part, _allow_any_field) for part in leaf.parts)
        return change_leaf(leaf, fieldname="text", parts=parts)
    return change_leaf(leaf, fieldname="text")


def _serialize_clause(part: Any) -> str:
    return serialize_query(part.child if isinstance(part, Must) else part)
