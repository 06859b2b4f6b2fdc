"""The leaves of a query as postings: words, phrases, prefixes, wildcards and near spellings."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from indexer import limits
from indexer.engine.read.deadline import NO_DEADLINE, Deadline
from indexer.engine.read.postings import NO_POSTINGS, Postings, merge_postings
from indexer.engine.read.snapshot import Snapshot
from indexer.engine.score.positions import HighlightTerms, Phrase, exact_postings, near_postings
from indexer.text.analyzer import Analyzer, Token, get_analyzer
from indexer.text.normalization import normalize
from indexer.text.unspaced import is_unit, is_unspaced

_AT_ONCE = 8192  # words that are compared with a pattern between two looks at the clock


class QueryTerm(Struct, frozen=True, eq=False):
    """One word, phrase or pattern of a query: where it stands in titles and in paragraphs (by document).

    `in_title` and `in_text` say which fields it was asked for in.
    """

    label: str
    title: Postings
    paragraph: Postings
    mark: HighlightTerms
    in_title: bool
    in_text: bool
    synonyms: tuple[str, ...] = ()
    """What it was also searched as."""


@dataclass(slots=True)
class TermReader:
    """Looks up the leaves of one query; `notes` collects what had to be cut."""

    snapshot: Snapshot
    languages: Sequence[str]
    notes: list[str] = field(default_factory=list)
    deadline: Deadline = NO_DEADLINE
    analyzers: tuple[Analyzer, ...] = field(init=False)
    _pieces_left: int = limits.PIECES

    def __post_init__(self) -> None:
        # Languages that are analysed alike need only one.
        self.analyzers = tuple(dict.fromkeys(map(get_analyzer, self.languages)))

    def word(self, fields: Iterable[str], text: str) -> QueryTerm:
        """A word as typed; it may be a phrase in truth (covid-19, 東京都), in some language or in all."""
        return self._words(fields, text, 1)

    def pieces(self, text: str) -> list[tuple[str, int]]:
        """What a word is made of that is several in truth: an article may have them without having the whole.

        Each with how many characters it shares with the one before. Empty for a word that is one, and for an
        address.
        """
        tokens = self.analyzers[0].tokenize(text, query=True)
        if len(tokens) < 2 or "://" in text:
            return []
        if len(tokens) > self._pieces_left:
            self.notes.append(
                f"Only the first {limits.PIECES} parts of joined words were searched for alone."
            )
            tokens = tokens[: self._pieces_left]
        self._pieces_left -= len(tokens)
        ends = [0, *(token.end for token in tokens)]
        return [
            (text[token.start : token.end], max(end - token.start, 0))
            for token, end in zip(tokens, ends, strict=False)
        ]

    def phrase(self, fields: Iterable[str], text: str, slop: int) -> QueryTerm:
        """A quoted phrase, whose neighbours stand at most `slop` places apart, in order."""
        return self._words(fields, text, slop, label=f'"{text}"')

    def alternatives(
        self, fields: Sequence[str], text: str, others: Sequence[str], *, kept: bool
    ) -> QueryTerm:
        """A word (if it is kept) and its synonyms as one leaf: where any of them stands."""
        leaves = [self.word(fields, text)] if kept else []
        for other in others:
            leaf = self.phrase(fields, other, 1)
            # What has the same stems stands in the same places, and is counted once.
            if all(leaf.mark != known.mark for known in leaves):
                leaves.append(leaf)
        parts = {
            "title": merge_postings([leaf.title for leaf in leaves]),
            "paragraph": merge_postings([leaf.paragraph for leaf in leaves]),
        }
        marks = [leaf.mark for leaf in leaves]
        mark = HighlightTerms(
            frozenset().union(*(one.stems for one in marks)),
            frozenset().union(*(one.words for one in marks)),
            frozenset().union(*(one.phrases for one in marks)),
            frozenset().union(*(one.characters for one in marks)),
        )
        return replace(_leaf(text, {name: parts[name] for name in fields}, mark), synonyms=tuple(others))

    def prefix(self, fields: Iterable[str], text: str) -> QueryTerm:
        """Words that begin with a text, as written."""
        if is_unspaced(text):
            return self.word(fields, text)
        return self._expanded(fields, f"{text}*", self.snapshot.words_from(_pattern(text)))

    def wildcard(self, fields: Iterable[str], text: str) -> QueryTerm:
        """Words that a pattern with * and ? describes, as written."""
        pattern = _pattern(text)
        start = re.split(r"[*?]", pattern, maxsplit=1)[0]
        lexicon, matches = self.snapshot.lexicon, _glob(pattern).fullmatch
        places: list[int] = []
        candidates = self.snapshot.words_from(start)
        for begin in range(0, len(candidates), _AT_ONCE):
            self.deadline.check()
            block = candidates[begin : begin + _AT_ONCE]
            places += (place for place in block if matches(lexicon[place]))
        return self._expanded(fields, text, places)

    def fuzzy(self, fields: Iterable[str], text: str, distance: int) -> QueryTerm:
        """Words at most `distance` edits (a swap of neighbours counts one) from a word, as written."""
        found = self.snapshot.spellings.near(_pattern(text), distance, self.deadline)
        lexicon = self.snapshot.lexicon
        return self._expanded(fields, f"{text}~", [bisect_left(lexicon, word) for word in found])

    def exact(self, fields: Iterable[str], text: str, slop: int) -> QueryTerm:
        """A word or a phrase as it is written, in no other form."""
        words: set[str] = set()
        phrases: set[Phrase] = set()
        characters: set[str] = set()
        for analysis in self.analyzers:
            tokens = analysis.tokenize(text, query=True)
            if len(tokens) > 1:
                phrases.add((tuple(token.word for token in tokens), slop))
            for token in tokens if len(tokens) == 1 else ():
                (characters if is_unit(token.stem) else words).add(token.word)
        grams = [gram for character in characters for gram in self._grams(character)]
        parts: dict[str, Postings] = {}
        for name in fields:
            found = merge_postings(
                [exact_postings(self.snapshot, name, phrase, self.deadline) for phrase in sorted(phrases)]
            )
            single = self._written(name, [*words, *grams])
            parts[name] = merge_postings([found, single], np.maximum)
        label = f'="{text}"' if " " in text else f"={text}"
        mark = HighlightTerms(
            words=frozenset(words), characters=frozenset(characters), exact=frozenset(phrases)
        )
        return _leaf(label, parts, mark)

    def near(
        self, fields: Iterable[str], parts: Sequence[Sequence[QueryTerm]], distances: Sequence[int]
    ) -> QueryTerm:
        """Leaves (of each part, one of some) that meet within the distances, in whatever order."""
        marks = [HighlightTerms.of(leaf.mark for leaf in part) for part in parts]
        found = {}
        for name in fields:
            having = []
            for part in parts:
                self.deadline.check()
                own = [leaf.title if name == "title" else leaf.paragraph for leaf in part]
                having.append(merge_postings(own).docs)
            pairs = list(zip(marks, having, strict=True))
            found[name] = near_postings(self.snapshot, name, pairs, distances, self.deadline)
        label = " NEAR ".join("/".join(leaf.label for leaf in part) for part in parts)
        return _leaf(label, found, HighlightTerms(nears=frozenset({(tuple(marks), tuple(distances))})))

    def _words(self, fields: Iterable[str], text: str, slop: int, label: str | None = None) -> QueryTerm:
        stems: set[str] = set()
        words: set[str] = set()
        phrases: set[Phrase] = set()
        characters: set[str] = set()
        for analysis in self.analyzers:
            tokens = analysis.tokenize(text, query=True)
            if len(tokens) > 1:
                phrases.add((tuple(token.stem for token in tokens), slop))
            for token in tokens if len(tokens) == 1 else ():
                self._one(token, analysis, stems, words, characters)
        label = label or text
        parts: dict[str, Postings] = {}
        for name in fields:
            found = [self.snapshot.postings(name, stem) for stem in sorted(stems)]
            found += [
                self.snapshot.phrase_postings(name, *phrase, self.deadline) for phrase in sorted(phrases)
            ]
            grams = [gram for character in characters for gram in self._grams(character)]
            exact = self._written(name, [*words, *grams])
            # A word written exactly so is most often among the stem's places already: not counted twice.
            parts[name] = merge_postings([merge_postings(found), exact], np.maximum)
        mark = HighlightTerms(frozenset(stems), frozenset(words), frozenset(phrases), frozenset(characters))
        return _leaf(label, parts, mark)

    def _one(
        self, token: Token, analysis: Analyzer, stems: set[str], words: set[str], characters: set[str]
    ) -> None:
        if token.word[0] in "@#":
            words.add(token.word)
        elif is_unit(token.stem):
            characters.add(token.stem)
        else:
            stems.add(token.stem)
            if analysis.matches_words(token):
                words.add(token.word)

    def _grams(self, character: str) -> list[str]:
        return [self.snapshot.lexicon[place] for place in self.snapshot.words_from(character)]

    def _written(self, field: str, words: Sequence[str]) -> Postings:
        """The postings of words as written."""
        return self.snapshot.word_postings(field, words, self.deadline) if words else NO_POSTINGS

    def _expanded(self, fields: Iterable[str], label: str, places: Sequence[int]) -> QueryTerm:
        """The words at some places of the lexicon (ascending), as one leaf."""
        if len(places) > limits.EXPANSION:
            self.notes.append(
                f"{label} stands for {len(places):,} words; the {limits.EXPANSION:,} most common of them "
                "were searched for."
            )
            commonest = np.argsort(-self.snapshot.commonness[np.array(places)], kind="stable")
            places = sorted(places[number] for number in commonest[: limits.EXPANSION].tolist())
        words = [self.snapshot.lexicon[place] for place in places]
        parts = {}
        for name in fields:
            parts[name] = self._written(name, words)
        return _leaf(label, parts, HighlightTerms(words=frozenset(words)))


def _leaf(label: str, parts: dict[str, Postings], mark: HighlightTerms) -> QueryTerm:
    return QueryTerm(
        label,
        parts.get("title", NO_POSTINGS),
        parts.get("paragraph", NO_POSTINGS),
        mark,
        in_title="title" in parts,
        in_text="paragraph" in parts,
    )


def _pattern(text: str) -> str:
    return normalize(text).replace("'", "").replace("\u2019", "")


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
