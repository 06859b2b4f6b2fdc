"""JSON Lines: an article a line; a bad line does not affect the others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from indexer.article import Article, Failure
from tests.fixtures.documents import published, read_all, read_article


def lines(*records: Any) -> list[Article | Failure]:
    text = "\n".join(record if isinstance(record, str) else json.dumps(record) for record in records)
    return read_all(text, "sub/a.jsonl")


def article(record: Any) -> Article:
    return read_article(json.dumps(record), "sub/a.jsonl")


def test_every_field_is_read() -> None:
    found = article(
        {"id": "x1", "title": "T", "published": "2021-11-05T21:01", "paragraphs": ["One.", " ", "Two."],
         "url": "https://news.example/1", "language": "de"}
    )  # fmt: skip
    assert (found.id, found.title, found.paragraphs) == ("sub/a/x1", "T", ("One.", "Two."))
    assert published(found) == "2021-11-05T21:01 given"
    assert (found.url, found.language, found.source) == ("https://news.example/1", "de", "sub/a.jsonl")
    assert found.encoding is not None


def test_text_is_divided_at_blank_lines() -> None:
    assert article({"id": "x", "text": "One\ntwo.\n\n \nThree."}).paragraphs == ("One two.", "Three.")


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (7, "sub/a/7"),
        (1234567.0, "sub/a/1234567"),
        (0.5, "sub/a/0.5"),
        (" a b ", "sub/a/a b"),
        (None, "sub/a-1"),
        ("", "sub/a-1"),
    ],
)
def test_an_id_is_that_of_the_file_with_the_text_or_number_that_the_line_states_or_its_own_number(
    given: Any, wanted: str
) -> None:
    assert article({"id": given, "title": "T"}).id == wanted


def test_the_field_date_replaces_published_and_keeps_its_precision() -> None:
    found = article({"id": "x", "title": "T", "date": "2021-11"}).published
    assert found is not None
    assert (found.value, found.precision) == ("2021-11", "month")


@pytest.mark.parametrize("value", ["soon", "2027-01-01", ["2020"], {"year": 2020}, 12])
def test_a_date_that_cannot_be_used_leaves_the_article_undated_with_a_note(value: Any) -> None:
    found = article({"id": "x", "title": "T", "published": value})
    assert found.published is None
    assert len(found.notes) == 1


def test_a_bad_line_is_reported_with_its_number_and_the_others_are_read() -> None:
    good = {"id": "x", "title": "T"}
    found = lines(
        good, "{broken", "", "[1, 2]", {"id": "y"}, {"id": ["z"], "title": "T"}, {"id": "p", "text": 5}, good
    )
    assert [f.path if isinstance(f, Failure) else f.id for f in found] == [
        "sub/a/x",
        *(f"sub/a.jsonl:{number}" for number in (2, 4, 5, 6, 7)),
        "sub/a/x",
    ]
    assert all(f.reason for f in found if isinstance(f, Failure))


def test_a_lone_surrogate_and_deep_nesting_are_failures_of_their_lines() -> None:
    found = lines('{"id": "x", "text": "\\ud800"}', "[" * 100_000, {"id": "a\u0001b", "title": "T"})
    assert all(isinstance(f, Failure) for f in found)


def test_a_language_that_does_not_exist_is_skipped_with_a_note() -> None:
    found = article({"id": "x", "title": "T", "language": "english"})
    assert found.language is None
    assert found.notes == ("language: skipped “english”, which is not the code of a language",)


def test_a_text_with_html_gives_what_a_browser_shows_with_a_note() -> None:
    found = article({"id": "x", "text": "<p>One <b>bold</b></p><script>no()</script><p>Two &amp; three</p>"})
    assert found.paragraphs == ("One bold", "Two & three")
    assert found.notes == ("text: has HTML, of which the text was taken that a browser shows",)


@pytest.mark.parametrize("text", ["1 < 2 and 3 > 2", "Write <b> for bold.", "a &amp; b", "<Enter> ends it."])
def test_a_text_that_only_looks_like_html_stays_as_it_is(text: str) -> None:
    found = article({"id": "x", "text": text})
    assert (found.paragraphs, found.notes) == ((text,), ())


def test_line_separators_inside_strings_do_not_break_lines() -> None:
    found = lines('{"id": "x", "text": "One\u2028two\u0085three"}')
    assert len(found) == 1


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "file:///etc/passwd", "//x.example", "https://", "http://a b"]
)
def test_only_web_addresses_are_kept(url: str) -> None:
    found = article({"id": "x", "title": "T", "url": url})
    assert found.url is None
    assert "skipped" in found.notes[0]


def test_an_empty_file_has_no_records() -> None:
    assert read_all(b"\n\n", "a.jsonl") == [Failure("a.jsonl", "contains no text")]
