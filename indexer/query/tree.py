"""The nodes of a query tree, and the rules by which a tree is put together.

A tree holds the words as they were typed; whoever evaluates it turns them into terms. Only these nodes occur:

- words: `Term`, `Prefix`, `Wildcard`, `FuzzyTerm` (Whoosh's), `RawPhrase`, and `Near`, which is made of them;
- filters, which pass articles and add nothing to a score: `DateRange`, `Filter`, `Every()`;
- groups of two or more: `AllOf`, `And`, `Or`;
- wrappers: `Must`, and `Not`, which stands only inside an `And` or `AllOf` that has something else to take
  away from. Inside either there is no `AllOf` and no `Must`.

Where there are filters and exclusions but no words, they stand in an `And` that begins with `Every()`.

The field of words is "text" (title or paragraph), "title" or "paragraph"; of a filter, what it looks at.
Words have a `boost`, by which their score is multiplied; nothing else has another than 1. `NullQuery` stands
alone, for nothing. A tree is final: Whoosh's own `normalize` would turn `And([Every(), Not(x)])` into
`Every()`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from whoosh.query.compound import And, Or
from whoosh.query.qcore import Every, NullQuery, Query
from whoosh.query.terms import FuzzyTerm, Prefix, Term, Wildcard
from whoosh.query.wrappers import Not, WrappingQuery

from indexer.limits import BOOST

LABELS = ("language", "site", "source", "id")
"""What a `Filter` may look at."""


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

    `slop` is how many places apart two neighbours may stand: 1 is side by side. With `exact`, its words (it
    may be a single one) are wanted as they are written, not in any form.
    """

    fieldname: str
    text: str
    slop: int = 1
    exact: bool = False
    boost: float = 1.0

    def __str__(self) -> str:
        slop = f"~{self.slop}" if self.slop > 1 else ""
        return f'{self.fieldname}:{"=" * self.exact}"{self.text}"{slop}{_power(self.boost)}'


@dataclass(unsafe_hash=True)
class Near(Query):
    """Words that meet in one paragraph or the title, in whatever order.

    `parts` are words (but no `Near`), or an `Or` of them; `distances` has, for each part after the first, how
    many places it may stand from the one before: 1 is side by side. The fields of the parts do not count.
    """

    fieldname: str
    parts: tuple[Query, ...]
    distances: tuple[int, ...]
    boost: float = 1.0

    def __str__(self) -> str:
        rest = zip(self.distances, self.parts[1:], strict=True)
        chain = " ".join([str(self.parts[0]), *(f"NEAR/{distance} {part}" for distance, part in rest)])
        return f"{self.fieldname}:({chain}){_power(self.boost)}"


@dataclass(unsafe_hash=True)
class Filter(Query):
    """Articles by what is known of them: `fieldname` is one of LABELS, `text` the value as it was typed."""

    fieldname: str
    text: str

    boost = 1.0

    def __str__(self) -> str:
        return f'{self.fieldname}:"{self.text}"'


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


def make_all_of(parts: Iterable[Query | None]) -> Query | None:
    """The parts side by side; None for no part."""
    return _joined(AllOf, parts)


def make_and(parts: Iterable[Query | None]) -> Query | None:
    """The parts joined by a strict AND; None for no part."""
    return _joined(And, parts)


def make_or(parts: Iterable[Query | None]) -> Query | None:
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


def make_not(part: Query | None) -> Query | None:
    """Everything but the part."""
    if part is None:
        return None
    if isinstance(part, Not):
        return part.query
    return Not(boost_query(_strict(_grounded(part)), 1.0, anew=True))


def make_must(part: Query | None) -> Query | None:
    """The part, marked as required; exclusions and filters are required as they are."""
    return part if part is None or not has_words(part) else Must(_strict(part))


def make_near(parts: Iterable[Query | None], distances: Sequence[int], boost: float = 1.0) -> Query | None:
    """The parts near one another, each within a distance of the one before; None for no part.

    Raises ValueError when a part is something that has no place in a text, or stands in another field.
    """
    kept = [(part, gap) for part, gap in zip(parts, (0, *distances), strict=True) if part is not None]
    if len(kept) < 2:
        return boost_query(kept[0][0], boost) if kept else None
    leaves: list[Any] = [leaf for part, _ in kept for leaf in (part if isinstance(part, Or) else [part])]
    if not all(type(leaf) in (Term, Prefix, Wildcard, FuzzyTerm, RawPhrase) for leaf in leaves):
        raise ValueError("a part has no place in a text")
    fields = {leaf.fieldname for leaf in leaves} - {"text"}
    if len(fields) > 1:
        raise ValueError("the parts are in different fields")
    for part, _ in kept:
        # Of alternatives only one need be there.
        own: list[Any] = list(part) if isinstance(part, Or) else [part]
        boost *= max(leaf.boost for leaf in own)
    plain = tuple(boost_query(part, 1.0, anew=True) for part, _ in kept)
    field = fields.pop() if fields else "text"
    return Near(field, plain, tuple(gap for _, gap in kept[1:]), min(boost, BOOST))


def boost_query(tree: Any, factor: float, *, anew: bool = False) -> Any:
    """The tree with the scores of all its words multiplied; with `anew`, whatever they were before."""
    if isinstance(tree, (DateRange, Filter, Every)) or tree is NullQuery or (factor == 1.0 and not anew):
        return tree
    if not tree.is_leaf():
        return tree.apply(lambda child: boost_query(child, factor, anew=anew))
    boost = min(factor if anew else tree.boost * factor, BOOST)
    if isinstance(tree, (RawPhrase, Near)):
        return replace(tree, boost=boost)
    tree = copy.copy(tree)
    tree.boost = boost
    return tree


def complete_query(tree: Query | None) -> Query | None:
    """The whole tree: over every article, where it has only filters and exclusions."""
    return tree if tree is None or has_words(tree) else _over_all(tree)


def restrict_to_dates(tree: Query, start: datetime | None, end: datetime | None, *, alone: bool) -> Query:
    """A whole tree, kept to articles published from `start` on and before `end`.

    With `alone`, an empty tree becomes everything of those dates; without, it still finds nothing.
    """
    dates = DateRange(start, end)
    if tree is NullQuery:
        return And([Every(), dates]) if alone else tree
    kind = AllOf if type(tree) is AllOf else And
    return kind([*(tree if isinstance(tree, And) else [tree]), dates])


def match_all_if_empty(tree: Query) -> Query:
    """The tree, or everything where it is empty."""
    return Every() if tree is NullQuery else tree


def has_words(tree: Query) -> bool:
    """Whether the tree asks for more than filters and exclusions."""
    if isinstance(tree, Not):
        return False
    if tree.is_leaf():
        return not isinstance(tree, (DateRange, Filter, Every))
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
    """The part, with something to take away from where it is filters and exclusions."""
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
        joined = make_and(_strict(child) for child in part)
        assert joined is not None
        return joined
    return part.apply(_strict)


def _power(boost: float) -> str:
    return "" if boost == 1.0 else f"^{boost:g}"
