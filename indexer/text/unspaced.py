"""Scripts without spaces between words: runs of them, and the overlapping bigrams of a run.

A run consists of units. A unit is a character with its marks; in Thai and Lao, it includes the vowels that
are written before and after it, since no word ends between them (Theeramunkong et al. 2000, "Character
cluster based Thai information retrieval"). Two adjacent units are a bigram, which is indexed as a word.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import regex

# Hangul is included because particles are attached to words. Digits and punctuation are not included.
_SCRIPTS = (
    r"\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\u30FC\uFF70"
)
RUN_START = rf"[{_SCRIPTS}]--[\p{{Nd}}\p{{P}}\p{{S}}]"
"""The first character of a run, for use inside a set of a pattern (`regex`, version 1)."""
# Also contains voicing marks of kana and variation selectors, after the first character.
RUN = rf"[{RUN_START}][[{RUN_START}]\u3099\u309a\uff9e\uff9f\ufe00-\ufe0f\U000e0100-\U000e01ef]*"

_IS_RUN = rf"[{RUN_START}]"
_UNIT = (
    r"[\u0e40-\u0e44\u0ec0-\u0ec4]?\X(?:(?<=[\u17d2\u1039])\X)*"
    r"[\u0e30\u0e32\u0e45\u0eb0\u0eb2\u102b\u102c\u1038]*"
)
# In these ranges each character is a unit.
_SINGLE_UNITS = r"[\u3041-\u3096\u30a1-\u30fc\u3400-\u9fff\uac00-\ud7a3]+"
_SELECTORS = "[\ufe00-\ufe0f\U000e0100-\U000e01ef]+"


@cache
def compile_on_first_use(pattern: str, flags: int = 0) -> regex.Pattern[str]:
    """Return a pattern of the module `regex`, compiled when it is first used.

    Loading the module and compiling its patterns takes tens of milliseconds, and ASCII text needs neither.
    """
    import regex

    return regex.compile(pattern, flags | regex.VERSION1)


def is_unspaced(text: str) -> bool:
    """Whether a text begins in a script that is indexed as bigrams."""
    return not text.isascii() and compile_on_first_use(_IS_RUN).match(text) is not None


def split_bigrams(run: str) -> list[tuple[str, int, int]]:
    """Return the normalized bigrams of a run, each with its start and end; and its last unit alone."""
    units = _units(run)
    grams = [(a + b, start, end) for (a, start, _), (b, _, end) in pairwise(units)]
    return [*grams, units[-1]]


def is_unit(text: str) -> bool:
    """Whether a text is a single unit."""
    return (
        is_unspaced(text)
        and compile_on_first_use(_UNIT).fullmatch(text) is not None
        and len(_units(text)) == 1
    )


def unit_end(text: str, start: int) -> int:
    """Return the end of the unit that begins at `start`."""
    match = compile_on_first_use(_UNIT).match(text, start)
    return match.end() if match else start + 1


def _units(run: str) -> list[tuple[str, int, int]]:
    if compile_on_first_use(_SINGLE_UNITS).fullmatch(run):
        return [(char, place, place + 1) for place, char in enumerate(run)]
    # Normalized one by one, since the positions are those in the original text.
    return [
        (_normalize_unit(match.group()), *match.span()) for match in compile_on_first_use(_UNIT).finditer(run)
    ]


def _normalize_unit(unit: str) -> str:
    return compile_on_first_use(_SELECTORS).sub("", unicodedata.normalize("NFKC", unit).casefold())
