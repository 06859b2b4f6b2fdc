"""Queries, their descriptions, and what they find in a small index."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from indexer import Article, Config, Index, limits
from indexer.query import describe_query, parse_query
from tests.engine.reference import Reference
from tests.query.examples import ARTICLES, QUERIES, TABLE, TODAY


def found(examples: Index, query: str) -> set[str]:
    """Return the ids of the articles that match the whole query."""
    return {hit.article.id for hit in examples.search(query, limit=50).hits if not hit.missing}


@pytest.mark.parametrize(("query", "words", "ids"), TABLE)
def test_a_query_is_described_and_answered(examples: Index, query: str, words: str, ids: set[str]) -> None:
    assert describe_query(parse_query(query, today=TODAY).tree) == words
    assert found(examples, query) == ids


@pytest.mark.parametrize(
    ("query", "note"),
    [
        (
            "wheel last week",
            "“last week” was read as a date (from 11 March 2024 to 17 March 2024); "
            "put it in quotation marks to search for it as text.",
        ),
        ("last week", '“last week” was searched as text; date:"last week" finds that time.'),
        ("yesterday", "“yesterday” was searched as text; date:yesterday finds that time."),
        ("lang:xx", "No article has language:xx."),
        (
            "date:2023-11-05",
            "1 more article may be of that time; only its month or year is known.",
        ),
        ("a NEAR/999 b", "NEAR reaches at most 100 words; /100 was used."),
        (
            " NEAR ".join("abcdefghijklmnopqrst"),
            "NEAR joins at most 16 in a row; the rest may stand anywhere.",
        ),
        ("a^999", "A word counts at most 100 times; ^100 was used."),
        ("(a b) NEAR c", "NEAR joins words, phrases and alternatives of one field; it was read as AND."),
        ("NEAR a", "“NEAR” has nothing to join; it was read as a word."),
        ("a NEAR/5", "“NEAR/5” has nothing to join; it was read as a word."),
    ],
)
def test_a_note_says_how_the_query_was_understood(examples: Index, query: str, note: str) -> None:
    assert note in map(str, examples.search(query).notes)


@pytest.mark.parametrize(
    "query",
    [
        "wheel 2024..",
        "the since of 2020",
        "a OR last week",
        "NOT yesterday a b",
        "title:last week",
        "The number of women who own a bakery has grown since 1979.",
    ],
)
def test_words_that_are_not_dates_stay_words(query: str) -> None:
    assert "published" not in describe_query(parse_query(query, today=TODAY).tree)


def test_only_matches_are_highlighted(examples: Index) -> None:
    def marked(query: str) -> list[str]:
        hits = examples.search(query).hits
        return [p.text[a:b] for hit in hits for p in hit.passages for a, b in p.spans]

    assert marked("=bakers") == ["Bakers"]
    assert marked('="the wheel turns"') == ["The wheel turns"]
    assert marked("river NEAR/2 low") == ["river", "low"]
    assert marked("high NEAR/1 heat") == ["high", "heat"]
    assert marked('id:mill "the mill" NEAR/3 wheel') == ["the mill", "wheel"]


def test_a_boost_changes_the_order(examples: Index) -> None:
    def first(query: str) -> str:
        return examples.search(query).hits[0].article.id

    assert first("mill^9 OR bread") == "mill"
    assert first("mill OR bread^9") == "bread"


def test_filters_and_dates_add_nothing_to_a_score(examples: Index) -> None:
    scores = [
        {hit.article.id: hit.score for hit in examples.search(query).hits}
        for query in ("low", "low lang:en date:2020..2024")
    ]
    assert scores[1] == {name: scores[0][name] for name in scores[1]}


@settings(max_examples=400)
@given(st.one_of(QUERIES, st.text()))
@example('title:"en" 2021..2024 AND (😀 lang:"en")')
@example("A𐅹I")
def test_any_query_is_answered_as_by_the_reference(examples: Index, query: str) -> None:
    parsed = parse_query(query, today=TODAY)
    assert parse_query(query, today=TODAY) == parsed
    assert describe_query(parsed.tree)
    page = examples.search(query, limit=50)
    expected = Reference(ARTICLES).search(query, today=TODAY, min_full_matches=50)
    assert {hit.article.id for hit in page.hits} == {name for name, _ in expected.full + expected.partial}
    for hit, (_, score) in zip(page.hits, expected.full + expected.partial, strict=True):
        assert hit.score == pytest.approx(score, rel=1e-5)


def test_a_pattern_stands_for_the_most_common_of_too_many_words(tmp_path: Path) -> None:
    common = " ".join(f"s{number}" for number in range(limits.EXPANSION))
    texts = [common, "seal s7", "shore", f"{common} sand", "sail s8"]
    with Index(Config(index=tmp_path / "index")) as index:
        for number, text in enumerate(texts):
            # Each put makes a segment of its own.
            index.put([Article(id=f"{number}", paragraphs=[text])])
        for query in ("s*", "*s*"):
            page = index.search(query, collapse=False)
            assert page.notes[0].message == (
                f"{query} stands for 1,004 words; the 1,000 most common of them were searched for."
            )
            assert {hit.article.id for hit in page.hits} == {"0", "1", "3", "4"}
