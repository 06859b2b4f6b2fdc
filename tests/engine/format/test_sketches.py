"""Sketches: which texts share one, how well they identify near-duplicates, and that chunks do not matter."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import Article
from indexer.engine.build.gather import Gatherer
from indexer.engine.format.sketches import MIN_AGREEING, MIN_LONG, WIDTH, Sketches, count_agreeing
from indexer.engine.read.near_duplicates import find_near_duplicates
from tests.engine.segments import sketches
from tests.fixtures import stories


def of_texts(*texts: Sequence[str]) -> Sketches:
    """The sketches of articles with these paragraphs."""
    return sketches([stories.article(f"a{place}", list(text)) for place, text in enumerate(texts)])


def agreement(first: Sequence[str], second: Sequence[str]) -> int:
    """In how many places the sketches of two texts agree."""
    found = of_texts(first, second)
    return int(count_agreeing(found[:1], found[1:])[0])


def shingles(text: Sequence[str]) -> set[tuple[str, ...]]:
    """All runs of three words."""
    words = " ".join(text).lower().replace(".", "").split()
    return set(zip(words, words[1:], words[2:], strict=False))


@pytest.mark.parametrize(
    ("edits", "least", "most"),
    [(stories.SAME, 0.97, 1.0), (stories.OTHER, 0.0, 0.005)],
    ids=["nearly the same", "another story"],
)
def test_sketches_distinguish_near_duplicates_from_other_stories(
    edits: Sequence[stories.Edit], least: float, most: float
) -> None:
    chance = random.Random(5)
    agreeing = []
    for _ in range(60):
        before = stories.story(chance, chance.randint(4, 12))
        agreeing += [agreement(before, edit(chance, before)) >= MIN_AGREEING for edit in edits]
    assert least <= np.mean(agreeing) <= most


def test_the_share_of_equal_bytes_estimates_the_similarity() -> None:
    chance = random.Random(6)
    errors = []
    for _ in range(150):
        before = stories.story(chance, 10)
        after = [*before[: chance.randint(4, 10)], *stories.story(chance, chance.randint(0, 3))]
        likeness = len(shingles(before) & shingles(after)) / len(shingles(before) | shingles(after))
        errors.append(agreement(before, after) / WIDTH - likeness)
    assert abs(np.mean(errors)) < 0.01
    assert np.std(errors) < 0.07


def test_sketches_ignore_case_punctuation_accents_and_paragraphs() -> None:
    text = "The señor of the harbour said on Friday that forty-two ships had come in. " * 4
    first, second = sketches(
        [
            Article(id="a", title="One headline", paragraphs=[text, "And it rained."]),
            Article(id="b", title="Another", paragraphs=[f"{text.upper()} and it RAINED"]),
        ]
    )
    third = of_texts([text.replace("ñ", "n"), "And it rained!"])[0]
    assert (first == second).all()
    assert (first == third).all()


SHORT = "Trams run again from Monday, the city said; tickets cost two crowns, as before."


@pytest.mark.parametrize(
    ("text", "other", "are_alike"),
    [
        (SHORT, SHORT, True),
        (SHORT, SHORT.upper().replace(";", "."), True),
        (SHORT, SHORT.replace("two", "three"), False),
        (SHORT, f"{SHORT} Perhaps.", False),
        (SHORT, " ".join(reversed(SHORT.split())), False),
        ("Rain fell all day long", "Rain fell all day long!", True),
        ("Rain fell all day", "Rain fell all day", False),
        ("Photo", "Photo", False),
        ("東京都の天気は晴れ", "東京都の天気は晴れ", True),
        ("東京都の天気は晴れ", "東京都の天気は雨だ", False),
    ],
)
def test_short_texts_are_near_duplicates_only_with_the_same_words(
    text: str, other: str, are_alike: bool
) -> None:
    assert len(text.split()) < MIN_LONG
    found = find_near_duplicates(of_texts([text], [other]))
    assert found.find(0).tolist() == [1] * are_alike


def test_short_texts_with_different_titles_are_not_near_duplicates() -> None:
    notice = "This article is for subscribers only: please log in to read it."
    found = sketches(
        [
            Article(id=f"a{place}", title=title, paragraphs=[notice])
            for place, title in enumerate(("Trams", "TRAMS", "Ships", ""))
        ]
    )
    assert (found[0] == found[1]).all()
    assert count_agreeing(found[[0, 0, 2]], found[[2, 3, 3]]).max() < MIN_AGREEING


def test_only_very_short_texts_have_a_sketch_of_zeros() -> None:
    found = of_texts([], ["!?"], ["It will rain again"], [SHORT], stories.story(random.Random(7)))
    assert found.any(axis=1).tolist() == [False, False, False, True, True]


@given(st.lists(st.lists(st.sampled_from(["rain", "sun", "sea"]), max_size=40), min_size=1, max_size=8))
def test_a_sketch_depends_on_its_own_text_alone(texts: list[list[str]]) -> None:
    together = of_texts(*([" ".join(text)] for text in texts))
    alone = np.concatenate([of_texts([" ".join(text)]) for text in texts])
    assert (together == alone).all()


def test_the_division_into_chunks_does_not_change_sketches() -> None:
    chance = random.Random(8)
    articles = [stories.article(f"a{place}", stories.story(chance)) for place in range(20)]
    gatherer, parts = Gatherer("en"), []
    for place, article in enumerate(articles):
        gatherer.add(article)
        if place % 3 == 0:
            parts.append(gatherer.take())
    parts.append(gatherer.take())
    assert (np.concatenate([part.columns["sketches"] for part in parts]) == sketches(articles)).all()


def test_a_reduced_chunk_keeps_the_sketches_of_its_articles() -> None:
    chance = random.Random(9)
    articles = [stories.article(f"a{place}", stories.story(chance)) for place in range(4)]
    gatherer = Gatherer("en")
    for article in articles:
        gatherer.add(article)
    kept = gatherer.take().select([False, True, True, False])
    assert (kept.columns["sketches"] == sketches(articles[1:3])).all()
