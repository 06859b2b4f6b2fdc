"""The words of a cluster are asked for as they are needed, a batch at a time."""

from __future__ import annotations

from typing import Any

import pytest

from indexer.opensearch.vocabulary import ClusterVocabulary, WordMemory


def select(query: dict[str, Any]) -> dict[str, Any]:
    return {"bool": {"filter": [query, {"term": {"visible": True}}]}}


def match(words: list[str]) -> dict[str, Any]:
    return {"terms": {"words": words}}


def answer_all(vocabulary: ClusterVocabulary, counts: dict[str, int], near: dict[str, list[str]]) -> int:
    """Answer what is missing, as a cluster would; returns how many searches that took."""
    searches = [*vocabulary.make_searches(select, match)]
    for kind, body in searches:
        if "suggest" in body:
            options = {
                word: [{"options": [{"text": other} for other in near.get(word, ())]}]
                for word in body["suggest"]
            }
            vocabulary.learn(kind, {"suggest": options})
        else:
            asked = body["aggs"]["words"]["filters"]["filters"]
            buckets = {word: {"doc_count": counts.get(word, 0)} for word in asked}
            vocabulary.learn(kind, {"aggregations": {"words": {"buckets": buckets}}})
    return len(searches)


def test_a_word_is_unknown_until_its_articles_are_counted() -> None:
    vocabulary = ClusterVocabulary(WordMemory())
    assert vocabulary.estimate_frequency("harbour") == 0
    assert vocabulary.frequencies.get("ferry", 0) == 0
    assert answer_all(vocabulary, {"harbour": 7}, {}) == 1
    assert vocabulary.estimate_frequency("harbour") == 7
    assert vocabulary.frequencies["harbour"] == 7
    assert "ferry" not in vocabulary.frequencies
    assert answer_all(vocabulary, {}, {}) == 0


def test_what_one_request_has_asked_is_known_to_the_next() -> None:
    memory = WordMemory()
    ClusterVocabulary(memory).estimate_frequency("harbour")
    first = ClusterVocabulary(memory)
    first.estimate_frequency("harbour")
    answer_all(first, {"harbour": 7}, {})
    assert ClusterVocabulary(memory).estimate_frequency("harbour") == 7


@pytest.mark.parametrize(
    ("distance", "least", "expected"),
    [
        (2, 0, [("barbar", 2), ("harbor", 1), ("harbour", 1)]),
        (1, 0, [("harbor", 1), ("harbour", 1)]),
        (2, 8, [("harbour", 1)]),
    ],
)
def test_words_alike_are_those_of_the_articles_that_a_reader_sees(
    distance: int, least: int, expected: list[tuple[str, int]]
) -> None:
    vocabulary = ClusterVocabulary(WordMemory())
    # The suggester of a cluster also knows the words of other articles, and those with digits.
    near = {"harbur": ["harbour", "harbor", "harbin", "harbu4", "barbar"]}
    for _ in range(3):
        found = vocabulary.find_near("harbur", distance, min_frequency=least)
        answer_all(vocabulary, {"harbour": 9, "harbor": 2, "barbar": 1}, near)
    assert found == expected


def test_only_so_many_words_are_remembered() -> None:
    memory = WordMemory()
    for number in range(10_000):
        memory.add_counts({f"a{number}": 1})
        memory.add_near({f"a{number}": ("harbour",)})
    assert 0 < len(memory.counts) < 5000
    assert 0 < len(memory.near) < 5000
    assert memory.counts["a9999"] == 1
