"""JSON Lines, an article a line: `id`, `title`, `published`, `paragraphs` or `text`, `url`, `language`.

The `id` that a line states is unique in its file only: the article's id is that of the file and this one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from indexer.article import Article, Failure, Published, is_language, make_record_id, normalize_space
from indexer.errors import InvalidArticle, NutgrafError, UnreadableDocument
from indexer.limits import ARTICLE_TEXT
from indexer.readers.dates import choose_date
from indexer.readers.document import ReadOptions, TextDocument, check_length, has_markup, web_address
from indexer.readers.expressions import parse_date

_FIELDS = "id, title, published, date, paragraphs, text, url, language"
_ISO_DATE = re.compile(r"(?:1[4-9]|20)\d\d-\d\d(?:-\d\d(?:T(?!00:00)\d\d:\d\d(?::\d\d)?)?)?")
_MAX_FAILURES = 100
"""Bad lines of a text that are listed one by one: a file may have millions of them."""
_BLANK_LINES = re.compile(r"\n[^\S\n]*\n\s*")
_JSON_TYPES = {str: "a string", list: "a list", bool: "a boolean", int: "a number", float: "a number"}


class _BadLineError(NutgrafError):
    """A line that is not an article."""


def read_articles(document: TextDocument) -> Iterator[Article | Failure]:
    """Return an article for each line, or a failure named `name:line`; blank lines are skipped.

    Raises UnreadableDocument if all lines are blank.
    """
    if not document.text.strip():
        raise UnreadableDocument("contains no text")
    return _read_lines(document)


def _read_lines(document: TextDocument) -> Iterator[Article | Failure]:
    text, number = document.text, document.first_line - 1
    start = failures = 0
    # Not splitlines(): JSON strings may contain U+2028 and other line breaks. A list of all lines would take
    # as much memory as the text.
    while start <= len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        line, start = text[start:end], end + 1
        number += 1
        if not line or line.isspace():
            continue
        try:
            yield _parse_article(line, number, document)
        except (_BadLineError, InvalidArticle) as error:
            failures += 1
            if failures <= _MAX_FAILURES:
                yield Failure(f"{document.name}:{number}", str(error))
    if failures > _MAX_FAILURES:
        more = failures - _MAX_FAILURES
        yield Failure(document.name, f"{more:,} more lines up to line {number} are not articles")


def _parse_article(line: str, number: int, document: TextDocument) -> Article:
    try:
        record = json.loads(line)
    except ValueError as error:
        raise _BadLineError(f"not JSON: {error}") from error
    except RecursionError as error:
        raise _BadLineError("nested too deeply") from error
    if not isinstance(record, dict):
        raise _BadLineError(f"must be a JSON object, not {_json_type(record)}")
    if not record.keys() & {"title", "paragraphs", "text"}:
        raise _BadLineError(f"has none of title, paragraphs and text; the known fields are {_FIELDS}")
    notes: list[str] = []
    title, paragraphs = _get_string(record, "title"), _get_paragraphs(record, notes)
    if len(line) > ARTICLE_TEXT // 4:  # a character has four bytes at most
        check_length(sum(len(text.encode("utf-8", "surrogatepass")) for text in (title, *paragraphs)))
    return Article(
        id=_get_id(record.get("id"), number, document),
        title=title,
        paragraphs=paragraphs,
        published=_get_date(record, document.options, notes),
        language=_get_language(record, notes),
        url=_get_url(record, notes),
        source=document.name,
        encoding=document.encoding,
        notes=notes,
    )


def _json_type(value: object) -> str:
    return _JSON_TYPES.get(type(value), "an object" if isinstance(value, dict) else "null")


def _get_id(value: object, number: int, document: TextDocument) -> str:
    """The id of the article in a line: of the id that the line states, or else of the line's number."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    elif isinstance(value, float) and value == value:
        value = f"{value:g}"
    if value is not None and not isinstance(value, str):
        raise _BadLineError(f"id: must be a string or a number, not {_json_type(value)}")
    name = (value or "").strip()
    return make_record_id(document.article_id, name) if name else f"{document.article_id}-{number}"


def _get_string(record: dict[str, Any], name: str) -> str:
    value = record.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _BadLineError(f"{name}: must be a string, not {_json_type(value)}")
    return value


def _get_paragraphs(record: dict[str, Any], notes: list[str]) -> list[str]:
    given = record.get("paragraphs")
    if given is None:
        text = _get_string(record, "text")
        if has_markup(text):
            # Imported here, since most texts have no HTML.
            from indexer.readers.markup import extract_blocks, parse_visible

            notes.append("text: has HTML, of which the text was taken that a browser shows")
            return extract_blocks(parse_visible(text))
        given = _BLANK_LINES.split(text.replace("\r\n", "\n"))
    if not isinstance(given, list) or not all(isinstance(part, str) for part in given):
        raise _BadLineError("paragraphs: must be a list of strings")
    return [*map(normalize_space, given)]


def _get_date(record: dict[str, Any], options: ReadOptions, notes: list[str]) -> Published | None:
    value = record.get("published", record.get("date"))
    if value is None or value == "":
        return None
    if isinstance(value, str) and _ISO_DATE.fullmatch(value) and value < options.last_day().isoformat():
        # Most dates are ISO 8601, which is parsed much faster than any other form.
        try:
            return Published.parse(value)
        except ValueError:
            pass
    found = parse_date(value, "given", options)
    if found is None:
        notes.append(f"published: {str(value)[:60]!r} was not understood as a date")
        return None
    published, remarks = choose_date([found], options)
    notes.extend(remarks)
    return published


def _get_language(record: dict[str, Any], notes: list[str]) -> str | None:
    value = _get_string(record, "language").strip()
    if not value or is_language(value):
        return value or None
    notes.append(f"language: skipped {value[:60]!r}, which is not the code of a language")
    return None


def _get_url(record: dict[str, Any], notes: list[str]) -> str | None:
    value = _get_string(record, "url").strip()
    address = web_address(value)
    if value and address is None:
        notes.append(f"url: skipped {value[:60]!r}, which is not an http or https address")
    return address
