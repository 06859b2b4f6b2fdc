"""A query as it stands in the search box: its plain words, and the word that is being typed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from whoosh.query.compound import And
from whoosh.query.qcore import Query
from whoosh.query.terms import Term
from whoosh.query.wrappers import Not

from indexer.limits import TYPED, WORD
from indexer.query.tree import Must, complete_query

OPERATORS = frozenset({"AND", "OR", "NOT", "NEAR"})

_QUOTES = '"“”„«»'
_SEPARATORS = "、。，；：！？「」『』（）【】《》〈〉"
_PIECE = re.compile(
    r'(?P<phrase>"[^"]*"|“[^“”]*”|”[^“”]*”|„[^„“”]*[“”]|«[^«»]*»|»[^«»]*«)'
    rf"|(?P<word>[^\s(){_QUOTES}{_SEPARATORS}]+)"
    rf"|(?P<mark>[(){_QUOTES}])"
    r"|(?P<space>.)",
    re.DOTALL,
)
# What makes a word more than a word: patterns, near spellings, weights, fields, addresses.
_SPECIAL = re.compile(r"[*?~^:=/\\<>|\[\]{}]")
_HEAD = re.compile(r"[+-]*(?:(?i:title|paragraph|text):)?=?")
_SURROGATE = re.compile("[\ud800-\udfff]")
_ENDINGS = ".,;!?…'’"

WordRole = Literal["required", "excluded", "elsewhere"]


@dataclass(frozen=True, slots=True)
class PlainWord:
    """A word that means no more than itself, and where it stands in the query."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class TypedWord:
    """What is being typed: `before` and `word` are the whole text; the word may be empty after a space.

    `neighbours` are the plain words just before it, at most two. `plain` says whether there is nothing else
    before it than plain words.
    """

    before: str
    word: str
    neighbours: tuple[str, ...]
    plain: bool


def find_typed_word(text: str) -> TypedWord | None:
    """What is being typed in a text; None where nothing can follow: after a phrase, in a pattern, a date."""
    if len(text) > TYPED or _SURROGATE.search(text):
        return None
    pieces = list(_PIECE.finditer(text))
    if not pieces or pieces[-1].lastgroup == "phrase":
        return None
    last = pieces[-1]
    start = len(text)
    if last.lastgroup == "word":
        head = _HEAD.match(last[0])
        assert head is not None
        start = last.start() + head.end()
        if start == len(text) or last[0] in OPERATORS or len(last[0]) > WORD or _SPECIAL.search(text, start):
            return None
        pieces.pop()
    neighbours = _neighbours(pieces)
    if start == len(text) and (not neighbours or last.lastgroup == "mark"):
        return None
    plain = text[start - 1 : start] not in ("+", "-", ":", "=") and all(map(_is_plain, pieces))
    return TypedWord(text[:start], text[start:], neighbours, plain)


def find_plain_words(query: str) -> tuple[PlainWord, ...]:
    """The plain words of a query, in order: not quoted, not excluded, no field's, no pattern, no operator."""
    found = []
    excluded = False
    for piece in _PIECE.finditer(query):
        if piece.lastgroup == "space":
            continue
        word, start = piece[0], piece.start()
        if word.startswith("+"):
            word, start = word[1:], start + 1
        text = strip_punctuation(word)
        if text and not excluded and _is_plain(piece, word):
            found.append(PlainWord(text, start, start + len(text)))
        excluded = piece[0] == "NOT"
    return tuple(found)


def strip_punctuation(word: str) -> str:
    """A word as typed without the punctuation that follows it."""
    return word.rstrip(_ENDINGS)


def _is_plain(piece: re.Match[str], word: str = "") -> bool:
    word = word or piece[0]
    if piece.lastgroup != "word":
        return piece.lastgroup == "space"
    return word not in OPERATORS and word[0] not in "+-@#" and not _SPECIAL.search(word)


def _neighbours(pieces: Sequence[re.Match[str]]) -> tuple[str, ...]:
    """The words at the end of the pieces, at most two, unless something else stands there."""
    found: list[str] = []
    for piece in reversed(pieces):
        if piece.lastgroup == "phrase" and not found:
            return tuple(piece[0][1:-1].split()[-2:])
        if piece.lastgroup == "space" and not piece[0].isspace():
            break
        if piece.lastgroup != "space":
            # A comma ends what belongs together.
            if piece.lastgroup != "word" or not _is_plain(piece) or piece[0][-1] in _ENDINGS:
                break
            found.insert(0, piece[0])
            if len(found) == 2:
                break
    return tuple(found)


def split_last_word(tree: Query) -> tuple[Query | None, str, WordRole]:
    """What a tree asks for besides its last word, the word's field, and what the tree says of the word.

    The rest is None where there is none, and where the word is an alternative or a part of something else
    ("elsewhere").
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


def extract_words(tree: Query) -> tuple[tuple[str, str], ...] | None:
    """The words of a tree that asks for nothing but words, all of them, each with its field; else None."""
    parts: list[Any] = list(tree) if isinstance(tree, And) else [tree]
    if not all(type(part) is Term for part in parts):
        return None
    return tuple(dict.fromkeys((part.fieldname, part.text) for part in parts))
