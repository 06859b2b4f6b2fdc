"""Spans of several words are combined in blocks, so that the deadline can be checked between them."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import Article
from indexer.engine.format.arrays import AT_ONCE, split_aligned
from indexer.engine.read.deadline import Deadline, TimedOut
from indexer.engine.read.postings import Postings
from indexer.engine.read.snapshot import Snapshot
from indexer.engine.score.evaluate import Evaluation, QueryContext
from indexer.engine.score.positions import Spans, find_chains
from indexer.query import parse_query
from tests.engine.bare_index import BareIndex
from tests.query.examples import TODAY


@given(st.lists(st.sets(st.integers(0, 60)).map(sorted), min_size=1, max_size=5), st.integers(1, 9))
def test_blocks_of_any_length_ascend_and_are_complete(parts: list[list[int]], at_once: int) -> None:
    found = [
        np.concatenate(stretch).tolist()
        for stretch in split_aligned([np.array(part, np.int64) for part in parts], at_once)
    ]
    assert sorted(itertools.chain(*found)) == sorted(itertools.chain(*parts))
    for one, after in itertools.pairwise(filter(None, found)):
        assert max(one) < min(after)


def test_which_spans_stand_beside_others_does_not_depend_on_how_many_there_are() -> None:
    chance = np.random.default_rng(1)
    starts, others = (np.sort(chance.choice(2**23, 3 * AT_ONCE, replace=False)) for _ in range(2))
    spans = Spans(starts, starts + chance.integers(0, 3, len(starts)))
    whole = spans.find_adjacent(Spans(others, others), 1)
    pieces = zip(np.array_split(spans.starts, 30), np.array_split(spans.ends, 30), strict=True)
    alone = [Spans(*piece).find_adjacent(Spans(others, others), 1) for piece in pieces]
    assert np.array_equal(whole, np.concatenate(alone))
    assert 0.1 < whole.mean() < 0.9


def test_the_deadline_is_checked_while_chains_are_built() -> None:
    places = np.arange(0, 8 * AT_ONCE, 2)
    clock = itertools.count()
    spans = [Spans(places + shift, places + shift) for shift in range(4)]
    flags = find_chains(spans, [1, 1, 1], Deadline(10**9, clock.__next__))
    assert all(kept.all() for kept in flags)
    assert next(clock) > 6 * len(places) / AT_ONCE
    clock = itertools.count()
    with pytest.raises(TimedOut):
        find_chains(spans, [1, 1, 1], Deadline(5, clock.__next__))
    assert next(clock) < 10


# Articles with so many words that they are searched in several blocks give the same results.


COMMON = [
    *["the"] * 8,
    *("lower", "river", "wheel", "wheels", "water", "been", "were", "never", "their", "here"),
]
QUERIES = [
    '("lower river" OR wheel*) NEAR/3 (the OR *e*)',
    '"the the" NEAR "here the" NEAR/40 *e*',
    '="river the"~9',
    '="here the the"',
    "wheel* NEAR/2 the NEAR/2 (been OR lower OR =wheels)",
]


@pytest.fixture(scope="module")
def snapshots(tmp_path_factory: pytest.TempPathFactory) -> list[Snapshot]:
    """Of large articles together, and of each alone."""
    chance = random.Random(4)
    articles = [
        Article(
            id=f"a{number}",
            language="en",
            paragraphs=[" ".join(chance.choices(COMMON, k=34)) for _ in range(3000)],
        )
        for number in range(8)
    ]
    found = []
    for place, own in enumerate([articles, *([article] for article in articles)]):
        index = BareIndex(tmp_path_factory.mktemp("large") / f"{place}")
        index.put(own)
        found.append(index.snapshot)
    return found


def occurrences(snapshot: Snapshot, query: str) -> tuple[Postings, int]:
    """What a query of one part finds in the paragraphs, and how often the deadline is checked."""
    clock = itertools.count()
    context = QueryContext(snapshot, ["en"], deadline=Deadline(10**9, clock.__next__))
    tree = parse_query(query, today=TODAY).tree
    scored = Evaluation(context, tree).look_up(tree)
    return scored.term.paragraph, next(clock)


@pytest.mark.parametrize("query", QUERIES)
def test_matches_in_several_blocks_equal_those_of_each_article(snapshots: list[Snapshot], query: str) -> None:
    together, *each = snapshots
    whole, looks = occurrences(together, query)
    parts = [occurrences(snapshot, query) for snapshot in each]
    first = np.cumsum([0, *(snapshot.documents for snapshot in each[:-1])])
    docs = [part.docs + begin for (part, _), begin in zip(parts, first, strict=True)]
    assert whole.docs.tolist() == np.concatenate(docs).tolist() != []
    assert whole.freqs.tolist() == np.concatenate([part.freqs for part, _ in parts]).tolist()
    assert looks > parts[0][1]
