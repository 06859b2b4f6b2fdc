"""A tree is serialized as a query that can be typed, and is parsed as the same tree again."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from whoosh.query.qcore import NullQuery

from indexer.query import AllOf, Filter, Not, Term, parse_query, serialize_query
from tests.query.examples import QUERIES, TABLE, TODAY


@pytest.mark.parametrize("query", [query for query, _, _ in TABLE])
def test_a_query_is_serialized_as_one_that_means_the_same(query: str) -> None:
    tree = parse_query(query, today=TODAY).tree
    assert parse_query(serialize_query(tree), today=TODAY).tree == tree


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("belt  ROAD", "belt ROAD"),
        ("(a b) OR c", "(a b) OR c"),
        ("a AND (b OR c)", "a AND (b OR c)"),
        ("a -b +c", "a -b +c"),
        ("-a -b", "-a -b"),
        ("=a *b* c~ d~2 e*", "=a *b* c~ d~2 e*"),
        ('“a b”~3^2 ="c d"', '"a b"~3^2 ="c d"'),
        ("(a OR b)^2", "a^2 OR b^2"),
        ("title:(a b) body:c", "title:a title:b text:c"),
        ("a NEAR b NEAR/3 (c OR d)", "a NEAR b NEAR/3 (c OR d)"),
        ("+(a NEAR b) c", "+(a NEAR b) c"),
        ("(a NEAR b)^.5", "(a NEAR b)^0.5"),
        ('lang:en site:"a b"', 'language:en site:"a b"'),
        ('date:"nov 2021"', "date:2021-11"),
        ("date:2020..2021-02", "date:2020..2021-02"),
        ("date:2021-11-30", "date:2021-11-30"),
        ("date:2021-12-31", "date:2021-12-31"),
        ("date:2021-11-29..2021-11-30", "date:2021-11-29..2021-11-30"),
        ("date:2021..2021-03", "date:2021-01..2021-03"),
        ("date:last week", "date:2024-03-11..2024-03-17"),
        ("after:2021-03-04 before:2022", "after:2021-03-04 before:2022"),
        ("date:9999", "date:9999"),
        ("*", "*"),
    ],
)
def test_a_query_is_serialized_as_a_person_would_type_it(typed: str, text: str) -> None:
    tree = parse_query(typed, today=TODAY).tree
    assert serialize_query(tree) == text
    assert parse_query(text, today=TODAY).tree == tree


@pytest.mark.parametrize(
    ("typed", "text"),
    [("a -(b AND AND c)", "a -(b AND and AND c)"), ("(a OR ) c", "a or c"), ("(a NEAR/3 )", "a near/3")],
)
def test_an_operator_that_was_read_as_a_word_is_serialized_as_a_word(typed: str, text: str) -> None:
    tree = parse_query(typed, today=TODAY).tree
    assert serialize_query(tree) == text
    assert serialize_query(parse_query(text, today=TODAY).tree) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("sea", "tag:sea"),
        ("the sea", 'tag:"the sea"'),
        ('a 5" gun', r'tag:"a 5\" gun"'),
        ("the “night” desk", 'tag:"the “night” desk"'),
        ('"a" “b” «c» „d”', r'tag:"\"a\" “b” «c» „d”"'),
        ("C:\\news", "tag:C:\\news"),
        ("C:\\my news\\", r'tag:"C:\\my news\\"'),
        ('דו"ח', r'tag:"דו\"ח"'),
        ("C^2", 'tag:"C^2"'),
        ("海。", 'tag:"海。"'),
    ],
)
def test_a_value_is_serialized_in_quotation_marks_that_it_cannot_end(value: str, text: str) -> None:
    assert serialize_query(Filter("tag", value)) == text
    assert parse_query(f"sea {text} -storm", today=TODAY).tree == AllOf(
        [Term("text", "sea"), Filter("tag", value), Not(Term("text", "storm"))]
    )


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=40))
def test_any_value_can_be_written(value: str) -> None:
    value = value.strip() or "x"
    tree = parse_query(f"{serialize_query(Filter('tag', value))} sea", today=TODAY).tree
    assert tree == AllOf([Filter("tag", value), Term("text", "sea")])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'tag:"C:\news"', r"C:\news"),
        (r'tag:"C:\"', "C:\\"),
        (r'tag:"a\"b"', 'a"b'),
        ('tag:"דו"ח"', 'דו"ח'),
        ('tag:“a "b"”', 'a "b"'),
    ],
)
def test_a_backslash_is_only_an_escape_before_a_quotation_mark_or_another_one(text: str, value: str) -> None:
    tree = parse_query(f"sea {text}", today=TODAY).tree
    assert tree == AllOf([Term("text", "sea"), Filter("tag", value)])


def test_an_empty_tree_is_an_empty_query() -> None:
    assert serialize_query(NullQuery) == ""


@settings(max_examples=300)
@given(QUERIES)
def test_serializing_again_changes_nothing(query: str) -> None:
    """A tree that is serialized, parsed and serialized again gives the same text."""
    tree = parse_query(query, today=TODAY).tree
    again = parse_query(serialize_query(tree), today=TODAY)
    assert (again.tree is NullQuery) == (tree is NullQuery)
    assert serialize_query(parse_query(serialize_query(again.tree), today=TODAY).tree) == serialize_query(
        again.tree
    )
