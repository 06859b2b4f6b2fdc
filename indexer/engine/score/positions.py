"""Where words stand: phrases of words as written, and words near one another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from indexer.engine.format.arrays import AT_ONCE, Ids, contains, cuts, stretches
from indexer.engine.read.deadline import NO_DEADLINE, Deadline
from indexer.engine.read.postings import NO_POSTINGS, Postings
from indexer.engine.read.snapshot import Snapshot

Phrase = tuple[tuple[str, ...], int]
"""The stems (or words) of a phrase, and how many places apart neighbours may stand."""


class HighlightTerms(Struct, frozen=True):
    """Tokens by stem or by word, phrases, single characters of unspaced scripts.

    `exact` are phrases of words as written; `nears` are rows of marks, with the distances between them.
    """

    stems: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    phrases: frozenset[Phrase] = frozenset()
    characters: frozenset[str] = frozenset()
    exact: frozenset[Phrase] = frozenset()
    nears: frozenset[tuple[tuple[HighlightTerms, ...], tuple[int, ...]]] = frozenset()

    @classmethod
    def of(cls, marks: Iterable[HighlightTerms]) -> HighlightTerms:
        """All that some marks stand for, as one."""
        marks = list(marks)
        return cls(
            *(frozenset().union(*(getattr(mark, name) for mark in marks)) for name in cls.__struct_fields__)
        )


FAR = 2**32
"""Wider than any paragraph, so that positions of neighbouring documents never meet."""
_NOWHERE = np.int64(2**62)
_Places = NDArray[np.int64]
_Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Spans:
    """Where something stands: its first and its last place (int64), ascending by the first, none twice.

    A place is the number of a document times FAR, and the position in it.
    """

    starts: _Places
    ends: _Places

    @classmethod
    def of(cls, starts: _Places, ends: _Places) -> Spans:
        """Spans in any order, some perhaps twice."""
        order = np.lexsort((ends, starts))
        starts, ends = starts[order], ends[order]
        fresh = np.ones(len(starts), np.bool_)
        fresh[1:] = (starts[1:] != starts[:-1]) | (ends[1:] != ends[:-1])
        return cls(starts[fresh], ends[fresh])

    def only(self, kept: _Flags) -> Spans:
        """Some of the spans (bool, one of each)."""
        return Spans(self.starts[kept], self.ends[kept])

    def beside(self, others: Spans, gap: int, deadline: Deadline = NO_DEADLINE) -> _Flags:
        """Which of the spans have another at most `gap` places before or after them: bool, one of each.

        Raises TimeIsUp.
        """
        # Nearly sorted they are already: of single words, the ends are the starts.
        starts, ends = np.append(others.starts, _NOWHERE), np.append(-_NOWHERE, others.ends)
        deadline.check()
        ends.sort(kind="stable")
        kept = np.empty(len(self.starts), np.bool_)
        for low in range(0, len(kept), AT_ONCE):
            deadline.check()
            own = slice(low, low + AT_ONCE)
            first, last = self.starts[own], self.ends[own]
            following = starts[np.searchsorted(starts, last, "right")]
            preceding = ends[np.searchsorted(ends, first) - 1]
            kept[own] = (following - last <= gap) | (first - preceding <= gap)
        return kept


def meet(parts: Sequence[Spans], distances: Sequence[int], deadline: Deadline = NO_DEADLINE) -> list[_Flags]:
    """Which spans of each part belong to a row of spans, one of each part, that follow within the distances.

    One of `distances` stands between each two parts; the two may stand in whatever order. Raises TimeIsUp.
    """
    kept = [np.ones(len(parts[0].starts), np.bool_)]
    for number, gap in enumerate(distances):
        deadline.check()
        part = parts[number].only(kept[-1])
        deadline.check()
        kept.append(parts[number + 1].beside(part, gap, deadline))
    for number, gap in reversed(list(enumerate(distances))):
        deadline.check()
        part = parts[number + 1].only(kept[number + 1])
        deadline.check()
        kept[number] &= parts[number].beside(part, gap, deadline)
    return kept


def near_postings(
    snapshot: Snapshot,
    field: str,
    parts: Sequence[tuple[HighlightTerms, Ids]],
    distances: Sequence[int],
    deadline: Deadline = NO_DEADLINE,
) -> Postings:
    """The documents in which parts meet, each part with what to look for and the documents that have it.

    The frequency is that of the part that takes part least often. Raises TimeIsUp.
    """
    docs = _common([docs for _, docs in parts])
    if not len(docs):
        return NO_POSTINGS
    spans = []
    for mark, _ in parts:
        spans.append(spans_of(snapshot, field, mark, docs, deadline))
    found = [NO_POSTINGS]
    for own in _by_documents(spans, docs):
        counts = [
            _counted(part.only(kept)) for part, kept in zip(own, meet(own, distances, deadline), strict=True)
        ]
        # Whoever belongs to a row has all the others of it in the same document.
        freqs = np.minimum.reduce([count.freqs for count in counts])
        found.append(Postings(counts[0].docs, freqs))
    return Postings(np.concatenate([own.docs for own in found]), np.concatenate([own.freqs for own in found]))


def exact_postings(
    snapshot: Snapshot, field: str, phrase: Phrase, deadline: Deadline = NO_DEADLINE
) -> Postings:
    """The documents that have a phrase of words as they are written, and how often; raises TimeIsUp."""
    words, _ = phrase
    having = []
    for word in dict.fromkeys(words):
        having.append(snapshot.word_postings(field, [word], deadline).docs)
    docs = _common(having)
    if not len(docs):
        return NO_POSTINGS
    places = {}
    for word in dict.fromkeys(words):
        places[word] = _places(docs, snapshot.word_positions(field, [word], docs, deadline))
    deadline.check()
    starts = [places[word] for word in words]
    return _counted(_in_order(starts, phrase, deadline))


def spans_of(
    snapshot: Snapshot, field: str, mark: HighlightTerms, docs: Ids, deadline: Deadline = NO_DEADLINE
) -> Spans:
    """Everything that a mark stands for in some documents (ascending). Raises TimeIsUp."""

    def stem_places(stem: str) -> _Places:
        deadline.check()
        return _places(docs, snapshot.positions(field, stem, docs))

    def word_places(words: Sequence[str]) -> _Places:
        found = snapshot.word_positions(field, words, docs, deadline)
        deadline.check()
        return _places(docs, found)

    singles = [stem_places(stem) for stem in sorted(mark.stems)]
    words = [*mark.words]
    for character in mark.characters:
        words += (snapshot.lexicon[place] for place in snapshot.words_from(character))
    if words:
        singles.append(word_places(words))
    places = _distinct(singles, deadline)
    if not mark.phrases and not mark.exact:
        return Spans(places, places)
    found = [Spans(places, places)]
    for phrase in mark.phrases:
        found.append(_in_order([stem_places(stem) for stem in phrase[0]], phrase, deadline))
    for phrase in mark.exact:
        found.append(_in_order([word_places([word]) for word in phrase[0]], phrase, deadline))
    return _united(found, deadline)


def _united(parts: Sequence[Spans], deadline: Deadline) -> Spans:
    """The spans of all, none twice. Raises TimeIsUp."""
    found = []
    for stretch in _split(parts, cuts([part.starts for part in parts])):
        deadline.check()
        bounds = ([own.starts for own in stretch], [own.ends for own in stretch])
        found.append(Spans.of(*map(np.concatenate, bounds)))
    return Spans(np.concatenate([own.starts for own in found]), np.concatenate([own.ends for own in found]))


def _by_documents(parts: Sequence[Spans], docs: Ids) -> Iterator[list[Spans]]:
    """The spans of the parts, some documents after the other, so many that it takes milliseconds."""
    step = max(1, AT_ONCE * len(docs) // max(1, sum(len(part.starts) for part in parts)))
    bounds = docs[step::step] * np.int64(FAR)
    return _split(parts, [part.starts.searchsorted(bounds) for part in parts])


def _split(parts: Sequence[Spans], places: Sequence[NDArray[np.intp]]) -> Iterator[list[Spans]]:
    """The parts cut at these places, each at its own: the first piece of each, the second, and so on."""
    starts = zip(*(np.split(part.starts, own) for part, own in zip(parts, places, strict=True)), strict=True)
    ends = zip(*(np.split(part.ends, own) for part, own in zip(parts, places, strict=True)), strict=True)
    for pieces in zip(starts, ends, strict=True):
        yield [Spans(*bounds) for bounds in zip(*pieces, strict=True)]


def _distinct(parts: Sequence[_Places], deadline: Deadline) -> _Places:
    """Ascending places without repetition, as those of one. Raises TimeIsUp."""
    if len(parts) < 2:
        return parts[0] if parts else np.empty(0, np.int64)
    found = []
    for stretch in stretches(parts):
        deadline.check()
        places = np.sort(np.concatenate(stretch), kind="stable")
        found.append(places[np.flatnonzero(np.diff(places, prepend=-1))])
    return np.concatenate(found)


def _in_order(rows: Sequence[_Places], phrase: Phrase, deadline: Deadline) -> Spans:
    """Where places of each row follow one another within the slop; of several beginnings, the last counts."""
    slop = phrase[1]
    starts = ends = rows[0]
    for here in rows[1:]:
        if not len(ends):
            break
        preceding, following = [], []
        for low in range(0, len(here), AT_ONCE):
            deadline.check()
            own = here[low : low + AT_ONCE]
            before = np.searchsorted(ends, own) - 1
            kept = (before >= 0) & (own - ends[np.maximum(before, 0)] <= slop)
            preceding.append(starts[before[kept]])
            following.append(own[kept])
        starts, ends = (np.concatenate([here[:0], *parts]) for parts in (preceding, following))
    return Spans(starts, ends)


def _places(docs: Ids, found: tuple[_Places, _Places]) -> _Places:
    """Positions in documents as places; they are ascending."""
    numbers, positions = found
    return docs[numbers] * np.int64(FAR) + positions


def _counted(spans: Spans) -> Postings:
    docs = (spans.ends // FAR).astype(np.int32)
    first = np.flatnonzero(np.diff(docs, prepend=-1))
    return Postings(docs[first], np.diff(first, append=len(docs)).astype(np.float64))


def _common(parts: Sequence[Ids]) -> Ids:
    docs = min(parts, key=len)
    for part in parts:
        docs = docs[contains(part, docs)]
    return docs
