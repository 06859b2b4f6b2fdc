"""What a leaf of a query tree stands for becomes few and small queries of the fields of a text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from indexer.engine import TermSet
from indexer.opensearch.dsl import Dsl
from indexer.opensearch.rows import Pattern, Wanted, is_exact_near, match_near, match_wanted
from tests.opensearch.archive import ArchiveInBoth

HOSTILE = st.sampled_from(["*", "*a", "?*"]).flatmap(
    lambda start: st.text(alphabet="*???????aaaaaéé東𐐨", max_size=250).map(lambda text: start + text)
)
ROAD = Wanted(TermSet(stems=frozenset(["road/en"])))
SEA = Wanted(TermSet(stems=frozenset(["sea/en"])))
PHRASE = Wanted(TermSet(phrases=frozenset([(("belt/en", "road/en"), 1)])))
WITH_GAPS = Wanted(TermSet(phrases=frozenset([(("a", "b", "c"), 3)])))


def span(term: str, field: str = "text.stems") -> Dsl:
    return {"span_term": {field: term}}


def near(first: Dsl, second: Dsl, gap: int) -> Dsl:
    return {"span_near": {"clauses": [first, second], "slop": gap - 1, "in_order": True}}


def pattern(kind: Any, text: str, edits: int = 0) -> Wanted:
    return Wanted(patterns=frozenset([Pattern(kind, text, edits)]))


def match(*every: Wanted, is_coarse: bool = False) -> Dsl:
    return match_wanted(["text"], every, is_coarse=is_coarse)


def test_stems_are_looked_up_in_each_field_at_once() -> None:
    assert match_wanted(["title", "text"], [ROAD, SEA]) == {
        "bool": {
            "should": [
                {"terms": {"title.stems": ["road/en", "sea/en"]}},
                {"terms": {"text.stems": ["road/en", "sea/en"]}},
            ],
            "minimum_should_match": 1,
        }
    }


def test_a_word_with_tags_matches_in_the_texts_of_its_analyzers() -> None:
    words = Wanted(TermSet(words=frozenset(["ete/fr", "ete/es"])))
    assert match(words) == {
        "bool": {"filter": [{"terms": {"text.words": ["ete"]}}, {"terms": {"analyzer": ["es", "fr"]}}]}
    }


@pytest.mark.parametrize(("word", "matches"), [("11/fr", False), ("11/", True), ("ete/fr", True)])
def test_a_number_has_no_tag(word: str, matches: bool) -> None:
    assert (match(Wanted(TermSet(words=frozenset([word])))) != {"match_none": {}}) == matches


def test_words_side_by_side_are_a_phrase_of_the_field() -> None:
    assert match(PHRASE) == {"match_phrase": {"text.stems": "belt/en road/en"}}
    written = Wanted(TermSet(exact=frozenset([(("the", "road"), 1)])))
    assert match(written) == {"match_phrase": {"text.words": "the road"}}


def test_words_with_gaps_are_spans_that_begin_at_the_last_word() -> None:
    assert match(WITH_GAPS) == near(span("a"), near(span("b"), span("c"), 3), 3)


def test_words_of_a_phrase_may_stand_anywhere_in_a_coarse_query() -> None:
    assert match(PHRASE, is_coarse=True) == {
        "bool": {"filter": [{"terms": {"text.stems": ["belt/en"]}}, {"terms": {"text.stems": ["road/en"]}}]}
    }


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (pattern("prefix", "har"), {"prefix": {"text.words": {"value": "har"}}}),
        (pattern("wildcard", "h?r*\\"), {"wildcard": {"text.words": {"value": "h?r*\\\\"}}}),
        (pattern("wildcard", "?a*b???????c"), {"wildcard": {"text.words": {"value": "?a*b???????c"}}}),
        (pattern("wildcard", "?a*b?????????c"), {"wildcard": {"text.words": {"value": "?a*b*c"}}}),
        (pattern("wildcard", "a?*" + "b" * 256), {"wildcard": {"text.words": {"value": "a?*"}}}),
        (pattern("fuzzy", "har", 2), {"fuzzy": {"text.words": {"value": "har", "fuzziness": 2}}}),
        (Wanted(TermSet(characters=frozenset("港"))), {"prefix": {"text.words": {"value": "港"}}}),
    ],
)
def test_patterns_match_words_as_written(wanted: Wanted, expected: dict[str, Any]) -> None:
    ((kind, fields),) = match(wanted).items()
    ((field, how),) = fields.items()
    ((expected_field, expected_how),) = expected[kind].items()
    assert field == expected_field
    assert how.items() >= expected_how.items()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=HOSTILE)
@example(text="*a????????" + "a" * 31)
@example(text="*" + "a" * 255)
@example(text="*" + "a*" * 127)
@example(text="*" + "".join(map(chr, range(0x4E00, 0x4EFF))))
@example(text="?" * 256)
def test_no_pattern_is_refused(both: ArchiveInBoth, text: str) -> None:
    assert both.find(match(pattern("wildcard", text))) is not None


def test_near_is_looked_for_in_either_order() -> None:
    found = match_near(["text"], [[ROAD], [PHRASE]], [4])
    belt_road = near(span("belt/en"), span("road/en"), 1)
    orders = [near(span("road/en"), belt_road, 4), near(belt_road, span("road/en"), 4)]
    assert found == {"bool": {"should": orders, "minimum_should_match": 1}}


def test_what_different_analyzers_have_made_is_not_near_each_other() -> None:
    ete = Wanted(TermSet(stems=frozenset(["ete/de"]), words=frozenset(["ete/fr"])))
    found = match_near(["text"], [[ete], [Wanted(TermSet(stems=frozenset(["sea/fr", "sea/de"])))]], [2])
    masked = {"field_masking_span": {"query": span("ete", "text.words"), "field": "text.stems"}}
    french, german = span("sea/fr"), span("sea/de")
    assert [near(own, other, 2) for own, other in ((masked, french), (french, masked))] == found["bool"][
        "should"
    ][0]["bool"]["filter"][0]["bool"]["should"]
    assert [near(span("ete/de"), german, 2), near(german, span("ete/de"), 2)] == found["bool"]["should"][1:]


@pytest.mark.parametrize(
    ("parts", "is_exact"),
    [
        ([[ROAD], [SEA]], True),
        ([[ROAD, SEA], [PHRASE]], True),
        ([[ROAD], [SEA], [ROAD]], False),
        ([[ROAD], [WITH_GAPS]], False),
        ([[ROAD], [pattern("prefix", "har")]], False),
        ([[ROAD], [Wanted(SEA.terms, bases=frozenset(["en"]))]], False),
    ],
)
def test_it_is_known_which_near_may_match_too_much(parts: list[list[Wanted]], is_exact: bool) -> None:
    assert is_exact_near(parts) == is_exact
