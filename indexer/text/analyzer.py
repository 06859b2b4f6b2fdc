"""Text to terms: one pass over the text, the same code for documents and for queries.

Every word of a text has a position, and at that position two forms: the *stem*, by which it is found, and the
*word* as written but normalized, by which prefixes, wildcards and fuzzy matches find it. Runs of scripts that
do not put spaces between words become overlapping bigrams; see `unspaced`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

import regex
import Stemmer

from indexer.files.fork_safe import Lock
from indexer.text.languages import (
    DOTLESS,
    ELISIONS,
    NORMALIZE_FIRST,
    NOT_LATIN,
    SNOWBALL,
    TONED,
    base_language,
)
from indexer.text.normalize import normalize, put_tone_last
from indexer.text.unspaced import RUN, RUN_START, bigrams, is_unspaced

_ALNUM = rf"[[\p{{L}}\p{{M}}\p{{N}}]--[{RUN_START}]]"
# The last two stand in Hebrew abbreviations.
_APOSTROPHES = "'\u2019\u02bc\uff07\u05f3\u05f4"
# Unseen inside words: the soft hyphen, and what keeps letters apart or together in Persian and in India.
_JOINERS = "\u00ad\u200c\u200d\u2060"
# A quotation mark before the last letter makes a Hebrew abbreviation.
_HEBREW_QUOTE = f'(?<=[\u05d0-\u05ea])"(?=[\u05d0-\u05ea](?!{_ALNUM}))'

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
    | ALNUM+ (?: INSIDE ALNUM+ )*                              # words, don't, O'Brien
      (?: \+\+ | (?<=(?<!ALNUM)LETTER) \# )?                   # C++, C#
"""


def _pieces(**names: str) -> str:
    pattern = _PIECES
    for name, meaning in names.items():
        pattern = pattern.replace(name, meaning)
    return pattern


_SURFACE = regex.compile(
    _pieces(
        UNSPACED=RUN,
        INSIDE=f"(?: [{_APOSTROPHES}{_JOINERS}] | {_HEBREW_QUOTE} )",
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
        UNSPACED=r"(?!)",
        INSIDE="[APOSTROPHES]",
        ALNUM="[A-Za-z0-9]",
        LETTER="[A-Za-z]",
        DIGIT="[0-9]",
        APOSTROPHES=_APOSTROPHES[0],
    ),
    re.VERBOSE,
)
_HEBREW_QUOTES = regex.compile(_HEBREW_QUOTE, regex.VERSION1)
_NUMBER = re.compile("[0-9]+(?:[.,][0-9]+)*")
_THOUSANDS = regex.compile(r"\p{N}{1,3}(?:,\p{N}{3})+")

