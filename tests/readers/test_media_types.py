"""Media types: each suffix has a reader, and a text that is plainly of another type is read as that."""

from __future__ import annotations

from importlib import import_module
from io import BytesIO

import pytest

from indexer.article import Article, Failure
from indexer.readers import Details, ReadOptions, find_unread_kind
from indexer.readers.dispatch import read_member
from indexer.readers.document import BinaryDocument
from indexer.readers.media_types import MEDIA_TYPES
from tests.fixtures.documents import read_article


def test_every_media_type_has_a_reader() -> None:
    for kind in MEDIA_TYPES:
        assert callable(import_module(f"indexer.readers.{kind.module}").read_articles)
        if kind.is_installed:
            names = (*kind.suffixes, *(f"A{suffix.upper()}.gz" for suffix in kind.suffixes))
            assert [*map(find_unread_kind, names)] == [None] * len(names)


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


CONTAINER = BinaryDocument(
    name="a.zip",
    article_id="a-1",
    options=ReadOptions(),
    stream=BytesIO(),
    size=0,
    context=Details(section="News"),
)


def test_a_document_in_a_container_has_the_path_and_an_id_below_it_and_what_the_container_states() -> None:
    details = Details(authors=("Ada Berg",), language="en")
    (article,) = read_member(CONTAINER, BytesIO(b"A title\n\nText."), "in/b.txt", details)
    assert isinstance(article, Article)
    assert (article.id, article.source) == ("a-1/in/b.txt", "a.zip/in/b.txt")
    assert (article.section, article.authors, article.language) == ("News", ("Ada Berg",), "en")


def test_a_document_in_a_container_that_cannot_be_read_is_a_failure() -> None:
    (failure,) = read_member(CONTAINER, BytesIO(b""), "b.txt")
    assert failure == Failure("a.zip/b.txt", "contains no text")


def test_containers_in_containers_end_somewhere() -> None:
    deep = BinaryDocument(
        name="a.zip", article_id="a-1", options=ReadOptions(), stream=BytesIO(), size=0, depth=3
    )
    (failure,) = read_member(deep, BytesIO(b"A title"), "b.txt")
    assert isinstance(failure, Failure)
    assert "lies in more than 3" in failure.reason
