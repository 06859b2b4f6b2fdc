"""Explanations: how a query was read, and how each score comes about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from indexer import Config, Index
from indexer.results import ClauseExplanation, HitExplanation
from tests.query.examples import ARTICLES, QUERIES, TODAY


def whole(own: HitExplanation) -> float:
    """The score that the parts of an explanation add up to."""
    words = sum(word.points for word in own.words) * own.nearness
    return (words + sum(pair.points for pair in own.pairs)) * own.recency


def clauses(examples: Index, query: str, **arguments: Any) -> tuple[ClauseExplanation, ...]:
    explanation = examples.search(query, explain=True, **arguments).explanation
    assert explanation is not None
    return explanation.clauses


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("baker low", [("baker", "word", "wanted", 2), ("low", "word", "wanted", 2)]),
        ("the baker", [("baker", "word", "wanted", 2), ("the", "word", "ignored", None)]),
        ("+the -low", [("+the", "word", "required", 4), ("-low", "word", "excluded", 2)]),
        ("baker 😀", [("baker", "word", "required", 2), ("😀", "word", "ignored", None)]),
        ('=bakers "low oven"', [("=bakers", "exact", "wanted", 1), ('"low oven"', "phrase", "wanted", 1)]),
        ("bak* rivr~", [("bak*", "prefix", "wanted", 3), ("rivr~", "spelling", "wanted", 2)]),
        ("b?k*s", [("b?k*s", "pattern", "required", 1)]),
        ("river NEAR/2 low", [("river NEAR/2 low", "near", "required", 1)]),
        ("river OR oven", [("river OR oven", "any of", "required", 3)]),
        ("lang:en", [("*", "everything", "required", 5), ("language:en", "language", "filter", 4)]),
        (
            "low (lang:en OR lang:xx)",
            [("low", "word", "wanted", 2), ("language:en OR language:xx", "any of", "filter", 4)],
        ),
        ("low date:2024", [("low", "word", "wanted", 2), ("date:2024", "date", "filter", 2)]),
        ("", []),
    ],
)
def test_each_clause_is_explained(examples: Index, query: str, expected: list[tuple[Any, ...]]) -> None:
    found = [(c.label, c.kind, c.role, c.articles) for c in clauses(examples, query)]
    assert sorted(found, key=str) == sorted(expected, key=str)


def test_the_query_is_described_in_plain_words(examples: Index) -> None:
    explanation = examples.search("baker -low", since="2024", explain=True).explanation
    assert explanation is not None
    assert (
        explanation.reading
        == "articles with “baker”, in any form, published from 1 January 2024 on, without “low”"
    )


def test_an_excluded_clause_is_described_as_words_or_as_a_filter(examples: Index) -> None:
    found = {clause.reading for clause in clauses(examples, "baker -low -lang:de")}
    assert found == {"“baker”, in any form", "without “low”, in any form", "not in the language “de”"}


def test_the_words_that_a_clause_matches_are_listed_most_common_first(examples: Index) -> None:
    (pattern,) = clauses(examples, "w*")
    assert set(pattern.words) == {"wheel", "water", "was", "waits", "without", "wasser"}
    assert pattern.more == 0
    (word,) = clauses(examples, "title:floods")
    assert word.words == ("flood", "floods")
    assert word.fields == ("title",)


def test_only_the_first_of_many_words_are_listed(examples: Index) -> None:
    (pattern,) = clauses(examples, "*e*")
    assert len(pattern.words) == 20
    assert pattern.more > 0


def test_groups_are_explained_part_by_part(examples: Index) -> None:
    (group,) = clauses(examples, "(river low) OR =bakers^2")
    assert [(c.label, c.kind, c.role, c.articles, c.boost) for c in group.clauses] == [
        ("river low", "all of", "alternative", 1, 1.0),
        ("=bakers^2", "exact", "alternative", 1, 2.0),
    ]
    assert [(c.label, c.role) for c in group.clauses[0].clauses] == [("river", "part"), ("low", "part")]
    (near,) = clauses(examples, "river NEAR/2 (low OR town)")
    assert [(c.label, c.articles) for c in near.clauses] == [("river", 2), ("low OR town", 3)]


def test_a_score_is_explained_word_by_word_and_field_by_field(examples: Index) -> None:
    (hit, *_) = examples.search("river^2 floods", explain=True).hits
    own = hit.explanation
    assert own is not None
    assert [word.label for word in own.words if word.form == "any"] == ["river^2", "floods"]
    assert own.words[0].times == 2.0
    (title, text) = own.words[0].fields
    assert (title.field, title.frequency, text.field, text.frequency) == ("title", 1.0, "text", 1.0)
    assert title.weight > text.weight
    assert own.nearness > 1


def test_the_form_as_typed_is_explained_apart(examples: Index) -> None:
    (hit, *_) = examples.search("floods", explain=True).hits
    assert hit.explanation is not None
    every, typed = hit.explanation.words
    assert (every.form, typed.form) == ("any", "as typed")
    assert every.label == typed.label
    assert every.times + typed.times == pytest.approx(1.0)
    assert sum(field.frequency for field in typed.fields) < sum(field.frequency for field in every.fields)


def test_an_alternative_that_does_not_match_adds_nothing(examples: Index) -> None:
    hits = examples.search("(wheel AND oven) OR ask", explain=True).hits
    assert [word.label for hit in hits if hit.explanation for word in hit.explanation.words] == ["ask"]


@settings(max_examples=300)
@given(QUERIES)
def test_the_explained_parts_add_up_to_the_score(examples: Index, query: str) -> None:
    for hit in examples.search(query, limit=50, explain=True).hits:
        own = hit.explanation
        assert own is not None
        assert own.score == hit.score
        assert whole(own) == pytest.approx(hit.score, abs=1e-5)
        for word in own.words:
            assert sum(field.points for field in word.fields) == pytest.approx(word.points, abs=1e-5)


def test_synonyms_are_explained(tmp_path: Path) -> None:
    (tmp_path / "synonyms.txt").write_text("oven, kitchen stove\nriver flood, inundation\n")
    config = Config(index=tmp_path / "index", synonyms=tmp_path / "synonyms.txt")
    with Index(config, today=lambda: TODAY) as opened:
        opened.put(ARTICLES)
        page = opened.search("oven bread", explain=True)
        assert page.explanation is not None
        assert page.explanation.reading == "articles with “oven” or “kitchen stove” and “bread”, in any form"
        (oven, _) = page.explanation.clauses
        assert (oven.label, oven.kind, oven.synonyms) == ("oven", "word", ("kitchen stove",))
        several = opened.search("river flood oven")
        assert several.no_results is not None
        assert several.no_results.clauses == ("river flood", "oven")
        for relaxation in several.no_results.suggestions:
            assert opened.search(relaxation.query).total == relaxation.count


@pytest.mark.parametrize("query", ["river", "wheel low", "wheel oven flood", "*"])
def test_the_decay_of_a_score_is_explained(examples: Index, query: str) -> None:
    for hit in examples.search(query, half_life=30, explain=True).hits:
        own = hit.explanation
        assert own is not None
        assert 0 < own.recency <= 1
        assert whole(own) == pytest.approx(hit.score, abs=1e-5)


def test_pairs_and_parts_of_compounds_are_explained(examples: Index) -> None:
    (first, *_) = examples.search("baker bought", explain=True).hits
    assert first.explanation is not None
    assert [pair.label for pair in first.explanation.pairs] == ["baker bought"]
    (hit,) = examples.search('"low oven" salt', explain=True).hits
    assert hit.explanation is not None
    assert [(word.clause, word.label, word.times) for word in hit.explanation.words[2:]] == [
        ('"low oven"', "low", 0.5),
        ('"low oven"', "oven", 0.5),
    ]
