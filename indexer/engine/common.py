"""Common words, which are not asked for where there are others."""

from __future__ import annotations

from collections.abc import Sequence

from indexer.text.analyzer import analyzer
from indexer.text.languages import stop_words


def common_words(texts: Sequence[str], spoken: Sequence[str]) -> list[str]:
    """The common words of the language that has the most of them here, or of the first that has."""
    found = [[text for text in texts if is_common(text, language)] for language in spoken]
    return max(found, key=len, default=[])


def is_common(text: str, language: str) -> bool:
    """Whether a word says little in a language; l'on and d'un are as common as on and un."""
    common = stop_words(language)
    tokens = analyzer(language).tokens(text) if common else []
    return bool(tokens) and all(token.word in common for token in tokens)
