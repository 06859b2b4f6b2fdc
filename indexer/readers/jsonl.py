"""JSON Lines, one article a line: `id`, `title`, `published`, `paragraphs` or `text`, `url`, `language`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from indexer.allowance import MOST_TEXT
from indexer.article import Article, Encoding, Failure, Published, normalize_space
from indexer.errors import InvalidArticle, NutgrafError, UnreadableDocument
from indexer.readers.dates import choose, parse_date
from indexer.readers.options import ReadOptions, check_length

_FIELDS = "id title published date paragraphs text url language"
_PLAIN_DATE = re.compile(r"(?:1[4-9]|20)\d\d-\d\d(?:-\d\d(?:T(?!00:00)\d\d:\d\d(?::\d\d)?)?)?")
_MOST_BAD = 100
"""Bad lines of a text that are named one by one: a file may have millions of them."""
_BLANK = re.compile(r"\n[^\S\n]*\n\s*")


class _BadLineError(NutgrafError):
    """A line is no article."""


def read_lines(
    text: str, name: str, article_id: str, options: ReadOptions, encoding: Encoding, first_line: int = 1
) -> Iterator[Article | Failure]:
    """An article for each line, or a failure named `name:line`; blank lines are passed over.

    The lines are counted from `first_line`.

    Raises UnreadableDocument at once when there is no line at all.
    """
    if not text.strip():
        raise UnreadableDocument("JSON Lines are wanted, the file has no text in it")
    return _lines(text, name, article_id, options, encoding, first_line)


def _lines(
    text: str, name: str, article_id: str, options: ReadOptions, encoding: Encoding, first_line: int
) -> Iterator[Article | Failure]:
    number, start, bad = first_line - 1, 0, 0
    # Not splitlines(): JSON strings may hold U+2028 and other breaks as they are. One by one: all of them
    # would be as much again.
    while start <= len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        begin, start = start, end + 1
        number += 1
        if end == begin or text[begin:end].isspace():
            continue
        try:
            yield _article(text[begin:end], name, f"{article_id}-{number}", options, encoding)
        except (_BadLineError, InvalidArticle) as error:
            bad += 1
            if bad <= _MOST_BAD:
                yield Failure(f"{name}:{number}", str(error))
    if bad > _MOST_BAD:
        yield Failure(name, f"{bad - _MOST_BAD:,} more lines up to line {number} are no articles either")


def _article(line: str, name: str, fallback: str, options: ReadOptions, encoding: Encoding) -> Article:
    try:
        record = json.loads(line)
    except ValueError as error:
        raise _BadLineError(f"a JSON object is wanted, this is not JSON: {error}") from error
    except RecursionError as error:
        raise _BadLineError("a JSON object is wanted, this one is nested too deeply") from error
    if not isinstance(record, dict):
        raise _BadLineError(f"a JSON object is wanted, a {_kind(record)} was found")
    if not record.keys() & {"title", "paragraphs", "text"}:
        raise _BadLineError(f"one of title, paragraphs or text is wanted; the fields known are {_FIELDS}")
    notes: list[str] = []
    title, texts = _string(record, "title"), tuple(_paragraphs(record))
    if len(line) > MOST_TEXT // 4:  # a character has four bytes at most
        check_length(sum(len(text.encode("utf-8", "surrogatepass")) for text in (title, *texts)))
    return Article(
        id=_id(record.get("id"), fallback),
        title=title,
        paragraphs=texts,
        published=_published(record, options, notes),
        language=_string(record, "language").strip() or None,
        url=_url(record, notes),
        source=name,
        encoding=encoding,
        notes=tuple(notes),
    )


def _kind(value: object) -> str:
    names = {str: "string", list: "list", bool: "truth value", int: "number", float: "number"}
    return names.get(type(value), "null")


def _id(value: object, fallback: str) -> str:
    if value is None or value == "":
        return fallback
    if isinstance(value, str):
        return value.strip() or fallback
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, float) and value == value:
        return f"{value:g}"
    raise _BadLineError(f"id: a string or a number is wanted, a {_kind(value)} was found")


def _string(record: dict[str, Any], name: str) -> str:
    value = record.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _BadLineError(f"{name}: a string is wanted, a {_kind(value)} was found")
    return value


def _paragraphs(record: dict[str, Any]) -> list[str]:
    given = record.get("paragraphs")
    if given is None:
        text = _string(record, "text").replace("\r\n", "\n")
        return [*map(normalize_space, _BLANK.split(text))]
    if not isinstance(given, list) or not all(isinstance(part, str) for part in given):
        raise _BadLineError("paragraphs: a list of strings is wanted")
    return [*map(normalize_space, given)]


def _published(record: dict[str, Any], options: ReadOptions, notes: list[str]) -> Published | None:
    value = record.get("published", record.get("date"))
    if value is None or value == "":
        return None
    if isinstance(value, str) and _PLAIN_DATE.fullmatch(value) and value < options.now().isoformat():
        # What a program writes; anything else takes the long way.
        try:
            return Published.parse(value)
        except ValueError:
            pass
    found = parse_date(value, "given", options)
    if found is None:
        notes.append(f"published: {str(value)[:60]!r} is no date that is understood")
        return None
    published, said = choose([found], options)
    notes.extend(said)
    return published


def _url(record: dict[str, Any], notes: list[str]) -> str | None:
    from indexer.readers.urls import web_address

    value = _string(record, "url").strip()
    if not value:
        return None
    address = web_address(value)
    if address is None:
        notes.append(f"url: {value[:60]!r} is no http or https address and was left out")
    return address
