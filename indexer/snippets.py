"""Passages: which paragraphs of a hit to show, what to mark in them, and where to cut."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from indexer.analysis import Analyzer, Token
from indexer.engine.leaves import Mark, Phrase
from indexer.engine.scoring import ScoredLeaf
from indexer.model import Span

PASSAGE_LENGTH = 320
ELLIPSIS = "…"
_LEAD = 60  # how much is shown before the first match of a cut passage


def choose_paragraphs(leaves: Sequence[ScoredLeaf], start: int, stop: int, most: int) -> list[int]:
    """The documents from `start` to `stop` that answer best, at most `most`, in reading order.

    The first is the one with the most of the query; each next one is chosen for what it adds: words that are
    shown already count for a quarter. Without any match, the first paragraph.
    """
    gains = np.zeros((len(leaves), stop - start))
    for row, scored in zip(gains, leaves, strict=True):
        postings = scored.leaf.paragraph
        low, high = np.searchsorted(postings.docs, (start, stop))
        freqs = postings.freqs[low:high]
        row[postings.docs[low:high] - start] = scored.idf * freqs / (freqs + 1)
    chosen: list[int] = []
    if not most:
        return chosen
    while len(chosen) < most:
        totals = gains.sum(axis=0)
        totals[chosen] = 0
        best = int(totals.argmax()) if len(totals) else 0
        if not len(totals) or totals[best] <= 0:
            break
        chosen.append(best)
        gains[gains[:, best] > 0] /= 4
    return [start + place for place in sorted(chosen)] or [start]


def find_spans(text: str, analyzer: Analyzer, marks: Sequence[Mark]) -> tuple[Span, ...]:
    """Where a text has what the marks describe: ascending, disjoint, each on whole words or one phrase."""
    stems = frozenset().union(*(mark.stems for mark in marks))
    words = frozenset().union(*(mark.words for mark in marks))
    characters = frozenset().union(*(mark.characters for mark in marks))
    phrases = frozenset().union(*(mark.phrases for mark in marks))
    if not phrases and not characters:
        return analyzer.places(text, stems, words)
    tokens = analyzer.tokens(text)
    spans = [(token.start, token.end) for token in tokens if token.stem in stems or token.word in words]
    spans += [(token.start, token.start + 1) for token in tokens if token.word[:1] in characters]
    for phrase in phrases:
        spans += _phrase_spans(tokens, phrase)
    return _disjoint(spans)


def cut(text: str, spans: Sequence[Span], length: int = PASSAGE_LENGTH) -> tuple[str, tuple[Span, ...]]:
    """A text of at most about `length` characters around the matches, with their places in it.

    Cut at white space where there is any near, with an ellipsis for what is left out. The stretch shown is
    the one with the most matches, and of those the first.
    """
    if len(text) <= length:
        return text, tuple(spans)
    start, stop = _window(len(text), spans, length)
    start, stop = _to_boundary(text, start, forward=True), _to_boundary(text, stop, forward=False)
    before = ELLIPSIS if start else ""
    after = ELLIPSIS if stop < len(text) else ""
    shift = len(before) - start
    kept = tuple(
        (max(a, start) + shift, min(b, stop) + shift) for a, b in spans if min(b, stop) > max(a, start)
    )
    return before + text[start:stop] + after, kept


def _window(size: int, spans: Sequence[Span], length: int) -> Span:
    best, most = 0, 0
    for first, (start, _) in enumerate(spans):
        inside = sum(1 for _, end in spans[first:] if end <= start - _LEAD + length)
        if inside > most:
            best, most = start - _LEAD, inside
    start = max(0, min(best, size - length))
    return start, start + length


def _to_boundary(text: str, place: int, *, forward: bool) -> int:
    """The nearest word boundary inside the window, if there is one within thirty characters."""
    if place in (0, len(text)):
        return place
    if forward:
        stretch = text[place : place + 30]
        gap = next((i for i, char in enumerate(stretch) if char.isspace()), -1)
        return place + gap + 1 if gap >= 0 and not text[place - 1].isspace() else place
    stretch = text[place - 30 : place]
    gap = next((i for i in range(len(stretch) - 1, -1, -1) if stretch[i].isspace()), -1)
    return place - len(stretch) + gap if gap >= 0 and not text[place].isspace() else place


def _phrase_spans(tokens: Sequence[Token], phrase: Phrase) -> list[Span]:
    stems, slop = phrase
    # For each place where the phrase so far may end: where it began.
    begun: dict[int, int] = {}
    for place, token in enumerate(tokens):
        if token.stem == stems[0]:
            begun[place] = place
    for stem in stems[1:]:
        going: dict[int, int] = {}
        for place, token in enumerate(tokens):
            if token.stem == stem:
                last = next((p for p in range(place - 1, place - slop - 1, -1) if p in begun), None)
                if last is not None:
                    going[place] = begun[last]
        begun = going
    return [(tokens[first].start, tokens[last].end) for last, first in begun.items()]


def _disjoint(spans: list[Span]) -> tuple[Span, ...]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)
