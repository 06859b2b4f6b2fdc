"""A million queries, made by the grammar and of any characters: each is read, some are searched for."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from indexer import Config, Index, limits
from indexer.query import describe_query, parse_query, serialize_query
from tests.stress.archive import Lost, Trial, two_states

ROUNDS = 1_000_000
SEARCHED = 100
"""Of so many queries one is searched for, suggested from and marked."""
MOST_SECONDS = 0.05
"""The computing time within which a query must be read: other programs do not count."""
TODAY = date(2024, 6, 15)

_WORDS = [
    *("harbour", "master", "saw", "crane", "the", "of", "qbx", "U.S.", "covid-19", "東京都"),
    *("re\u0301sume\u0301", "C++"),
]
_SIGNS = [*'()"“”„«»+-=~^*?:/[]{}\\', "..", "…"]
_OPERATORS = [" AND ", " OR ", " NOT ", " NEAR ", " NEAR/5 ", " NEAR/999999999 ", " -", " +", " "]
_FIELDS = [
    *("title:", "text:", "date:", "after:", "until:", "lang:", "site:", "source:", "id:"),
    *("nofield:", "TITLE:"),
]
_DATES = [
    *("2021", "0000", "9999999", "-2500 years", "last week", "[jan to feb]", "[9999999 TO]", "[2019 TO *]"),
    *("2021..2020", "05/03/2024", "31/02/2024", "two weeks ago", "9999 years ago", "since 2020"),
    *("between 1 and 2", "9999-12-31", "..."),
]
_ENDS = ["*", "?", "~", "~2", "~9", "^3", "^99999999999", "^.5", "~100", "!", "…"]
_ODD = [
    *("\0", "\ud800", "\udfff", "\u202e", "\u200f", "\u0301", "\u200b", "\ufeff", "\U0001f600"),
    *("\r\n", "\u2028", "\x85", "ﷺ", "İ"),
]


def run(rounds: int, chance: random.Random, folder: Path) -> str:
    """Read so many queries; returns the longest time that one took."""
    slowest = 0.0
    searched = noted = 0
    trial = Trial(folder)
    trial.write(two_states()["old"])
    trial.sync()
    with Index(Config(index=trial.index), today=lambda: TODAY) as index:
        for number in range(rounds):
            text = _any(chance)
            try:
                seconds, notes = _read(text)
                noted += notes
                if not number % SEARCHED:
                    searched += 1
                    _search(index, text)
            except Exception as error:
                raise Lost(f"query {number}: {type(error).__name__}: {error}: {text!r}") from error
            if seconds > MOST_SECONDS:
                # Once more: what the collector of garbage or a first use took is not the query's.
                seconds = min(seconds, _read(text)[0], _read(text)[0])
            slowest = max(slowest, seconds)
            if slowest > MOST_SECONDS:
                raise Lost(f"query {number}: reading took {slowest * 1000:.0f} ms: {text!r}")
    return (
        f"{rounds:,} queries, no exception: {searched:,} searched, {noted:,} with notes, the slowest read in "
        f"{slowest * 1000:.1f} ms of computing time"
    )


def _read(text: str) -> tuple[float, bool]:
    began = time.thread_time()
    parsed = parse_query(text, today=TODAY)
    seconds = time.thread_time() - began
    if len(parsed.text) > limits.CHARACTERS or len(parsed.notes) > limits.NOTES:
        raise AssertionError("a bound did not hold")
    if not all(note.isprintable() and len(note) < 1000 for note in map(str, parsed.notes)):
        raise AssertionError(f"no note for a person: {parsed.notes}")
    describe_query(parsed.tree)
    serialize_query(parsed.tree)
    return seconds, bool(parsed.notes)


def _search(index: Index, text: str) -> None:
    page = index.search(text, explain=True, facets=["source"], timeline=True)
    page.as_json()
    index.suggest(text)
    index.suggest(text[:60])
    for hit in page.hits[:1]:
        index.mark_article(hit.article.id, text)


def _any(chance: random.Random) -> str:
    kind = chance.choice(_KINDS)
    text = kind(chance)
    if chance.random() < 0.1:
        # A character more, or less, than the grammar would have.
        place = chance.randrange(len(text) + 1)
        more = chance.choice([*_SIGNS, *_ODD, ""])
        text = text[:place] + more + text[place + (not more) :]
    return text


def _clause(chance: random.Random, depth: int = 0) -> str:
    roll = chance.random()
    if depth < 4 and roll < 0.2:
        return f"({_grammatical(chance, depth + 1)})"
    if roll < 0.35:
        return f'"{" ".join(chance.choices(_WORDS, k=chance.randint(0, 5)))}"'
    if roll < 0.5:
        value = chance.choice([*_DATES, *_WORDS])
        return chance.choice(_FIELDS) + (f'"{value}"' if chance.random() < 0.3 else value)
    if roll < 0.6:
        return chance.choice(_DATES)
    return chance.choice(["", "", "", "=", "*"]) + chance.choice(_WORDS)


def _grammatical(chance: random.Random, depth: int = 0) -> str:
    text = ""
    for number in range(chance.randint(1, 6 - depth)):
        text += (chance.choice(_OPERATORS) if number else "") + _clause(chance, depth)
        text += chance.choice(_ENDS) if chance.random() < 0.3 else ""
    return text


def _of_pieces(chance: random.Random) -> str:
    pieces = [*_SIGNS, *_OPERATORS, *_FIELDS, *_DATES, *_ENDS, *_ODD, *_WORDS]
    return "".join(chance.choices(pieces, k=chance.randint(0, 30)))


def _of_characters(chance: random.Random) -> str:
    ranges = [(0, 0x7F), (0x80, 0x24F), (0x300, 0x36F), (0x590, 0x6FF), (0x2000, 0x206F), (0x4E00, 0x9FFF),
              (0xD800, 0xDFFF), (0xFE00, 0xFFFF), (0x1F300, 0x1FAFF), (0, 0x10FFFF)]  # fmt: skip
    low, high = chance.choice(ranges)
    return "".join(chr(chance.randint(low, high)) for _ in range(chance.randint(0, 60)))


def _repeated(chance: random.Random) -> str:
    piece: str = chance.choice(
        [*_SIGNS, *_OPERATORS, *_FIELDS, *_ENDS, *_ODD, *_DATES, "a", "a ", "a:", "(a ", "a-", "*a", "last "]
    )
    length: int = chance.choice([1, 8, 64, 199, 512, 2000, 4000])
    return piece * (length // int(chance.choice([1, len(piece)])) + 1)


_KINDS: list[Callable[[random.Random], str]] = [
    *[_grammatical] * 8,
    *[_of_pieces] * 6,
    *[_of_characters] * 3,
    _repeated,
]
