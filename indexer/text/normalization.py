"""Normalization: removes case, accents and variants, which people omit when they search.

Capitals also tell acronyms and names from other words, before they are removed.
"""

from __future__ import annotations

import re
import unicodedata

# Marks that are removed: Latin, Greek and Cyrillic accents, Hebrew points, Arabic vowel signs, tatweel and
# hamzas on their carriers, the dots that write foreign sounds in India, and invisible characters.
_MARKS = re.compile(
    "[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8"
    "\u06ea-\u06ed\u093c\u09bc\u0a3c\u0abc\u0b3c\u00ad\u200c\u200d\u2060\ufe00-\ufe0f\U000e0100-\U000e01ef]+"
)
_TONES = re.compile("[\u0300\u0301\u0303\u0309\u0323]")
# A nasal before another consonant is also written as a dot: हिन्दी, हिंदी.
_NASALS = re.compile("[\u0919\u091e\u0923\u0928\u092e]\u094d(?=[\u0915-\u0939])")
# Letters that Unicode does not decompose: barred letters and ligatures of Latin; the variants of Arabic
# letters (yeh, kaf, heh and teh marbuta, alef wasla, noon) in Persian, Urdu and careless typing; candrabindu.
_LETTERS = str.maketrans(
    dict(zip("đðħıłøŧ", "ddhilot", strict=True))
    | {"æ": "ae", "œ": "oe", "þ": "th"}
    | dict(zip("ٱىیےکہەةۃں", "اييي" + "كههههن", strict=True))
    | {"\u0901": "\u0902", "\u0981": "\u0982", "\u0a81": "\u0a82"}
)
# The zeros of the digits of Arabic, Persian, India's scripts, Thai, Lao, Tibetan, Burmese and Khmer.
_ZEROS = "٠۰०০੦૦୦௦౦೦൦๐໐༠၀០"
_DIGITS = {ord(zero) + digit: str(digit) for zero in _ZEROS for digit in range(10)}
_TABLE = _LETTERS | _DIGITS
# An elided article before a word (l'ONU) and a possessive s after it (the BBC's) are not part of it.
_ELISION = re.compile(r"(\w{1,2})['\u2019]")
_POSSESSIVE = re.compile(r"['\u2019]s\Z")

MIN_WORDS_IN_CAPITALS = 4
"""From this many words on, a query all in capitals does not say which of them are acronyms or operators."""


def normalize(text: str) -> str:
    """Return the text without case, compatibility forms, accents and variants: `zurich` for `Zürich`."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKC", text).casefold()
    if plain.isascii():
        return plain
    bare = _MARKS.sub("", unicodedata.normalize("NFD", plain)).translate(_TABLE)
    return unicodedata.normalize("NFC", _NASALS.sub("\u0902", bare))


def put_tone_last(text: str) -> str:
    """Return a Vietnamese syllable with its tone mark last: the same for `hòa` and `hoà`."""
    apart = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", _TONES.sub("", apart) + "".join(_TONES.findall(apart)))


def is_in_capitals(word: str) -> bool:
    """Whether a word has at least two letters with case, all of them capitals: US, U.S., the BBC's."""
    elision = _ELISION.match(word)
    if elision and all(unicodedata.category(char) == "Ll" for char in elision[1]):
        word = word[elision.end() :]
    core = _POSSESSIVE.sub("", word)
    return core.isupper() and sum(map(str.isupper, core)) > 1


def is_capitalized(word: str) -> bool:
    """Whether the first letter of a word is a capital: Smith, McNeil, BBC."""
    return next((char.isupper() for char in word if char.isalnum()), False)
