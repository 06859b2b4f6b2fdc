"""A query tree as a query: text that a person can type, and that means the same."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from whoosh.query.compound import And, Or
from whoosh.query.qcore import Every, NullQuery, Query
from whoosh.query.terms import FuzzyTerm, Prefix, Term, Wildcard
from whoosh.query.wrappers import Not

from indexer.query.expand import Alternatives
from indexer.query.lexer import DEFAULT_DISTANCE, is_operator
from indexer.query.tree import AllOf, DateRange, Filter, Must, Near, RawPhrase, has_words

_FIELDS = {"title": "title:", "paragraph": "text:"}
_NAMED = 10  # clauses in a note, and of each so many characters
_SHOWN = 60


def serialize_query(tree: Query) -> str:
    """The tree as it can be typed; empty for nothing.

    Words stand as they were typed. A tree that was put together, not read, may hold words that read as
    something else where they come to stand (a lone "last week"): whoever needs to know reads the text again.
    """
    if tree is NullQuery:
        return ""
    if isinstance(tree, Or) and isinstance(tree[-1], Alternatives):
        # Words side by side that have synonyms.
        return _word(tree[-1])
    if isinstance(tree, Or):
        return " OR ".join(map(_inner, tree))
    if isinstance(tree, And):
        # What is taken from everything need not say so.
        parts = [part for part in tree if not isinstance(part, Every)]
        if not any(map(has_words, parts)):
            return " ".join(map(_inner, parts))
        return (" " if isinstance(tree, AllOf) else " AND ").join(map(_inner, parts))
    return _inner(tree)


def list_clauses(labels: Iterable[str]) -> str:
    """Some clauses, as typed, in one line that is not too long."""
    names = [*dict.fromkeys(map(shorten_clause, labels))]
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def shorten_clause(label: str) -> str:
    """A clause, as typed, that is not too long for a sentence."""
    return label if len(label) <= _SHOWN else f"{label[:_SHOWN]}…"


def _inner(node: Any) -> str:
    """A node within others, in parentheses where it would fall apart."""
    if isinstance(node, Or) and isinstance(node[-1], Alternatives):
        return serialize_query(node)
    if isinstance(node, (Or, And)):
        return f"({serialize_query(node)})"
    if isinstance(node, Must):
        return f"+{_operand(node.child)}"
    if isinstance(node, Not):
        return f"-{_operand(node.query)}"
    if isinstance(node, Every):
        return "*"
    if isinstance(node, DateRange):
        return _dates(node)
    if isinstance(node, Filter):
        return f"{node.fieldname}:{_value(node.text)}"
    if isinstance(node, Near):
        chain = [_inner(node.parts[0])]
        for distance, part in zip(node.distances, node.parts[1:], strict=True):
            chain += ["NEAR" if distance == DEFAULT_DISTANCE else f"NEAR/{distance}", _inner(part)]
        boost = _boost(node.boost)
        return f"({' '.join(chain)}){boost}" if boost else " ".join(chain)
    return _word(node)


def _operand(node: Any) -> str:
    text = _inner(node)
    return f"({text})" if isinstance(node, Near) and not text.endswith(")") else text


def _word(node: Any) -> str:
    field, boost = _FIELDS.get(node.fieldname, ""), _boost(node.boost)
    if isinstance(node, RawPhrase):
        if node.exact and node.slop == 1 and " " not in node.text:
            return f"{field}={node.text}{boost}"
        opening, closing = "“”" if '"' in node.text else '""'
        slop = f"~{node.slop}" if node.slop > 1 else ""
        return f"{field}{'=' * node.exact}{opening}{node.text}{closing}{slop}{boost}"
    if type(node) is Prefix:
        return f"{field}{node.text}*{boost}"
    if type(node) is FuzzyTerm:
        return f"{field}{node.text}~{'' if node.maxdist == 1 else node.maxdist}{boost}"
    if type(node) in (Term, Wildcard, Alternatives):
        # An operator that joined nothing was read as a word; in small letters it is one wherever it stands.
        text = node.text.lower() if is_operator(node.text) else node.text
        return f"{field}{text}{boost}"
    return str(node)


def _boost(boost: float) -> str:
    # Never with an exponent, which a query does not know.
    return "" if boost == 1.0 else f"^{boost:.9f}".rstrip("0").rstrip(".")


def _value(text: str) -> str:
    is_plain = not any(character.isspace() or character in '"“”„«»()' for character in text)
    opening, closing = "“”" if '"' in text else '""'
    return text if is_plain else f"{opening}{text}{closing}"


def _dates(dates: DateRange) -> str:
    start, end = dates.start, dates.end
    if start is None or end is None:
        if start is not None:
            return f"after:{_moment(start)}"
        return f"before:{_moment(end)}" if end is not None else "*"
    if end <= start:
        return f"(after:{_moment(start)} before:{_moment(end)})"
    last = end if end == datetime.max else end - timedelta(minutes=1)
    # The first and the last minute, each without the parts that say nothing: 2021-03-01T00:00 is 2021-03
    # where a range begins, 2021-05-31T23:59 is 2021-05 where one ends.
    first_text = _shortest(start, ("-01", "-01", "T00:00"))
    last_text = _shortest(last, ("-12", f"-{monthrange(last.year, last.month)[1]}", "T23:59"))
    return f"date:{first_text}" if first_text == last_text else f"date:{first_text}..{last_text}"


def _moment(moment: datetime) -> str:
    return _shortest(moment, ("-01", "-01", "T00:00"))


def _shortest(moment: datetime, edges: Sequence[str]) -> str:
    text = moment.isoformat()[: len("2021-11-05T21:01")]
    for edge in reversed(edges):
        if not text.endswith(edge):
            break
        text = text.removesuffix(edge)
    return text
