"""From text to terms, by the same code for documents and queries.

A text is split into *surfaces*: words, numbers and names as they are written. Each has one position (seldom
several, or none), and at each position two forms: the *stem*, which most queries match, and the *word*, which
is normalized but not stemmed, and which prefixes, wildcards and fuzzy matches match. Runs of scripts without
spaces become overlapping bigrams; see `unspaced`.

A stem carries the *tag* of the analyzer that made it, as in `polici/en`: what one language's stemmer makes of
a word must not match what another's makes of an unrelated one. Numbers, bigrams and the words of languages
without rules of their own have no tag, since every analyzer makes the same of them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import compress
from typing import TYPE_CHECKING, NamedTuple

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
from indexer.text.normalization import normalize, put_tone_last
from indexer.text.unspaced import RUN, RUN_START, compile_on_first_use, is_unspaced, split_bigrams

if TYPE_CHECKING:
    import regex

_ALNUM = rf"[[\p{{L}}\p{{M}}\p{{N}}]--[{RUN_START}]]"
# The last two are used in Hebrew abbreviations.
_APOSTROPHES = "'\u2019\u02bc\uff07\u05f3\u05f4"
# Invisible inside words: the soft hyphen, and the joiners and non-joiners of Persian and Indian scripts.
_JOINERS = "\u00ad\u200c\u200d\u2060"
# A quotation mark before the last letter marks a Hebrew abbreviation.
_HEBREW_QUOTE = f'(?<=[\u05d0-\u05ea])"(?=[\u05d0-\u05ea](?!{_ALNUM}))'

# From the most specific to the most general; but plain words, by far the most common, come first, which makes
# the pass three times faster. Without groups, since those slow findall down.
_PATTERN = r"""
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


def _fill_in(**parts: str) -> str:
    pattern = _PATTERN
    for name, part in parts.items():
        pattern = pattern.replace(name, part)
    return pattern


_SURFACE = _fill_in(
    UNSPACED=RUN,
    INSIDE=f"(?: [{_APOSTROPHES}{_JOINERS}] | {_HEBREW_QUOTE} )",
    ALNUM=_ALNUM,
    LETTER=r"\p{L}",
    DIGIT=r"\p{N}",
    APOSTROPHES=_APOSTROPHES,
)
# The same for ASCII text, which the standard library matches three times faster.
_ASCII_SURFACE = re.compile(
    _fill_in(
        UNSPACED=r"(?!)",
        INSIDE="[APOSTROPHES]",
        ALNUM="[A-Za-z0-9]",
        LETTER="[A-Za-z]",
        DIGIT="[0-9]",
        APOSTROPHES=_APOSTROPHES[0],
    ),
    re.VERBOSE,
)
_NUMBER = re.compile("[0-9]+(?:[.,][0-9]+)*")
_THOUSANDS = re.compile("[0-9]{1,3}(?:,[0-9]{3})+")
_OTHER_THOUSANDS = r"\p{N}{1,3}(?:,\p{N}{3})+"

# The languages that have rules of their own.
_SPECIAL = SNOWBALL.keys() | ELISIONS.keys() | DOTLESS | {TONED}

_MAX_CACHED = 500_000

TAG = "/"
"""Stands between a stem and its tag; no stem or word has one itself."""

Forms = tuple[tuple[str, ...], tuple[str, ...]]
"""The stems and the words of a surface, one of each for every position."""


class Token(NamedTuple):
    """A position of a text: its stem (with its tag), its word, and its start and end in the original text."""

    stem: str
    word: str
    start: int
    end: int


