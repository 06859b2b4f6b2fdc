"""Synonyms, from a file in Solr's format.

`a, b, c` are equivalent: a search for one also finds the others. `a, b => c, d` is a mapping: c and d are
searched for instead of a or b. Each of them may have several words. A line that begins with # is a comment; a
backslash escapes a comma, an arrow or a backslash.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from indexer.errors import ConfigError
from indexer.files.regular import open_regular, translate_read_errors
from indexer.text.normalization import normalize

_TOKEN = re.compile(r"\\(?P<escaped>=>|.)|(?P<mark>,|=>)|(?P<text>[^\\,=]+|=)", re.DOTALL)

Key = tuple[str, ...]
"""The normalized words of a synonym."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The synonyms of a word or several; unless `kept`, they are searched for instead of it."""

    others: tuple[str, ...]
    kept: bool


@dataclass(frozen=True, slots=True)
class Synonyms:
    """Entries, by the words that they are for."""

    entries: Mapping[Key, Entry] = field(default_factory=dict)

    @property
    def max_words(self) -> int:
        """The number of words of the longest key."""
        return max(map(len, self.entries), default=0)


def make_key(text: str) -> Key:
    """Return the words of a text, without case, accents, apostrophes and punctuation."""
    words = (
        normalize(word).replace("'", "").replace("\u2019", "").strip('.,;:!?…"“”()') for word in text.split()
    )
    return tuple(word for word in words if any(map(str.isalnum, word)))


def read_synonyms(path: Path) -> Synonyms:
    """Return the synonyms in a file. Raises StorageFailed, or ConfigError, which names file and line."""
    try:
        with translate_read_errors(path), open_regular(path, links=True) as file:
            text = file.read().decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"synonyms: {path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"synonyms: {path} cannot be read: {error}") from error
    return parse_synonyms(text, str(path))


def parse_synonyms(text: str, origin: str = "synonyms") -> Synonyms:
    """Return the synonyms in a text. Raises ConfigError, which names `origin` and the line."""
    found: dict[Key, Entry] = {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        try:
            for name, entry in _entries(line):
                known = found.get(name)
                if known:
                    # Several lines for the same words add up.
                    others = dict.fromkeys((*known.others, *entry.others))
                    entry = Entry(tuple(others), known.kept or entry.kept)
                found[name] = entry
        except ValueError as error:
            raise ConfigError(f"{origin}, line {number}: {error}: {line[:60]!r}") from None
    return Synonyms(found)


def _entries(line: str) -> Iterator[tuple[Key, Entry]]:
    sides = _sides(line)
    if len(sides) > 2:
        raise ValueError("more than one =>")
    given = sides[0]
    if len(sides) == 2:
        for text in given:
            yield make_key(text), Entry(tuple(dict.fromkeys(sides[1])), kept=False)
        return
    if len(given) < 2:
        raise ValueError("must be two words or more, separated by commas, or a => b")
    for text in given:
        others = dict.fromkeys(other for other in given if make_key(other) != make_key(text))
        if others:
            yield make_key(text), Entry(tuple(others), kept=True)


def _sides(line: str) -> list[list[str]]:
    """Return the texts on each side of the arrow of a line."""
    sides = [[""]]
    place = 0
    for token in _TOKEN.finditer(line):
        place = token.end()
        if token["mark"] == "=>":
            sides.append([""])
        elif token["mark"]:
            sides[-1].append("")
        else:
            sides[-1][-1] += token["escaped"] or token["text"]
    if place < len(line):
        raise ValueError("nothing after the backslash at the end")
    sides = [[" ".join(text.split()) for text in side] for side in sides]
    for text in (text for side in sides for text in side):
        if not make_key(text):
            raise ValueError("there must be a word on both sides of each comma and of the arrow")
    return sides
