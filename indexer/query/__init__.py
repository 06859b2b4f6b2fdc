"""Any text → a query tree and notes, and operations on a tree.

Everything here is pure: no index, no disk, and no clock, since today's date is an argument. No text raises.

In comes the text of a search box, a URL or a command. Out come:

- from `parse_query` a `ParsedQuery`: a tree of Whoosh's query classes and of the nodes in `tree`, and `Note`s
  about text that was not understood or met a bound of `indexer.limits`; the engine and the search add
  notes of their own;
- from `find_typed_word` and `find_plain_words` the words of a text for type-ahead and spelling correction,
  from `mark_unfinished` a tree whose last word is still being typed;
- from `find_typed_dates` the dates among the words of a text, each of which may be meant as a filter;
- from `describe_query` a tree in plain words, from `serialize_query` a tree as a query that can be typed;
- from `expand_synonyms` a tree with synonyms, from `relax_query` trees that ask for a little less.

Begin with `tree`: the nodes and the rules by which they are put together. Then follow a text through `lexer`
(tokens), `parser` (groups and operators) and `leaves` (words, phrases, dates). The lexer also serves
`typeahead`. `dates` parses periods of time, here and for the filters of the page.
"""

from whoosh.query.compound import And, Or
from whoosh.query.qcore import Every, NullQuery, Query
from whoosh.query.terms import FuzzyTerm, Prefix, Term, Wildcard
from whoosh.query.wrappers import Not

from indexer.query.dates import parse_period, parse_range
from indexer.query.describe import describe_clause, describe_dates, describe_query
from indexer.query.expand import expand_synonyms, list_neighbours
from indexer.query.lexer import is_whole, may_contain_dates
from indexer.query.notes import NoteCode, drop_repeated, make_note, quote
from indexer.query.parser import ParsedQuery, parse_query
from indexer.query.relax import RelaxedQuery, RelaxStep, drop_clauses, relax_query
from indexer.query.serialize import list_clauses, serialize_query, shorten_clause
from indexer.query.tree import (
    PUBLISHED,
    AllOf,
    Alternatives,
    DateRange,
    Filter,
    FilterNode,
    Must,
    Near,
    NumberRange,
    RawPhrase,
    Unfinished,
    has_words,
    make_near,
    match_all_if_empty,
    restrict_to_dates,
)
from indexer.query.typeahead import (
    PlainWord,
    TypedWord,
    extract_words,
    find_plain_words,
    find_typed_word,
    mark_unfinished,
    split_last_word,
    strip_punctuation,
)
from indexer.query.typed_dates import TypedDate, find_typed_dates
from indexer.query.values import read_value

__all__ = [
    "PUBLISHED",
    "AllOf",
    "Alternatives",
    "And",
    "DateRange",
    "Every",
    "Filter",
    "FilterNode",
    "FuzzyTerm",
    "Must",
    "Near",
    "Not",
    "NoteCode",
    "NullQuery",
    "NumberRange",
    "Or",
    "ParsedQuery",
    "PlainWord",
    "Prefix",
    "Query",
    "RawPhrase",
    "RelaxStep",
    "RelaxedQuery",
    "Term",
    "TypedDate",
    "TypedWord",
    "Unfinished",
    "Wildcard",
    "describe_clause",
    "describe_dates",
    "describe_query",
    "drop_clauses",
    "drop_repeated",
    "expand_synonyms",
    "extract_words",
    "find_plain_words",
    "find_typed_dates",
    "find_typed_word",
    "has_words",
    "is_whole",
    "list_clauses",
    "list_neighbours",
    "make_near",
    "make_note",
    "mark_unfinished",
    "match_all_if_empty",
    "may_contain_dates",
    "parse_period",
    "parse_query",
    "parse_range",
    "quote",
    "read_value",
    "relax_query",
    "restrict_to_dates",
    "serialize_query",
    "shorten_clause",
    "split_last_word",
    "strip_punctuation",
]
