"""Words in capitals and capitalized words: acronyms and names are told from other words by their letters."""

from __future__ import annotations

import regex

# An elided article before a word (l'ONU) and a possessive s after it (the BBC's) are not part of it.
_CORE = regex.compile(r"(?:\p{Ll}{1,2}['\u2019])?(?<core>.*?)(?:['\u2019]s)?", regex.VERSION1 | regex.DOTALL)

MIN_WORDS_IN_CAPITALS = 4
"""From this many words on, a query all in capitals does not say which of them are acronyms or operators."""


def is_in_capitals(word: str) -> bool:
    """Whether a word has at least two letters with case, all of them capitals: US, U.S., the BBC's."""
    match = _CORE.fullmatch(word)
    core = match["core"] if match else word
    return core.isupper() and sum(map(str.isupper, core)) > 1


def is_capitalized(word: str) -> bool:
    """Whether the first letter of a word is a capital: Smith, McNeil, BBC."""
    return next((char.isupper() for char in word if char.isalnum()), False)
