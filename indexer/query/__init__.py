"""Any string in, a query tree and notes out: pure, without an index, a disk or a clock."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from whoosh.query.qcore import NullQuery, Query

from indexer.query.clauses import MAX_CLAUSES, MAX_WORD, Clauses
from indexer.query.dates import parse_period, parse_range
from indexer.query.grammar import MAX_DEPTH, parse_tree
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
    "MAX_CHARACTERS",
    "MAX_CLAUSES",
    "MAX_DEPTH",
    "MAX_NOTES",
    "MAX_WORD",
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

MAX_CHARACTERS = 8192
MAX_NOTES = 10

_CONTROLS = dict.fromkeys((*range(32), *range(127, 160)), " ")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Parsed:
    """A query that was read: what to search for, and what was not understood or was cut, in plain words."""

    tree: Query
    """NullQuery when there is nothing to search for."""
    notes: tuple[str, ...] = ()


def parse(text: str, *, today: date, day_first: bool = True) -> Parsed:
    """The query that `text` asks for; `tree` names the nodes it is made of. Never raises, whatever the text.

    `today` is what "today" means in a date, `day_first` how 05/03/2024 is read.
    """
    clauses = Clauses(today, day_first=day_first)
    bounds = []
    text = text.strip()
    if len(text) > MAX_CHARACTERS:
        bounds.append(
            f"Only the first {MAX_CHARACTERS:,} of {len(text):,} characters of the query were read."
        )
        text = _cut(text)
    if _SURROGATE.search(text):
        # Through UTF-16 a pair that was torn apart becomes one character again.
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        if "\ufffd" in text:
            clauses.note("Broken characters in the query were replaced.")
    text = text.translate(_CONTROLS)
    tree = parse_tree(text, clauses)
    if clauses.words > MAX_CLAUSES:
        left_out = clauses.words - MAX_CLAUSES
        bounds.append(f"Only the first {MAX_CLAUSES} words were searched for; {left_out} were left out.")
    notes = list(dict.fromkeys(bounds + clauses.notes))
    if tree is None and not notes and text:
        notes.append("There is nothing to search for in the query.")
    if len(notes) > MAX_NOTES:
        notes[MAX_NOTES - 1 :] = [f"There are {len(notes) - MAX_NOTES + 1} more notes like these."]
    return Parsed(NullQuery if tree is None else tree, tuple(notes))


def _cut(text: str) -> str:
    """The text up to the bound, without the word that the bound divides unless that word is long."""
    kept = text[:MAX_CHARACTERS]
    if text[MAX_CHARACTERS].isspace():
        return kept
    whole, _, divided = kept.rpartition(" ")
    return whole if whole and len(divided) <= MAX_WORD else kept
