"""The word that is being typed in the search box, and the plain words of a query."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from whoosh.query.compound import And, Or
from whoosh.query.qcore import Query
from whoosh.query.terms import Prefix, Term
from whoosh.query.wrappers import Not

from indexer.limits import TYPED, WORD
from indexer.query.lexer import SURROGATE, Kind, Token, has_marks, split_phrase, tokenize
from indexer.query.tree import Alternatives, Must, Unfinished, complete_query

_PREFIXES = (Kind.FIELD, Kind.MINUS, Kind.PLUS)
_ENDINGS = ".,;!?…'’"

WordRole = Literal["required", "excluded", "elsewhere"]
"""The role of a word in a query; "elsewhere" is in an alternative, or in another part of the query."""


@dataclass(frozen=True, slots=True)
class PlainWord:
    """A word of a query that means no more than itself: `text` is `query[start:end]`."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class TypedWord:
    """The word that is being typed, which is empty after a space, and the text `before` it.

    `neighbours` are the plain words right before it, at most two; `plain` says whether the whole text is made
    of plain words, `in_quotes` whether a quotation mark before the word is still open.
    """

    before: str
    word: str
    neighbours: tuple[str, ...]
    plain: bool
    in_quotes: bool = False


def find_typed_word(text: str, custom_texts: Collection[str] = ()) -> TypedWord | None:
    """Return the word that is being typed; None after a phrase, in a pattern, a date or a filter.

    `custom_texts` are the fields of custom texts.
    """
    if len(text) > TYPED or SURROGATE.search(text):
        return None
    tokens = tokenize(text, custom_fields=custom_texts)
    last = tokens[-1] if tokens else None
    if last is None or last.kind not in (Kind.WORD, Kind.SPACE):
        return None
    start = len(text)
    is_plain = True
    if last.kind is Kind.WORD:
        tokens.pop()
        start = last.start
        while tokens and tokens[-1].kind in _PREFIXES:
            prefix = tokens.pop()
            is_plain = False
            if prefix.kind is Kind.FIELD and prefix.field not in ("title", "paragraph", *custom_texts):
                return None
        if text[start] == "=":
            start += 1
            is_plain = False
        word = text[start:]
        if len(word) > WORD or has_marks(word) or not word.strip("+-"):
            return None
    neighbours = _find_neighbours(tokens)
    if start == len(text) and not neighbours:
        return None
    is_plain = is_plain and all(token.kind is Kind.SPACE or token.is_plain for token in tokens)
    in_quotes = any(token.kind is Kind.QUOTE for token in tokens)
    return TypedWord(text[:start], text[start:], neighbours, is_plain, in_quotes)


def _find_neighbours(tokens: Sequence[Token]) -> tuple[str, ...]:
    """Return the words at the end of the tokens, at most two; () if something else stands there."""
    found: list[str] = []
    for place in reversed(range(len(tokens))):
        token = tokens[place]
        if token.kind is Kind.PHRASE and not found:
            return tuple(split_phrase(token.text).text.split()[-2:])
        if token.text.isspace():
            continue
        # A comma ends what belongs together.
        is_marked = place > 0 and tokens[place - 1].kind in _PREFIXES
        if not token.is_plain or is_marked or token.text[-1] in _ENDINGS:
            break
        found.insert(0, token.text)
        if len(found) == 2:
            break
    return tuple(found)


def find_plain_words(query: str) -> tuple[PlainWord, ...]:
    """Return the words of a query that mean no more than themselves, in order.

    These are not quoted, not excluded, no field's, no patterns and no operators.
    """
    found = []
    is_excluded = False
    for token in tokenize(query):
        if token.kind in (Kind.SPACE, Kind.PLUS):
            continue
        text = strip_punctuation(token.text)
        if text and token.is_plain and not is_excluded:
            found.append(PlainWord(text, token.start, token.start + len(text)))
        is_excluded = token.kind in (Kind.NOT, Kind.MINUS, Kind.FIELD)
    return tuple(found)


def strip_punctuation(word: str) -> str:
    """Return a word as typed without the punctuation that follows it."""
    return word.rstrip(_ENDINGS)


def split_last_word(tree: Query) -> tuple[Query | None, str, WordRole]:
    """Split a tree into the rest and its last word; return the rest, the word's field, and its role.

    The rest is None if there is none, and if the role is "elsewhere".
    """
    if isinstance(tree, Must):
        return split_last_word(tree.child)
    if type(tree) is Term:
        return None, tree.fieldname, "required"
    if not isinstance(tree, And):
        return None, "text", "elsewhere"
    *rest, last = tree
    word = last.query if isinstance(last, Not) else last.child if isinstance(last, Must) else last
    if type(word) is not Term:
        return None, "text", "elsewhere"
    kept = complete_query(rest[0] if len(rest) == 1 else type(tree)(rest))
    return kept, word.fieldname, "excluded" if isinstance(last, Not) else "required"


def mark_unfinished(tree: Query, text: str, custom_texts: Collection[str] = ()) -> Query:
    """Return the tree of a text with the word that is being typed as `Unfinished`.

    The same tree is returned where no word is being typed, and where the word is excluded or joined by NEAR.
    `custom_texts` are the fields of custom texts.
    """
    typed = find_typed_word(text, custom_texts)
    word = typed.word if typed else ""
    # Punctuation ends a word as a space does.
    is_open = any(map(str.isalnum, word)) and strip_punctuation(word) == word
    return _mark_last(tree, word) if is_open else tree


def _mark_last(node: Any, word: str) -> Any:
    if isinstance(node, Must):
        last = _mark_last(node.child, word)
        return node if last is node.child else Must(last)
    if isinstance(node, (And, Or)):
        *rest, old = node
        last = _mark_last(old, word)
        return node if last is old else type(node)([*rest, last])
    if type(node) in (Term, Alternatives) and node.text == word:
        return Unfinished([node, Prefix(node.fieldname, word)])
    return node


def extract_words(tree: Query) -> tuple[tuple[str, str], ...] | None:
    """Return (field, text) of each word, if the tree requires words and nothing else; else None."""
    parts: list[Any] = list(tree) if isinstance(tree, And) else [tree]
    if not all(type(part) is Term for part in parts):
        return None
    return tuple(dict.fromkeys((part.fieldname, part.text) for part in parts))
