"""Any text → a query tree and notes, and what can be made of a tree.

Everything here is pure: no index, no disk, no clock (today's date is an argument), and no text raises.

What comes in is the text of a search box, a URL or a command. What goes out:

- `parse_query` gives a `ParsedQuery`: a tree of Whoosh's query classes and those in `tree`, and notes about
  what was not understood or met a bound of `indexer.limits`.
- `find_typed_word` and `find_plain_words` read the same text for type-ahead and for spelling correction.
- `describe_query` says a tree in words; `serialize_query` writes it as a query that can be typed again.
- `expand_synonyms` adds the synonyms of an archive; `relax_query` makes trees that ask for a little less.

Begin reading with `tree`, the nodes and the rules by which they are put together, then follow a text through
`parser`. `dates` reads periods of time, on its own and for the parser.
"""

from indexer.query.dates import parse_period, parse_range
from indexer.query.describe import describe_clause, describe_dates, describe_query
from indexer.query.expand import expand_synonyms
from indexer.query.lexer import may_contain_dates
from indexer.query.notes import Note, NoteCode, make_note
from indexer.query.parser import ParsedQuery, parse_query
from indexer.query.relax import RelaxedQuery, RelaxStep, drop_clauses, relax_query
from indexer.query.serialize import list_clauses, serialize_query, shorten_clause
from indexer.query.tree import (
    LABELS,
    AllOf,
    Alternatives,
    DateRange,
    Filter,
    Must,
    Near,
    RawPhrase,
    has_words,
    make_near,
    match_all_if_empty,
    restrict_to_dates,
)
from indexer.query.typeahead import (
    PlainWord,
    TypedWord,
    WordRole,
    extract_words,
    find_plain_words,
    find_typed_word,
    split_last_word,
    strip_punctuation,
)

__all__ = [
    "LABELS",
    "AllOf",
    "Alternatives",
    "DateRange",
    "Filter",
    "Must",
    "Near",
    "Note",
    "NoteCode",
    "ParsedQuery",
    "PlainWord",
    "Query",
    "RawPhrase",
    "RelaxStep",
    "RelaxedQuery",
    "Term",
    "TypedWord",
    "WordRole",
    "describe_clause",
    "describe_dates",
    "describe_query",
    "drop_clauses",
    "expand_synonyms",
    "extract_words",
    "find_plain_words",
    "find_typed_word",
    "has_words",
    "list_clauses",
    "make_near",
    "make_note",
    "match_all_if_empty",
    "may_contain_dates",
    "parse_period",
    "parse_query",
    "parse_range",
    "relax_query",
    "restrict_to_dates",
    "serialize_query",
    "shorten_clause",
    "split_last_word",
    "strip_punctuation",
]
