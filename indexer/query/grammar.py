"""The query language: Whoosh's parser, with plugins for what Nutgraf understands."""

# Whoosh's parser is not annotated.
# mypy: allow-untyped-calls

from __future__ import annotations

import re
from functools import cache
from typing import Any

from whoosh.qparser import plugins, syntax
from whoosh.qparser.default import QueryParser
from whoosh.qparser.taggers import FnTagger, RegexTagger
from whoosh.query.qcore import Query

from indexer.query import tree
from indexer.query.clauses import Clauses, quoted

MAX_DEPTH = 20
MAX_SLOP = 100

# What may be typed before a colon, and the field that it means.
FIELDS = {
    "title": "title",
    "paragraph": "paragraph",
    "text": "paragraph",
    "date": "date",
    "after": "after",
    "before": "before",
}

# Texts without spaces are divided by these.
_SEPARATORS = "、。，；：！？「」『』（）【】《》〈〉"
_QUOTES = '"“”„«»'
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
_CLAUSE_START = r"(?<![^\s(])"
_UNKNOWN_FIELD = re.compile(r"([^\W\d][\w-]+):(?:[^:/\\.,;!?]|$)")


class Groups(plugins.GroupPlugin):
    """Parentheses: one left open closes at the end, a stray or too deep one is ignored with a note."""

    def taggers(self, parser: Grammar) -> list[tuple[RegexTagger, int]]:
        return [(FnTagger("(?P<mark>[()])", self._bracket), 0)]

    def _bracket(self, mark: str) -> syntax.SyntaxNode:
        return self.OpenBracket() if mark == "(" else self.CloseBracket()

    def do_groups(self, parser: Grammar, group: syntax.GroupNode) -> syntax.GroupNode:
        stack = [parser.group()]
        too_deep = 0
        for node in group:
            if isinstance(node, self.OpenBracket):
                if len(stack) > MAX_DEPTH:
                    too_deep += 1
                    parser.note(f"Parentheses nest at most {MAX_DEPTH} deep; deeper ones were ignored.")
                else:
                    inner = parser.group()
                    stack[-1].append(inner)
                    stack.append(inner)
            elif isinstance(node, self.CloseBracket):
                if too_deep:
                    too_deep -= 1
                elif len(stack) > 1:
                    stack.pop()
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

    def __init__(self, text: str, slop: int) -> None:
        super().__init__(text)
        self.slop = slop

    def query(self, parser: Grammar) -> Query | None:
        return parser.clauses.phrase(self.fieldname or "text", self.text, self.slop)


class Phrases(plugins.PhrasePlugin):
    """Straight and typographic quotation marks; one without its partner is ignored with a note."""

    class Tagger(RegexTagger):
        def create(self, parser: Grammar, match: re.Match[str]) -> syntax.SyntaxNode:
            if match["lone"]:
                parser.note("A quotation mark without its partner was ignored.")
                return syntax.Whitespace()
            text = next(match[name] for name in "abcdef" if match[name] is not None)
            slop = int(match["slop"] or 1)
            if slop > MAX_SLOP:
                parser.note(
                    f"The words of a phrase may stand at most {MAX_SLOP} apart; ~{MAX_SLOP} was used."
                )
            return PhraseNode(text, max(1, min(slop, MAX_SLOP)))

    def taggers(self, parser: Grammar) -> list[tuple[RegexTagger, int]]:
        return [
            (self.Tagger(rf"(?:{'|'.join(_PHRASES)})(?:~(?P<slop>[0-9]{{0,9}}))?|(?P<lone>[{_QUOTES}])"), 0)
        ]


class Words(plugins.TaggingPlugin):
    """Whatever stands between spaces, parentheses and quotation marks, in one piece."""

    priority = 200
    expr = re.compile(rf"(?:[^\s(){_QUOTES}{_SEPARATORS}]|{_INNER_QUOTE})+")

    def create(self, parser: Grammar, match: re.Match[str]) -> syntax.SyntaxNode:
        text = match[0]
        field = _UNKNOWN_FIELD.match(text)
        follows = match.string[match.end() : match.end() + 1]
        if (
            field
            and field[1].lower() not in FIELDS
            and (field.end(1) + 1 < len(text) or (follows and follows in f"({_QUOTES}"))
        ):
            parser.note(f"There is no field {quoted(field[1])}; it was searched as text.")
        return syntax.WordNode(text)


class All(syntax.GroupNode):
    """Clauses side by side."""

    def query(self, parser: Grammar) -> Query | None:
        return tree.all_of(node.query(parser) for node in self.nodes)


class Both(syntax.AndGroup):
    """Clauses joined by AND."""

    def query(self, parser: Grammar) -> Query | None:
        return tree.both(node.query(parser) for node in self.nodes)


class Either(syntax.OrGroup):
    """Clauses joined by OR."""

    def query(self, parser: Grammar) -> Query | None:
        return tree.either(node.query(parser) for node in self.nodes)


