"""JSON: arrays of records, objects that have one, and objects that are an article."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest

from indexer.article import Article, Failure
from indexer.errors import UnreadableDocument
from indexer.readers import read
from tests.fixtures.documents import OPTIONS, read_all, read_article

ONE, TWO = {"title": "One"}, {"id": "two", "title": "Two"}


def ids(value: Any) -> list[str]:
    return [
        found.path if isinstance(found, Failure) else found.id
        for found in read_all(json.dumps(value), "a.json")
    ]


@pytest.mark.parametrize(
    "value",
    [
        [ONE, TWO],
        {"articles": [ONE, TWO], "total": 2},
        {"data": {"items": [ONE, TWO]}},
        {"title": "The name of a list", "items": [ONE, TWO]},
        {"links": [{"title": "Home"}], "posts": [ONE, TWO]},
        {"authors": [{"name": "a"}, {"name": "b"}, {"name": "c"}], "posts": [ONE, TWO]},
    ],
)
def test_each_object_of_an_array_at_the_top_or_in_an_object_is_an_article(value: Any) -> None:
    assert ids(value) == ["a-1", "a/two"]


def test_an_object_with_a_text_is_one_article_whatever_arrays_it_has() -> None:
    found = read_article(json.dumps({"title": "T", "text": "One.", "related": [ONE, TWO]}), "a.json")
    assert (found.id, found.title, found.paragraphs) == ("a", "T", ("One.",))
    assert ids({"id": 7, "text": "One."}) == ["a/7"]


def test_what_is_no_article_in_an_array_is_a_failure_with_its_number() -> None:
    assert ids([ONE, 5, {"name": "x"}, TWO]) == ["a-1", "a.json:2", "a.json:3", "a/two"]


@pytest.mark.parametrize(
    "value",
    [{"name": "package", "version": "1"}, {"title": "A schema"}, [], [1, 2], "text", None, {"a": [[ONE]]}],
)
def test_json_without_articles_is_left_out_and_counted(value: Any) -> None:
    left_out: list[str] = []
    stream = BytesIO(json.dumps(value).encode())
    assert list(read(stream, "a.json", "a", OPTIONS, leave_out=left_out.append)) == []
    assert left_out == ["JSON without articles"]


def test_json_lines_under_the_suffix_of_json_and_the_other_way_round_are_read() -> None:
    lines = f"{json.dumps(ONE)}\n{json.dumps(TWO)}\n"
    array = json.dumps([ONE, TWO], indent=1)
    for text, name in ((lines, "a.json"), (array, "a.jsonl"), ("\ufeff" + array, "a.json")):
        assert [found.title for found in read_all(text, name) if isinstance(found, Article)] == ["One", "Two"]


@pytest.mark.parametrize("text", ['[{"title": "T"', "[" * 100_000, "{title: 1}", "plain text"])
def test_what_is_not_json_is_refused_with_the_reason(text: str) -> None:
    with pytest.raises(UnreadableDocument, match=r"not JSON: (.*line 1|it ends too early)"):
        read_all(text, "a.json")


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(UnreadableDocument, match="no text"):
        read_all("\n", "a.json")


def test_a_json_feed_is_read_as_a_feed() -> None:
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Harbour wire",
        "items": [{"id": "7", "title": "Ships", "content_html": "<p>One.</p><p>Two.</p>"}],
    }
    found = read_article(json.dumps(feed), "a.json")
    assert (found.id, found.publisher, found.paragraphs) == ("a/7", "Harbour wire", ("One.", "Two."))
