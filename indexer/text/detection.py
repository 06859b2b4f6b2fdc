"""Detects the language of an article that states none: by its script, or by a model of common languages.

The configured language is assumed unless there is clear evidence for another. The model is that of py3langid
(Lui and Baldwin 2012, "langid.py"; retrained for version 0.4), restricted to common languages, so that tables
are not taken for text in rare ones.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any

from indexer.text.languages import base_language
from indexer.text.unspaced import compile_on_first_use

SAMPLE = 400
"""How many characters of an article are read; more of them hardly improve the result."""

_MODEL_SAMPLE = 240  # of these, how many the model reads
_MIN_LETTERS, _MIN_ASCII_LETTERS = 12, 20
_MIN_LETTER_SHARE = 0.7  # of the characters of ASCII text; with fewer it is a table
# Measured with paragraphs in 40 languages, and with English news, tables and headlines: none of 19,000
# articles, and one in 600 headlines, was taken for another language.
_MIN_PROBABILITY = 0.5  # of the language and its relatives
_MIN_ODDS = 20  # against the configured language

# Scripts of one language, by the first word of their letters' names.
_BY_SCRIPT = {
    "ARMENIAN": "hy", "BENGALI": "bn", "BOPOMOFO": "zh", "CJK": "zh", "ETHIOPIC": "am", "GEORGIAN": "ka",
    "GREEK": "el", "GUJARATI": "gu", "GURMUKHI": "pa", "HALFWIDTH": "ja", "HANGUL": "ko",
    "HEBREW": "he", "HIRAGANA": "ja", "KANNADA": "kn", "KATAKANA": "ja", "KHMER": "km", "LAO": "lo",
    "MALAYALAM": "ml", "MYANMAR": "my", "ORIYA": "or", "SINHALA": "si", "TAMIL": "ta", "TELUGU": "te",
    "THAI": "th", "TIBETAN": "bo",
}  # fmt: skip
# Other languages that are written in these scripts, with the one in `_BY_SCRIPT`.
_SAME_SCRIPT = {"yi": "he", "as": "bn", "ti": "am", "yue": "zh", "wuu": "zh"}
_SCRIPT_LETTERS = (
    r"[\p{Armenian}\p{Bengali}\p{Bopomofo}\p{Han}\p{Ethiopic}\p{Georgian}\p{Greek}\p{Gujarati}\p{Gurmukhi}"
    r"\p{Hangul}\p{Hebrew}\p{Hiragana}\p{Kannada}\p{Katakana}\p{Khmer}\p{Lao}\p{Malayalam}\p{Myanmar}"
    r"\p{Oriya}\p{Sinhala}\p{Tamil}\p{Telugu}\p{Thai}\p{Tibetan}]"
)
_LETTERS = r"\p{L}"
_NO_LETTERS = bytes(byte for byte in range(128) if not chr(byte).isalpha())
_KANA_SHARE = 1 / 20  # of the Chinese characters: a text with more kana is Japanese

# Nearly all English prose is detected by these words, without the model.
_ENGLISH = frozenset(
    [
        "the", "and", "that", "from", "with", "said", "its", "this", "which", "been", "were", "would",
        "than", "are", "has", "had", "have", "not", "their", "they", "after", "about", "could", "these",
        "who", "when", "where", "more", "other",
    ]
)  # fmt: skip
_ENGLISH_SHARE = 1 / 15
_MIN_WORDS = 8

_MODELLED = (
    "af", "ar", "az", "be", "bg", "ca", "cs", "cy", "da", "de", "en", "eo", "es", "et", "eu", "fa", "fi",
    "fr", "ga", "gl", "hi", "hr", "hu", "id", "is", "it", "kk", "lt", "lv", "mk", "mr", "ms", "ne", "nl",
    "no", "pl", "pt", "ro", "ru", "sk", "sl", "sq", "sr", "sv", "sw", "tl", "tr", "uk", "ur", "uz", "vi",
)  # fmt: skip
# Closely related languages: their probabilities are added up, and the most probable one is the result.
_RELATED = {"hr": "sr", "bs": "sr", "sh": "sr", "ms": "id", "da": "no", "nn": "no", "nb": "no"}


def detect_language(title: str, paragraphs: Iterable[str], configured: str) -> str:
    """Return the ISO 639 code of an article's language; `configured` if there is no clear evidence.

    Raises StorageFailed if the model is needed and there is no space to unpack it.
    """
    sample = _sample(paragraphs) or title[:SAMPLE]
    base = base_language(configured)
    found = _detect_by_script(sample)
    if found is None:
        found = "en" if _is_english(sample) else _detect_by_model(sample, base)
    return configured if found in (None, base, _SAME_SCRIPT.get(base)) else found


def _sample(paragraphs: Iterable[str]) -> str:
    taken: list[str] = []
    size = 0
    for text in paragraphs:
        taken.append(text[: SAMPLE - size])
        size += len(taken[-1])
        if size >= SAMPLE:
            break
    return "\n".join(taken)


def _detect_by_script(sample: str) -> str | None:
    """Return the language whose script at least a quarter of the letters are in; None if there is none."""
    letters = "" if sample.isascii() else "".join(compile_on_first_use(_SCRIPT_LETTERS).findall(sample))
    # A quarter is enough: foreign names in Latin letters are long.
    if not letters or len(letters) < _count_letters(sample) / 4:
        return None
    languages: Counter[str] = Counter()
    for char, count in Counter(letters).items():
        languages[_language_of_letter(char)] += count
    if languages["ja"] > _KANA_SHARE * languages["zh"]:
        languages["ja"] += languages.pop("zh", 0)
    return languages.most_common(1)[0][0]


@lru_cache(4096)
def _language_of_letter(char: str) -> str:
    script = re.split("[ -]", unicodedata.name(char, ""), maxsplit=1)[0]
    return _BY_SCRIPT.get(script, "zh")  # Chinese radicals and numerals have other names


def _is_english(sample: str) -> bool:
    words = sample.lower().split()
    count = sum(map(_ENGLISH.__contains__, words))
    return len(words) >= _MIN_WORDS and count >= max(2, len(words) * _ENGLISH_SHARE)


def _detect_by_model(sample: str, configured: str) -> str | None:
    letters = _count_letters(sample)
    is_table = sample.isascii() and letters < max(_MIN_ASCII_LETTERS, len(sample) * _MIN_LETTER_SHARE)
    if is_table or letters < _MIN_LETTERS:
        return None
    ranking = _load_model().rank(sample[:_MODEL_SAMPLE])
    families: Counter[str] = Counter()
    for label, probability in ranking:
        families[_RELATED.get(label, label)] += probability
    best, _ = ranking[0]
    evidence = families[_RELATED.get(best, best)]
    is_clear = (
        evidence >= _MIN_PROBABILITY and evidence > _MIN_ODDS * families[_RELATED.get(configured, configured)]
    )
    return best if is_clear or best == configured else None


def _count_letters(text: str) -> int:
    if text.isascii():
        return len(text.encode().translate(None, _NO_LETTERS))
    return len(compile_on_first_use(_LETTERS).findall(text))


@cache
def _load_model() -> Any:
    # Imported here, since most archives do not need it.
    from indexer.text.language_model import load_model

    return load_model(_MODELLED)
