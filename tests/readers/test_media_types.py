"""Media types: each suffix has a reader, and a text that is plainly of another type is read as that."""

from __future__ import annotations

from importlib import import_module
from io import BytesIO

import pytest

from indexer import readers
from indexer.article import Article
from indexer.readers import SUFFIXES, ReadOptions, read


def test_every_media_type_has_a_reader() -> None:
    for name, suffixes in readers._MEDIA_TYPES.items():
        assert callable(import_module(f"indexer.readers.{name}").read_articles)
        assert {*suffixes, *(f"{suffix}.gz" for suffix in suffixes)} <= SUFFIXES


@pytest.mark.parametrize(
    ("name", "data", "title"),
    [
        ("a.txt", b"<html><title>A page</title><p>Text.", "A page"),
        ("a.html", b"A title\n\nNo markup.", "A title"),
        ("a", b"# A heading\n\nText.", "A heading"),
        ("a", b'{"title": "A line"}\n', "A line"),
        ("a.unknown", b"A title\n\nText.", "A title"),
    ],
)
def test_the_content_decides_where_the_suffix_is_missing_or_wrong(name: str, data: bytes, title: str) -> None:
    (found,) = read(BytesIO(data), name, "id", ReadOptions())
    assert isinstance(found, Article)
    assert found.title == title
