"""Groups of near-duplicates: all are found, in any order of the articles, and nothing else."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.engine.format.sketches import WIDTH, Sketches
from indexer.engine.read.near_duplicates import NearDuplicates, _connect, find_near_duplicates

NONE = np.zeros((1, WIDTH), np.uint8)


def sketch(seed: int) -> Sketches:
    """A random sketch."""
    return np.random.default_rng(seed).integers(1, 256, (1, WIDTH), np.uint8)


def near(original: Sketches, seed: int, places: int = 5) -> Sketches:
    """A sketch that differs in so many places."""
    changed = original.copy()
    changed[0, np.random.default_rng(seed).permutation(WIDTH)[:places]] += 1
    return changed


def groups(found: NearDuplicates) -> set[frozenset[int]]:
    """The groups as sets of articles."""
    return {
        frozenset(np.flatnonzero(found.group_of == family).tolist())
        for family in set(found.group_of[found.members])
    }


def test_near_duplicates_form_one_group_and_others_none() -> None:
    one, two = sketch(1), sketch(2)
    found = find_near_duplicates(
        np.concatenate([one, two, sketch(3), near(one, 4), two, NONE, NONE, near(one, 5)])
    )
    assert groups(found) == {frozenset({0, 3, 7}), frozenset({1, 4})}
    assert found.members.tolist() == [0, 1, 3, 4, 7]


def test_no_articles_have_no_groups() -> None:
    for sketches in (np.empty((0, WIDTH), np.uint8), NONE, np.concatenate([NONE, NONE]), sketch(1)):
        found = find_near_duplicates(sketches)
        assert not len(found.members)
        assert found.group_of.tolist() == [-1] * len(sketches)


def test_a_thousand_copies_are_one_group() -> None:
    one, order = sketch(1), np.random.default_rng(2).permutation(1002)
    found = find_near_duplicates(
        np.concatenate([np.repeat(one, 1000, axis=0), near(one, 2), sketch(3)])[order]
    )
    (alone,) = np.flatnonzero(order == 1001)
    assert groups(found) == {frozenset(range(1002)) - {alone}}
    (changed,) = np.flatnonzero(order == 1000)
    assert len(found.find(int(changed))) == 1000


def test_the_ends_of_a_chain_are_in_one_group_but_are_not_near() -> None:
    chain = [sketch(1)]
    for step in range(4):
        after = chain[-1].copy()
        after[0, step * 10 : step * 10 + 10] += 1
        chain.append(after)
    found = find_near_duplicates(np.concatenate(chain))
    assert groups(found) == {frozenset(range(5))}
    duplicates = [found.find(article).tolist() for article in range(5)]
    assert duplicates == [[1, 2], [0, 2, 3], [0, 1, 3, 4], [1, 2, 4], [2, 3]]


def test_nearly_all_near_duplicates_are_grouped_and_nothing_else() -> None:
    chance = random.Random(1)
    pairs = []
    for seed in range(500):
        one = sketch(seed)
        pairs += [one, near(one, seed, places=chance.randint(0, 20))]
    found = find_near_duplicates(np.concatenate(pairs))
    agree = [int((first == second).sum()) for first, second in zip(pairs[::2], pairs[1::2], strict=True)]
    joined = [found.group_of[place] == found.group_of[place + 1] >= 0 for place in range(0, 1000, 2)]
    are_alike = [count >= 51 for count in agree]
    assert sum(joined) >= 0.98 * sum(are_alike)
    assert all(alike for alike, is_connect in zip(are_alike, joined, strict=True) if is_connect)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=40))
def test_pairs_connect_everything_along_their_chains(pairs: list[tuple[int, int]]) -> None:
    left, right = np.array(pairs, np.int64).reshape(-1, 2).T
    expected = list(range(31))
    for _ in expected:
        for one, other in pairs:
            expected[one] = expected[other] = min(expected[one], expected[other])
    assert _connect(31, left, right).tolist() == expected


@settings(max_examples=50)
@given(st.data())
def test_the_order_of_articles_does_not_matter(data: st.DataObject) -> None:
    rows = [NONE]
    for seed in range(data.draw(st.integers(1, 4))):
        one = sketch(seed)
        rows += [
            near(one, other, data.draw(st.integers(0, 16))) for other in range(data.draw(st.integers(1, 15)))
        ]
    order = data.draw(st.permutations(range(len(rows))))
    straight = find_near_duplicates(np.concatenate(rows))
    shuffled = find_near_duplicates(np.concatenate([rows[place] for place in order]))
    assert {frozenset(order[place] for place in group) for group in groups(shuffled)} == groups(straight)