class Without(syntax.NotGroup):
    """A clause after NOT or a minus sign."""

    def query(self, parser: Grammar) -> Query | None:
        return tree.without(self.nodes[0].query(parser))


class Required(syntax.Wrapper):
    """A clause after a plus sign."""

    def query(self, parser: Grammar) -> Query | None:
        return tree.required(self.nodes[0].query(parser))


_KINDS = {"AND": Both, "OR": Either, "NOT": Without, "-": Without, "+": Required}


class Operators(plugins.OperatorsPlugin):
    """AND, OR, NOT, minus and plus. NOT binds before AND, AND before clauses side by side, those before OR.

    One that has nothing to join is searched as a word, with a note.
    """

    def __init__(self) -> None:
        words = rf"(?:AND|OR|NOT)(?=[\s(){_QUOTES}]|$)"
        signs = r"[+-](?=[^\s+\-–—>.,;:!?/\\|<=)\]}])"
        super().__init__(
            [(FnTagger(f"{_CLAUSE_START}(?P<text>{words}|{signs})", self._operator), 0)], clean=True
        )

    def _operator(self, text: str) -> syntax.Operator:
        kind = _KINDS[text]
        return (syntax.InfixOperator if text in ("AND", "OR") else syntax.PrefixOperator)(text, kind)

    def do_operators(self, parser: Grammar, group: syntax.GroupNode) -> syntax.GroupNode:
        nodes = [self.do_operators(parser, n) if isinstance(n, syntax.GroupNode) else n for n in group]
        nodes = self._prefixed(parser, nodes)
        # Alternatives of runs, a run being clauses joined by AND.
        alternatives: list[list[list[syntax.SyntaxNode]]] = [[]]
        pending: syntax.Operator | None = None
        for place, node in enumerate(nodes):
            if isinstance(node, syntax.InfixOperator):
                after = nodes[place + 1] if place + 1 < len(nodes) else node
                if alternatives[-1] and pending is None and not isinstance(after, syntax.InfixOperator):
                    pending = node
                    continue
                node = parser.word_instead(node)
            if pending is not None and pending.grouptype is Both:
                alternatives[-1][-1].append(node)
            elif pending is not None:
                alternatives.append([[node]])
            else:
                alternatives[-1].append([node])
            pending = None
        sides = [All([run[0] if len(run) == 1 else Both(run) for run in runs]) for runs in alternatives]
        return sides[0] if len(sides) == 1 else Either(sides)

    def _prefixed(self, parser: Grammar, nodes: list[syntax.SyntaxNode]) -> list[syntax.SyntaxNode]:
        """The nodes with each prefix operator round the clause that follows it."""
        done: list[syntax.SyntaxNode] = []
        for node in reversed(nodes):
            if not isinstance(node, syntax.PrefixOperator):
                done.append(node)
            elif not done or isinstance(done[-1], syntax.InfixOperator):
                done.append(parser.word_instead(node))
            elif not isinstance(clause := done[-1], (Without, Required)):
                done[-1] = node.grouptype([clause])
            # Undone here, not in the tree, so that a long row of signs makes no deep tree.
            elif node.grouptype is Without:
                done[-1] = clause[0] if isinstance(clause, Without) else Without([clause[0]])
        return done[::-1]


class Grammar(QueryParser):
    """The parser of one query; what there is to say about it goes into the notes of `clauses`."""

    def __init__(self, clauses: Clauses) -> None:
        super().__init__("text", None, (), group=All)
        self.clauses = clauses
        self.note = clauses.note

    def taggers(self) -> list[Any]:
        """What finds the tokens, in the order in which they are tried."""
        return _machinery()[0]

    def filters(self) -> list[Any]:
        """What makes the tokens a tree, in order."""
        return _machinery()[1]

    def tree(self, text: str) -> Query | None:
        """The tree of a text of bounded length; None when there is nothing in it."""
        found: Query | None = self.process(text).query(self)
        return found

    def term_query(self, fieldname: str, text: str, *_: Any, **__: Any) -> Query | None:
        """What a word means in a field: the parser asks this for each."""
        return self.clauses.word(fieldname, text)

    def word_instead(self, operator: syntax.Operator) -> syntax.WordNode:
        """The operator as a word."""
        if operator.text.isalpha():
            self.note(f"{quoted(operator.text)} has nothing to join; it was searched as a word.")
        word = syntax.WordNode(operator.text)
        word.set_range(operator.startchar, operator.endchar)
        return word


@cache
def _machinery() -> tuple[list[Any], list[Any]]:
    """The taggers and filters of all plugins: to make and sort them takes longer than to read a short query.

    They know nothing of a query; each is given the parser that asks it.
    """
    pins: list[Any] = [Groups(), Fields(), Phrases(), Separators(), Operators(), Words()]
    parser = QueryParser("text", None, pins, group=All)
    return parser.taggers(), parser.filters()


def parse_tree(text: str, clauses: Clauses) -> Query | None:
    """The tree of a text of bounded length; None when there is nothing in it to search for."""
    return tree.complete(Grammar(clauses).tree(text))
