"""Media types: each suffix has a reader, and a text that is plainly of another type is read as that."""

from __future__ import annotations

from importlib import import_module

import pytest

from indexer import readers
from indexer.errors import UnreadableDocument
from indexer.readers import SUFFIXES
from tests.fixtures.documents import read_article


def test_every_media_type_has_a_reader() -> None:
    for name, suffixes in readers._MEDIA_TYPES.items():
        assert callable(import_module(f"indexer.readers.{name}").read_articles)
        assert {*suffixes, *(f"{suffix}.gz" for suffix in suffixes)} <= SUFFIXES


@pytest.mark.parametrize(
    ("name", "data", "title"),
    [
        ("a.txt", b"<html><title>A page</title><p>Text.", "A page"),
        ("a.html", b"A title\n\nNo markup.", "A title"),
        ("a", b"<!DOCTYPE html><title>A page</title><p>Text.", "A page"),
        ("a", b"# A heading\n\nText.", "A heading"),
        ("a.dat", b"# A heading\n\nText.", "A heading"),
        ("a", b'{"title": "A line"}\n', "A line"),
        ("a.unknown", b"A title\n\nText.", "A title"),
    ],
)
def test_the_content_decides_where_the_suffix_is_missing_or_wrong(name: str, data: bytes, title: str) -> None:
    assert read_article(data, name).title == title


def test_a_pdf_is_no_text_whatever_its_name_says() -> None:
    with pytest.raises(UnreadableDocument, match="it is a PDF"):
        read_article(b"%PDF-1.4\n1 0 obj << >> endobj\n", "a.txt")
