"""JSON Lines: a record a line; a bad line does not affect the others."""

from __future__ import annotations

import json
from collections.abc import Iterator

from msgspec import DecodeError
from msgspec.json import decode

from indexer.article import Article, Failure
from indexer.readers.document import TextDocument
from indexer.readers.records import BadRecord, RecordReader


def read_articles(document: TextDocument) -> Iterator[Article | Failure]:
    """Return an article for each line, or a failure named `name:line`; blank lines are skipped.

    Raises UnreadableDocument if all lines are blank.
    """
    return RecordReader(document).read(_split_lines(document), parse_json, "line")


def parse_json(text: str) -> object:
    """Return the value of a JSON text; raises BadRecord if it is none."""
    try:
        return decode(text)
    except DecodeError:
        pass
    except RecursionError as error:
        raise BadRecord("nested too deeply") from error
    # Python's own parser is slower, and also reads what other programs write although it is not JSON: NaN for
    # what is missing, control characters, half a character. Its messages tell what was expected.
    try:
        return json.loads(text, parse_constant=lambda _name: None, strict=False)
    except (ValueError, RecursionError) as error:
        raise BadRecord(f"not JSON: {error}") from error


def _split_lines(document: TextDocument) -> Iterator[tuple[int, str]]:
    """Yield the lines that are not blank, with their numbers."""
    text, number, start = document.text, document.first_line - 1, 0
    # Not splitlines(): JSON strings may contain U+2028 and other line breaks. A list of all lines would take
    # as much memory as the text.
    while start <= len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        line, start = text[start:end], end + 1
        number += 1
        if line and not line.isspace():
            yield number, line
