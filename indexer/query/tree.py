"""The nodes of a query tree, and the rules by which a tree is put together.

A tree holds the words as they were typed; whoever evaluates it turns them into terms. Only these nodes occur:

- leaves: `Term`, `Prefix`, `Wildcard`, `FuzzyTerm` (Whoosh's), `RawPhrase`, `DateRange`, `Every()`;
- groups of two or more: `AllOf`, `And`, `Or`;
- wrappers: `Must`, and `Not`, which stands only inside an `And` or `AllOf` that has something else to take
  away from. Inside either there is no `AllOf` and no `Must`.

Where there are dates and exclusions but no words, they stand in an `And` that begins with `Every()`.

The field of a leaf is "text" (title or paragraph), "title" or "paragraph". `NullQuery` stands alone, for
nothing. A tree is final: Whoosh's own `normalize` would turn `And([Every(), Not(x)])` into `Every()`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from whoosh.query.compound import And, Or
from whoosh.query.qcore import Every, NullQuery, Query
from whoosh.query.wrappers import Not, WrappingQuery


class AllOf(And):
    """Words side by side: all are wanted, and partial matches may follow when all find too little."""


class Must(WrappingQuery):
    """What was marked with a plus sign: required, never relaxed."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.child == other.child

    def __hash__(self) -> int:
        return hash((Must, self.child))

    def __str__(self) -> str:
        return f"+{self.child}"


@dataclass(unsafe_hash=True)
class RawPhrase(Query):
    """A phrase as it was typed, without its quotation marks.

    `slop` is how many places apart two neighbours may stand: 1 is side by side.
    """

    fieldname: str
    text: str
    slop: int = 1

    boost = 1.0

    def __str__(self) -> str:
        return f'{self.fieldname}:"{self.text}"' + (f"~{self.slop}" if self.slop > 1 else "")


@dataclass(unsafe_hash=True)
class DateRange(Query):
    """Articles published from `start` on and before `end`: naive local times, None for an open side."""

    start: datetime | None
    end: datetime | None

    fieldname = "date"
    boost = 1.0

    def __str__(self) -> str:
        start, end = (moment.isoformat() if moment else "" for moment in (self.start, self.end))
        return f"date:[{start}..{end})"


def all_of(parts: Iterable[Query | None]) -> Query | None:
    """The parts side by side; None for no part."""
    return _joined(AllOf, parts)


def both(parts: Iterable[Query | None]) -> Query | None:
    """The parts joined by a strict AND; None for no part."""
    return _joined(And, parts)


def either(parts: Iterable[Query | None]) -> Query | None:
    """The parts joined by OR; None for no part."""
    flat: list[Query] = []
    for part in parts:
        if isinstance(part, Or):
            flat.extend(part)
        elif part is not None:
            flat.append(_grounded(part))
    if len(flat) < 2:
        return flat[0] if flat else None
    return Or(flat)


def without(part: Query | None) -> Query | None:
    """Everything but the part."""
    if part is None:
        return None
    return part.query if isinstance(part, Not) else Not(_strict(_grounded(part)))


def required(part: Query | None) -> Query | None:
    """The part, marked as required; exclusions and dates are required as they are."""
    return part if part is None or not has_words(part) else Must(_strict(part))


def complete(tree: Query | None) -> Query | None:
    """The whole tree: over every article, where it has only dates and exclusions."""
    return tree if tree is None or has_words(tree) else _over_all(tree)


def dated(tree: Query, start: datetime | None, end: datetime | None, *, alone: bool) -> Query:
    """A whole tree, kept to articles published from `start` on and before `end`.

    With `alone`, an empty tree becomes everything of those dates; without, it still finds nothing.
    """
    dates = DateRange(start, end)
    if tree is NullQuery:
        return And([Every(), dates]) if alone else tree
    kind = AllOf if type(tree) is AllOf else And
    return kind([*(tree if isinstance(tree, And) else [tree]), dates])


def has_words(tree: Query) -> bool:
    """Whether the tree asks for more than dates, exclusions and everything."""
    if isinstance(tree, Not):
        return False
    if tree.is_leaf():
        return not isinstance(tree, (DateRange, Every))
    return any(has_words(child) for child in tree.children())


def _joined(kind: type[And], parts: Iterable[Query | None]) -> Query | None:
    flat: list[Query] = []
    for part in parts:
        # An And without words has nothing that could be relaxed: it may join either kind.
        if type(part) is kind or (type(part) is And and not has_words(part)):
            flat.extend(part)
        elif part is not None:
            flat.append(part)
    if len(flat) < 2:
        return flat[0] if flat else None
    if not any(has_words(part) for part in flat):
        return _over_all(And(flat)) if any(isinstance(part, Every) for part in flat) else And(flat)
    flat = [part for part in flat if not isinstance(part, Every)]
    return kind(flat) if len(flat) > 1 else flat[0]


def _grounded(part: Query) -> Query:
    """The part, with something to take away from where it is dates and exclusions."""
    return _over_all(part) if isinstance(part, (Not, And)) and not has_words(part) else part


def _over_all(part: Query) -> Query:
    """The part, which has no words, taken from every article."""
    parts = [part for part in (part if isinstance(part, And) else [part]) if not isinstance(part, Every)]
    return And([Every(), *parts]) if parts else Every()


def _strict(part: Query) -> Query:
    """The part, with nothing in it that may be relaxed and no mark that says so."""
    if isinstance(part, Must):
        return _strict(part.child)
    if isinstance(part, And):
        joined = both(_strict(child) for child in part)
        assert joined is not None
        return joined
    return part.apply(_strict)
