"""Merging: the result equals a segment written at once, and few segments remain."""

from __future__ import annotations

import math
import os
import random
import resource
from array import array
from collections.abc import Sequence
from dataclasses import replace
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from indexer import Article
from indexer.engine.build.gather import Gatherer
from indexer.engine.build.invert import Buffer
from indexer.engine.build.merge import TIERED, allocate_on_disk, merge
from indexer.engine.format.arrays import AT_ONCE
from indexer.engine.format.record import encode_article
from indexer.engine.read.segment import SegmentView
from tests.engine.segments import ARTICLES, EVERYTHING, MANY, assert_says, built, contents, written

Parts = Sequence[tuple[Sequence[Article], Sequence[bool]]]
SEGMENTS = st.lists(
    st.tuples(ARTICLES.filter(bool), st.lists(st.booleans(), min_size=12, max_size=12)),
    min_size=1,
    max_size=4,
)


def merged(parts: Parts, folder: Path) -> SegmentView:
    """One segment of several, each of some articles of which those are live that are said to be."""
    sources: list[tuple[SegmentView, Any]] = []
    for number, (articles, wanted) in enumerate(parts):
        view = built(articles, folder / f"part{number}.nut")
        live = np.repeat(np.array(wanted[: len(articles)], np.bool_), np.diff(view.doc_starts))
        sources.append((view, None if live.all() and number % 2 else live))
    pieces, documents = merge(sources)
    (folder / "merged.nut").write_bytes(b"".join(pieces))
    view = SegmentView(folder / "merged.nut")
    assert view.documents == documents
    return view


def renamed(parts: Parts) -> list[tuple[list[Article], list[bool]]]:
    """The same articles with ids that are theirs alone."""
    return [
        ([replace(article, id=f"{article.id}-{number}") for article in articles], list(wanted))
        for number, (articles, wanted) in enumerate(parts)
    ]


@pytest.mark.slow
@MANY
@given(parts=SEGMENTS.map(renamed))
@example(parts=[(EVERYTHING, [True, False, True, False])])
@example(parts=[(EVERYTHING, [False, True, False, False])])
def test_a_merged_segment_equals_one_that_is_written_at_once(tmp_path: Path, parts: Parts) -> None:
    survivors = [article for articles, wanted in parts for article in compress(articles, wanted)]
    if not survivors:
        return
    view = merged(parts, tmp_path)
    assert_says(view, survivors)
    assert contents(view) == contents(built(survivors, tmp_path / "once.nut"))


def test_merging_in_parts_equals_writing_at_once(tmp_path: Path) -> None:
    buffer, gatherer, numbers = Buffer(), Gatherer("en"), array("i")

    def segment(articles: Sequence[Article]) -> SegmentView:
        """All from one gatherer, which analyses each word once."""
        for article in articles:
            gatherer.add(article)
        buffer.add(gatherer.take(), numbers)
        return written(buffer, tmp_path / f"{articles[0].id}.nut")

    def article(part: int, number: int) -> Article:
        words = " ".join(f"w{(number * 1500 + part * 3000 + place) % 100_000}x" for place in range(1500))
        return Article(f"a{part}-{number}", paragraphs=["the harbour of " * 1000, words], language="haw")

    parts = [[article(part, number) for number in range(60)] for part in range(3)]
    views = [segment(part) for part in parts]
    # More forms in all, and more words and occurrences in each, than one batch of the merge has.
    assert sum(len(view.file.sections["stem.words"]) for view in views) > AT_ONCE
    assert all(view.column("paragraph.occurrences")[-1] > AT_ONCE for view in views)
    live = np.arange(views[1].documents) // 2 % 3 != 1
    pieces, _ = merge([(views[0], None), (views[1], live), (views[2], None)])
    (tmp_path / "merged.nut").write_bytes(b"".join(pieces))
    kept = [one for place, one in enumerate(parts[1]) if place % 3 != 1]
    at_once = segment([*parts[0], *kept, *parts[2]])
    view = SegmentView(tmp_path / "merged.nut")
    assert contents(view) == contents(at_once)
    assert [view.all_items(number) for number in range(view.articles)] == [
        encode_article(one) for one in [*parts[0], *kept, *parts[2]]
    ]


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="space cannot be reserved for a file")
def test_a_large_array_of_a_merge_is_a_file_without_a_name(tmp_path: Path) -> None:
    array = allocate_on_disk(tmp_path, 2**18, np.int32)
    array[:] = np.arange(2**18)
    assert (array.dtype.name, len(array), int(array[-1])) == ("int32", 2**18, 2**18 - 1)
    assert not array.flags.owndata
    assert list(tmp_path.iterdir()) == []
    assert allocate_on_disk(tmp_path, 100, np.int32).flags.owndata


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="space cannot be reserved for a file")
def test_an_array_is_in_memory_if_the_disk_has_no_space_for_it(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, limits[1]))
    try:
        array = allocate_on_disk(tmp_path, 2**20, np.uint8)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    array[:] = 1
    assert array.flags.owndata
    assert len(array) == 2**20


