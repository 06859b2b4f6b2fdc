"""Segments become one: what lives is kept as if it had been written at once, and few are ever left."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from indexer import Article
from indexer.engine import arrays, field, lexicon, textstore
from indexer.engine.merge import FACTOR, choose, merge
from indexer.engine.view import SegmentView
from tests.engine.segments import ARTICLES, EVERYTHING, MANY, assert_says, built, contents

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
        live = np.repeat(np.array(wanted[: len(articles)], np.bool_), np.diff(view.first))
        sources.append((view, None if live.all() and number % 2 else live))
    pieces, documents = merge(sources)
    (folder / "merged.nut").write_bytes(b"".join(pieces))
    view = SegmentView(folder / "merged.nut")
    assert view.documents == documents
    return view


def renamed(
    parts: Parts,
) -> list[tuple[list[Article], list[bool]]]:
    """The same articles with ids that are theirs alone."""
    return [
        (
            [
                Article(
                    id=f"{a.id}-{number}",
                    title=a.title,
                    paragraphs=a.paragraphs,
                    published=a.published,
                    language=a.language,
                )
                for a in articles
            ],
            list(wanted),
        )
        for number, (articles, wanted) in enumerate(parts)
    ]


@MANY
@given(parts=SEGMENTS.map(renamed), block=st.sampled_from([1, 50, textstore.BLOCK]))
@example(parts=[(EVERYTHING, [True, False, True, False])], block=1)
@example(parts=[(EVERYTHING, [False, True, False, False])], block=50)
def test_what_is_merged_equals_what_is_written_at_once(tmp_path: Path, parts: Parts, block: int) -> None:
    survivors = [
        article
        for articles, wanted in parts
        for article, is_wanted in zip(articles, wanted, strict=False)
        if is_wanted
    ]
    if not survivors:
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(textstore, "BLOCK", block)
        # Few words, forms and occurrences at a time.
        patch.setattr(lexicon, "_AT_ONCE", block)
        patch.setattr(arrays, "AT_ONCE", block)
        patch.setattr(field, "AT_ONCE", block)
        view = merged(parts, tmp_path)
    assert_says(view, survivors)
    assert contents(view) == contents(built(survivors, tmp_path / "once.nut"))


@MANY
@given(parts=SEGMENTS.map(renamed), first=st.integers(1, 3))
def test_merging_what_was_merged_equals_merging_at_once(tmp_path: Path, parts: Parts, first: int) -> None:
    whole = [(articles, [True] * len(articles)) for articles, _ in parts]
    at_once = contents(merged(whole, tmp_path))
    early, late = whole[:first], whole[first:]
    one = merged(early, tmp_path)
    (tmp_path / "merged.nut").rename(tmp_path / "one.nut")
    rest = [(built(articles, tmp_path / f"late{n}.nut"), None) for n, (articles, _) in enumerate(late)]
    pieces, _ = merge([(one, None), *rest])
    (tmp_path / "two.nut").write_bytes(b"".join(pieces))
    assert contents(SegmentView(tmp_path / "two.nut")) == at_once


def test_blocks_of_text_are_taken_over_where_nothing_is_removed(tmp_path: Path) -> None:
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
        while chosen := choose([(live, 0) for live in segments]):
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
    tiers = 1 + max(0, math.ceil(math.log(max(total / 1000, 1), FACTOR)))
    assert len(segments) <= (FACTOR - 1) * (tiers + 1)
    # In the lowest tier a segment grows by at least seven commits at a time, until it leaves it.
    smallest = total / len(sizes)
    lowest = 1 + 1000 / (2 * (FACTOR - 1) * smallest)
    assert copied / total <= lowest + 2 * tiers


def test_segments_much_of_which_is_removed_are_rewritten_alone() -> None:
    assert choose([(71, 29)]) == []
    assert choose([(69, 31)]) == [0]
    assert choose([(1000, 0), (5, 5), (1, 9)]) == [1]
    assert choose([(0, 3)]) == [0]
    assert choose([]) == []
    assert choose([(0, 0)]) == []


@MANY
@given(sizes=st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 10**6)), max_size=60))
def test_merging_comes_to_an_end_whatever_the_segments(sizes: list[tuple[int, int]]) -> None:
    live = sum(size for size, _ in sizes)
    rounds = 0
    while chosen := choose(sizes):
        assert chosen == sorted(set(chosen))
        total = sum(sizes[place][0] for place in chosen)
        assert len(chosen) >= FACTOR or len(chosen) == 1
        sizes = [size for place, size in enumerate(sizes) if place not in chosen] + [(total, 0)]
        rounds += 1
        assert rounds <= 200
    assert sum(size for size, _ in sizes) == live
    assert all(removed <= 0.3 * (size + removed) for size, removed in sizes)
