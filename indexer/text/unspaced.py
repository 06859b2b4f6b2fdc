"""Scripts that put no spaces between words: their runs of text, and the overlapping bigrams of a run.

A run is divided into units: a character with its marks; in Thai and Lao with the vowels that are written
before and after it, too, for no word ends between them (Theeramunkong et al. 2000, "Character cluster based
Thai information retrieval"). Two neighbouring units are a bigram, which is indexed as a word would be.
"""

from __future__ import annotations

import unicodedata
from itertools import pairwise

import regex

# Hangul is among them, for its particles cling to their words. Digits and punctuation are not.
_SCRIPTS = (
    r"\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\u30FC\uFF70"
)
RUN_START = rf"[{_SCRIPTS}]--[\p{{Nd}}\p{{P}}\p{{S}}]"
"""What a run begins with, as the inside of a set in a pattern of `regex`'s version 1."""
# … and goes on with: voicing marks of kana, and the selectors of a character's variants.
RUN = rf"[{RUN_START}][[{RUN_START}]\u3099\u309a\uff9e\uff9f\ufe00-\ufe0f\U000e0100-\U000e01ef]*"

_IS_RUN = regex.compile(rf"[{RUN_START}]", regex.VERSION1)
_UNIT = regex.compile(
    r"[\u0e40-\u0e44\u0ec0-\u0ec4]?\X(?:(?<=[\u17d2\u1039])\X)*[\u0e30\u0e32\u0e45\u0eb0\u0eb2\u102b\u102c\u1038]*"
)
# Where each character is a unit.
_PLAIN = regex.compile(r"[\u3041-\u3096\u30a1-\u30fc\u3400-\u9fff\uac00-\ud7a3]+")
_SELECTORS = regex.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]+")


def is_unspaced(text: str) -> bool:
    """Whether a text begins in a script whose words are indexed as bigrams."""
    return not text.isascii() and _IS_RUN.match(text) is not None


def bigrams(run: str) -> list[tuple[str, int, int]]:
    """The bigrams of a run, normalized, with their places in it; at the end its last unit alone."""
    units = _units(run)
    grams = [(a + b, start, end) for (a, start, _), (b, _, end) in pairwise(units)]
    return [*grams, units[-1]]


def is_unit(text: str) -> bool:
    """Whether a text is one unit of an unspaced script."""
    return is_unspaced(text) and _UNIT.fullmatch(text) is not None and len(_units(text)) == 1


def unit_end(text: str, start: int) -> int:
    """Where the unit ends that begins at a place of a text."""
    match = _UNIT.match(text, start)
    return match.end() if match else start + 1


def _units(run: str) -> list[tuple[str, int, int]]:
    if _PLAIN.fullmatch(run):
        return [(char, place, place + 1) for place, char in enumerate(run)]
    # Normalized one at a time, so that each keeps its place in the original.
    return [(_folded(match.group()), *match.span()) for match in _UNIT.finditer(run)]


def _folded(unit: str) -> str:
    return _SELECTORS.sub("", unicodedata.normalize("NFKC", unit).casefold())
