"""Vectors of texts that need no model, what a search by them must find, and an index that has them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from indexer import Article
from indexer.engine import Closeness, Snapshot, Unembedded, hash_texts, list_unembedded, write_vectors
from indexer.engine.build.commit import Batch, remove_leftovers
from indexer.engine.build.merge import MergePolicy
from indexer.engine.format.arrays import Ids
from indexer.engine.format.vectors import quantize, vectors_path
from indexer.engine.read.snapshot import LiveSegment
from tests.engine.bare_index import BareIndex

MODEL = "a" * 32
OTHER_MODEL = "b" * 32
DIMENSIONS = 70
"""Not a multiple of 64, so that some bits of the signs stand for nothing."""
UNMERGED = MergePolicy(factor=10**6, max_removed=1.0)
"""Never merges segments."""
near = partial(pytest.approx, abs=5e-4)
"""Allows for the query, which is rounded."""


def vector_of(text: str, dimensions: int = DIMENSIONS) -> NDArray[np.float32]:
    """A vector that a text always gets, unlike that of any other; zeros for "½" and without any."""
    if text in ("", "½"):
        return np.zeros(dimensions, np.float32)
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")
    return np.random.default_rng(seed).normal(0.1, 1.0, dimensions).astype(np.float32)


def embed(
    snapshot: Snapshot,
    model: str = MODEL,
    wanted: Callable[[str], bool] = bool,
    dimensions: int = DIMENSIONS,
) -> Snapshot:
    """Add vectors of the texts that are wanted, which are not empty by default; returns the next commit."""
    add_vectors(snapshot, model, wanted, dimensions)
    return touch(snapshot)


def add_vectors(
    snapshot: Snapshot,
    model: str = MODEL,
    wanted: Callable[[str], bool] = bool,
    dimensions: int = DIMENSIONS,
) -> None:
    """Write the side files with vectors of the texts that are wanted, without a commit."""
    for lacking in list_unembedded(snapshot, model):
        (segment, docs), texts = lacking, lacking.read_texts()
        chosen = np.array([wanted(text) for text in texts], np.bool_)
        if chosen.any():
            own = [text for text in texts if wanted(text)]
            vectors = np.array([vector_of(text, dimensions) for text in own])
            write_vectors(segment, model, docs[chosen], vectors, hash_texts(own))


def touch(snapshot: Snapshot) -> Snapshot:
    """Make a commit without changed articles, and open it."""
    with Batch(snapshot, "en", lambda commit: None, policy=UNMERGED) as batch:
        batch.touch()
    found = Snapshot(snapshot.folder, snapshot)
    remove_leftovers(found)
    return found


def text_of(segment: LiveSegment, doc: int) -> str:
    """The text that the vector of a document of a segment is made of."""
    (text,) = Unembedded(segment, np.array([doc], np.int32)).read_texts()
    return text


def make_index(folder: Path, parts: Sequence[Sequence[Article]], removed: Sequence[str] = ()) -> Snapshot:
    """The last commit of an index in which each part is a segment, and some articles are removed."""
    index = BareIndex(folder, policy=UNMERGED)
    for part in parts:
        index.put(part)
    index.remove(removed)
    return index.snapshot


def side_files(snapshot: Snapshot) -> list[Path]:
    """The paths of the side files of a snapshot's segments, whether they exist or not."""
    return [vectors_path(own.view.file.path) for own in snapshot.segments]


def cosine_of(text: str, query: NDArray[np.float32]) -> float:
    """The cosine of the vector of a text, as it is stored, and another one."""
    row = quantize(vector_of(text)[None])[0].astype(np.float64)
    lengths = np.linalg.norm(row) * np.linalg.norm(query)
    return float(row @ query / lengths) if lengths else 0.0


def distance_of(text: str, query: NDArray[np.float32]) -> int:
    """The weights of the dimensions in which the sign of the vector of a text differs from a query."""
    row, size = quantize(vector_of(text)[None])[0].tolist(), np.abs(query.astype(np.float64)).mean()
    return sum(
        min(round(abs(b) / size * 1.5), 3)
        for a, b in zip(row, query.tolist(), strict=True)
        if (a > 0) != (b > 0)
    )


def list_vectors(snapshot: Snapshot, wanted: Callable[[str], bool] = bool) -> list[dict[int, str]]:
    """For each article, the texts that were embedded, by document: its title if it has no paragraphs."""
    found = []
    for article in range(snapshot.articles):
        first, count = int(snapshot.doc_starts[article]), int(snapshot.counts[article])
        texts = {doc: snapshot.text_of(doc) for doc in range(first, first + count)}
        texts = texts or {first: snapshot.info(article).title}
        found.append({doc: text for doc, text in texts.items() if wanted(text)})
    return found


def assert_exact(found: Closeness, vectors: Sequence[dict[int, str]], query: NDArray[np.float32]) -> None:
    """Check that all articles have the cosine and document of their closest paragraph."""
    every = [cosine_of(text, query) for texts in vectors for text in texts.values()]
    assert found.mean == near(np.mean(every) if every else 0.0)
    assert found.docs.dtype == np.int32
    for article, texts in enumerate(vectors):
        cosines = {doc: cosine_of(text, query) for doc, text in texts.items()}
        if not cosines:
            assert (found.cosines[article], found.docs[article]) == (found.mean, -1)
            continue
        assert found.cosines[article] == near(max(cosines.values()))
        assert cosines[int(found.docs[article])] == near(max(cosines.values()))


def find_in_two_steps(
    vectors: Sequence[dict[int, str]], query: NDArray[np.float32], also: Ids, allowed: Ids, depth: int
) -> dict[int, tuple[float, int]]:
    """By plain loops: the cosine and document of each article that has to be exact."""
    distances = {
        article: sorted((distance_of(text, query), doc) for doc, text in texts.items())
        for article, texts in enumerate(vectors)
        if texts
    }
    ranked = sorted((own[0][0], article) for article, own in distances.items() if article in set(allowed))
    chosen = {article for _, article in ranked[:depth]} | (set(also.tolist()) & distances.keys())
    found = {}
    for article in chosen:
        texts = vectors[article]
        best = max((cosine_of(texts[doc], query), -doc) for _, doc in distances[article][:2])
        found[article] = (best[0], -best[1])
    return found