class Analyzer:
    """Turns texts of one language into terms. Threads share the instances that `get_analyzer` returns."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._tag = TAG + language if language else ""
        base = base_language(language)
        # Without the stemmers' own caches, since `_cache` has the forms of each surface.
        self._stemmer = Stemmer.Stemmer(SNOWBALL[base], 0) if base in SNOWBALL else None
        self._latin_stemmer = Stemmer.Stemmer("english", 0) if base in NOT_LATIN else self._stemmer
        self._normalizes_first = base in NORMALIZE_FIRST or base not in SNOWBALL
        self.tells_accents_apart = base == TONED or not self._normalizes_first
        """Whether words that differ in their accents may have different stems."""
        self._is_arabic = base == "ar"
        self.ignores_case = base not in DOTLESS
        """Whether forms are the same for ASCII letters of either case."""
        self._is_dotless = base in DOTLESS
        self._is_toned = base == TONED
        self._elisions = ELISIONS.get(base, frozenset())
        self._cache: dict[str, Forms] = {}
        self._lock = Lock()  # a Snowball stemmer keeps state during a call

    def analyze(self, text: str) -> tuple[list[str], list[str]]:
        """Return the stems and the words of a document's text, one of each for every position."""
        cache = self._cache
        stems: list[str] = []
        words: list[str] = []
        for surface in self.split_surfaces(text):
            pair = cache.get(surface) or self._analyze_new(surface)
            stems += pair[0]
            words += pair[1]
        return stems, words

    def split_surfaces(self, text: str) -> list[str]:
        """Return the surfaces of a text, in order."""
        found: list[str] = _surface_pattern(text).findall(text)
        return found

    def analyze_surface(self, surface: str) -> Forms:
        """Return the stems and the words of a surface."""
        return self._cache.get(surface) or self._analyze_new(surface)

    def analyze_each(self, texts: Sequence[str]) -> Iterator[Forms]:
        """Yield the stems and the words of each text, as `analyze` returns them; for many short texts.

        They are not cached. Single ASCII words, which most of them are, are stemmed in one call.
        """
        is_plain = [not self._is_dotless and text.isascii() and text.isalpha() for text in texts]
        words = [text.lower() for text in compress(texts, is_plain)]
        stems = words
        if self._latin_stemmer:
            with self._lock:
                stems = self._latin_stemmer.stemWords(words)
        tag = self._tag
        forms = zip(zip(normalize(stem) + tag for stem in stems), zip(words), strict=True)
        for text, is_word in zip(texts, is_plain, strict=True):
            if is_word:
                yield next(forms)
            elif _NUMBER.fullmatch(text):
                yield self._compute_forms(text)
            else:
                found = self.analyze(text)
                yield tuple(found[0]), tuple(found[1])

    def tokenize(self, text: str, *, query: bool = False) -> list[Token]:
        """Return the tokens of a text.

        The last token of a run of an unspaced script is its last character, so that every character of a
        document can be found alone. With `query`, a run at the end of the text has no such token, since it
        would not match documents in which the run goes on.
        """
        if _is_plain(text):
            # A single word, as most queries and their clauses are.
            (stem,), (word,) = self.analyze_surface(text)
            return [Token(stem, word, 0, len(text))]
        found: list[Token] = []
        cache, is_ascii = self._cache, text.isascii()
        for match in _surface_pattern(text).finditer(text):
            surface = match.group()
            start, end = match.span()
            if not is_ascii and is_unspaced(surface):
                grams = split_bigrams(surface)
                if query and len(grams) > 1 and end == len(text):
                    grams.pop()
                found += (Token(gram, gram, start + a, start + b) for gram, a, b in grams)
                continue
            stems, words = cache.get(surface) or self._analyze_new(surface)
            if len(stems) == 1:
                found.append(Token(stems[0], words[0], start, end))
            else:
                found += (Token(stem, word, start, end) for stem, word in zip(stems, words, strict=True))
        return found

    def find_spans(
        self, text: str, stems: frozenset[str], words: frozenset[str]
    ) -> tuple[tuple[int, int], ...]:
        """Return the (start, end) of every occurrence of the stems or words, ascending and disjoint."""
        found: list[tuple[int, int]] = []
        cache = self._cache
        for match in _surface_pattern(text).finditer(text):
            surface = match.group()
            forms = cache.get(surface) or self._analyze_new(surface)
            if stems.isdisjoint(forms[0]) and words.isdisjoint(forms[1]):
                continue
            start, end = match.span()
            if len(forms[0]) < 2 or not is_unspaced(surface):
                found.append((start, end))
                continue
            for gram, a, b in split_bigrams(surface):
                if gram in stems or gram in words:
                    if found and start + a < found[-1][1]:
                        found[-1] = (found[-1][0], start + b)
                    else:
                        found.append((start + a, start + b))
        return tuple(found)

    def _analyze_new(self, surface: str) -> Forms:
        if is_unspaced(surface):
            # Not cached, since such runs rarely occur twice.
            grams = tuple(gram for gram, _, _ in split_bigrams(surface))
            return grams, grams
        with self._lock:
            if len(self._cache) >= _MAX_CACHED:
                self._cache.clear()
            forms = self._cache[surface] = self._compute_forms(surface)
        return forms

    def _compute_forms(self, surface: str) -> Forms:
        if self._is_dotless:
            surface = surface.replace("I", "ı").replace("İ", "i")
        if _is_plain(surface):
            word = surface.lower()
            return (normalize(self._stem(word)) + self._tag,), (word,)
        if _NUMBER.fullmatch(surface):
            number = surface.replace(",", "" if _THOUSANDS.fullmatch(surface) else ".")
            return (number,), (number,)
        text = unicodedata.normalize("NFKC", surface).casefold()
        # NFKC may make several words of a character (½ becomes 1⁄2).
        pieces = self.split_surfaces(text)
        if len(pieces) != 1:
            stems: list[str] = []
            words: list[str] = []
            for piece in pieces:
                if piece != surface:
                    more = self._compute_forms(piece)
                    stems += more[0]
                    words += more[1]
            return tuple(stems), tuple(words)
        text = pieces[0]
        for mark in _APOSTROPHES[1:]:
            text = text.replace(mark, "'")
        text = text.replace('"', "")
        if "," in text and compile_on_first_use(_OTHER_THOUSANDS).fullmatch(text):
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
        # A number in other digits, or after an elision (l'11), is the same number.
        is_number = _NUMBER.fullmatch(stem) is not None
        return (stem if is_number else (stem or word) + self._tag,), (word,)

    def _stem(self, word: str) -> str:
        stemmer = self._latin_stemmer if word.isascii() else self._stemmer
        if stemmer is None or word[0].isnumeric():
            return word
        if self._is_arabic and len(word) > 5 and word.startswith(("وال", "فال")):
            word = word[1:]  # "and" before the article; the stemmer removes only the article
        stem: str = stemmer.stemWord(word)
        return stem

    def matches_words(self, token: Token) -> bool:
        """Whether a token of a query matches words as well as stems.

        If the stemmer needs accents, they may be missing in the query. In Vietnamese, where they distinguish
        words, only a word without accents matches all of its variants.
        """
        if self._is_toned:
            return strip_tag(token.stem) == token.word
        return not self._normalizes_first

    def tag_word(self, word: str) -> str:
        """Return a word with this analyzer's tag: one that matches only what this analyzer has analysed."""
        return word + TAG + self.language


