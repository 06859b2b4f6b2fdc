"""The nodes of a query tree, and the rules by which a tree is put together.

A tree holds the words as they were typed; the engine turns them into terms. Only these nodes occur:

- words: `Term`, `Prefix`, `Wildcard`, `FuzzyTerm` (Whoosh's), `RawPhrase`, and `Near`, which is made of them;
  `Alternatives` only once synonyms are added, `Unfinished` only while the last word is being typed;
- filters, which select articles and add nothing to a score: `Filter`, `DateRange`, `NumberRange` (each a
  `FilterNode`) and `Every()`;
- groups of two or more: `AllOf`, `And`, `Or`;
- wrappers: `Must`, and `Not`, which stands only inside an `And` or `AllOf` that has other clauses as well.
  Inside either wrapper there is no `AllOf` and no `Must`.

Where there are filters and exclusions but no words, they stand in an `And` that begins with `Every()`.

The field of words is "text" (everywhere), "title", "paragraph" or a custom text; that of a filter is
the property of an article that it compares. Words have a `boost`, by which their score is multiplied; the
boost of all other nodes is 1. `NullQuery` stands alone, for a query with nothing to search for. A tree is
final: Whoosh's own `normalize` would turn `And([Every(), Not(x)])` into `Every()`.

The functions `make_…` put parts together by these rules. A part is None where there is nothing to search for.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from whoosh.query.compound import And, Or
from whoosh.query.qcore import Every, NullQuery, Query
from whoosh.query.terms import FuzzyTerm, Prefix, Term, Wildcard
from whoosh.query.wrappers import Not, WrappingQuery

from indexer.limits import BOOST

PUBLISHED = "date"
"""The field of the date of publication."""


class AllOf(And):
    """Clauses side by side: all are required, but partial matches may follow when full ones are few."""


class Unfinished(Or):
    """A word that is still being typed: the word itself, then the words that begin with it."""


class Must(WrappingQuery):
    """A clause with a plus sign: partial matches must have it too."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.child == other.child

    def __hash__(self) -> int:
        return hash((Must, self.child))

    def __str__(self) -> str:
        return f"+{self.child}"


@dataclass(unsafe_hash=True)
class RawPhrase(Query):
    """A phrase as it was typed, without its quotation marks.

    `slop` is how many places apart two neighbours may stand: 1 is side by side. Its words (it may be a single
    one) match as they are written. Where no article has them so, they match in other forms, unless `exact`.
    """

    fieldname: str
    text: str
    slop: int = 1
    exact: bool = False
    boost: float = 1.0

    def __str__(self) -> str:
        slop = f"~{self.slop}" if self.slop > 1 else ""
        return f'{self.fieldname}:{"=" * self.exact}"{self.text}"{slop}{format_boost(self.boost)}'


