"""JSON: an object that is an article, or an array of such, at the top or in an object; or a JSON Feed.

An array is read element by element: `_Scanner` finds the end of each, and msgspec parses it. An object is
parsed as a whole, unless it is long.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any, TextIO

from indexer.article import Article, Failure
from indexer.errors import UnreadableDocument
from indexer.readers import jsonl
from indexer.readers.document import ReadOptions, RecordsDocument
from indexer.readers.records import (
    BadRecord,
    RecordReader,
    describe_too_large,
    max_record,
    measure_text,
    read_line,
)

JSON_FEED = "https://jsonfeed.org/version/"
"""How the `version` of a JSON Feed begins."""
WITHOUT_ARTICLES = "JSON without articles"
"""The kind of such files, among those that are not read."""
_SAMPLE = 10
"""Elements of an array that are looked at to tell whether it has articles."""
_WHOLE = 1 << 25
"""Characters of an object that is parsed as a whole."""
_CHUNK, _MAX_CHUNK = 1 << 16, 1 << 23
_MAX_DEPTH = 2
"""Objects around an array of articles."""
_SPACE = re.compile(r"[ \t\r\n]*")
_SCALAR = re.compile(r"[^\s,:\[\]{}\"]*")
# Possessive groups: a string without an end is read only once.
_STRING = r'[^"\\]*+(?:\\.[^"\\]*+)*+'
_REST_OF_STRING = re.compile(_STRING, re.DOTALL)
# Text up to the next bracket outside of a string, or up to a string without an end.
_FLAT = re.compile(rf'[^"\[\]{{}}]*+(?:"{_STRING}"[^"\[\]{{}}]*+)*+', re.DOTALL)
Element = str | BadRecord


def read_articles(document: RecordsDocument) -> Iterator[Article | Failure]:
    """Return an article for each record, or a failure named `name:number`, counted from 1.

    JSON without articles, such as the settings of a program, is left out. Raises UnreadableDocument if the
    text is not JSON, or not from some record on.
    """
    reader = RecordReader(document)
    scanner = _Scanner(document.rewind(), document.options)
    if scanner.peek() == "[":
        return _read_array(scanner, document, reader)
    text = document.rewind().read(_WHOLE + 1)
    if len(text) <= _WHOLE:
        return _read_whole(text, document, reader)
    del text
    line = read_line(document.rewind(), document.options)
    if _Scanner(document.text, document.options).peek() and _is_object(line):
        return jsonl.read_articles(document)
    return _read_long(document, reader)


def _read_array(
    scanner: _Scanner, document: RecordsDocument, reader: RecordReader
) -> Iterator[Article | Failure]:
    elements, first = scanner.read_array(), list[Element]()
    damage = None
    try:
        first.extend(islice(elements, _SAMPLE))
    except UnreadableDocument as error:
        damage = error  # what stands before it is read
    has_articles = _have_article(first, reader)
    if has_articles:
        yield from reader.read(enumerate(chain(first, elements), 1), jsonl.parse_json, "record", len)
    if damage:
        raise damage
    deque(elements, maxlen=0)
    scanner.end()
    if not has_articles:
        document.leave_out(WITHOUT_ARTICLES)


def _read_whole(text: str, document: RecordsDocument, reader: RecordReader) -> Iterator[Article | Failure]:
    try:
        value = jsonl.parse_json(text)
    except BadRecord as error:
        if _is_object(text.lstrip().partition("\n")[0]):
            return jsonl.read_articles(document)  # JSON Lines are often called .json
        raise UnreadableDocument(str(error)) from error
    if isinstance(value, dict) and str(value.get("version")).startswith(JSON_FEED):
        # Imported here, since most JSON is no feed.
        from indexer.readers.feed import read_json_feed

        return read_json_feed(document, value)
    if isinstance(value, dict) and reader.has_text(value):
        size = len(text)
        return reader.read([(0, value)], _identity, "record", lambda _: size)
    records = max(_find_arrays(value, reader), key=len, default=None)
    if records is None:
        document.leave_out(WITHOUT_ARTICLES)
        return iter(())
    size = len(text) // len(records)
    return reader.read(enumerate(records, 1), _identity, "record", lambda _: size)


def _read_long(document: RecordsDocument, reader: RecordReader) -> Iterator[Article | Failure]:
    """Read the longest array of articles in an object that is not parsed as a whole."""
    lengths: dict[int, int] = {}
    scanner = _Scanner(document.rewind(), document.options)
    for place, elements in enumerate(scanner.find_arrays()):
        first = list(islice(elements, _SAMPLE))
        if _have_article(first, reader):
            lengths[place] = len(first) + sum(1 for _ in elements)
    scanner.end()
    longest = max(lengths, key=lengths.__getitem__, default=None)
    if longest is None:
        document.leave_out(WITHOUT_ARTICLES)
        return iter(())
    scanner = _Scanner(document.rewind(), document.options)
    elements = next(islice(scanner.find_arrays(), longest, None))
    return reader.read(enumerate(elements, 1), jsonl.parse_json, "record", len)


def _identity(record: object) -> object:
    return record


def _is_object(line: str | None) -> bool:
    try:
        return line is not None and isinstance(jsonl.parse_json(line), dict)
    except BadRecord:
        return False


def _have_article(elements: Iterable[Element], reader: RecordReader) -> bool:
    for element in elements:
        try:
            if isinstance(element, str) and reader.is_article(jsonl.parse_json(element)):
                return True
        except BadRecord:
            pass  # it is reported when it is read
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


class _Scanner:
    """Takes a JSON text apart without parsing what is in its values, in as much memory as one of them takes.

    Its methods raise UnreadableDocument where the text ends too early, or is not JSON.
    """

    def __init__(self, file: TextIO, options: ReadOptions) -> None:
        self._file = file
        self._options = options
        self._text = ""
        self._at = 0

    def peek(self) -> str:
        """Return the next character that is no space; empty at the end."""
        while (at := _end(_SPACE, self._text, self._at)) == len(self._text):
            self._at = at
            if not self._fill():
                return ""
        self._at = at
        return self._text[at]

    def end(self) -> None:
        """Check that nothing follows."""
        if found := self.peek():
            raise UnreadableDocument(f"not JSON: {found!r} follows after its end")

    def read_value(self) -> Element:
        """Return the next value, not parsed, or a BadRecord if it is too large."""
        if not (first := self.peek()):
            raise UnreadableDocument("not JSON: it ends too early")
        at, depth, is_dropped = self._at, 0, False
        in_string = first == '"'
        at += in_string
        while True:
            if in_string:
                at = _end(_REST_OF_STRING, self._text, at)
                in_string = self._text[at : at + 1] != '"'
                at += not in_string
            elif first in "[{":
                at = _end(_FLAT, self._text, at)
                found = self._text[at : at + 1]
                depth += (found in ("[", "{")) - (found in ("]", "}"))
                in_string = found == '"'
                at += bool(found)
            else:
                at = _end(_SCALAR, self._text, at)
            is_whole = not in_string and not depth
            if is_whole and (first in '"[{' or at < len(self._text)):
                break
            if in_string or at == len(self._text):
                if measure_text(self._text[self._at : at]) > max_record(self._options):
                    is_dropped, self._at = True, at
                at -= self._at
                if not self._fill():
                    raise UnreadableDocument("not JSON: it ends too early")
        start, self._at = self._at, at
        if is_dropped:
            return BadRecord(describe_too_large(self._options))
        return self._text[start:at]

    def read_array(self) -> Iterator[Element]:
        """Yield the elements of the array that begins here."""
        self._take("[")
        if self.peek() == "]":
            self._take("]")
            return
        while True:
            yield self.read_value()
            if self._take(",]") == "]":
                return

    def find_arrays(self, depth: int = 0) -> Iterator[Iterator[Element]]:
        """Yield the elements of each array in the object that begins here, and in those in it.

        Those that are not taken before the next array are skipped.
        """
        self._take("{")
        if self.peek() == "}":
            self._take("}")
            return
        while True:
            self.read_value()
            self._take(":")
            if (first := self.peek()) == "[":
                elements = self.read_array()
                yield elements
                deque(elements, maxlen=0)
            elif first == "{" and depth + 1 < _MAX_DEPTH:
                yield from self.find_arrays(depth + 1)
            else:
                self.read_value()
            if self._take(",}") == "}":
                return

    def _take(self, wanted: str) -> str:
        found = self.peek()
        if not found or found not in wanted:
            problem = f"{found!r} stands where {wanted!r} is expected" if found else "it ends too early"
            raise UnreadableDocument(f"not JSON: {problem}")
        self._at += 1
        return found

    def _fill(self) -> bool:
        """Read more, dropping what has been taken; returns False at the end."""
        rest = self._text[self._at :]
        chunk = self._file.read(min(max(_CHUNK, len(rest)), _MAX_CHUNK))
        self._text, self._at = rest + chunk, 0
        return bool(chunk)


def _end(pattern: re.Pattern[str], text: str, start: int) -> int:
    """The end of a match, which may be empty."""
    match = pattern.match(text, start)
    return match.end() if match else start
