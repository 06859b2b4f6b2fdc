"""JSON: arrays of records, objects that have one, and objects that are an article."""

from __future__ import annotations

import json
from dataclasses import replace
from io import BytesIO, StringIO
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from indexer.article import Article, Encoding, Failure
from indexer.errors import UnreadableDocument
from indexer.readers import ReadOptions, RecordsDocument, jsonl, read
from indexer.readers.json import read_articles
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


def test_an_empty_file_has_no_records() -> None:
    assert read_all("\n", "a.json") == [Failure("a.json", "contains no text")]


def test_a_json_feed_is_read_as_a_feed() -> None:
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Harbour wire",
        "items": [{"id": "7", "title": "Ships", "content_html": "<p>One.</p><p>Two.</p>"}],
    }
    found = read_article(json.dumps(feed), "a.json")
    assert (found.id, found.publisher, found.paragraphs) == ("a/7", "Harbour wire", ("One.", "Two."))


class _Trickle(StringIO):
    """A text of which each call reads only a few characters."""

    def read(self, size: int | None = -1) -> str:
        """Return at most three characters."""
        return super().read(min(size or 3, 3) if size is not None and size > 0 else 3)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    texts=st.lists(st.tuples(st.text(), values), min_size=1, max_size=4), indent=st.sampled_from([None, 1])
)
@example(texts=[('\\"]}', ['\\\\"', {'"': "[{"}]), ("\\", "\\\\")], indent=None)
def test_an_array_is_divided_where_its_elements_end_whatever_is_in_them(
    texts: list[tuple[str, Any]], indent: int | None
) -> None:
    records = [{"title": f"T{text}", "more": more} for text, more in texts]
    text = f"\n{json.dumps(records, indent=indent)} "
    for stream in (_Trickle(text), StringIO(text)):
        document = RecordsDocument(
            name="a.json", article_id="a", options=OPTIONS, text=stream, encoding=Encoding("utf-8")
        )
        found = [item.title if isinstance(item, Article) else item for item in read_articles(document)]
        expected = [
            item.title for item in jsonl.read_articles(_lines_of(records)) if isinstance(item, Article)
        ]
        assert found == expected


def _lines_of(records: list[Any]) -> RecordsDocument:
    return RecordsDocument(
        name="a.json",
        article_id="a",
        options=OPTIONS,
        text=StringIO("\n".join(map(json.dumps, records))),
        encoding=Encoding("utf-8"),
    )


def read_until_damage(text: str, options: ReadOptions = OPTIONS) -> tuple[list[str], str]:
    """The ids of articles and the paths of failures, and why the rest is not read."""
    found: list[str] = []
    try:
        for item in read(BytesIO(text.encode()), "a.json", "a", options):
            found.append(item.path if isinstance(item, Failure) else item.id)
    except UnreadableDocument as error:
        return found, str(error)
    return found, ""


@pytest.mark.parametrize(
    ("text", "ids", "reason"),
    [
        ('[{"title": "A"}, {"title": B}, {"title": "C"}]', ["a-1", "a.json:2", "a-3"], ""),
        ('[{"title": "A"}, , {"title": "C"}]', ["a-1", "a.json:2", "a-3"], ""),
        ('[{"title": "A"}, {"title": "B', ["a-1"], "not JSON: it ends too early"),
        ('[{"title": "A"}, {"title": "B\\', ["a-1"], "not JSON: it ends too early"),
        ('[{"title": "A"}', ["a-1"], "not JSON: it ends too early"),
        ('[{"title": "A"},', ["a-1"], "not JSON: it ends too early"),
        ('[{"title": "A"} {"title": "B"}]', ["a-1"], "not JSON: '{' stands where ',]' is expected"),
        ('[{"title": "A"}] [1]', ["a-1"], "not JSON: '[' follows after its end"),
    ],
)
def test_an_array_is_read_up_to_where_it_is_damaged(text: str, ids: list[str], reason: str) -> None:
    assert read_until_damage(text) == (ids, reason)


@pytest.mark.parametrize("text", ['"{}"', '["{}"]', '{{"a": "{}"}}', '"\\"{}"', "1{}"])
def test_an_element_that_is_too_large_is_named_and_the_others_are_read(text: str) -> None:
    large = text.replace("{{", "{").replace("}}", "}").replace("{}", "5" * 300_000)
    options = replace(OPTIONS, max_bytes=100_000)
    array = f'[{{"title": "A"}}, {large}, {{"title": "C"}}]'
    assert read_until_damage(array, options) == (["a-1", "a.json:2", "a-3"], "")
    (failed,) = (f for f in read_all(array, "a.json", options) if isinstance(f, Failure))
    assert failed.reason == "larger than 0.0953674 MB"


@pytest.mark.parametrize(
    "around",
    [
        '{"x": "PAD", "few": [{"title": "F"}], "posts": RECORDS, "n": 1}',
        '{"data": {"posts": RECORDS, "none": []}, "x": ["PAD"]}',
        '{"data": {"deep": {"posts": [{"title": "D"}, {"title": "D"}, {"title": "D"}]}, "posts": RECORDS}, '
        '"x": {"y": "PAD"}}',
    ],
)
def test_of_an_object_that_is_too_long_to_parse_the_longest_array_of_articles_is_read(around: str) -> None:
    records = json.dumps([ONE, 5, TWO])
    text = around.replace("RECORDS", records).replace("PAD", "x" * (1 << 25))
    assert read_until_damage(text) == (["a-1", "a.json:2", "a/two"], "")
    left_out: list[str] = []
    text = around.replace("RECORDS", "[1]").replace("title", "name").replace("PAD", "x" * (1 << 25))
    assert read_all(text, "a.json", leave_out=left_out.append) == []
    assert left_out == ["JSON without articles"]


def test_json_lines_under_the_suffix_of_json_are_read_also_if_there_are_many() -> None:
    text = f"{json.dumps(ONE)}\n{json.dumps({'title': 'x' * (1 << 25)})}\n{json.dumps(TWO)}\n"
    assert read_until_damage(text) == (["a-1", "a.json:2", "a/two"], "")