@dataclass(unsafe_hash=True)
class Near(Query):
    """Words that stand near one another in one paragraph or the title, in any order.

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
        return f"{self.fieldname}:({chain}){format_boost(self.boost)}"


@dataclass(unsafe_hash=True)
class Alternatives(Query):
    """One or more words, and the words and phrases that are searched for with them or instead of them.

    `text` is what was typed; with `includes_text` it is one of the alternatives. For the score, all together
    count as one word.
    """

    fieldname: str
    text: str
    others: tuple[str, ...]
    includes_text: bool = True
    boost: float = 1.0

    @property
    def texts(self) -> tuple[str, ...]:
        """All the alternatives."""
        return (self.text, *self.others) if self.includes_text else self.others

    def __str__(self) -> str:
        return f"{self.fieldname}:{'|'.join(self.texts)}"


class FilterNode(Query):
    """A node that selects articles and adds nothing to a score."""

    fieldname: str
    boost = 1.0


@dataclass(unsafe_hash=True)
class Filter(FilterNode):
    """Articles with a property: `text` is its value as it was typed.

    `fieldname` is one of PROPERTIES, or a custom field that has keywords or is true or false. With
    `prefers_whole`, a text that is the whole name of a value stands for this value alone; with `is_whole`, it
    is such a name, even if no article has that value.
    """

    fieldname: str
    text: str
    prefers_whole: bool = False
    is_whole: bool = False

    def __str__(self) -> str:
        return f'{self.fieldname}:"{self.text}"'


@dataclass(unsafe_hash=True)
class DateRange(FilterNode):
    """Articles with a date from `start` on and before `end`: naive local times, None for an open side.

    The date is that of publication, or that of a custom field.
    """

    start: datetime | None
    end: datetime | None
    fieldname: str = PUBLISHED

    def __str__(self) -> str:
        start, end = (moment.isoformat() if moment else "" for moment in (self.start, self.end))
        return f"{self.fieldname}:[{start}..{end})"


@dataclass(unsafe_hash=True)
class NumberRange(FilterNode):
    """Articles with a number from `low` to `high` in a custom field; None for an open side.

    Both belong to the range, unless `is_strict`.
    """

    fieldname: str
    low: float | None
    high: float | None
    is_strict: bool = False

    def __str__(self) -> str:
        low, high = ("" if edge is None else f"{edge!r}" for edge in (self.low, self.high))
        opening, closing = "()" if self.is_strict else "[]"
        return f"{self.fieldname}:{opening}{low}..{high}{closing}"


def make_all_of(parts: Iterable[Query | None]) -> Query | None:
    """Put parts side by side."""
    return _join(AllOf, parts)


def make_and(parts: Iterable[Query | None]) -> Query | None:
    """Join parts by a strict AND: there are no partial matches."""
    return _join(And, parts)


def make_or(parts: Iterable[Query | None]) -> Query | None:
    """Join parts by OR."""
    flat: list[Query] = []
    for part in parts:
        if isinstance(part, Or):
            flat.extend(part)
        elif part is not None:
            flat.append(_complete_part(part))
    return Or(flat) if len(flat) > 1 else flat[0] if flat else None


def make_not(part: Query | None) -> Query | None:
    """Exclude a part; of phrases and names, only what is written so."""
    if part is None:
        return None
    if isinstance(part, Not):
        return part.query
    return Not(boost_query(_make_exact(_make_strict(_complete_part(part))), 1.0, reset=True))


def make_must(part: Query | None) -> Query | None:
    """Require a part; exclusions and filters are returned unchanged, since they are required anyway."""
    return part if part is None or not has_words(part) else Must(_make_strict(part))


def make_near(parts: Iterable[Query | None], distances: Sequence[int], boost: float = 1.0) -> Query | None:
    """Join parts by NEAR: each stands within a distance of the one before.

    Raises ValueError if a part is not made of words, or is in another field than the others.
    """
    kept = [(part, gap) for part, gap in zip(parts, (0, *distances), strict=True) if part is not None]
    if len(kept) < 2:
        return boost_query(kept[0][0], boost) if kept else None
    choices: list[list[Any]] = [list(part) if isinstance(part, Or) else [part] for part, _ in kept]
    leaves = [leaf for choice in choices for leaf in choice]
    if not all(type(leaf) in (Term, Prefix, Wildcard, FuzzyTerm, RawPhrase) for leaf in leaves):
        raise ValueError("a part is not made of words")
    fields = {leaf.fieldname for leaf in leaves} - {"text"}
    if len(fields) > 1:
        raise ValueError("the parts are in different fields")
    for choice in choices:
        boost *= max(leaf.boost for leaf in choice)
    plain = tuple(boost_query(part, 1.0, reset=True) for part, _ in kept)
    field = fields.pop() if fields else "text"
    return Near(field, plain, tuple(gap for _, gap in kept[1:]), min(boost, BOOST))


def boost_query(tree: Any, factor: float, *, reset: bool = False) -> Any:
    """Return a tree with the boosts of its words multiplied by a factor, or with `reset`, set to it."""
    if isinstance(tree, (FilterNode, Every)) or tree is NullQuery or (factor == 1.0 and not reset):
        return tree
    if not tree.is_leaf():
        return tree.apply(lambda child: boost_query(child, factor, reset=reset))
    return change_leaf(tree, boost=min(factor if reset else tree.boost * factor, BOOST))


def change_leaf(leaf: Any, **changes: Any) -> Any:
    """Return a copy of a leaf with other attributes."""
    leaf = copy.copy(leaf)
    vars(leaf).update(changes)
    return leaf


def complete_query(tree: Query | None) -> Query | None:
    """Return a whole tree: with `Every()` before its filters and exclusions if it has no words."""
    return tree if tree is None or has_words(tree) else _add_every(tree)


def restrict_to_dates(tree: Query, start: datetime | None, end: datetime | None, *, alone: bool) -> Query:
    """Restrict a whole tree to articles published from `start` on and before `end`.

    An empty tree finds nothing, but with `alone` all articles of those dates.
    """
    dates = DateRange(start, end)
    if tree is NullQuery:
        return And([Every(), dates]) if alone else tree
    kind = AllOf if type(tree) is AllOf else And
    return kind([*(tree if isinstance(tree, And) else [tree]), dates])


def match_all_if_empty(tree: Query) -> Query:
    """Return the tree, or one that finds every article if it is empty."""
    return Every() if tree is NullQuery else tree


def has_words(tree: Query) -> bool:
    """Whether the tree has more than filters and exclusions."""
    if isinstance(tree, Not):
        return False
    if tree.is_leaf():
        return not isinstance(tree, (FilterNode, Every))
    return any(has_words(child) for child in tree.children())


def _join(kind: type[And], parts: Iterable[Query | None]) -> Query | None:
    flat: list[Query] = []
    for part in parts:
        # An And without words has nothing that a partial match could lack, so it may join either kind.
        if type(part) is kind or (type(part) is And and not has_words(part)):
            flat.extend(part)
        elif part is not None:
            flat.append(part)
    if len(flat) < 2:
        return flat[0] if flat else None
    if not any(has_words(part) for part in flat):
        return _add_every(And(flat)) if any(isinstance(part, Every) for part in flat) else And(flat)
    flat = [part for part in flat if not isinstance(part, Every)]
    return kind(flat) if len(flat) > 1 else flat[0]


def _complete_part(part: Query) -> Query:
    """Return the part with `Every()` if it is an exclusion, or a group without words."""
    return _add_every(part) if isinstance(part, (Not, And)) and not has_words(part) else part


def _add_every(part: Query) -> Query:
    parts = [part for part in (part if isinstance(part, And) else [part]) if not isinstance(part, Every)]
    return And([Every(), *parts]) if parts else Every()


def _make_strict(part: Query) -> Query:
    """Replace each `AllOf` by an `And`, and each `Must` by its clause."""
    if isinstance(part, Must):
        return _make_strict(part.child)
    if isinstance(part, And):
        joined = make_and(_make_strict(child) for child in part)
        assert joined is not None
        return joined
    return part.apply(_make_strict)


def _make_exact(part: Any) -> Any:
    """Let phrases and names (@desk, #sea) match only as written, since other forms are not to be excluded."""
    if isinstance(part, Near):
        return change_leaf(part, parts=tuple(map(_make_exact, part.parts)))
    if not part.is_leaf():
        return part.apply(_make_exact)
    if type(part) is Term and part.text.startswith(("@", "#")):
        return RawPhrase(part.fieldname, part.text, exact=True)
    return change_leaf(part, exact=True) if isinstance(part, RawPhrase) else part


def format_boost(boost: float) -> str:
    """Return a boost as it is typed after a word, without an exponent; "" for 1."""
    return "" if boost == 1.0 else f"^{boost:.9f}".rstrip("0").rstrip(".")
