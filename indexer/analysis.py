"""Text to terms: one pass over the text, the same code for documents and for queries.

Every word of a text has a position, and at that position two forms: the *stem*, by which it is found, and the
*word* as written but folded, by which prefixes, wildcards and near spellings find it. Runs of scripts that do
not put spaces between words become overlapping bigrams.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import cache
from typing import Any, NamedTuple

import regex
import Stemmer

# Scripts written without spaces between words, and Hangul, whose particles cling to their words.
_UNSPACED = (
    r"\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\u30FC\uFF70"
)
_ALNUM = rf"[[\p{{L}}\p{{M}}\p{{N}}]--[{_UNSPACED}]]"
_APOSTROPHES = "'\u2019\u02bc\uff07"

# Most specific first, after the plain words that nearly every text consists of: trying those first makes the
# pass three times faster. Groups would slow findall down, so a surface tells its kind by its look.
_PIECES = r"""
      [A-Za-z]{2,}+ (?= [\ \t\n.,;:()"?!-] | \Z )
    | UNSPACED
    | (?<!ALNUM) [@\#] ALNUM+                                   # @name, #topic
    | (?<!ALNUM) LETTER (?:\.LETTER)+ (?!ALNUM) \.?            # U.S., e.g.
    | (?<!ALNUM) ALNUM{1,3} & ALNUM{1,3} (?!ALNUM)             # R&D, AT&T
      (?: [APOSTROPHES] [sS] (?!ALNUM) )?
    | DIGIT+ (?:[.,]DIGIT+)+                                   # 155,221 and 5.93
    | ALNUM+ (?: [APOSTROPHES] ALNUM+ )*                       # words, don't, O'Brien
      (?: \+\+ | (?<=(?<!ALNUM)LETTER) \# )?                   # C++, C#
"""


def _pieces(**names: str) -> str:
    pattern = _PIECES
    for name, meaning in names.items():
        pattern = pattern.replace(name, meaning)
    return pattern


_SURFACE = regex.compile(
    _pieces(
        UNSPACED=f"[{_UNSPACED}]+",
        ALNUM=_ALNUM,
        LETTER=r"\p{L}",
        DIGIT=r"\p{N}",
        APOSTROPHES=_APOSTROPHES,
    ),
    regex.VERBOSE | regex.VERSION1,
)
# The same for a text that is all ASCII, for which the standard library is three times faster.
_ASCII_SURFACE = re.compile(
    _pieces(
        UNSPACED=r"(?!)", ALNUM="[A-Za-z0-9]", LETTER="[A-Za-z]", DIGIT="[0-9]", APOSTROPHES=_APOSTROPHES[0]
    ),
    re.VERBOSE,
)
_IS_UNSPACED = regex.compile(rf"[{_UNSPACED}]", regex.VERSION1)
# Diacritics that searching ignores: Latin, Greek and Cyrillic accents, Hebrew points, Arabic vowel signs.
_ACCENTS = regex.compile("[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670]+")
_THOUSANDS = regex.compile(r"\p{N}{1,3}(?:,\p{N}{3})+")

_SNOWBALL = {
    "ar": "arabic", "ca": "catalan", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "es": "spanish", "eu": "basque", "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi",
    "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian", "lt": "lithuanian",
    "ne": "nepali", "nl": "dutch", "no": "norwegian", "nb": "norwegian", "nn": "norwegian",
    "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian", "sv": "swedish", "ta": "tamil",
    "tr": "turkish", "yi": "yiddish",
}  # fmt: skip
# Their stemmers know no accents in suffixes, so folding first makes résumés and resumes the same word.
_FOLD_FIRST = frozenset({"en", "de", "nl", "da", "sv", "no", "nb", "nn", "id"})
_ELISIONS = {
    language: frozenset(prefixes.split())
    for language, prefixes in {
        "fr": "l d j m t s n c qu jusqu lorsqu puisqu quoiqu presqu",
        "it": "l un d c m t s v n all dall dell nell sull coll pell gl quest quell",
        "ca": "l d m t s n",
    }.items()
}

_CACHE_LIMIT = 500_000

Forms = tuple[tuple[str, ...], tuple[str, ...]]
"""The stems and the words of a surface, one of each a position."""


class Token(NamedTuple):
    """One position of a text: its stem, its word, and where in the original text it stands."""

    stem: str
    word: str
    start: int
    end: int


class Analyzer:
    """Turns texts of one language into terms. Instances are shared between threads; see `analyzer`."""

    def __init__(self, language: str) -> None:
        self.language = language
        base = language.split("-")[0].lower()
        name = _SNOWBALL.get(base)
        # Its own cache is off: the dictionary of surfaces stands before it.
        self._stemmer = Stemmer.Stemmer(name, 0) if name else None
        self._fold_first = _folds_first(base)
        self._elisions = _ELISIONS.get(base, frozenset())
        self._known: dict[str, Forms] = {}
        self._lock = threading.Lock()  # a Snowball stemmer keeps state during a call

    def forms(self, text: str) -> tuple[list[str], list[str]]:
        """The stems and the words of a document's text, in order, one of each a position."""
        known = self._known
        stems: list[str] = []
        words: list[str] = []
        for surface in self.surfaces(text):
            pair = known.get(surface) or self._learn(surface)
            stems += pair[0]
            words += pair[1]
        return stems, words

    def surfaces(self, text: str) -> list[str]:
        """The pieces of a text that become terms, as they are written."""
        found: list[str] = _surface(text).findall(text)
        return found

    def forms_of(self, surface: str) -> Forms:
        """The stems and the words of a surface."""
        return self._known.get(surface) or self._learn(surface)

    def tokens(self, text: str, *, query: bool = False) -> list[Token]:
        """The tokens of a text with their places in it.

        A run of an unspaced script ends with its last character alone, so that a search for a single
        character finds it everywhere; a query that ends with such a run may go on, so it leaves that out.
        """
        found: list[Token] = []
        known, is_ascii = self._known, text.isascii()
        for match in _surface(text).finditer(text):
            surface = match.group()
            start, end = match.span()
            if not is_ascii and _IS_UNSPACED.match(surface):
                places = _bigrams(surface)
                if query and len(places) > 1 and end == len(text):
                    places.pop()
                found += (Token(gram, gram, start + a, start + b) for gram, a, b in places)
                continue
            stems, words = known.get(surface) or self._learn(surface)
            if len(stems) == 1:
                found.append(Token(stems[0], words[0], start, end))
            else:
                found += (Token(stem, word, start, end) for stem, word in zip(stems, words, strict=True))
        return found

    def places(self, text: str, stems: frozenset[str], words: frozenset[str]) -> tuple[tuple[int, int], ...]:
        """Where a text has one of the stems or words: ascending and disjoint."""
        found: list[tuple[int, int]] = []
        known = self._known
        for match in _surface(text).finditer(text):
            surface = match.group()
            forms = known.get(surface) or self._learn(surface)
            if stems.isdisjoint(forms[0]) and words.isdisjoint(forms[1]):
                continue
            start, end = match.span()
            if len(forms[0]) < 2 or not is_unspaced(surface):
                found.append((start, end))
                continue
            for gram, a, b in _bigrams(surface):
                if gram in stems or gram in words:
                    if found and start + a < found[-1][1]:
                        found[-1] = (found[-1][0], start + b)
                    else:
                        found.append((start + a, start + b))
        return tuple(found)

    def _learn(self, surface: str) -> Forms:
        if is_unspaced(surface):
            # Such runs rarely come twice; remembering them would only fill the cache.
            grams = tuple(gram for gram, _, _ in _bigrams(surface))
            return grams, grams
        with self._lock:
            if len(self._known) >= _CACHE_LIMIT:
                self._known.clear()
            forms = self._known[surface] = self._forms_of(surface)
        return forms

    def _forms_of(self, surface: str) -> Forms:
        if surface.isascii() and surface.isalpha():
            word = surface.lower()
            return (fold(self._stem(word)),), (word,)
        text = unicodedata.normalize("NFKC", surface).casefold()
        # NFKC may take a character apart into several words (½ becomes 1⁄2).
        pieces = self.surfaces(text)
        if len(pieces) != 1:
            stems: list[str] = []
            words: list[str] = []
            for piece in pieces:
                if piece != surface:
                    more = self._forms_of(piece)
                    stems += more[0]
                    words += more[1]
            return tuple(stems), tuple(words)
        text = pieces[0]
        for mark in _APOSTROPHES[1:]:
            text = text.replace(mark, "'")
        if _THOUSANDS.fullmatch(text):
            text = text.replace(",", "")
        elif text[0].isnumeric():
            text = text.replace(",", ".")
        elif text[1:2] == ".":
            text = text.replace(".", "")
        head, apostrophe, rest = text.partition("'")
        if apostrophe and head in self._elisions:
            text = rest
        text = text.removesuffix("'s").replace("'", "") or text.replace("'", "")
        word, bare = fold(text), text.lstrip("@#")
        if not fold(bare):
            return (), ()
        stem = fold(self._stem(fold(bare) if self._fold_first else unicodedata.normalize("NFC", bare)))
        return (stem or word,), (word,)

    def _stem(self, word: str) -> str:
        stem: str = self._stemmer.stemWord(word) if self._stemmer and not word[0].isnumeric() else word
        return stem


@cache
def analyzer(language: str) -> Analyzer:
    """The analyzer for an ISO 639 code; languages without a stemmer are folded only."""
    return Analyzer(language)


def fold(text: str) -> str:
    """The text without case, compatibility forms and accents: `Zürich` and `ZURICH` are both `zurich`."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKC", text).casefold()
    if plain.isascii():
        return plain
    return unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", plain)))


def is_unspaced(text: str) -> bool:
    """Whether a text begins in a script whose words are indexed as bigrams."""
    return not text.isascii() and _IS_UNSPACED.match(text) is not None


def keeps_accents(language: str) -> bool:
    """Whether stems of this language depend on accents, so that a word without its accents has another."""
    return not _folds_first(language.split("-")[0].lower())


def _folds_first(base: str) -> bool:
    return base in _FOLD_FIRST or base not in _SNOWBALL


@cache
def stop_words(language: str) -> frozenset[str]:
    """The words of a language that are too common to be asked for, folded; empty when none are known."""
    # Here, for processes that only read need none of it.
    from whoosh.lang import has_stopwords, stopwords_for_language

    base = language.split("-")[0].lower()
    if not has_stopwords(base):
        return frozenset()
    return frozenset(fold(word).replace("'", "") for word in stopwords_for_language(base))


def _surface(text: str) -> Any:
    return _ASCII_SURFACE if text.isascii() else _SURFACE


def _bigrams(run: str) -> list[tuple[str, int, int]]:
    # Folded one character at a time, so that each keeps its place in the original.
    folded = [unicodedata.normalize("NFKC", char).casefold() for char in run]
    last = len(run) - 1
    grams = [(folded[i] + folded[i + 1], i, i + 2) for i in range(last)]
    grams.append((folded[last], last, last + 1))
    return grams
