"""Custom fields in a query: what their values mean, how they are described, serialized and relaxed."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from whoosh.query.compound import And, Or
from whoosh.query.qcore import Every, Query
from whoosh.query.terms import Term
from whoosh.query.wrappers import Not

from indexer.fields import FieldType
from indexer.query import (
    AllOf,
    DateRange,
    Filter,
    NumberRange,
    RawPhrase,
    describe_query,
    parse_query,
    relax_query,
    serialize_query,
)

TODAY = date(2024, 3, 20)
FIELDS = {
    "desk": FieldType("keyword"),
    "edition": FieldType("integer"),
    "price": FieldType("number"),
    "embargo": FieldType("date"),
    "breaking": FieldType("boolean"),
}
A = Term("text", "a")


def dates(start: tuple[int, ...] | None, end: tuple[int, ...] | None) -> DateRange:
    begin, stop = (datetime(*edge) if edge else None for edge in (start, end))  # type: ignore[arg-type]
    return DateRange(begin, stop, "embargo")


def numbers(low: float | None, high: float | None, *, is_strict: bool = False) -> NumberRange:
    return NumberRange("edition", low, high, is_strict)


VALUES: list[tuple[str, Query, str]] = [
    ("author:berg", Filter("author", "berg"), "by “berg”"),
    ("authors:berg", Filter("author", "berg"), "by “berg”"),
    ("section:World", Filter("section", "World"), "in the section “World”"),
    ('tag:"salt sea"', Filter("tag", "salt sea"), "tagged “salt sea”"),
    ("publisher:port*", Filter("publisher", "port*"), "published by “port*”"),
    ("desk:world", Filter("desk", "world"), "with desk “world”"),
    ("DESK:world", Filter("desk", "world"), "with desk “world”"),
    ('desk:"foreign affairs"', Filter("desk", "foreign affairs"), "with desk “foreign affairs”"),
    ("desk:wor*", Filter("desk", "wor*"), "with desk “wor*”"),
    ('tag:“the "old" town”', Filter("tag", 'the "old" town'), 'tagged “the "old" town”'),
    ('tag:«the "old" “new” town»', Filter("tag", 'the "old" “new” town'), 'tagged “the "old" “new” town”'),
    ("desk:a:b/c", Filter("desk", "a:b/c"), "with desk “a:b/c”"),
    ("edition:3", numbers(3, 3), "with edition 3"),
    ("edition:=3", numbers(3, 3), "with edition 3"),
    ("edition:-3", numbers(-3, -3), "with edition -3"),
    ("edition:>3", numbers(3, None, is_strict=True), "with edition above 3"),
    ("edition:>=3", numbers(3, None), "with edition at least 3"),
    ("edition:<3", numbers(None, 3, is_strict=True), "with edition below 3"),
    ("edition:<=3", numbers(None, 3), "with edition at most 3"),
    ("edition:3..7", numbers(3, 7), "with edition from 3 to 7"),
    ("edition:7…3", numbers(3, 7), "with edition from 3 to 7"),
    ("edition:3..", numbers(3, None), "with edition at least 3"),
    ("edition:..7", numbers(None, 7), "with edition at most 7"),
    ('edition:"> 3"', numbers(3, None, is_strict=True), "with edition above 3"),
    ("price:0.25..1e3", NumberRange("price", 0.25, 1000), "with price from 0.25 to 1000"),
    ("price:.5", NumberRange("price", 0.5, 0.5), "with price 0.5"),
    ("embargo:2024-05", dates((2024, 5, 1), (2024, 6, 1)), "with embargo in May 2024"),
    ("embargo:2024..", dates((2024, 1, 1), None), "with embargo from 1 January 2024 on"),
    ("embargo:..2024-05", dates(None, (2024, 6, 1)), "with embargo before 1 June 2024"),
    ("embargo:>2024-05", dates((2024, 6, 1), None), "with embargo from 1 June 2024 on"),
    ("embargo:>=2024-05", dates((2024, 5, 1), None), "with embargo from 1 May 2024 on"),
    ("embargo:<2024-05", dates(None, (2024, 5, 1)), "with embargo before 1 May 2024"),
    ("embargo:<=2024-05", dates(None, (2024, 6, 1)), "with embargo before 1 June 2024"),
    (
        "embargo:2023..2024-05",
        dates((2023, 1, 1), (2024, 6, 1)),
        "with embargo from 1 January 2023 to 31 May 2024",
    ),
    ("embargo:yesterday", dates((2024, 3, 19), (2024, 3, 20)), "with embargo on 19 March 2024"),
    ('embargo:"last year"', dates((2023, 1, 1), (2024, 1, 1)), "with embargo in 2023"),
    ("breaking:true", Filter("breaking", "true"), "with breaking “true”"),
    ("breaking:No", Filter("breaking", "false"), "with breaking “false”"),
]


@pytest.mark.parametrize(("query", "node", "words"), VALUES)
def test_a_value_is_read_described_and_serialized(query: str, node: Query, words: str) -> None:
    parsed = parse_query(query, today=TODAY, fields=FIELDS)
    assert parsed.tree == And([Every(), node])
    assert parsed.notes == ()
    assert describe_query(parsed.tree) == f"all articles {words}"
    again = serialize_query(parsed.tree)
    assert parse_query(again, today=TODAY, fields=FIELDS).tree == parsed.tree
    assert serialize_query(parse_query(again, today=TODAY, fields=FIELDS).tree) == again


@pytest.mark.parametrize(
    ("query", "tree"),
    [
        ("a desk:world", AllOf([A, Filter("desk", "world")])),
        ("a -desk:world", AllOf([A, Not(Filter("desk", "world"))])),
        ("+desk:world a", AllOf([Filter("desk", "world"), A])),
        ("desk:(world OR sport) a", AllOf([Or([Filter("desk", "world"), Filter("desk", "sport")]), A])),
        ("edition:(1 OR >=3) a", AllOf([Or([numbers(1, 1), numbers(3, None)]), A])),
        ("a OR edition:3", Or([A, numbers(3, 3)])),
        ("desk:world^2 a", AllOf([Filter("desk", "world"), A])),
        ('desk:"" a', A),
        ("desks:world a", AllOf([Term("text", "desks:world"), A])),
        ("mydesk:world a", AllOf([Term("text", "mydesk:world"), A])),
        ("=desk:world a", AllOf([RawPhrase("text", "desk:world", exact=True), A])),
    ],
)
def test_a_filter_on_a_field_stands_wherever_a_clause_can(query: str, tree: Query) -> None:
    assert parse_query(query, today=TODAY, fields=FIELDS).tree == tree


@pytest.mark.parametrize(
    ("query", "note"),
    [
        ("edition:a", "“a” is not a whole number, as edition has to be; it was searched as text."),
        ("edition:..", None),
        ("edition:1_000", "“1_000” is not a whole number, as edition has to be; it was searched as text."),
        ("price:nan", "“nan” is not a number, as price has to be; it was searched as text."),
        ("price:1e999", "“1e999” is not a number, as price has to be; it was searched as text."),
        ("edition:1..a", "“1..a” is not a whole number, as edition has to be; it was searched as text."),
        ("embargo:a", "“a” is not an ISO date such as 2021, 2021-11 or 2021-11-05, as embargo has to be"),
        ("breaking:a", "“a” is not true or false, as breaking has to be; it was searched as text."),
        ('edition:"a b"', "“a b” is not a whole number, as edition has to be; it was searched as text."),
    ],
)
def test_a_value_that_cannot_be_read_is_searched_as_text_with_a_note(query: str, note: str | None) -> None:
    parsed = parse_query(query, today=TODAY, fields=FIELDS)
    assert not any(isinstance(leaf, NumberRange | DateRange | Filter) for leaf in parsed.tree.leaves())
    assert note is None or str(parsed.notes[0]).startswith(note)


def test_without_a_declaration_a_field_is_text() -> None:
    parsed = parse_query("edition:3", today=TODAY)
    assert parsed.tree == Term("text", "edition:3")
    assert [note.code for note in parsed.notes] == ["no_field"]


def test_a_filter_on_a_field_is_dropped_where_it_leaves_nothing() -> None:
    tree = parse_query("a edition:>3", today=TODAY, fields=FIELDS).tree
    changes = [(serialize_query(relaxed.tree), str(relaxed.change)) for relaxed in relax_query(tree, set())]
    assert changes == [("a", "not only articles with edition above 3")]


@given(st.text(st.sampled_from('desk:edition price embargo breaking()"<>=.-+20241…*^~ '), max_size=40))
def test_any_text_is_a_query(text: str) -> None:
    parsed = parse_query(text, today=TODAY, fields=FIELDS)
    again = serialize_query(parsed.tree)
    assert isinstance(describe_query(parsed.tree), str)
    parse_query(again, today=TODAY, fields=FIELDS)
