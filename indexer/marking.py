"""What to mark in texts of any length: in long ones stretch by stretch, as long as there is time."""

from __future__ import annotations

from collections.abc import Sequence

from indexer.engine.deadline import Deadline
from indexer.model import Span
from indexer.snippets import Marker, find_spans
from indexer.text.analyzer import Analyzer
from indexer.texts import stretches

STRETCH = 50_000
"""Characters that are looked at between two looks at the time."""
_BEYOND = 2_000
"""Characters after a stretch that what begins in it may end in."""


def find_marks(
    texts: Sequence[str],
    analyzers: Sequence[Analyzer],
    marker: Marker,
    deadline: Deadline,
    *,
    enough: bool = False,
) -> tuple[list[tuple[Span, ...]], bool]:
    """Where each text has what is to be marked, as `find_spans` says, and whether all was looked at in time.

    With `enough`, a long text is looked at no further than to the first stretch that has anything.
    """
    if sum(map(len, texts)) <= STRETCH:
        return find_spans(texts, analyzers, marker), True
    found: list[tuple[Span, ...]] = []
    is_whole = True
    for text, analyzer in zip(texts, analyzers, strict=True):
        spans: list[Span] = []
        for start, stop in stretches(text, STRETCH):
            if deadline.is_over():
                is_whole = False
                break
            (inside,) = find_spans([text[start : stop + _BEYOND]], [analyzer], marker)
            last = spans[-1][1] if spans else 0
            spans += [(a + start, b + start) for a, b in inside if last <= a + start < stop]
            if spans and enough:
                break
        found.append(tuple(spans))
    return found, is_whole
