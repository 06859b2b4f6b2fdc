"""Any text → a query tree and notes: Whoosh's parser, with plugins for what Nutgraf understands."""

# Whoosh's parser is not annotated.
# mypy: allow-untyped-calls

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any

from whoosh.qparser import plugins, syntax
from whoosh.qparser.default import QueryParser
from whoosh.qparser.taggers import FnTagger, RegexTagger
from whoosh.query.qcore import NullQuery, Query

from indexer import limits
from indexer.query import tree
from indexer.query.bare import Dates, may_contain_dates
from indexer.query.leaves import Clauses, is_searchable, quote
from indexer.query.operators import QUOTES, All, Operators

# What may be typed before a colon, and the field that it means.
DATE_FIELDS = {
    "date": "date",
    "published": "date",
    "on": "date",
    "after": "after",
    "since": "after",
    "before": "before",
    "until": "until",
}
FIELDS = DATE_FIELDS | {
    "title": "title",
    "headline": "title",
    "paragraph": "paragraph",
    "text": "paragraph",
    "body": "paragraph",
    "language": "language",
    "lang": "language",
    "site": "site",
    "domain": "site",
    "source": "source",
    "id": "id",
}

# Texts without spaces are divided by these.
_SEPARATORS = "、。，；：！？「」『』（）【】《》〈〉"
# In Hebrew the mark stands inside abbreviations, such as that of the United States.
_INNER_QUOTE = r'(?<=[\u05d0-\u05ea])"(?=[\u05d0-\u05ea])'
_PHRASES = (
    rf'"(?P<a>(?:[^"]|{_INNER_QUOTE})*)"',
    "“(?P<b>[^“”]*)”",
    "”(?P<c>[^“”]*)”",
    "„(?P<d>[^„“”]*)[“”]",
    "«(?P<e>[^«»]*)»",
    "»(?P<f>[^«»]*)«",
)
# A factor for the score, at the end of a clause.
_FACTOR = r"[0-9]{1,9}(?:\.[0-9]{1,9})?|\.[0-9]{1,9}"
_BOOST = rf"\^(?P<boost>{_FACTOR})"
_BOOST_OF_WORD = re.compile(rf"({_FACTOR})([?!.,;:…]*)", re.ASCII)
_END = r"(?=[\s)]|$)"
_UNKNOWN_FIELD = re.compile(r"([^\W\d][\w-]+):(?:[^:/\\.,;!?]|$)")


class Groups(plugins.GroupPlugin):
    """Parentheses: one left open closes at the end, a stray or too deep one is ignored with a note."""

    def taggers(self, parser: Grammar) -> list[tuple[RegexTagger, int]]:
        return [(FnTagger(rf"(?P<mark>[()])(?:(?<=\)){_BOOST}{_END})?", self._bracket), 0)]

    def _bracket(self, mark: str, boost: str | None) -> syntax.SyntaxNode:
        if mark == "(":
            return self.OpenBracket()
        bracket = self.CloseBracket()
        bracket.boost = float(boost or 1)
        return bracket

    def do_groups(self, parser: Grammar, group: syntax.GroupNode) -> syntax.GroupNode:
        stack = [parser.group()]
        too_deep = 0
        for node in group:
            if isinstance(node, self.OpenBracket):
                if len(stack) > limits.DEPTH:
                    too_deep += 1
                    parser.note(f"Parentheses nest at most {limits.DEPTH} deep; deeper ones were ignored.")
                else:
                    inner = parser.group()
                    stack[-1].append(inner)
                    stack.append(inner)
            elif isinstance(node, self.CloseBracket):
                if too_deep:
                    too_deep -= 1
                elif len(stack) > 1:
                    stack.pop().boost = node.boost
                else:
                    parser.note("A parenthesis without its partner was ignored.")
            else:
                stack[-1].append(node)
        if len(stack) > 1:
            parser.note("A parenthesis without its partner was closed at the end.")
        return stack[0]


class Fields(plugins.FieldsPlugin):
    """The known field names, in any case; any other word before a colon stays part of its word."""

    class Tagger(RegexTagger):
        def create(self, parser: Grammar, match: re.Match[str]) -> syntax.FieldnameNode:
            return syntax.FieldnameNode(FIELDS[match["name"].lower()], match[0])

    def taggers(self, parser: Grammar) -> list[tuple[RegexTagger, int]]:
        return [(self.Tagger(rf"(?<!:)(?P<name>(?i:{'|'.join(FIELDS)})):(?=[^\s)])"), 0)]


class Separators(plugins.TaggingPlugin):
    """The punctuation that stands for a space where texts have none."""

    nodetype = syntax.Whitespace
    expr = re.compile(f"[{_SEPARATORS}]+")


class PhraseNode(syntax.TextNode):
    """A phrase as it was typed."""

    def __init__(self, text: str, slop: int, *, exact: bool, boost: float) -> None:
        super().__init__(text)
        self.slop = slop
        self.exact = exact
        self.boost = boost

    def query(self, parser: Grammar) -> Query | None:
        field = self.fieldname or "text"
        return parser.clauses.phrase(field, self.text, self.slop, exact=self.exact, boost=self.boost)


