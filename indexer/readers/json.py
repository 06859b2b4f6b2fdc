"""JSON: an object that is an article, or an array of such, at the top or in an object; or a JSON Feed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from indexer.article import Article, Failure
from indexer.errors import UnreadableDocument
from indexer.readers import jsonl
from indexer.readers.document import TextDocument
from indexer.readers.records import BadRecord, RecordReader

JSON_FEED = "https://jsonfeed.org/version/"
"""How the `version` of a JSON Feed begins."""
WITHOUT_ARTICLES = "JSON without articles"
"""The kind of such files, among those that are not read."""
_SAMPLE = 10
"""Elements of an array that are looked at to tell whether it has articles."""


def read_articles(document: TextDocument) -> Iterator[Article | Failure]:
    """Return an article for each record, or a failure named `name:number`, counted from 1.

    JSON without articles, such as the settings of a program, is left out. Raises UnreadableDocument if the
    text is not JSON.
    """
    reader = RecordReader(document)
    try:
        value = jsonl.parse_json(document.text)
    except BadRecord as error:
        if _is_object(document.text.lstrip().partition("\n")[0]):
            return jsonl.read_articles(document)  # JSON Lines are often called .json
        raise UnreadableDocument(str(error)) from error
    if isinstance(value, dict) and str(value.get("version")).startswith(JSON_FEED):
        # Imported here, since most JSON is no feed.
        from indexer.readers.feed import read_json_feed

        return read_json_feed(document, value)
    if isinstance(value, dict) and reader.has_text(value):
        return reader.read([(0, value)], _identity, "record")
    records = max(_find_arrays(value, reader), key=len, default=None)
    if records is None:
        document.leave_out(WITHOUT_ARTICLES)
        return iter(())
    return reader.read(enumerate(records, 1), _identity, "record")


def _identity(record: object) -> object:
    return record


def _is_object(line: str) -> bool:
    try:
        return isinstance(jsonl.parse_json(line), dict)
    except BadRecord:
        return False


def _find_arrays(value: object, reader: RecordReader) -> Iterator[list[Any]]:
    """Yield the arrays that begin with an article: the value, those in it, and those one object deeper."""
    values = [value]
    if isinstance(value, dict):
        values = [*value.values()]
        values += [inner for one in value.values() if isinstance(one, dict) for inner in one.values()]
    for found in values:
        if isinstance(found, list) and any(map(reader.is_article, found[:_SAMPLE])):
            yield found
