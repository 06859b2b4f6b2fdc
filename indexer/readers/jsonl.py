"""JSON Lines: a record a line; a bad line does not affect the others."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from msgspec import DecodeError
from msgspec.json import decode

from indexer.article import Article, Failure
from indexer.readers.document import RecordsDocument
from indexer.readers.records import BadRecord, RecordReader, describe_too_large, read_line

_NULS = re.compile("\0+")


def read_articles(document: RecordsDocument) -> Iterator[Article | Failure]:
    """Return an article for each line, or a failure named `name:line`; blank lines are skipped."""
    return RecordReader(document).read(_split_lines(document), parse_json, "line", len)


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


def _split_lines(document: RecordsDocument) -> Iterator[tuple[int, str | BadRecord]]:
    """Yield the lines that are not blank, with their numbers."""
    text, options, number = document.rewind(), document.options, document.first_line - 1
    while (line := read_line(text, options)) != "":
        number += 1
        if line is None:
            yield number, BadRecord(describe_too_large(options))
        elif not line.isspace():
            # NUL bytes, which a crash may leave, spoil only the line that they are in.
            yield number, _NULS.sub("\ufffd", line) if "\0" in line else line
