"""The segments of a commit in their order, and what is read from all of them as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.engine.codec import ColumnarSegment
from indexer.engine.contents import read_contents
from indexer.engine.field import Positions
from indexer.engine.postings import NO_POSTINGS, Ids, Postings
from indexer.engine.view import SegmentView


@dataclass(frozen=True, slots=True)
class Part:
    """A segment in its snapshot: its first document and article there, and which of its own are live."""

    segment: ColumnarSegment
    view: SegmentView
    first_doc: int
    first_article: int
    live: NDArray[np.bool_] | None
    """Its documents that are not removed (bool, one of each); None when all are there."""
    articles: NDArray[np.int64] | None
    """Its articles that are not removed, ascending; None when all are there."""

    @property
    def kept(self) -> int:
        """How many articles it has that are not removed."""
        return self.view.articles if self.articles is None else len(self.articles)


def read_parts(folder: Path, known: Mapping[str, SegmentView]) -> tuple[int, str, list[Part]]:
    """The number of the last commit of a folder, its language and its segments; `known` are open ones, by id.

    Raises IndexMissing or IndexDamaged.
    """
    commit, language, segments = read_contents(folder, known)
    parts: list[Part] = []
    docs = articles = 0
    for segment, view in segments:
        live = segment.live()
        kept = None if live is None else np.flatnonzero(live[view.first[:-1]])
        parts.append(Part(segment, view, docs, articles, live, kept))
        docs += view.documents
        articles += parts[-1].kept
    return commit, language, parts


def gathered(parts: Sequence[Part], read: Callable[[SegmentView], Postings]) -> Postings:
    """What each segment has as one, over the documents of all, without those that are removed."""
    found = []
    for part in parts:
        postings = read(part.view)
        if not len(postings.docs):
            continue
        if part.live is not None:
            alive = part.live[postings.docs]
            postings = Postings(postings.docs[alive], postings.freqs[alive])
        if part.first_doc:
            postings = Postings(postings.docs + np.int32(part.first_doc), postings.freqs)
        found.append(postings)
    if len(found) < 2:
        return found[0] if found else NO_POSTINGS
    return Postings(np.concatenate([p.docs for p in found]), np.concatenate([p.freqs for p in found]))


def positions_in(
    parts: Sequence[Part], docs: Ids, read: Callable[[SegmentView, Ids], Positions]
) -> Positions:
    """Where something stands in documents (ascending): their places in `docs`, and the positions there."""
    if len(parts) == 1:
        return read(parts[0].view, docs)
    places, positions = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for part in parts:
        bounds = np.array((part.first_doc, part.first_doc + part.view.documents))
        low, high = np.searchsorted(docs, bounds.astype(docs.dtype))
        found = read(part.view, docs[low:high] - part.first_doc)
        places.append(found[0] + low)
        positions.append(found[1])
    return np.concatenate(places), np.concatenate(positions)


def column(parts: Sequence[Part], read: Callable[[Part], Any], dtype: Any) -> NDArray[Any]:
    """A column of articles, without those that are removed; `read` gives one value of each of a segment."""
    found = [np.empty(0, dtype)]
    for part in parts:
        values = read(part)
        found.append((values if part.articles is None else values[part.articles]).astype(dtype))
    return np.concatenate(found) if len(found) != 2 else found[1]
