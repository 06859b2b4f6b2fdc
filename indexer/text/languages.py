"""The stemmer, the rules and the stop words of each language, for the analyzer."""

from __future__ import annotations

from functools import cache, lru_cache

from indexer.text.normalization import normalize

SNOWBALL = {
    "ar": "arabic", "bs": "serbian", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german",
    "el": "greek", "en": "english", "eo": "esperanto", "es": "spanish", "et": "estonian", "eu": "basque",
    "fa": "persian", "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi", "hr": "serbian",
    "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian", "lt": "lithuanian",
    "ms": "indonesian", "nb": "norwegian", "ne": "nepali", "nl": "dutch", "nn": "norwegian",
    "no": "norwegian", "pl": "polish", "pt": "portuguese", "ro": "romanian", "ru": "russian",
    "sh": "serbian", "sr": "serbian", "st": "sesotho", "sv": "swedish", "ta": "tamil", "tr": "turkish",
    "yi": "yiddish",
}  # fmt: skip
# Their stemmers remove no suffixes with accents, so résumés and resumes have the same stem if the words are
# normalized first.
NORMALIZE_FIRST = frozenset({"en", "de", "nl", "da", "sv", "no", "nb", "nn", "id", "ms"})
# Languages in scripts other than Latin: Latin words in their texts are nearly always English.
NOT_LATIN = frozenset(
    [
        "am", "ar", "be", "bg", "bn", "el", "fa", "gu", "he", "hi", "hy", "ja", "ka", "kk", "km", "kn", "ko",
        "lo", "mk", "ml", "mr", "my", "ne", "or", "pa", "ru", "si", "ta", "te", "th", "uk", "ur", "yi", "zh",
    ]
)  # fmt: skip
DOTLESS = frozenset({"tr", "az"})  # where I is the capital of ı, and İ of i
TONED = "vi"  # where the accents of a vowel distinguish words
# Codes of three letters, and withdrawn ones.
_ALIASES = {
    "ara": "ar", "ben": "bn", "bos": "bs", "cat": "ca", "ces": "cs", "chi": "zh", "cze": "cs", "dan": "da",
    "deu": "de", "dut": "nl", "ell": "el", "eng": "en", "est": "et", "eus": "eu", "fas": "fa", "fin": "fi",
    "fra": "fr", "fre": "fr", "ger": "de", "gle": "ga", "gre": "el", "heb": "he", "hin": "hi", "hrv": "hr",
    "hun": "hu", "hye": "hy", "in": "id", "ind": "id", "ita": "it", "iw": "he", "ji": "yi", "jpn": "ja",
    "kor": "ko", "lit": "lt", "nep": "ne", "nld": "nl", "nno": "nn", "nob": "nb", "nor": "no", "per": "fa",
    "pol": "pl", "por": "pt", "ron": "ro", "rum": "ro", "rus": "ru", "spa": "es", "srp": "sr", "swe": "sv",
    "tam": "ta", "tha": "th", "tur": "tr", "ukr": "uk", "urd": "ur", "vie": "vi", "zho": "zh",
}  # fmt: skip
ELISIONS = {
    language: frozenset(prefixes.split())
    for language, prefixes in {
        "fr": "l d j m t s n c qu jusqu lorsqu puisqu quoiqu presqu",
        "it": "l un d c m t s v n all dall dell nell sull coll pell gl quest quell",
        "ca": "l d m t s n",
    }.items()
}


@lru_cache(1024)
def base_language(language: str) -> str:
    """Return the ISO 639 code that selects the analyzer: `de` for `de-AT`, `DE_at` and `deu`."""
    base = language.replace("_", "-").split("-")[0].lower()
    return _ALIASES.get(base, base)


@cache
def stop_words(language: str) -> frozenset[str]:
    """Return the normalized stop words of a language; empty if none are known."""
    # Imported here, since workers do not need it.
    from whoosh.lang import has_stopwords, stopwords_for_language

    base = base_language(language)
    if not has_stopwords(base):
        return frozenset()
    return frozenset(normalize(word).replace("'", "") for word in stopwords_for_language(base))
