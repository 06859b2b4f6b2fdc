"""Words that mean the same: a file in Solr's format, read.

`a, b, c` are equivalents: each also finds the others. `a, b => c, d` are mappings: c and d are searched for
instead of a or b. Entries may have several words. A line that begins with # is a comment; a backslash takes
the meaning from a comma, an arrow or a backslash that follows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from indexer.errors import ConfigError
from indexer.files.regular import open_regular, readable
from indexer.text.normalize import normalize

_TOKEN = re.compile(r"\\(?P<escaped>=>|.)|(?P<mark>,|=>)|(?P<text>[^\\,=]+|=)", re.DOTALL)

Key = tuple[str, ...]
"""The normalized words of an entry."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What else a word or several are searched as, and whether they are `kept` or replaced by it."""

    others: tuple[str, ...]
    kept: bool


@dataclass(frozen=True, slots=True)
class Synonyms:
    """Entries by their words."""

    entries: Mapping[Key, Entry] = field(default_factory=dict)

    @property
    def longest(self) -> int:
        """The most words that an entry has."""
        return max(map(len, self.entries), default=0)


def key_of(text: str) -> Key:
    """The words by which an entry is found: case, accents, apostrophes and punctuation do not count."""
    words = (
        normalize(word).replace("'", "").replace("\u2019", "").strip('.,;:!?…"“”()') for word in text.split()
    )
    return tuple(word for word in words if any(map(str.isalnum, word)))


def read_synonyms(path: Path) -> Synonyms:
    """The synonyms in a file; raises ConfigError, naming the line that cannot be read, or StorageFailed."""
    try:
        with readable(path), open_regular(path, links=True) as file:
            text = file.read().decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"synonyms: {path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"synonyms: {path} cannot be read: {error}") from error
    return parse_synonyms(text, str(path))


def parse_synonyms(text: str, origin: str = "synonyms") -> Synonyms:
    """The synonyms in a text; raises ConfigError, which names `origin` and the line."""
    found: dict[Key, Entry] = {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        try:
            for name, entry in _entries(line):
                known = found.get(name)
                if known:
                    # Given again, it means more.
                    others = dict.fromkeys((*known.others, *entry.others))
                    entry = Entry(tuple(others), known.kept or entry.kept)
                found[name] = entry
        except ValueError as error:
            raise ConfigError(f"{origin}, line {number}: {error}; {line[:60]!r} was found") from None
    return Synonyms(found)


def _entries(line: str) -> Iterator[tuple[Key, Entry]]:
    sides = _sides(line)
    if len(sides) > 2:
        raise ValueError("one => is wanted")
    given = sides[0]
    if len(sides) == 2:
        for text in given:
            yield key_of(text), Entry(tuple(dict.fromkeys(sides[1])), kept=False)
        return
    if len(given) < 2:
        raise ValueError("two words or more with a comma between them, or a => b, are wanted")
    for text in given:
        others = dict.fromkeys(other for other in given if key_of(other) != key_of(text))
        if others:
            yield key_of(text), Entry(tuple(others), kept=True)


def _sides(line: str) -> list[list[str]]:
    """The entries on each side of the arrows of a line."""
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
        raise ValueError("something is wanted after the backslash at the end")
    sides = [[" ".join(text.split()) for text in side] for side in sides]
    for text in (text for side in sides for text in side):
        if not key_of(text):
            raise ValueError("a word is wanted on both sides of each comma and of the arrow")
    return sides
