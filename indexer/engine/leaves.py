"""The leaves of a query as postings: words, phrases, prefixes, wildcards and near spellings."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from indexer.analysis import Token, analyzer, fold, is_unspaced, keeps_accents
from indexer.engine.postings import NO_POSTINGS, Postings, merge_postings
from indexer.engine.snapshot import Snapshot

MAX_EXPANSION = 1000

Phrase = tuple[tuple[str, ...], int]
"""The stems of a phrase, and how many places apart neighbours may stand."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What to mark in a text: tokens by stem or by word, phrases, single characters of unspaced scripts."""

    stems: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    phrases: frozenset[Phrase] = frozenset()
    characters: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Leaf:
    """One word, phrase or pattern of a query: where it stands in titles and in paragraphs (by document).

    `in_title` and `in_text` say which fields it was asked for in.
    """

    label: str
    title: Postings
    paragraph: Postings
    mark: Mark
    in_title: bool
    in_text: bool


@dataclass(slots=True)
class Leaves:
    """Looks up the leaves of one query; `notes` collects what had to be cut."""

    snapshot: Snapshot
    languages: Sequence[str]
    notes: list[str] = field(default_factory=list)

    def word(self, fields: Iterable[str], text: str) -> Leaf:
        """A word as typed; it may be a phrase in truth (covid-19, 東京都), in some language or in all."""
        return self._words(fields, text, 1)

    def phrase(self, fields: Iterable[str], text: str, slop: int) -> Leaf:
        """A quoted phrase, whose neighbours stand at most `slop` places apart, in order."""
        return self._words(fields, text, slop, label=f'"{text}"')

    def prefix(self, fields: Iterable[str], text: str) -> Leaf:
        """Words that begin with a text, as written."""
        if is_unspaced(text):
            return self.word(fields, text)
        start = _pattern(text)
        lexicon = self.snapshot.lexicon
        low = bisect_left(lexicon, start)
        high = bisect_left(lexicon, start + chr(0x10FFFF))
        return self._expanded(fields, f"{text}*", lexicon[low:high])

    def wildcard(self, fields: Iterable[str], text: str) -> Leaf:
        """Words that a pattern with * and ? describes, as written."""
        pattern = _pattern(text)
        start = re.split(r"[*?]", pattern, maxsplit=1)[0]
        lexicon = self.snapshot.lexicon
        low = bisect_left(lexicon, start)
        high = bisect_left(lexicon, start + chr(0x10FFFF))
        matches = _glob(pattern).fullmatch
        return self._expanded(fields, text, [word for word in lexicon[low:high] if matches(word)])

    def fuzzy(self, fields: Iterable[str], text: str, distance: int) -> Leaf:
        """Words at most `distance` edits (a swap of neighbours counts one) from a word, as written."""
        found = self.snapshot.spellings.near(_pattern(text), distance)
        return self._expanded(fields, f"{text}~", found)

    def _words(self, fields: Iterable[str], text: str, slop: int, label: str | None = None) -> Leaf:
        stems: set[str] = set()
        words: set[str] = set()
        phrases: set[Phrase] = set()
        characters: set[str] = set()
        for language in self.languages:
            tokens = analyzer(language).tokens(text, query=True)
            if len(tokens) > 1:
                phrases.add((tuple(token.stem for token in tokens), slop))
            for token in tokens if len(tokens) == 1 else ():
                self._one(token, language, stems, words, characters)
        label = label or text
        parts: dict[str, Postings] = {}
        for name in fields:
            found = [self.snapshot.postings(name, stem) for stem in sorted(stems)]
            found += [self.snapshot.phrase_postings(name, *phrase) for phrase in sorted(phrases)]
            grams = [gram for character in characters for gram in self._grams(character)]
            exact = self.snapshot.word_postings(name, [*words, *grams]) if words or grams else NO_POSTINGS
            # A word written exactly so is most often among the stem's places already: not counted twice.
            parts[name] = merge_postings([merge_postings(found), exact], np.maximum)
        mark = Mark(frozenset(stems), frozenset(words), frozenset(phrases), frozenset(characters))
        return _leaf(label, parts, mark)

    def _one(
        self, token: Token, language: str, stems: set[str], words: set[str], characters: set[str]
    ) -> None:
        if token.word[0] in "@#":
            words.add(token.word)
        elif len(token.stem) == 1 and is_unspaced(token.stem):
            characters.add(token.stem)
        else:
            stems.add(token.stem)
            if keeps_accents(language):
                # Its stemmer needs the accents, which may have been left out of the query.
                words.add(token.word)

    def _grams(self, character: str) -> list[str]:
        lexicon = self.snapshot.lexicon
        return lexicon[bisect_left(lexicon, character) : bisect_left(lexicon, character + chr(0x10FFFF))]

    def _expanded(self, fields: Iterable[str], label: str, words: list[str]) -> Leaf:
        if len(words) > MAX_EXPANSION:
            self.notes.append(
                f"{label} stands for {len(words):,} words; the first {MAX_EXPANSION:,} were searched for."
            )
            words = words[:MAX_EXPANSION]
        parts = {name: self.snapshot.word_postings(name, words) for name in fields}
        return _leaf(label, parts, Mark(words=frozenset(words)))


def _leaf(label: str, parts: dict[str, Postings], mark: Mark) -> Leaf:
    return Leaf(
        label,
        parts.get("title", NO_POSTINGS),
        parts.get("paragraph", NO_POSTINGS),
        mark,
        in_title="title" in parts,
        in_text="paragraph" in parts,
    )


def _pattern(text: str) -> str:
    return fold(text).replace("'", "").replace("\u2019", "")


def _glob(pattern: str) -> re.Pattern[str]:
    # Each star takes as little as it can, once and for all: no pattern can make the match run away.
    def literal(part: str) -> str:
        return "".join("." if char == "?" else re.escape(char) for char in part)

    head, *rest = re.split(r"\*+", pattern)
    expression = literal(head)
    if rest:
        expression += "".join(f"(?>.*?{literal(part)})" for part in rest[:-1])
        expression += f".*{literal(rest[-1])}" if rest[-1] else ".*"
    return re.compile(expression, re.DOTALL)
