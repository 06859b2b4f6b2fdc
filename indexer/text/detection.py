"""The language of an article that does not say: from its script, else by a model of common languages.

A guess is made only where the text speaks plainly against the configured language; otherwise that one holds.
The model is py3langid's (Lui and Baldwin 2012, "langid.py"; retrained for its version 0.4), restricted to
languages that are written a lot, so that tables and tickers are not taken for rare ones.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any

import regex

from indexer.files.regular import no_room
from indexer.text.languages import base_language

SAMPLE = 400
"""How many characters of an article are looked at; measured, more tell hardly more."""

_MODEL_SAMPLE = 240  # … and by the model, of which the rest would only cost time
_FEWEST_LETTERS, _FEWEST_ASCII = 12, 20
_LETTER_SHARE = 0.7  # ASCII text that has fewer among its characters is a table
# Measured on paragraphs of 40 languages, and on English news, tables and headlines: of 19,000 articles none
# was taken for another language, of their headlines one in 600.
_LEAST = 0.5  # how probable the best guess must be, kin taken together
_ODDS = 20  # … and how many times as probable as the configured language

# Scripts that tell the language by themselves, by the first word of their letters' names.
_BY_SCRIPT = {
    "ARMENIAN": "hy", "BENGALI": "bn", "BOPOMOFO": "zh", "CJK": "zh", "ETHIOPIC": "am", "GEORGIAN": "ka",
    "GREEK": "el", "GUJARATI": "gu", "GURMUKHI": "pa", "HALFWIDTH": "ja", "HANGUL": "ko",
    "HEBREW": "he", "HIRAGANA": "ja", "KANNADA": "kn", "KATAKANA": "ja", "KHMER": "km", "LAO": "lo",
    "MALAYALAM": "ml", "MYANMAR": "my", "ORIYA": "or", "SINHALA": "si", "TAMIL": "ta", "TELUGU": "te",
    "THAI": "th", "TIBETAN": "bo",
}  # fmt: skip
# Languages that are written like the one that `_BY_SCRIPT` gives for their script.
_SAME_SCRIPT = {"yi": "he", "as": "bn", "ti": "am", "yue": "zh", "wuu": "zh"}
_TELLING = regex.compile(
    r"[\p{Armenian}\p{Bengali}\p{Bopomofo}\p{Han}\p{Ethiopic}\p{Georgian}\p{Greek}\p{Gujarati}\p{Gurmukhi}"
    r"\p{Hangul}\p{Hebrew}\p{Hiragana}\p{Kannada}\p{Katakana}\p{Khmer}\p{Lao}\p{Malayalam}\p{Myanmar}"
    r"\p{Oriya}\p{Sinhala}\p{Tamil}\p{Telugu}\p{Thai}\p{Tibetan}]"
)
_LETTERS = regex.compile(r"\p{L}")
_NO_LETTERS = bytes(byte for byte in range(128) if not chr(byte).isalpha())
_KANA_SHARE = 1 / 20  # of a text in Chinese characters: with more, it is Japanese

# Told by these before the model is needed, as nearly all English prose is.
_ENGLISH = frozenset(
    [
        "the",
        "and",
        "that",
        "from",
        "with",
        "said",
        "its",
        "this",
        "which",
        "been",
        "were",
        "would",
        "than",
        "are",
        "has",
        "had",
        "have",
        "not",
        "their",
        "they",
        "after",
        "about",
        "could",
        "these",
        "who",
        "when",
        "where",
        "more",
        "other",
    ]
)
_ENGLISH_SHARE = 1 / 15
_FEWEST_WORDS = 8

_MODELLED = (
    "af", "ar", "az", "be", "bg", "ca", "cs", "cy", "da", "de", "en", "eo", "es", "et", "eu", "fa", "fi",
    "fr", "ga", "gl", "hi", "hr", "hu", "id", "is", "it", "kk", "lt", "lv", "mk", "mr", "ms", "ne", "nl",
    "no", "pl", "pt", "ro", "ru", "sk", "sl", "sq", "sr", "sv", "sw", "tl", "tr", "uk", "ur", "uz", "vi",
)  # fmt: skip
# Close kin share the evidence for leaving the configured language; which of them it is, the best one says.
_KIN = {"hr": "sr", "bs": "sr", "sh": "sr", "ms": "id", "da": "no", "nn": "no", "nb": "no"}


def detect(title: str, paragraphs: Iterable[str], configured: str) -> str:
    """The ISO 639 code of the language that an article's text is in, or else `configured`.

    Raises StorageFailed when the model is needed, and there is no room to unpack it in.
    """
    sample = _sample(paragraphs) or title[:SAMPLE]
    base = base_language(configured)
    found = _by_script(sample)
    if found is None:
        found = "en" if _is_english(sample) else _by_model(sample, base)
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


def _by_script(sample: str) -> str | None:
    """The language of the letters, if their script tells it."""
    telling = "" if sample.isascii() else "".join(_TELLING.findall(sample))
    # Foreign names stand among them, with many letters for a sound: a quarter of the letters is plenty.
    if not telling or len(telling) < _count_letters(sample) / 4:
        return None
    languages: Counter[str] = Counter()
    for char, count in Counter(telling).items():
        languages[_language_of(char)] += count
    if languages["ja"] > _KANA_SHARE * languages["zh"]:
        languages["ja"] += languages.pop("zh", 0)
    return languages.most_common(1)[0][0]


@lru_cache(4096)
def _language_of(char: str) -> str:
    script = re.split("[ -]", unicodedata.name(char, ""), maxsplit=1)[0]
    return _BY_SCRIPT.get(script, "zh")  # radicals and old numerals have names of their own


def _is_english(sample: str) -> bool:
    words = sample.lower().split()
    count = sum(map(_ENGLISH.__contains__, words))
    return len(words) >= _FEWEST_WORDS and count >= max(2, len(words) * _ENGLISH_SHARE)


def _by_model(sample: str, configured: str) -> str | None:
    letters = _count_letters(sample)
    is_table = sample.isascii() and letters < max(_FEWEST_ASCII, len(sample) * _LETTER_SHARE)
    if is_table or letters < _FEWEST_LETTERS:
        return None
    scores = _model().rank(sample[:_MODEL_SAMPLE])
    families: Counter[str] = Counter()
    for label, probability in scores:
        families[_KIN.get(label, label)] += probability
    best, _ = scores[0]
    kin = families[_KIN.get(best, best)]
    is_plain = kin >= _LEAST and kin > _ODDS * families[_KIN.get(configured, configured)]
    return best if is_plain or best == configured else None


def _count_letters(text: str) -> int:
    if text.isascii():
        return len(text.encode().translate(None, _NO_LETTERS))
    return len(_LETTERS.findall(text))


@cache
def _model() -> Any:
    try:
        # Here, for it takes a third of a second, and most archives do not need it.
        from py3langid.langid import MODEL_FILE, LanguageIdentifier

        model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    except OSError as error:
        raise no_room("the model that tells languages is unpacked", error) from error
    model.set_languages(_MODELLED)
    return model