def get_analyzer(language: str) -> Analyzer:
    """Return the analyzer for an ISO 639 code; words of languages without a stemmer are only normalized.

    Languages with the same rules share an analyzer, so a query is not analysed twice.
    """
    base = base_language(language)
    return _make_analyzer(base if base in _SPECIAL else "zh" if base in NOT_LATIN else "")


def strip_tag(term: str) -> str:
    """Return a stem or word without its tag."""
    return term.partition(TAG)[0]


def get_tag(term: str) -> str:
    """Return the language of the analyzer that made a stem; "" for a stem without a tag."""
    return term.partition(TAG)[2]


def library_versions() -> dict[str, str]:
    """Return the versions of the stemmer and of the Unicode tables, on which the terms of a text depend.

    The regex module does not state the version of its own Unicode tables.
    """
    return {"stemmer": Stemmer.version(), "Unicode": unicodedata.unidata_version}


@cache
def _make_analyzer(base: str) -> Analyzer:
    return Analyzer(base)


def _surface_pattern(text: str) -> re.Pattern[str] | regex.Pattern[str]:
    return _ASCII_SURFACE if text.isascii() else compile_on_first_use(_SURFACE, re.VERBOSE)


def _is_plain(surface: str) -> bool:
    """Whether a surface is a word of ASCII letters."""
    return surface.isascii() and surface.isalpha()


def replace_hebrew_quotes(text: str) -> str:
    """Return the text with Hebrew quotation marks in abbreviations: no surface has an ASCII one then."""
    return compile_on_first_use(_HEBREW_QUOTE).sub("\u05f4", text)
