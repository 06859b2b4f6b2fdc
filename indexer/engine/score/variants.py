"""Other ways to write a query word: other spellings and forms, joined words, and words apart.

*Co-operation*, *cooperation* and *co operation* are one word, as are *Wal-Mart* and *WalMart*. Texts are not
changed for it: the lexicon tells which of these forms an index has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from indexer.engine.read.snapshot import Snapshot
from indexer.engine.score.clauses import is_common_word
from indexer.text.analyzer import Analyzer, strip_tag
from indexer.text.unspaced import is_unspaced
from indexer.text.variants import LANGUAGE, list_variants

_MIN_LETTERS = 5
"""Shorter words of letters are not split."""
_MAX_LETTERS = 40
_LETTERS_AND_DIGITS = re.compile(r"([^\W\d_]+)(\d+)|(\d+)([^\W\d_]+)")


def find_variants(
    snapshot: Snapshot, analyzer: Analyzer, text: str, neighbours: Iterable[str] = ()
) -> Iterator[str]:
    """Yield the variants of a word as typed that the index has in texts of an analyzer.

    A variant of several words stands for these words side by side, in this order. `neighbours` are texts of
    two words that stand beside each other in the query, one of which is this word.
    """
    tokens = analyzer.tokenize(text, query=True)
    words = [token.word for token in tokens]
    if not words or len("".join(words)) > _MAX_LETTERS or not all(map(_is_plain, words)):
        return
    if len(words) == 1 and is_common_word(text, analyzer.language):
        return
    for pair in neighbours if len(words) == 1 else [text]:
        if joined := join_words(snapshot, analyzer, pair):
            yield joined
    if len(words) > 1:
        return
    own = {tokens[0].stem}
    for variant in list_variants(words[0]) if analyzer.language == LANGUAGE else ():
        stem = analyzer.tokenize(variant)[0].stem
        if stem not in own and snapshot.has_stem(stem):
            own.add(stem)
            yield variant
    yield from _split(snapshot, analyzer, words[0])


def join_words(snapshot: Snapshot, analyzer: Analyzer, text: str) -> str | None:
    """The words of a text as one, if the index has that; None if not.

    Common words are not joined: "in to" is not "into". Nor are words of which a stemmer removes the last, as
    in "hope fully".
    """
    words = [token.word for token in analyzer.tokenize(text, query=True)]
    joined = "".join(words)
    if (
        len(words) < 2
        or not all(map(_is_plain, words))
        or joined.isnumeric()
        or any(is_common_word(word, analyzer.language) for word in words)
    ):
        return None
    tokens = analyzer.tokenize(joined)
    begins = len("".join(words[:-1]))
    if len(tokens) == 1 and len(strip_tag(tokens[0].stem)) > begins and snapshot.has_stem(tokens[0].stem):
        return joined
    return None


def _split(snapshot: Snapshot, analyzer: Analyzer, word: str) -> Iterator[str]:
    """The word as two, wherever the index has both and neither is common."""
    if word.isalpha():
        places: Iterable[int] = range(1, len(word)) if len(word) >= _MIN_LETTERS else ()
    elif match := _LETTERS_AND_DIGITS.fullmatch(word):
        places = [match.end(1) if match[1] else match.end(3)]
    else:
        return
    for place in places:
        parts = word[:place], word[place:]
        if all(
            snapshot.has_stem(analyzer.analyze_surface(part)[0][0])
            and not is_common_word(part, analyzer.language)
            for part in parts
        ):
            yield " ".join(parts)


def _is_plain(word: str) -> bool:
    return word.isalnum() and not is_unspaced(word)