def test_blocks_of_text_are_copied_if_nothing_is_removed(tmp_path: Path) -> None:
    texts = [" ".join(f"{n}word{place}" for place in range(3000)) for n in range(4)]
    parts = [([Article(id=f"a{n}", paragraphs=[text])], [True]) for n, text in enumerate(texts)]
    view = merged(parts, tmp_path)
    assert len(view.texts.ends) == 4
    assert [view.all_items(n)[1].decode() for n in range(4)] == texts


# When to merge


def commits(sizes: Sequence[int]) -> tuple[list[int], int]:
    """The segments that many commits leave, and how many documents were copied on the way."""
    segments: list[int] = []
    copied = 0
    for size in sizes:
        segments.append(size)
        while chosen := TIERED.choose([(live, 0) for live in segments]):
            assert len(chosen) > 1
            total = sum(segments[place] for place in chosen)
            copied += total
            segments = [live for place, live in enumerate(segments) if place not in chosen] + [total]
    return segments, copied


@pytest.mark.parametrize(
    "sizes",
    [
        [random.Random(seed).randint(1, 50) for _ in range(2000)] for seed in range(3)
    ] + [
        [1] * 2000,
        [50] * 2000,
        [100_000, *[1] * 2000],
        [999] * 500,
        [1000] * 500,
        [8000, 1000, 1] * 300,
        list(range(2000, 1, -1)),
        [random.Random(7).choice([1, 10, 100, 1000, 10_000]) for _ in range(1000)],
    ],
    ids=lambda sizes: f"{len(sizes)} of {sizes[0]} to {sizes[-1]}",
)  # fmt: skip
def test_many_commits_leave_few_segments_and_copy_each_document_few_times(sizes: list[int]) -> None:
    segments, copied = commits(sizes)
    total = sum(sizes)
    assert sum(segments) == total
    tiers = 1 + max(0, math.ceil(math.log(max(total / 1000, 1), TIERED.factor)))
    assert len(segments) <= (TIERED.factor - 1) * (tiers + 1)
    # In the lowest tier a segment grows by at least seven commits at a time, until it leaves it.
    smallest = total / len(sizes)
    lowest = 1 + 1000 / (2 * (TIERED.factor - 1) * smallest)
    assert copied / total <= lowest + 2 * tiers


def test_segments_with_many_removed_documents_are_rewritten_alone() -> None:
    assert TIERED.choose([(71, 29)]) == []
    assert TIERED.choose([(69, 31)]) == [0]
    assert TIERED.choose([(1000, 0), (5, 5), (1, 9)]) == [1]
    assert TIERED.choose([(0, 3)]) == [0]
    assert TIERED.choose([]) == []
    assert TIERED.choose([(0, 0)]) == []


@MANY
@given(sizes=st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 10**6)), max_size=60))
def test_merging_comes_to_an_end_whatever_the_segments(sizes: list[tuple[int, int]]) -> None:
    live = sum(size for size, _ in sizes)
    rounds = 0
    while chosen := TIERED.choose(sizes):
        assert chosen == sorted(set(chosen))
        total = sum(sizes[place][0] for place in chosen)
        assert len(chosen) >= TIERED.factor or len(chosen) == 1
        sizes = [size for place, size in enumerate(sizes) if place not in chosen] + [(total, 0)]
        rounds += 1
        assert rounds <= 200
    assert sum(size for size, _ in sizes) == live
    assert all(removed <= 0.3 * (size + removed) for size, removed in sizes)
