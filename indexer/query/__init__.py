"""Any string in, a query tree and notes out: pure, without an index, a disk or a clock."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date

from whoosh.query.qcore import NullQuery, Query

from indexer import limits
from indexer.query.clauses import Clauses
from indexer.query.dates import parse_period, parse_range
from indexer.query.grammar import parse_tree
from indexer.query.reading import reading, spoken, spoken_clause
from indexer.query.tree import (
    AllOf,
    DateRange,
    Filter,
    Must,
    Near,
    RawPhrase,
    dated,
    has_words,
    near,
    or_everything,
)
from indexer.query.widening import Alternatives, widened
from indexer.query.writing import named, shortened, written

__all__ = [
    "AllOf",
    "Alternatives",
    "DateRange",
    "Filter",
    "Must",
    "Near",
    "Parsed",
    "RawPhrase",
    "dated",
    "has_words",
    "named",
    "near",
    "or_everything",
    "parse",
    "parse_period",
    "parse_range",
    "reading",
    "shortened",
    "spoken",
    "spoken_clause",
    "widened",
    "written",
]

_CONTROLS = dict.fromkeys((*range(32), *range(127, 160)), " ")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Parsed:
    """A query that was read: what to search for, and what was not understood or was cut, in plain words."""

    tree: Query
    """NullQuery when there is nothing to search for."""
    notes: tuple[str, ...] = ()
    text: str = field(default="", compare=False)
    """What was read."""


def parse(text: str, *, today: date, day_first: bool = True, characters: int = limits.CHARACTERS) -> Parsed:
    """The query that `text` asks for; `tree` names the nodes it is made of. Never raises, whatever the text.

    `today` is what "today" means in a date, `day_first` how 05/03/2024 is read. No more than `characters` of
    the text are looked at.
    """
    clauses = Clauses(today, day_first=day_first, most=limits.clauses(characters))
    bounds = []
    text = text.strip()
    if len(text) > characters:
        bounds.append(f"Only the first {characters:,} of {len(text):,} characters of the query were read.")
        text = _cut(text, characters)
    if _SURROGATE.search(text):
        # Through UTF-16 a pair that was torn apart becomes one character again.
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        if "\ufffd" in text:
            clauses.note("Broken characters in the query were replaced.")
    text = text.translate(_CONTROLS)
    tree = parse_tree(text, clauses)
    if (left_out := clauses.count - clauses.most) > 0:
        bounds.append(
            f"Only the first {clauses.most} words and phrases were searched for; {left_out:,} "
            f"{'was' if left_out == 1 else 'were'} left out."
        )
    notes = list(dict.fromkeys(bounds + clauses.notes))
    if tree is None and not notes and text:
        notes.append("There is nothing to search for in the query.")
    if len(notes) > limits.NOTES:
        notes[limits.NOTES - 1 :] = [f"There are {len(notes) - limits.NOTES + 1} more notes like these."]
    return Parsed(NullQuery if tree is None else tree, tuple(notes), text)


def _cut(text: str, characters: int) -> str:
    """The text up to the bound, without the word that the bound divides unless that word is long."""
    kept = text[:characters]
    if text[characters].isspace():
        return kept
    whole, _, divided = kept.rpartition(" ")
    return whole if whole and len(divided) <= limits.WORD else kept
