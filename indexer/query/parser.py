"""Any text → a query tree and notes: a recursive descent over the lexer's tokens."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from whoosh.query.compound import And
from whoosh.query.qcore import NullQuery, Query
from whoosh.query.terms import Prefix, Term

from indexer import limits
from indexer.fields import FieldType
from indexer.query.describe import describe_dates
from indexer.query.leaves import LeafReader
from indexer.query.lexer import (
    FIELDS,
    OPERATORS,
    QUOTES,
    SURROGATE,
    Kind,
    Token,
    is_operator,
    is_question_in_capitals,
    match_dates,
    may_contain_dates,
    tokenize,
)
from indexer.query.notes import NoteCode, drop_repeated, make_note, quote
from indexer.query.tree import (
    AllOf,
    DateRange,
    RawPhrase,
    boost_query,
    complete_query,
    make_all_of,
    make_and,
    make_must,
    make_near,
    make_not,
    make_or,
)
from indexer.results import Note

_CONTROLS = dict.fromkeys((*range(32), *range(127, 160)), " ")
_UNKNOWN_FIELD = re.compile(r"([^\W\d][\w-]+):(?:[^:/\\.,;!?]|$)")
_PLAIN = r"[^\W_]+(?:['\u2019-][^\W_]+)*"
_SIMPLE = re.compile(
    rf"(?P<joined>{_PLAIN}(?: AND {_PLAIN})+)|(?P<words>{_PLAIN}(?: {_PLAIN})*)|(?P<prefix>{_PLAIN})\*"
    rf'|"(?P<phrase>{_PLAIN}(?: {_PLAIN})*)"'
)
_STARTS = {Kind.WORD, Kind.PHRASE, Kind.DATES, Kind.OPEN}
_INFIX = {Kind.AND, Kind.OR}
_PREFIX = {Kind.NOT, Kind.MINUS, Kind.PLUS}
# The tokens that an operator cannot stand after and before; OPEN and CLOSE are also the edges of the text.
_NOT_AFTER: dict[Kind, set[Kind]] = {
    Kind.NEAR: {Kind.OPEN, *_INFIX, *_PREFIX},
    **{kind: {Kind.OPEN} for kind in _INFIX},
    **{kind: set() for kind in _PREFIX},
}
_NOT_BEFORE = {
    Kind.NEAR: {Kind.CLOSE, Kind.NEAR, *_INFIX, *_PREFIX},
    **{kind: {Kind.CLOSE, *_INFIX} for kind in _INFIX | _PREFIX},
}


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """A query tree, and notes about what was not understood or met a bound."""

    tree: Query
    """NullQuery if there is nothing to search for."""
    notes: tuple[Note, ...] = ()
    text: str = field(default="", compare=False)
    """The text that was parsed: without what was beyond the bound, and without control characters."""
    is_unfinished: bool = False
    """Whether the last word is still being typed."""


def parse_query(
    text: str,
    *,
    today: date,
    day_first: bool = True,
    characters: int = limits.CHARACTERS,
    dates_as_text: bool = False,
    fields: Mapping[str, FieldType] | None = None,
    sources: Container[str] = (),
) -> ParsedQuery:
    """Parse any text; never raises. The docstring of `tree` describes the nodes of the result.

    `today` is what "today" means in a date, `day_first` how 05/03/2024 is read. No more than the first
    `characters` of the text are parsed. With `dates_as_text`, a time in plain words, such as "last week", is
    searched as text. `fields` are the types of the custom fields, by name. `sources` are names that
    stand for a source alone, while any other text after `source:` may also be a part of a path.
    """
    max_clauses = limits.max_clauses(characters)
    text = text.strip()
    if len(text) <= characters and (simple := parse_simple(text, max_clauses)):
        return ParsedQuery(simple, text=text)
    reader = LeafReader(
        today,
        day_first=day_first,
        max_clauses=max_clauses,
        fields=fields,
        sources=sources,
    )
    bounds = []
    if len(text) > characters:
        bounds.append(make_note(NoteCode.CHARACTERS_DROPPED, {"limit": characters, "given": len(text)}))
        text = _truncate(text, characters)
    if SURROGATE.search(text):
        # Through UTF-16, two halves of a character become that character again.
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        if "\ufffd" in text:
            reader.note(NoteCode.BROKEN_CHARACTERS)
    text = text.translate(_CONTROLS)
    tree = complete_query(_Parser(text, reader, dates_as_text=dates_as_text).parse())
    if (dropped := reader.count - reader.max_clauses) > 0:
        bounds.append(make_note(NoteCode.CLAUSES_DROPPED, {"limit": reader.max_clauses, "count": dropped}))
    notes = drop_repeated(bounds + reader.notes)
    if tree is None and not notes and text:
        notes.append(make_note(NoteCode.NOTHING))
    if len(notes) > limits.NOTES:
        more = len(notes) - limits.NOTES + 1
        notes[limits.NOTES - 1 :] = [make_note(NoteCode.NOTES_DROPPED, {"count": more})]
    return ParsedQuery(NullQuery if tree is None else tree, tuple(notes), text)


def parse_simple(text: str, max_clauses: int) -> Query | None:
    """Parse plain words, such as don't and covid-19, side by side or joined by AND, a phrase or a prefix.

    The tree is the one that their tokens would give, in a fraction of the time. Returns None for other texts,
    and where dates, other operators, or a bound could be met.
    """
    match = _SIMPLE.fullmatch(text)
    if match is None or match.lastgroup is None or may_contain_dates(text):
        return None
    shape, found = match.lastgroup, match[match.lastgroup]
    words = found.split(" AND " if shape == "joined" else " ")
    if len(words) > max_clauses or max(map(len, words)) >= limits.WORD:
        return None
    if shape == "prefix":
        return Prefix("text", found)
    if shape == "phrase":
        return RawPhrase("text", found)
    # In a question in capitals, AND is a word.
    if not OPERATORS.isdisjoint(words) or (shape == "joined" and text.isupper()):
        return None
    terms = [Term("text", word) for word in words]
    kind = And if shape == "joined" else AllOf
    return kind(terms) if len(terms) > 1 else terms[0]


def _truncate(text: str, characters: int) -> str:
    """Cut a text at the bound, before a word that the bound would divide unless that word is long."""
    start = text[:characters]
    if text[characters].isspace():
        return start
    whole, _, divided = start.rpartition(" ")
    return whole if whole and len(divided) <= limits.WORD else start


class _Parser:
    """Parses one text. The methods go from what binds least to what binds most:

    - `_parse_group`: sides joined by OR,
    - `_parse_side`: runs that stand side by side,
    - `_parse_run`: clauses joined by AND,
    - `_parse_signed`: a clause after NOT, minus or plus,
    - `_parse_chain`: clauses joined by NEAR,
    - `_parse_clause`: a word, a phrase, dates, or a group in parentheses.

    Each takes the field in which its words are searched, and returns None if there is nothing to search for.
    """

    def __init__(self, text: str, reader: LeafReader, *, dates_as_text: bool = False) -> None:
        self.text = text
        self.reader = reader
        self.note = reader.note
        tokens = tokenize(text, reader.read_dates, reader.fields)
        if dates_as_text:
            tokens = self._divide_dates(tokens)
        if is_question_in_capitals(tokens):
            self._note_operators(tokens)
        tokens = self._balance(tokens)
        self.tokens = [self._check_operator(tokens, place) for place in range(len(tokens))]
        self.place = 0

    def parse(self) -> Query | None:
        """Parse the whole text."""
        if (dates := match_dates(self.text)) and dates.end() == len(self.text):
            self._note_text(dates[1])
        return self._parse_group("text")

    def _divide_dates(self, tokens: Sequence[Token]) -> list[Token]:
        """The tokens with words instead of times in plain words, such as "last week"; a note for each."""
        found: list[Token] = []
        for token in tokens:
            is_in_words = token.kind is Kind.DATES and not any(map(str.isdigit, token.text))
            if not is_in_words or (found and found[-1].kind is Kind.FIELD):
                found.append(token)
                continue
            self._note_text(token.text.rstrip("?!.,"))
            found += (
                replace(word, start=token.start + word.start, end=token.start + word.end)
                for word in tokenize(token.text)
            )
        return found

    def _note_text(self, dates: str) -> None:
        """Note that dates are searched as text."""
        words = " ".join(dates.split())
        value = f'"{words}"' if " " in words else words
        self.note(NoteCode.NOT_READ_AS_DATE, text=quote(words), value=value)

    def _note_operators(self, tokens: Sequence[Token]) -> None:
        """Note which operators are words in a question in capitals."""
        words = dict.fromkeys(
            token.text for token in tokens if token.kind is Kind.WORD and is_operator(token.text)
        )
        if words:
            self.note(NoteCode.OPERATORS_AS_WORDS, count=len(words), words=", ".join(words))

    def _balance(self, tokens: Sequence[Token]) -> list[Token]:
        """Drop spaces and lone marks: each OPEN has a CLOSE then, and groups nest no deeper than they may."""
        kept: list[Token] = []
        depth = ignored = 0
        for token in tokens:
            if token.kind is Kind.SPACE:
                continue
            if token.kind is Kind.QUOTE:
                self.note(NoteCode.LONE_QUOTE)
                if kept and kept[-1].kind is Kind.FIELD:
                    kept[-1] = replace(kept[-1], kind=Kind.WORD)
                continue
            if token.kind is Kind.OPEN:
                if depth == limits.DEPTH:
                    ignored += 1
                    self.note(NoteCode.TOO_DEEP, limit=limits.DEPTH)
                    continue
                depth += 1
            elif token.kind is Kind.CLOSE:
                if ignored:
                    ignored -= 1
                    continue
                if not depth:
                    self.note(NoteCode.LONE_PARENTHESIS)
                    continue
                depth -= 1
            kept.append(token)
        if depth:
            self.note(NoteCode.OPEN_PARENTHESIS)
        # One CLOSE more marks the end of the text.
        return kept + [Token(Kind.CLOSE, "", len(self.text), len(self.text))] * (depth + 1)

    def _check_operator(self, tokens: list[Token], place: int) -> Token:
        """Return the token at a place, as a word if it is an operator that has nothing to join."""
        token = tokens[place]
        if token.kind not in _NOT_AFTER:
            return token
        before = tokens[place - 1].kind if place else Kind.OPEN
        after = tokens[place + 1].kind
        if before not in _NOT_AFTER[token.kind] and after not in _NOT_BEFORE[token.kind]:
            return token
        if token.kind not in (Kind.MINUS, Kind.PLUS):
            self.note(NoteCode.LONE_OPERATOR, text=quote(token.text))
        return replace(token, kind=Kind.WORD)

    def _peek(self) -> Kind:
        return self.tokens[self.place].kind

    def _take(self, *kinds: Kind) -> Token | None:
        """Go past the next token and return it, if it is of one of the kinds; else None."""
        token = self.tokens[self.place]
        if token.kind not in kinds:
            return None
        self.place += 1
        return token

    def _parse_group(self, field: str) -> Query | None:
        sides = [self._parse_side(field)]
        while self._take(Kind.OR):
            sides.append(self._parse_side(field))
        return make_or(sides) if len(sides) > 1 else sides[0]

    def _parse_side(self, field: str) -> Query | None:
        runs = []
        while self._peek() not in (Kind.CLOSE, Kind.OR):
            runs.append(self._parse_run(field))
        return make_all_of(runs)

    def _parse_run(self, field: str) -> Query | None:
        clauses = [self._parse_signed(field)]
        while self._take(Kind.AND):
            clauses.append(self._parse_signed(field))
        return make_and(clauses) if len(clauses) > 1 else clauses[0]

    def _parse_signed(self, field: str) -> Query | None:
        signs = []
        while sign := self._take(*_PREFIX):
            signs.append(sign.kind)
        clause = self._parse_chain(field)
        # Resolve a row of signs here: a tree must not be as deep as the row is long.
        is_excluded = is_required = False
        for kind in reversed(signs):
            if kind is not Kind.PLUS:
                is_excluded, is_required = not is_excluded, False
            elif not is_excluded:
                is_required = True
        return make_not(clause) if is_excluded else make_must(clause) if is_required else clause

    def _parse_chain(self, field: str) -> Query | None:
        parts = [self._parse_clause(field)]
        distances: list[int] = []
        while near := self._take(Kind.NEAR):
            if near.distance > limits.DISTANCE:
                self.note(NoteCode.NEAR_TOO_FAR, limit=limits.DISTANCE)
            if len(parts) == limits.CHAIN:
                self.note(NoteCode.NEAR_TOO_LONG, limit=limits.CHAIN)
                break
            distances.append(min(max(near.distance, 1), limits.DISTANCE))
            parts.append(self._parse_clause(field))
        if not distances:
            return parts[0]
        try:
            return make_near(parts, distances)
        except ValueError:
            self.note(NoteCode.NEAR_NOT_WORDS)
            return make_and(parts)

    def _parse_clause(self, field: str) -> Query | None:
        token = self.tokens[self.place]
        self.place += 1
        if token.kind is Kind.FIELD and self._peek() in _STARTS:
            dates = self._take(Kind.DATES)
            return self._count_dates(dates) if dates else self._parse_clause(token.field)
        if token.kind is Kind.OPEN:
            group = self._parse_group(field)
            close = self._take(Kind.CLOSE)
            return boost_query(group, close.boost) if group is not None and close else group
        if token.kind is Kind.PHRASE:
            return self.reader.read_phrase(field, token.text)
        if token.kind is Kind.DATES:
            assert token.dates is not None
            self._note_dates(token.text.rstrip("?!.,"), token.dates)
            return self._count_dates(token)
        self._check_field(token)
        return self.reader.read_word(field, token.text)

    def _note_dates(self, text: str, dates: DateRange) -> None:
        """Note that a text was read as a date."""
        start, end = (moment.isoformat() if moment else None for moment in (dates.start, dates.end))
        values = {"text": quote(text), "start": start, "end": end}
        self.reader.notes.append(make_note(NoteCode.READ_AS_DATE, values, dates=describe_dates(dates)))

    def _count_dates(self, token: Token) -> Query | None:
        return token.dates if self.reader.count_clause() else None

    def _check_field(self, word: Token) -> None:
        """Note a field that does not exist."""
        name = _UNKNOWN_FIELD.match(word.text)
        if not name or name[1].lower() in FIELDS:
            return
        after = self.text[word.end : word.end + 1]
        if name.end(1) + 1 < len(word.text) or (after and after in f"({QUOTES}"):
            self.note(NoteCode.NO_FIELD, text=quote(name[1]))
