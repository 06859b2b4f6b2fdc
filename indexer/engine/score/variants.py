"""Other ways to write a query word: other spellings and forms, joined words, and words apart.

*Co-operation*, *cooperation* and *co operation* are one word, as are *Wal-Mart* and *WalMart*. Texts are not
changed for it: the lexicon tells which of these forms an index has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from indexer.engine.read.deadline import NO_DEADLINE, Deadline
from indexer.engine.read.postings import FIELDS
from indexer.engine.read.snapshot import Snapshot
from indexer.engine.score.clauses import is_common_word
from indexer.text.analyzer import Analyzer, Token, strip_tag
from indexer.text.unspaced import is_unspaced
from indexer.text.variants import LANGUAGE, list_variants

_MIN_LETTERS = 5
"""Shorter words of letters are not split."""
_MAX_LETTERS = 40
_LETTERS_AND_DIGITS = re.compile(r"([^\W\d_]+)(\d+)|(\d+)([^\W\d_]+)")


def find_variants(
    snapshot: Snapshot,
    analyzer: Analyzer,
    text: str,
    neighbours: Iterable[str] = (),
    deadline: Deadline = NO_DEADLINE,
) -> Iterator[str]:
    """Yield the variants of a word as typed that the index has in texts of an analyzer. Raises TimedOut.

    A variant of several words stands for these words side by side, in this order. `neighbours` are texts of
    two words that stand beside each other in the query, one of which is this word. Which variants the index
    has is remembered.
    """
    tokens = _tokenize(analyzer, text)
    for pair in _list_pairs(tokens, text, neighbours):
        key = "joined", analyzer.language, pair
        if joined := snapshot.remember(key, partial(join_words, snapshot, analyzer, pair)):
            yield joined
    if len(tokens) != 1:
        return
    token = tokens[0]
    yield from snapshot.remember(
        ("variants", analyzer.language, token.stem, token.word),
        lambda: (*_respell(snapshot, analyzer, token), *_split(snapshot, analyzer, token.word, deadline)),
    )


def list_candidates(analyzer: Analyzer, text: str, neighbours: Iterable[str] = ()) -> Iterator[str]:
    """Yield the variants of a word as typed, whether an index has them or not; see `find_variants`."""
    tokens = _tokenize(analyzer, text)
    for pair in _list_pairs(tokens, text, neighbours):
        if joined := _join(analyzer, pair):
            yield joined[0]
    if len(tokens) != 1:
        return
    word = tokens[0].word
    yield from list_variants(word) if analyzer.language == LANGUAGE else ()
    for place in _list_places(word):
        parts = word[:place], word[place:]
        if not any(is_common_word(part, analyzer.language) for part in parts):
            yield " ".join(parts)


def join_words(snapshot: Snapshot, analyzer: Analyzer, text: str) -> str | None:
    """The words of a text as one, if the index has that; None if not. See `_join`."""
    joined = _join(analyzer, text)
    return joined[0] if joined and snapshot.has_stem(joined[1]) else None


def _tokenize(analyzer: Analyzer, text: str) -> list[Token]:
    """The tokens of a word as typed; empty if it can have no variants."""
    tokens = analyzer.tokenize(text, query=True)
    words = [token.word for token in tokens]
    if len("".join(words)) > _MAX_LETTERS or not all(map(_is_plain, words)):
        return []
    return [] if len(words) == 1 and is_common_word(text, analyzer.language) else tokens


def _list_pairs(tokens: Sequence[Token], text: str, neighbours: Iterable[str]) -> Iterable[str]:
    """The texts of several words that may be one word."""
    return neighbours if len(tokens) == 1 else [text] if tokens else ()


def _join(analyzer: Analyzer, text: str) -> tuple[str, str] | None:
    """The words of a text as one, and the stem of that; None if they are not to be joined.

    Common words are not joined where a space parts them: "in to" is not "into", but "take-over" is
    "takeover". Nor are words of which a stemmer removes the last, as in "hope fully".
    """
    words = [token.word for token in analyzer.tokenize(text, query=True)]
    joined = "".join(words)
    if (
        len(words) < 2
        or not all(map(_is_plain, words))
        or joined.isnumeric()
        or (" " in text and any(is_common_word(word, analyzer.language) for word in words))
    ):
        return None
    tokens = analyzer.tokenize(joined)
    start = len("".join(words[:-1]))
    if len(tokens) == 1 and len(strip_tag(tokens[0].stem)) > start:
        return joined, tokens[0].stem
    return None


def _respell(snapshot: Snapshot, analyzer: Analyzer, token: Token) -> Iterator[str]:
    """The other spellings and forms of a word that are not forms of its stem, one of each stem."""
    seen = {token.stem}
    for variant in list_variants(token.word) if analyzer.language == LANGUAGE else ():
        stem = _get_stem(analyzer, variant)
        if stem not in seen and snapshot.has_stem(stem):
            seen.add(stem)
            yield variant


def _split(snapshot: Snapshot, analyzer: Analyzer, word: str, deadline: Deadline) -> Iterator[str]:
    """The word as two, wherever the index has both side by side and neither is common. Raises TimedOut."""
    for place in _list_places(word):
        parts = word[:place], word[place:]
        # Most of the longer parts are no words, while any one or two letters are in some text.
        stems = {part: _get_stem(analyzer, part) for part in sorted(parts, key=len, reverse=True)}
        if (
            all(map(snapshot.has_stem, stems.values()))
            and not any(is_common_word(part, analyzer.language) for part in parts)
            and _stand_together(snapshot, [stems[part] for part in parts], deadline)
        ):
            yield " ".join(parts)


def _list_places(word: str) -> Iterable[int]:
    """Where a word may be split: between any two letters, or between letters and digits."""
    if word.isalpha():
        return range(1, len(word)) if len(word) >= _MIN_LETTERS else ()
    match = _LETTERS_AND_DIGITS.fullmatch(word)
    return [match.end(1) if match[1] else match.end(3)] if match else ()


def _stand_together(snapshot: Snapshot, stems: Sequence[str], deadline: Deadline) -> bool:
    return any(len(snapshot.phrase_postings(field, stems, 1, deadline).docs) for field in FIELDS)


def _get_stem(analyzer: Analyzer, word: str) -> str:
    return analyzer.analyze_surface(word)[0][0]


def _is_plain(word: str) -> bool:
    return word.isalnum() and not is_unspaced(word)
