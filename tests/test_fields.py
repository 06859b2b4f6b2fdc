"""Custom fields: which declarations and values are accepted, and what the messages say."""

from __future__ import annotations

from typing import Any

import pytest

from indexer.errors import InvalidArticle
from indexer.fields import FieldType, convert_value, list_weights, parse_fields, use_weights


def test_a_field_is_declared_with_its_type() -> None:
    declared = parse_fields({"desk": {"type": "keyword", "facet": True}, "edition": FieldType("integer")})
    assert declared == {"desk": FieldType("keyword", facet=True), "edition": FieldType("integer")}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["desk"], "must be a table of names and types"),
        ({"Desk": {"type": "keyword"}}, "'Desk' must be a name of small letters"),
        ({"author": {"type": "keyword"}}, "author is taken"),
        ({"lang": {"type": "keyword"}}, "lang is taken"),
        ({"desk": "keyword"}, r"desk must be a table with a type \(keyword, integer"),
        ({"desk": {"type": "word"}}, "Invalid enum value 'word'"),
        ({"desk": {"type": "keyword", "facets": True}}, "unknown field `facets`"),
        ({"size": {"type": "number", "facet": True}}, "a field of type number cannot be a facet"),
        ({"lead": {"type": "text", "facet": True}}, "a field of type text cannot be a facet"),
        ({"desk": {"type": "keyword", "weight": 2}}, "desk: only a field of type text has a weight"),
        ({"lead": {"type": "text", "weight": 0}}, "lead: weight must be a number above 0, up to 100"),
        ({"lead": {"type": "text", "weight": 101}}, "lead: weight must be a number above 0, up to 100"),
        ({"lead": FieldType("text", weight=-1)}, "lead: weight must be a number above 0, up to 100"),
        ({"lead": {"type": "text", "weight": float("nan")}}, "lead: weight must be a number above 0"),
        ({"lead": {"type": "text", "weight": "much"}}, r"Expected `int \| float`"),
    ],
)
def test_a_declaration_that_has_no_meaning_is_refused(given: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_fields(given)


def test_the_weights_are_those_that_are_declared_now() -> None:
    stored = {"lead": FieldType("text", weight=2), "note": FieldType("text"), "desk": FieldType("keyword")}
    assert list_weights(stored) == {"lead": 2.0, "note": 1.0}
    declared = {"lead": FieldType("text"), "desk": FieldType("keyword", facet=True)}
    assert use_weights(stored, declared) == stored | {"lead": FieldType("text")}
    assert use_weights(stored, {}) == stored


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("keyword", " World  News ", ("World News",)),
        ("keyword", ["a", "b", "a", " "], ("a", "b")),
        ("keyword", 7, ("7",)),
        ("integer", "7", 7),
        ("integer", 7.0, 7),
        ("number", "7.5", 7.5),
        ("date", "2024-02-03", "2024-02-03"),
        ("date", "2024", "2024"),
        ("boolean", "Yes", True),
        ("text", " One.\n\n Two. ", "One.\n\n Two."),
        ("text", " ", None),
        ("boolean", False, False),
        ("integer", "", None),
        ("keyword", (), None),
        ("date", None, None),
    ],
)
def test_a_value_is_converted_to_the_type_of_its_field(kind: Any, value: object, expected: object) -> None:
    assert convert_value("own", FieldType(kind), value) == expected


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("integer", "7.5", "own: must be a whole number, not “7.5”"),
        ("integer", 2**53, "own: must be a whole number"),
        ("integer", True, "own: must be a whole number, not True"),
        ("number", "nan", "own: must be a number, not “nan”"),
        ("date", "tomorrow", "own: must be an ISO date"),
        ("boolean", "maybe", "own: must be true or false, not “maybe”"),
        ("keyword", {"a": 1}, "own: must be text or a list of texts"),
        ("text", ("a", "b"), "own: must be text, not"),
        ("text", 7, "own: must be text, not 7"),
    ],
)
def test_a_value_of_another_type_is_refused_by_name(kind: Any, value: object, message: str) -> None:
    with pytest.raises(InvalidArticle, match=message):
        convert_value("own", FieldType(kind), value)
