"""Where terms stand in a text: phrases of words as written, and terms near one another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from indexer.engine.format.arrays import AT_ONCE, Ids, find_cuts, intersect_all, split_aligned
from indexer.engine.read.deadline import NO_DEADLINE, Deadline
from indexer.engine.read.postings import NO_POSTINGS, Positions, Postings
from indexer.engine.read.snapshot import Snapshot
from indexer.text.analyzer import TAG, get_tag, strip_tag

Phrase = tuple[tuple[str, ...], int]
"""The stems (or words) of a phrase, and how many places apart neighbours may stand."""


class TermSet(Struct, frozen=True):
    """The stems, words as written and phrases of stems of a query term, to look up and to highlight.

    `characters` are single characters of scripts without spaces, `exact` phrases of words as written, and
    `nears` chains of such terms with the distances between each two. A word with a tag matches only what the
    analyzer with that tag has analysed; without one, it matches in every language.
    """

    stems: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    phrases: frozenset[Phrase] = frozenset()
    characters: frozenset[str] = frozenset()
    exact: frozenset[Phrase] = frozenset()
    nears: frozenset[tuple[tuple[TermSet, ...], tuple[int, ...]]] = frozenset()

    @classmethod
    def of(cls, parts: Iterable[TermSet]) -> TermSet:
        """The union of some."""
        parts = list(parts)
        if len(parts) == 1:
            return parts[0]
        return cls(
            *(frozenset().union(*(getattr(part, name) for part in parts)) for name in cls.__struct_fields__)
        )

    def select_language(self, language: str) -> TermSet:
        """The terms that can match texts of one analyzer: its tagged words, without tags, and all plain ones.

        Phrases of stems need no selection, since their stems are tagged as those of a text are.
        """
        words = frozenset(strip_tag(word) for word in self.words if _is_for(word, language))
        exact = frozenset(
            (tuple(map(strip_tag, row)), slop)
            for row, slop in self.exact
            if all(_is_for(word, language) for word in row)
        )
        nears = frozenset(
            (tuple(part.select_language(language) for part in parts), distances)
            for parts, distances in self.nears
        )
        return TermSet(self.stems, words, self.phrases, self.characters, exact, nears)


def _is_for(word: str, language: str) -> bool:
    return TAG not in word or get_tag(word) == language


def list_words(snapshot: Snapshot, terms: TermSet) -> list[str]:
    """The words as written that the terms match: of a character, all bigrams that begin with it."""
    words = sorted(terms.words)
    for character in terms.characters:
        words += (snapshot.lexicon[number] for number in snapshot.prefix_range(character))
    return words


DOC_STRIDE = 2**32
"""A place is the number of a document times this, plus the position in it: no paragraph is as long."""
_NOWHERE = np.int64(2**62)
_Places = NDArray[np.int64]
_Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Spans:
    """First and last places (int64) of matches in texts, ascending by the first, none twice."""

    starts: _Places
    ends: _Places

    @classmethod
    def of(cls, starts: _Places, ends: _Places) -> Spans:
        """The spans with these places, which may be in any order and repeat each other."""
        order = np.lexsort((ends, starts))
        starts, ends = starts[order], ends[order]
        is_new = np.ones(len(starts), np.bool_)
        is_new[1:] = (starts[1:] != starts[:-1]) | (ends[1:] != ends[:-1])
        return cls(starts[is_new], ends[is_new])

    def select(self, flags: _Flags) -> Spans:
        """The spans whose flag is set (bool, one a span)."""
        return Spans(self.starts[flags], self.ends[flags])

    def find_adjacent(self, others: Spans, gap: int, deadline: Deadline = NO_DEADLINE) -> _Flags:
        """Whether each span has another one at most `gap` places before or after it: bool, one a span.

        Raises TimedOut.
        """
        starts, ends = np.append(others.starts, _NOWHERE), np.append(-_NOWHERE, others.ends)
        deadline.check()
        # A stable sort is fast here: the ends are nearly sorted already.
        ends.sort(kind="stable")
        flags = np.empty(len(self.starts), np.bool_)
        for low in range(0, len(flags), AT_ONCE):
            deadline.check()
            own = slice(low, low + AT_ONCE)
            first, last = self.starts[own], self.ends[own]
            following = starts[np.searchsorted(starts, last, "right")]
            preceding = ends[np.searchsorted(ends, first) - 1]
            flags[own] = (following - last <= gap) | (first - preceding <= gap)
        return flags


def find_chains(
    parts: Sequence[Spans], distances: Sequence[int], deadline: Deadline = NO_DEADLINE
) -> list[_Flags]:
    """For each part, which of its spans belong to a chain: one span of each part, each near the one before.

    `distances` has the greatest distance of each two neighbouring parts, which may stand in either order.
    Raises TimedOut.
    """
    flags = [np.ones(len(parts[0].starts), np.bool_)]
    for number, gap in enumerate(distances):
        deadline.check()
        part = parts[number].select(flags[-1])
        deadline.check()
        flags.append(parts[number + 1].find_adjacent(part, gap, deadline))
    for number, gap in reversed(list(enumerate(distances))):
        deadline.check()
        part = parts[number + 1].select(flags[number + 1])
        deadline.check()
        flags[number] &= parts[number].find_adjacent(part, gap, deadline)
    return flags


def find_near(
    snapshot: Snapshot,
    field: str,
    parts: Sequence[tuple[TermSet, Ids]],
    distances: Sequence[int],
    deadline: Deadline = NO_DEADLINE,
) -> Postings:
    """The documents in which the parts stand near each other; each part has the documents that contain it.

    The frequency is that of the part with the fewest spans in chains. Raises TimedOut.
    """
    docs = intersect_all([docs for _, docs in parts])
    if not len(docs):
        return NO_POSTINGS
    spans = [find_spans(snapshot, field, terms, docs, deadline) for terms, _ in parts]
    found = [NO_POSTINGS]
    for block in _split_by_documents(spans, docs):
        # Every chain lies in one document, so that all parts have the same documents.
        counts = [
            _count_spans(part.select(flags))
            for part, flags in zip(block, find_chains(block, distances, deadline), strict=True)
        ]
        found.append(Postings(counts[0].docs, np.minimum.reduce([count.freqs for count in counts])))
    return Postings(np.concatenate([own.docs for own in found]), np.concatenate([own.freqs for own in found]))


def find_spans(
    snapshot: Snapshot, field: str, terms: TermSet, docs: Ids, deadline: Deadline = NO_DEADLINE
) -> Spans:
    """All spans that the terms match in some documents (ascending). Raises TimedOut."""

    def find_stem(stem: str) -> _Places:
        deadline.check()
        return _to_places(docs, snapshot.positions(field, stem, docs))

    def find_words(words: Sequence[str]) -> _Places:
        found = snapshot.word_positions(field, words, docs, deadline)
        deadline.check()
        return _to_places(docs, found)

    singles = [find_stem(stem) for stem in sorted(terms.stems)]
    words = list_words(snapshot, terms)
    if words:
        singles.append(find_words(words))
    places = _merge_places(singles, deadline)
    if not terms.phrases and not terms.exact:
        return Spans(places, places)
    found = [Spans(places, places)]
    for stems, slop in terms.phrases:
        found.append(_find_in_order([find_stem(stem) for stem in stems], slop, deadline))
    for written, slop in terms.exact:
        found.append(_find_in_order([find_words([word]) for word in written], slop, deadline))
    return _merge_spans(found, deadline)


def _merge_spans(parts: Sequence[Spans], deadline: Deadline) -> Spans:
    """The spans of all parts, none twice. Raises TimedOut."""
    found = []
    for block in _split(parts, find_cuts([part.starts for part in parts])):
        deadline.check()
        bounds = ([own.starts for own in block], [own.ends for own in block])
        found.append(Spans.of(*map(np.concatenate, bounds)))
    return Spans(np.concatenate([own.starts for own in found]), np.concatenate([own.ends for own in found]))


def _split_by_documents(parts: Sequence[Spans], docs: Ids) -> Iterator[list[Spans]]:
    """The spans of the parts in blocks of whole documents, each small enough to take milliseconds."""
    step = max(1, AT_ONCE * len(docs) // max(1, sum(len(part.starts) for part in parts)))
    bounds = docs[step::step] * np.int64(DOC_STRIDE)
    return _split(parts, [part.starts.searchsorted(bounds) for part in parts])


def _split(parts: Sequence[Spans], indices: Sequence[NDArray[np.intp]]) -> Iterator[list[Spans]]:
    """Each part cut at its own indices: the first blocks of all parts, the second blocks, and so on."""
    starts = zip(*(np.split(part.starts, own) for part, own in zip(parts, indices, strict=True)), strict=True)
    ends = zip(*(np.split(part.ends, own) for part, own in zip(parts, indices, strict=True)), strict=True)
    for block in zip(starts, ends, strict=True):
        yield [Spans(*bounds) for bounds in zip(*block, strict=True)]


def _merge_places(parts: Sequence[_Places], deadline: Deadline) -> _Places:
    """The ascending places of all parts, none twice. Raises TimedOut."""
    if len(parts) < 2:
        return parts[0] if parts else np.empty(0, np.int64)
    found = []
    for block in split_aligned(parts):
        deadline.check()
        places = np.sort(np.concatenate(block), kind="stable")
        found.append(places[np.flatnonzero(np.diff(places, prepend=-1))])
    return np.concatenate(found)


def _find_in_order(rows: Sequence[_Places], slop: int, deadline: Deadline) -> Spans:
    """Where a place of each row follows one of the row before within `slop`; the nearest start counts."""
    starts = ends = rows[0]
    for row in rows[1:]:
        if not len(ends):
            break
        new_starts, new_ends = [row[:0]], [row[:0]]
        for low in range(0, len(row), AT_ONCE):
            deadline.check()
            places = row[low : low + AT_ONCE]
            before = np.searchsorted(ends, places) - 1
            follows = (before >= 0) & (places - ends[np.maximum(before, 0)] <= slop)
            new_starts.append(starts[before[follows]])
            new_ends.append(places[follows])
        starts, ends = np.concatenate(new_starts), np.concatenate(new_ends)
    return Spans(starts, ends)


def _to_places(docs: Ids, found: Positions) -> _Places:
    """The positions as ascending places: the number of the document times DOC_STRIDE, plus the position."""
    numbers, positions = found
    return docs[numbers] * np.int64(DOC_STRIDE) + positions


def _count_spans(spans: Spans) -> Postings:
    """The documents of the spans, and how many each has."""
    docs = (spans.ends // DOC_STRIDE).astype(np.int32)
    first = np.flatnonzero(np.diff(docs, prepend=-1))
    return Postings(docs[first], np.diff(first, append=len(docs)).astype(np.float64))
