"""AND, OR, NOT, NEAR, minus and plus: what they join, and in what order."""

# Whoosh's parser is not annotated.
# mypy: allow-untyped-calls

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from whoosh.qparser import plugins, syntax
from whoosh.qparser.taggers import FnTagger
from whoosh.query.qcore import Query

from indexer import limits
from indexer.query import tree

if TYPE_CHECKING:
    from indexer.query.parser import Grammar

QUOTES = '"“”„«»'
DISTANCE = 10
"""How many places apart NEAR allows when it does not say."""

OPERATOR = re.compile(r"(?:AND|OR|NOT|NEAR(?:/[0-9]{1,9})?)")
CLAUSE_START = r"(?<![^\s(])"


class All(syntax.GroupNode):
    """Clauses side by side."""

    def query(self, parser: Grammar) -> Query | None:
        return _weighted(tree.make_all_of(node.query(parser) for node in self.nodes), self.boost)


class Both(syntax.AndGroup):
    """Clauses joined by AND."""

    def query(self, parser: Grammar) -> Query | None:
        return _weighted(tree.make_and(node.query(parser) for node in self.nodes), self.boost)


class Either(syntax.OrGroup):
    """Clauses joined by OR."""

    def query(self, parser: Grammar) -> Query | None:
        return _weighted(tree.make_or(node.query(parser) for node in self.nodes), self.boost)


class Without(syntax.NotGroup):
    """A clause after NOT or a minus sign."""

    def query(self, parser: Grammar) -> Query | None:
        return tree.make_not(self.nodes[0].query(parser))


class Required(syntax.Wrapper):
    """A clause after a plus sign."""

    def query(self, parser: Grammar) -> Query | None:
        return tree.make_must(self.nodes[0].query(parser))


class Close(syntax.GroupNode):
    """Clauses joined by NEAR."""

    def __init__(self, nodes: list[syntax.SyntaxNode], distances: list[int]) -> None:
        super().__init__(nodes, distances=distances)
        self.distances = distances

    def query(self, parser: Grammar) -> Query | None:
        parts = [node.query(parser) for node in self.nodes]
        try:
            return tree.make_near(parts, self.distances)
        except ValueError:
            parser.note("NEAR joins words, phrases and alternatives of one field; it was read as AND.")
            return tree.make_and(parts)


class NearOperator(syntax.InfixOperator):
    """NEAR, or NEAR/5."""

    def __init__(self, text: str, distance: int) -> None:
        super().__init__(text, Close)
        self.distance = distance


_KINDS = {"AND": Both, "OR": Either, "NOT": Without, "-": Without, "+": Required}


def _weighted(found: Query | None, boost: float) -> Query | None:
    return found if found is None else tree.boost_query(found, boost)


class Operators(plugins.OperatorsPlugin):
    """AND, OR, NOT, NEAR, minus and plus.

    NEAR binds before NOT, that before AND, AND before clauses side by side, those before OR.

    One that has nothing to join is searched as a word, with a note.
    """

    def __init__(self) -> None:
        words = rf"{OPERATOR.pattern}(?=[\s()={QUOTES}]|$)"
        signs = rf"[+-](?=[^\s+\-–—>.,;:!?/\\|<=)\]}}]|=[\w@#{QUOTES}])"
        super().__init__(
            [(FnTagger(f"{CLAUSE_START}(?P<text>{words}|{signs})", self._operator), 0)], clean=True
        )

    def _operator(self, text: str) -> syntax.Operator:
        name, _, distance = text.partition("/")
        if name == "NEAR":
            return NearOperator(text, int(distance or DISTANCE))
        kind = _KINDS[text]
        return (syntax.InfixOperator if text in ("AND", "OR") else syntax.PrefixOperator)(text, kind)

    def do_operators(self, parser: Grammar, group: syntax.GroupNode) -> syntax.GroupNode:
        nodes = [self.do_operators(parser, n) if isinstance(n, syntax.GroupNode) else n for n in group]
        nodes = self._prefixed(parser, self._neared(parser, nodes))
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
        whole = sides[0] if len(sides) == 1 else Either(sides)
        whole.boost = group.boost
        return whole

    def _neared(self, parser: Grammar, nodes: list[syntax.SyntaxNode]) -> list[syntax.SyntaxNode]:
        """The nodes with each row of clauses that NEAR joins as one."""
        done: list[syntax.SyntaxNode] = []
        pending: NearOperator | None = None
        for place, node in enumerate(nodes):
            if isinstance(node, NearOperator):
                sides = [*done[-1:], *nodes[place + 1 : place + 2]]
                if done and len(sides) == 2 and not any(isinstance(side, syntax.Operator) for side in sides):
                    pending = node
                    continue
                node = parser.word_instead(node)
            if pending is None:
                done.append(node)
                continue
            distance = min(max(pending.distance, 1), limits.DISTANCE)
            if pending.distance > limits.DISTANCE:
                parser.note(f"NEAR reaches at most {limits.DISTANCE} words; /{limits.DISTANCE} was used.")
            before = done[-1]
            if isinstance(before, Close) and len(before) >= limits.CHAIN:
                parser.note(f"NEAR joins at most {limits.CHAIN} in a row; the rest may stand anywhere.")
                done.append(node)
            elif isinstance(before, Close):
                before.append(node)
                before.distances.append(distance)
            else:
                done[-1] = Close([before, node], [distance])
            pending = None
        return done

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