_TREATED = SNOWBALL.keys() | ELISIONS.keys() | DOTLESS | {TONED}

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
        base = base_language(language)
        # Their own caches are off: the dictionary of surfaces stands before them.
        self._stemmer = Stemmer.Stemmer(SNOWBALL[base], 0) if base in SNOWBALL else None
        self._of_latin = Stemmer.Stemmer("english", 0) if base in NOT_LATIN else self._stemmer
        self._normalizes_first = base in NORMALIZE_FIRST or base not in SNOWBALL
        self._is_arabic = base == "ar"
        self.ignores_case = base not in DOTLESS
        """Whether forms are the same for ASCII letters of either case."""
        self._is_dotless = base in DOTLESS
        self._is_toned = base == TONED
        self._elisions = ELISIONS.get(base, frozenset())
        self._known: dict[str, Forms] = {}
        self._lock = Lock()  # a Snowball stemmer keeps state during a call

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

    def forms_of_each(self, texts: Sequence[str]) -> Iterator[Forms]:
        """The stems and the words of each text, as `forms`; for texts that are short and many.

        They are not remembered, and what most of them are, single words in ASCII, is stemmed in one go.
        """
        plain = [] if self._is_dotless else [text.lower() for text in texts if _is_plain(text)]
        stems: Iterator[str] = iter(plain)
        if self._of_latin:
            with self._lock:
                stems = iter(self._of_latin.stemWords(plain))
        words = iter(plain)
        for text in texts:
            if not self._is_dotless and _is_plain(text):
                yield (normalize(next(stems)),), (next(words),)
            elif _NUMBER.fullmatch(text):
                yield self._forms_of(text)
            else:
                found = self.forms(text)
                yield tuple(found[0]), tuple(found[1])

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
            if not is_ascii and is_unspaced(surface):
                places = bigrams(surface)
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
            for gram, a, b in bigrams(surface):
                if gram in stems or gram in words:
                    if found and start + a < found[-1][1]:
                        found[-1] = (found[-1][0], start + b)
                    else:
                        found.append((start + a, start + b))
        return tuple(found)

    def _learn(self, surface: str) -> Forms:
        if is_unspaced(surface):
            # Such runs rarely come twice; remembering them would only fill the cache.
            grams = tuple(gram for gram, _, _ in bigrams(surface))
            return grams, grams
        with self._lock:
            if len(self._known) >= _CACHE_LIMIT:
                self._known.clear()
            forms = self._known[surface] = self._forms_of(surface)
        return forms

    def _forms_of(self, surface: str) -> Forms:
        if self._is_dotless:
            surface = surface.replace("I", "ı").replace("İ", "i")
        if _is_plain(surface):
            word = surface.lower()
            return (normalize(self._stem(word)),), (word,)
        if _NUMBER.fullmatch(surface):
            number = surface.replace(",", "" if _THOUSANDS.fullmatch(surface) else ".")
            return (number,), (number,)
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
        text = text.replace('"', "")
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
        word, bare = normalize(text), text.lstrip("@#")
        if not normalize(bare):
            return (), ()
        if self._is_toned:
            stem = put_tone_last(bare)
        else:
            form = normalize(bare) if self._normalizes_first else unicodedata.normalize("NFC", bare)
            stem = normalize(self._stem(form))
        return (stem or word,), (word,)

    def _stem(self, word: str) -> str:
        stemmer = self._of_latin if word.isascii() else self._stemmer
        if stemmer is None or word[0].isnumeric():
            return word
        if self._is_arabic and len(word) > 5 and word.startswith(("وال", "فال")):
            word = word[1:]  # "and" before the article, which the stemmer then takes away
        stem: str = stemmer.stemWord(word)
        return stem

    def is_also_by_word(self, token: Token) -> bool:
        """Whether a token of a query should find words as written, too.

        Where the stemmer needs accents, they may be missing in the query. In Vietnamese, where they
        distinguish words, only a word without accents matches all of its variants.
        """
        return token.stem == token.word if self._is_toned else not self._normalizes_first


def analyzer(language: str) -> Analyzer:
    """The analyzer for an ISO 639 code; words of languages without a stemmer are only normalized.

    Languages that are analysed alike share one, so that a query need not be analysed twice.
    """
    base = base_language(language)
    return _analyzer(base if base in _TREATED else "zh" if base in NOT_LATIN else "")


def library_versions() -> dict[str, str]:
    """The versions of the stemmer and of the Unicode tables, which decide what terms a text gives.

    The tables of the regex module are not among them, for it does not say of which version they are.
    """
    return {"stemmer": Stemmer.version(), "Unicode": unicodedata.unidata_version}


@cache
def _analyzer(base: str) -> Analyzer:
    return Analyzer(base)


def _surface(text: str) -> Any:
    return _ASCII_SURFACE if text.isascii() else _SURFACE


def _is_plain(surface: str) -> bool:
    """Whether a surface is a word of ASCII letters."""
    return surface.isascii() and surface.isalpha()


def unquoted(text: str) -> str:
    """The text with Hebrew abbreviations in their own marks: no piece has a quotation mark in it then."""
    return _HEBREW_QUOTES.sub("\u05f4", text)
