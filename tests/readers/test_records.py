"""Records: named fields become an article, and a field that cannot be used costs no article."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from indexer.article import Article, Failure
from indexer.fields import parse_fields
from indexer.limits import VALUES
from indexer.readers import ReadOptions
from tests.fixtures.documents import OPTIONS, read_all, read_article

OWN = replace(
    OPTIONS,
    fields=parse_fields(
        {
            "desk": {"type": "keyword"},
            "edition": {"type": "integer"},
            "embargo": {"type": "date"},
            "is_free": {"type": "boolean"},
            "summary": {"type": "keyword"},
        }
    ),
)


def article(record: Any, options: ReadOptions = OPTIONS) -> Article:
    return read_article(json.dumps(record), "a.jsonl", options)


def mapped(**names: str) -> ReadOptions:
    return replace(OPTIONS, record=names)


def test_who_wrote_and_published_an_article_and_its_section_tags_and_pages_are_read() -> None:
    found = article(
        {"title": "T", "paragraphs": ["One.", "Two."], "authors": ["Ann Lee", "Bo Hall"], "section": "World",
         "tags": ["port", "sea"], "publisher": "The Paper", "page_numbers": [1, None]}
    )  # fmt: skip
    assert (found.authors, found.section, found.tags) == (("Ann Lee", "Bo Hall"), "World", ("port", "sea"))
    assert (found.publisher, found.page_numbers, found.notes) == ("The Paper", (1, None), ())


@pytest.mark.parametrize(
    ("record", "authors", "tags"),
    [
        ({"author": "Ann Lee"}, ("Ann Lee",), ()),
        ({"author": "Lee, Ann; Bo Hall | Cy"}, ("Lee, Ann", "Bo Hall", "Cy"), ()),
        ({"author": {"name": "Ann Lee", "url": "x"}}, ("Ann Lee",), ()),
        ({"authors": [{"name": "Ann Lee"}, "Bo Hall"]}, ("Ann Lee", "Bo Hall"), ()),
        ({"authors": "", "author": "Ann Lee"}, ("Ann Lee",), ()),
        ({"keywords": "port;sea;;port"}, (), ("port", "sea")),
        ({"categories": ["Food &amp; Drink", 2024]}, (), ("Food &amp; Drink", "2024")),
        ({"categories": "Food &amp; Drink; Sea"}, (), ("Food &amp; Drink", "Sea")),
        ({"authors": ["a;b"]}, ("a;b",), ()),
    ],
)
def test_names_are_read_from_a_list_from_objects_and_from_a_text_that_separates_them(
    record: Any, authors: tuple[str, ...], tags: tuple[str, ...]
) -> None:
    found = article({"title": "T", **record})
    assert (found.authors, found.tags, found.notes) == (authors, tags, ())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("authors", [True]),
        ("section", ["a", "b"]),
        ("publisher", {"title": "x"}),
        ("tags", [None]),
        ("tags", [f"tag {n}" for n in range(VALUES + 1)]),
        ("url", 5),
        ("language", 5),
        ("page_numbers", [1, 2]),
        ("page_numbers", [0]),
        ("page_numbers", ["1"]),
        ("page_numbers", 1),
    ],
)
def test_a_field_that_cannot_be_used_is_skipped_with_a_note_that_names_it(field: str, value: Any) -> None:
    found = article({"title": "T", "text": "One.", field: value})
    assert found.paragraphs == ("One.",)
    (note,) = found.notes
    assert note.startswith(f"{field}: skipped")


def test_declared_fields_are_converted_to_their_types_also_in_an_object_of_fields() -> None:
    inner = {"is_free": "yes", "summary": "Ships.", "desk": "other", "unknown": 1}
    record = {"title": "T", "desk": "world; home", "edition": "3", "embargo": "2024-05", "fields": inner}
    found = article(record, OWN)
    assert found.fields == {
        "desk": ("world", "home"), "edition": 3, "embargo": "2024-05", "is_free": True, "summary": ("Ships.",)
    }  # fmt: skip
    assert found.notes == ()


def test_a_wrong_value_of_a_declared_field_is_a_note() -> None:
    found = article({"title": "T", "edition": "third", "is_free": True}, OWN)
    assert found.fields == {"is_free": True}
    assert found.notes == ("skipped edition: must be a whole number, not “third”",)


@pytest.mark.parametrize(
    ("options", "record"),
    [
        (mapped(title="headline", authors="by.line"), {"headline": "T", "by": {"line": "Ann Lee"}}),
        (mapped(title="a.b.c", authors="by.name"), {"a": {"b": {"c": "T"}}, "by": [{"name": "Ann Lee"}]}),
        (mapped(title="head.line", authors="who"), {"head.line": "T", "who": ["Ann Lee"]}),
    ],
)
def test_records_may_have_their_fields_under_other_names_and_in_nested_objects(
    options: ReadOptions, record: Any
) -> None:
    found = article({**record, "title": "not this", "authors": "nor this"} | record, options)
    assert (found.title, found.authors) == ("T", ("Ann Lee",))


def test_one_name_may_stand_for_several_fields() -> None:
    found = article({"name": "T", "id": "7"}, mapped(title="name", paragraphs="name", published="id"))
    assert (found.id, found.title, found.paragraphs) == ("a/7", "T", ("T",))


def test_a_record_without_the_names_of_its_title_and_text_is_a_failure_that_gives_them() -> None:
    (failure,) = read_all('{"title": "T"}', "a.jsonl", mapped(title="headline", paragraphs="body"))
    assert isinstance(failure, Failure)
    assert failure.reason.startswith("has no headline or body; the known fields are id, headline,")


def test_a_declared_field_may_have_another_name_in_records_too() -> None:
    options = replace(OWN, record={"desk": "meta.desk"})
    assert article({"title": "T", "meta": {"desk": ["world"]}}, options).fields == {"desk": ("world",)}


def test_a_text_may_be_a_list_and_paragraphs_a_text() -> None:
    assert article({"text": ["One.", "Two."]}).paragraphs == ("One.", "Two.")
    assert article({"paragraphs": "One.\n\nTwo."}).paragraphs == ("One.", "Two.")
