"""Queries are put together so that they have few leaves."""

from __future__ import annotations

import pytest

from indexer.opensearch.dsl import (
    EVERYTHING,
    NOTHING,
    Dsl,
    count_leaves,
    match_all,
    match_any,
    match_bases,
    match_tags,
    score_words,
    take_first,
)

A: Dsl = {"terms": {"text.stems": ["a"]}}
B: Dsl = {"terms": {"text.stems": ["b"]}}
PREFIX: Dsl = {"prefix": {"text.words": {"value": "c"}}}
PHRASE: Dsl = {"match_phrase": {"text.stems": "a b c"}}


def test_terms_of_one_field_become_one_query() -> None:
    assert match_any([B, A, B]) == {"terms": {"text.stems": ["a", "b"]}}
    assert match_any([match_any([A, PREFIX]), B]) == match_any([A, B, PREFIX])


def test_what_is_limited_to_the_same_languages_becomes_one_query() -> None:
    german, french = match_bases(["de"]), match_bases(["fr"])
    found = match_any([match_all([A, german]), match_all([B, french]), match_all([B, german])])
    assert found == match_any([match_all([match_any([A, B]), german]), match_all([B, french])])
    assert count_leaves(found) == 4


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (match_any([]), NOTHING),
        (match_any([NOTHING, PREFIX]), PREFIX),
        (match_all([]), EVERYTHING),
        (match_all([EVERYTHING, A]), A),
        (match_all([A, NOTHING]), NOTHING),
        (match_all([A], [EVERYTHING]), NOTHING),
        (match_all([A], [NOTHING]), A),
        (match_all([], [A]), {"bool": {"must_not": [A]}}),
        (match_all([A, PREFIX], [B]), {"bool": {"filter": [A, PREFIX], "must_not": [B]}}),
    ],
)
def test_queries_of_everything_and_nothing_are_dropped(found: Dsl, expected: Dsl) -> None:
    assert found == expected


@pytest.mark.parametrize(
    ("query", "leaves"),
    [
        (None, 0),
        (EVERYTHING, 0),
        (A, 1),
        (PHRASE, 3),
        ({"match_phrase": {"text.stems": {"query": "a b", "boost": 2}}}, 2),
        (match_all([A, PHRASE], [match_any([PREFIX, match_tags(["en"])])]), 6),
        ({"bool": {"filter": [{"range": {"since": {"lte": 3}}}, {"exists": {"field": "day"}}]}}, 2),
        (score_words(PREFIX, 1), 50),
        ({"span_near": {"clauses": [{"span_term": {"t": "a"}}, {"span_term": {"t": "b"}}], "slop": 0}}, 2),
    ],
)
def test_leaves_are_counted_as_a_cluster_does(query: Dsl | None, leaves: int) -> None:
    assert count_leaves(query) == leaves


def test_queries_that_do_not_fit_are_skipped() -> None:
    assert take_first([A, PHRASE, PREFIX, B], 3) == [A, PREFIX, B]