class Phrases(plugins.PhrasePlugin):
    """Straight and typographic quotation marks; one without its partner is ignored with a note."""

    class Tagger(RegexTagger):
        def create(self, parser: Grammar, match: re.Match[str]) -> syntax.SyntaxNode:
            if match["lone"]:
                parser.note("A quotation mark without its partner was ignored.")
                return syntax.Whitespace()
            text = next(match[name] for name in "abcdef" if match[name] is not None)
            slop = int(match["slop"] or 1)
            if slop > limits.SLOP:
                parser.note(
                    f"The words of a phrase may stand at most {limits.SLOP} apart; ~{limits.SLOP} was used."
                )
            slop = max(1, min(slop, limits.SLOP))
            boost = float(match["boost"] or 1)
            return PhraseNode(text, slop, exact=match["exact"] is not None, boost=boost)

    def taggers(self, parser: Grammar) -> list[tuple[RegexTagger, int]]:
        after = rf"(?:~(?P<slop>[0-9]{{0,9}}))?(?:{_BOOST}{_END})?"
        return [(self.Tagger(rf"(?P<exact>=)?(?:{'|'.join(_PHRASES)}){after}|(?P<lone>[{QUOTES}])"), 0)]


class PlainWords(plugins.Plugin):
    """Words that can be nothing else, and the spaces between: nearly all that is typed.

    They come first, for else each would be tried as everything that it might be.
    """

    class Tagger(RegexTagger):
        def match(self, parser: Grammar, text: str, pos: int) -> syntax.SyntaxNode | None:
            found: syntax.SyntaxNode | None = None if parser.has_dates else super().match(parser, text, pos)
            return found

        def create(self, parser: Grammar, match: re.Match[str]) -> syntax.SyntaxNode:
            return syntax.WordNode(match[0]) if match[0][0].isalpha() else syntax.Whitespace()

    def taggers(self, parser: Grammar) -> list[tuple[RegexTagger, int]]:
        return [(self.Tagger(r"\s+|[a-z]+(?=\s|\Z)"), -10)]


class Words(plugins.TaggingPlugin):
    """Whatever stands between spaces, parentheses and quotation marks, in one piece."""

    priority = 200
    expr = re.compile(rf"(?:[^\s(){QUOTES}{_SEPARATORS}]|{_INNER_QUOTE})+")

    def create(self, parser: Grammar, match: re.Match[str]) -> syntax.SyntaxNode:
        text = match[0]
        field = _UNKNOWN_FIELD.match(text)
        follows = match.string[match.end() : match.end() + 1]
        if (
            field
            and field[1].lower() not in FIELDS
            and (field.end(1) + 1 < len(text) or (follows and follows in f"({QUOTES}"))
        ):
            parser.note(f"There is no field {quote(field[1])}; it was searched as text.")
        if "^" not in text:
            return syntax.WordNode(text)
        before, _, after = text.rpartition("^")
        boost = None if "://" in text or not is_searchable(before) else _BOOST_OF_WORD.fullmatch(after)
        word = syntax.WordNode(before + boost[2] if boost else text)
        word.boost = float(boost[1]) if boost else 1.0
        return word


class Grammar(QueryParser):
    """The parser of one query; what there is to say about it goes into the notes of `clauses`."""

    def __init__(self, clauses: Clauses) -> None:
        # Not by its own __init__, which would make a plugin for each query.
        vars(self).update(vars(_machinery()[0]))
        self.clauses = clauses
        self.note = clauses.note
        self.has_dates = False
        """Whether some of the words may be dates."""

    def taggers(self) -> list[Any]:
        """What finds the tokens, in the order in which they are tried."""
        return _machinery()[1]

    def filters(self) -> list[Any]:
        """What makes the tokens a tree, in order."""
        return _machinery()[2]

    def tree(self, text: str) -> Query | None:
        """The tree of a text of bounded length; None when there is nothing in it."""
        self.has_dates = may_contain_dates(text)
        found: Query | None = self.process(text).query(self)
        return found

    def term_query(self, fieldname: str, text: str, *_: Any, boost: float = 1.0, **__: Any) -> Query | None:
        """What a word means in a field: the parser asks this for each."""
        return self.clauses.word(fieldname, text, boost)

    def word_instead(self, operator: syntax.Operator) -> syntax.WordNode:
        """The operator as a word."""
        if operator.text[0].isalpha():
            self.note(f"{quote(operator.text)} has nothing to join; it was read as a word.")
        word = syntax.WordNode(operator.text)
        word.set_range(operator.startchar, operator.endchar)
        return word


@cache
def _machinery() -> tuple[QueryParser, list[Any], list[Any]]:
    """A parser with all plugins, its taggers and filters: to make and sort them takes longer than to read.

    They know nothing of a query; each is given the parser that asks it.
    """
    pins: list[Any] = [
        *(PlainWords(), Groups(), Fields(), Dates(DATE_FIELDS), Phrases()),
        *(Separators(), Operators(), Words()),
    ]
    parser = QueryParser("text", None, pins, group=All)
    return parser, parser.taggers(), parser.filters()


def parse_tree(text: str, clauses: Clauses) -> Query | None:
    """The tree of a text of bounded length; None when there is nothing in it to search for."""
    return tree.complete_query(Grammar(clauses).tree(text))


_CONTROLS = dict.fromkeys((*range(32), *range(127, 160)), " ")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """A query that was read: what to search for, and what was not understood or was cut, in plain words."""

    tree: Query
    """NullQuery when there is nothing to search for."""
    notes: tuple[str, ...] = ()
    text: str = field(default="", compare=False)
    """What was read."""


def parse_query(
    text: str, *, today: date, day_first: bool = True, characters: int = limits.CHARACTERS
) -> ParsedQuery:
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
    return ParsedQuery(NullQuery if tree is None else tree, tuple(notes), text)


def _cut(text: str, characters: int) -> str:
    """The text up to the bound, without the word that the bound divides unless that word is long."""
    kept = text[:characters]
    if text[characters].isspace():
        return kept
    whole, _, divided = kept.rpartition(" ")
    return whole if whole and len(divided) <= limits.WORD else kept
